package awsapi

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/lambda/control"
)

// BenchmarkWarmInvoke compares warm invocations through AWS's API with the same handler behind a bare
// net/http server. Both run in processes of their own and are called by the same clients, one after the
// other in short rounds, so that what else the machine does hits both alike. warm/bare, the median of the
// rounds, of 0.2 means that the API makes a fifth of the bare server's calls a second; an invocation has
// three HTTP hops (client to API, and the runtime's next and response) where the bare server has one.
//
//	go test ./lambda/awsapi -run - -bench WarmInvoke -benchtime 10x
//
// warm/bare-by-cpu compares the CPU time of all processes a call, which other work on the machine changes
// least.
//
// What it taught, on two cores: 0.25 with 1 caller, 0.09 with 8, and 0.08 with 32. A bare server with 8
// callers never sleeps, and takes 25 µs of CPU a call; an invocation makes the function's own HTTP client
// sleep and wake in 14 context switches, which take 340 µs of it, and the engine 220. An engine that cost
// nothing would come to 0.14; a function with GOMAXPROCS=1 comes to 0.12. Of the engine's part two fifths
// are system calls on sockets. Reading what the sandbox had used was a quarter of it while that opened
// files for what nobody asked: asking for the peak of memory alone made 8 callers 1.2 times as fast.
// Regular expressions on names, and parsing the query twice, were 3 %. Control groups and namespaces cost
// nothing that can be seen. The function needs a whole core (1,769 MB): with 128 MB the benchmark measures
// its throttle, 370 invokes a second. To profile the engine's process, set ASSAY_BENCH_PROFILE to a file.
func BenchmarkWarmInvoke(b *testing.B) {
	dir := b.TempDir()
	program := buildTrivial(b, dir)
	bare := startServer(b, exec.Command(program, "127.0.0.1:0"), "/")
	self := exec.Command(os.Args[0])
	self.Env = append(os.Environ(), "ASSAY_BENCH_ENGINE="+dir)
	warm := startServer(b, self, "/2015-03-31/functions/trivial/invocations")
	for _, callers := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			warm.measure(b, callers, 100*time.Millisecond) // starts environments
			var ratios []float64
			var x, y figures
			for b.Loop() {
				bareRound, warmRound := bare.measure(b, callers, 150*time.Millisecond), warm.measure(b, callers, 150*time.Millisecond)
				ratios = append(ratios, warmRound.rate()/bareRound.rate())
				x, y = x.plus(bareRound), y.plus(warmRound)
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "warm/bare")
			b.ReportMetric(x.cpuPerCall()/y.cpuPerCall(), "warm/bare-by-cpu")
			b.ReportMetric(y.rate(), "invokes/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// figures are what a number of calls took. CPU time is that of the client and of the server with all its
// processes.
type figures struct {
	calls     int64
	took, cpu time.Duration
}

func (f figures) plus(g figures) figures {
	return figures{f.calls + g.calls, f.took + g.took, f.cpu + g.cpu}
}

func (f figures) rate() float64       { return float64(f.calls) / f.took.Seconds() }
func (f figures) cpuPerCall() float64 { return f.cpu.Seconds() / float64(f.calls) }

// serverProcess is a server in a process of its own.
type serverProcess struct {
	url string
	pid int
}

// cpuTime is what this process, and another with all below it, have used.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	parents, ticks := map[int]int{}, map[int]int64{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, after, _ := strings.Cut(string(text), ") ") // the name before it may hold anything
		f := strings.Fields(after)
		id, _ := strconv.Atoi(strings.Split(path, "/")[2])
		parent, _ := strconv.Atoi(f[1])
		user, _ := strconv.ParseInt(f[11], 10, 64)
		system, _ := strconv.ParseInt(f[12], 10, 64)
		parents[id], ticks[id] = parent, user+system
	}
	sum := ticks[os.Getpid()]
	for id, n := range ticks {
		for at := id; at > 1; at = parents[at] {
			if at == pid {
				sum += n
				break
			}
		}
	}
	return time.Duration(sum) * 10 * time.Millisecond
}

func buildTrivial(b *testing.B, dir string) string {
	b.Helper()
	program := filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", program, "./testdata/trivial")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return program
}

// startServer starts a process that prints its address, and returns a URL there.
func startServer(b *testing.B, cmd *exec.Cmd, path string) serverProcess {
	b.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close() // asks the engine to end
		time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		if strings.HasSuffix(cmd.Path, "bootstrap") {
			cmd.Process.Kill()
		}
		cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return serverProcess{"http://" + strings.TrimSpace(address) + path, cmd.Process.Pid}
}

// benchEngine is the process of the engine: it ends with its standard input.
func benchEngine(dir string) error {
	code, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
	if err != nil {
		return err
	}
	debug.SetGCPercent(400) // as the command does
	engine, err := lambda.New(lambda.Options{Dir: filepath.Join(dir, "engine")})
	if err != nil {
		return err
	}
	defer engine.Close(context.Background())
	core := 1769 // MB, that give a whole core: what is measured is the way to the function, not its throttle
	_, err = engine.CreateFunction(context.Background(), control.CreateFunctionInput{
		FunctionName: "trivial", Runtime: "provided.al2023", Handler: "bootstrap", Role: role, MemorySize: &core,
		Code: control.FunctionCode{ZipFile: zipOf(map[string]string{"bootstrap": string(code)})},
	})
	if err != nil {
		return err
	}
	api, err := New(Options{Engine: engine, Plane: engine.Plane})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if path := os.Getenv("ASSAY_BENCH_PROFILE"); path != "" {
		file, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Println(l.Addr())
	server := &http.Server{Handler: api}
	go server.Serve(l)
	io.Copy(io.Discard, os.Stdin)
	return server.Close()
}

// measure lets a number of callers call for some time.
func (s serverProcess) measure(b *testing.B, callers int, d time.Duration) figures {
	b.Helper()
	payload := []byte(`{"hello":"world"}`)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	defer client.CloseIdleConnections()
	var calls atomic.Int64
	var group sync.WaitGroup
	used, began := cpuTime(b, s.pid), time.Now()
	for range callers {
		group.Go(func() {
			for time.Since(began) < d {
				if err := post(client, s.url, payload); err != nil {
					b.Error(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	group.Wait()
	return figures{calls.Load(), time.Since(began), cpuTime(b, s.pid) - used}
}

func post(client *http.Client, url string, payload []byte) error {
	response, err := client.Post(url, "application/json", bytes.NewReader(payload))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || !bytes.Equal(got, payload) {
		return fmt.Errorf("status %d: %s", response.StatusCode, got)
	}
	return nil
}
