//go:build linux

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// BenchmarkColdStart compares a process in a sandbox of its own, made and removed with it, with the
// same process alone: the ratio and the milliseconds added.
//
//	go test ./lambda/sandbox -run - -bench ColdStart
func BenchmarkColdStart(b *testing.B) {
	h := host(b, Options{})
	for name, argv := range map[string][]string{
		"true":   {"/bin/true"},
		"python": {python(b), "-c", "import json, http.client"},
		"node":   {"/usr/bin/node", "-e", "require('http')"},
	} {
		b.Run(name, func(b *testing.B) {
			if _, err := os.Stat(argv[0]); err != nil {
				b.Skip(err)
			}
			config := Config{MemoryMB: 512, CPU: 512. / 1769, Tools: Tools(argv[0])}
			var alone, boxed time.Duration
			least := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				began := time.Now()
				bare := exec.Command(argv[0], argv[1:]...)
				bare.Env = []string{"PATH=/usr/bin:/bin"}
				bare.Run()
				took := time.Since(began)
				alone, least[0] = alone+took, min(least[0], took)

				began = time.Now()
				s, err := h.New(config)
				if err != nil {
					b.Fatal(err)
				}
				p, err := s.Start(Command{Path: argv[0], Args: argv[1:], Env: []string{"PATH=/usr/bin:/bin"}, Dir: "/", Output: &buffer{}})
				if err != nil {
					b.Fatal(err)
				}
				<-p.Done()
				took = time.Since(began)
				boxed, least[1] = boxed+took, min(least[1], took)
				b.StopTimer()
				s.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(boxed)/float64(alone), "boxed/alone")
			b.ReportMetric(float64(least[1])/float64(least[0]), "best/best")
			b.ReportMetric((least[1]-least[0]).Seconds()*1000, "ms-added")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// python is the interpreter itself, not a script that looks for it.
func python(b *testing.B) string {
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		b.Skip(err)
	}
	return strings.TrimSpace(string(out))
}

// BenchmarkSandbox measures the parts of a sandbox's life.
func BenchmarkSandbox(b *testing.B) {
	h := host(b, Options{})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			s, err := h.New(Config{MemoryMB: 128, CPU: 0.07})
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			s.Close()
			b.StartTimer()
		}
	})
	b.Run("close", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			s, err := h.New(Config{MemoryMB: 128, CPU: 0.07})
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			s.Close()
		}
	})
	s := box(b, h, Config{MemoryMB: 128})
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			p, _ := run(b, s, "exit 0")
			<-p.Done()
		}
	})
	_, out := run(b, s, "while :; do echo up; sleep 60; done")
	await(b, out, "up")
	b.Run("freeze and thaw", func(b *testing.B) {
		for b.Loop() {
			s.Freeze()
			s.Thaw()
		}
	})
	b.Run("usage", func(b *testing.B) {
		for b.Loop() {
			s.Usage()
		}
	})
}

// BenchmarkShare runs a busy loop for two seconds on the CPU share of some sizes of memory and reports
// what it got, as a part of what it should have: 1 is exact. It needs an idle processor.
func BenchmarkShare(b *testing.B) {
	h := host(b, Options{})
	for _, memory := range []int{128, 512, 1769} {
		b.Run(fmt.Sprint(memory), func(b *testing.B) {
			s := box(b, h, Config{MemoryMB: memory, CPU: float64(memory) / 1769})
			if err := s.Throttle(true); err != nil {
				b.Fatal(err)
			}
			_, out := run(b, s, "echo up; while :; do :; done")
			await(b, out, "up")
			for b.Loop() {
				began, used := time.Now(), s.Usage().CPU
				time.Sleep(2 * time.Second)
				got := (s.Usage().CPU - used).Seconds() / time.Since(began).Seconds()
				b.ReportMetric(got/(float64(memory)/1769), "got/due")
			}
		})
	}
}

// BenchmarkIdle reports what frozen sandboxes cost: CPU time of all in a second, and memory of each
// beside its process.
func BenchmarkIdle(b *testing.B) {
	const many = 200
	h := host(b, Options{})
	for b.Loop() {
		var all []*Sandbox
		for range many {
			s := box(b, h, Config{MemoryMB: 128, CPU: 0.07})
			_, out := run(b, s, "echo up; while :; do :; done")
			await(b, out, "up")
			if err := s.Freeze(); err != nil {
				b.Fatal(err)
			}
			all = append(all, s)
		}
		time.Sleep(200 * time.Millisecond) // freezing is not waited for
		before := cpu(all)
		time.Sleep(time.Second)
		b.ReportMetric((cpu(all)-before).Seconds()*1000, "ms-CPU/s")
		var memory int64
		for _, s := range all {
			memory += s.group.Peak()
		}
		b.ReportMetric(float64(memory)/many/1024, "kB-each")
		for _, s := range all {
			s.Close()
		}
	}
}

func cpu(all []*Sandbox) (sum time.Duration) {
	for _, s := range all {
		sum += s.Usage().CPU
	}
	return sum
}
