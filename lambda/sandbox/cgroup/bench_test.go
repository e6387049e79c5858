//go:build linux

package cgroup

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// tree opens a tree on this machine's own groups.
func tree(t testing.TB) *Tree {
	t.Helper()
	tr := Open(fmt.Sprintf("assay-test-%d", os.Getpid()))
	if why := tr.Missing("memory"); why != "" {
		t.Skip(why)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

func BenchmarkGroup(b *testing.B) {
	tr := tree(b)
	limits := Limits{Memory: 512 << 20, CPU: 0.29, Pids: 1024}
	b.Run("new and remove", func(b *testing.B) {
		i := 0
		for b.Loop() {
			i++
			g, err := tr.New(fmt.Sprint(i), limits)
			if err != nil {
				b.Fatal(err)
			}
			if err := g.Remove(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		var all []*Group
		for b.Loop() {
			g, err := tr.New(fmt.Sprint("n", len(all)), limits)
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, g)
		}
		for _, g := range all {
			g.Remove()
		}
	})
	g, err := tr.New("x", limits)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "read x; while :; do sleep 0.01; done")
	in, _ := cmd.StdinPipe()
	cmd.Start()
	for _, f := range g.Tasks() {
		t0 := time.Now()
		if err := write(f, fmt.Sprint(cmd.Process.Pid)); err != nil {
			b.Fatal(err)
		}
		b.Log(f, time.Since(t0))
	}
	in.Close()
	b.Run("freeze and thaw", func(b *testing.B) {
		for b.Loop() {
			g.Freeze(true)
			g.Freeze(false)
		}
	})
	b.Run("peak", func(b *testing.B) {
		for b.Loop() {
			g.Peak()
		}
	})
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			g.Memory()
		}
	})
	b.Run("throttle", func(b *testing.B) {
		for b.Loop() {
			g.Throttle(true)
			g.Throttle(false)
		}
	})
	g.Kill()
	cmd.Wait()
	if err := g.Remove(); err != nil {
		b.Error(err)
	}
}
