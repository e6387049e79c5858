// Command demo does Assay's main job before your eyes: it starts a laboratory with the examples, sends
// real traffic, and prints the verdicts. In come the assay binary and the examples; out comes exit
// status 0 if every verdict is the expected one.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// study is one example: what its traffic asks for, and what must be found.
type study struct {
	name     string
	asks     func(*rand.Rand) string
	requests int // at most
	clients  int
	expected map[string]string // candidate -> outcome
	finding  string
}

var studies = []study{
	{
		name: "rounding-float", requests: 30_000, clients: 4,
		asks: func(r *rand.Rand) string { return fmt.Sprintf("/round?number=%g", float64(r.IntN(4001)-2000)/2) },
		expected: map[string]string{
			"candidate-1": "holds",
			"candidate-2": "refuted",
			"candidate-3": "refuted",
		},
		finding: "Python's round takes halves to the even neighbour, Go's math.Round away from zero, Math.round up.",
	},
	{
		name: "qr", requests: 2_000, clients: 2,
		asks: func(r *rand.Rand) string {
			return fmt.Sprintf("/qr?text=https://example.com/item/%d", r.IntN(1_000_000))
		},
		expected: map[string]string{"python": "holds", "wrong": "refuted"},
		finding:  "The PNG bytes differ and the pixels are the same, until one module is drawn wrong.",
	},
	{
		name: "memory", requests: 2_000, clients: 2,
		asks:     func(r *rand.Rand) string { return fmt.Sprintf("/primes?below=%d", 1000+r.IntN(20_000)) },
		expected: map[string]string{"mb-512": "holds", "mb-1024": "holds"},
		finding:  "More memory changes no answer.",
	},
}

func main() {
	var o options
	flag.StringVar(&o.assay, "assay", "bin/assay", "the binary")
	flag.StringVar(&o.examples, "examples", "examples", "the folder of the examples")
	flag.BoolVar(&o.exit, "exit", false, "end by itself when the verdicts are in")
	flag.DurationVar(&o.limit, "limit", 5*time.Minute, "longest time for the traffic of one example")
	flag.Uint64Var(&o.seed, "seed", 20190, "of the traffic")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

type options struct {
	assay    string
	examples string
	exit     bool
	limit    time.Duration
	seed     uint64
}

func run(ctx context.Context, o options) (err error) {
	data, err := os.MkdirTemp("", "assay-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	fmt.Println("Starting the laboratory with the examples (their dependencies are installed first) ...")
	lab, err := start(ctx, o, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.stop()) }()
	fmt.Printf("Ready. Gateway http://%s, console http://%s\n", lab.gateway, lab.console)
	var wrong []string
	for _, s := range studies {
		unexpected, err := lab.conduct(ctx, s, o)
		if err != nil {
			return err
		}
		wrong = append(wrong, unexpected...)
	}
	if err := lab.summarize(ctx); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return fmt.Errorf("not as expected:\n  %s", strings.Join(wrong, "\n  "))
	}
	fmt.Println("\nEvery verdict is the expected one.")
	if !o.exit {
		fmt.Printf("\nThe laboratory stays up. See what differs at http://%s, try it yourself:\n\n", lab.console)
		fmt.Printf("  curl 'http://%s/round?number=20.5'\n", lab.gateway)
		fmt.Printf("  %s trials rounding-float --mismatch\n\nCtrl-C ends it.\n", o.assay)
		<-ctx.Done()
	}
	return nil
}

// laboratory is a running assay.
type laboratory struct {
	binary  string
	command *exec.Cmd
	log     string
	gateway string
	console string
}

// ready finds the addresses in the log line that says so.
var ready = regexp.MustCompile(`msg=ready gateway=(\S+) aws=\S+ console=(\S+)`)

func start(ctx context.Context, o options, data string) (*laboratory, error) {
	args := []string{"up", "--data", filepath.Join(data, "data")}
	for _, e := range []string{"rounding", "qr", "memory"} {
		args = append(args, "-f", filepath.Join(o.examples, e))
	}
	if o.exit { // beside whatever runs on this machine
		args = append(args, "--gateway", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--console", "127.0.0.1:0")
	}
	l := &laboratory{binary: o.assay, log: filepath.Join(data, "assay.log"), command: exec.Command(o.assay, args...)}
	// Ctrl-C reaches the whole process group: the laboratory is to end when the demo says so.
	l.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := l.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := l.command.Start(); err != nil {
		return nil, err
	}
	addresses := make(chan []string, 1)
	go l.follow(stderr, addresses)
	select {
	case found := <-addresses:
		if found == nil {
			return nil, errors.Join(fmt.Errorf("the laboratory did not start:\n%s", l.tail()), l.stop())
		}
		l.gateway, l.console = found[1], found[2]
		return l, nil
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), l.stop())
	}
}

// follow copies the log to its file until the laboratory ends.
func (l *laboratory) follow(log io.Reader, addresses chan<- []string) {
	defer close(addresses)
	file, err := os.Create(l.log)
	if err != nil {
		return
	}
	defer file.Close()
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fmt.Fprintln(file, lines.Text())
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			addresses <- m
		}
	}
}

func (l *laboratory) tail() string {
	text, _ := os.ReadFile(l.log) // if it is not there, there is nothing to show
	return string(text[max(0, len(text)-4000):])
}

func (l *laboratory) stop() error {
	if l.command.ProcessState != nil {
		return nil
	}
	_ = l.command.Process.Signal(syscall.SIGTERM) // it may have ended already; Wait tells
	err := l.command.Wait()
	if err != nil {
		return fmt.Errorf("the laboratory ended with %w:\n%s", err, l.tail())
	}
	return nil
}

// conduct sends a study's traffic until every candidate is decided, and says what was not expected.
func (l *laboratory) conduct(ctx context.Context, s study, o options) ([]string, error) {
	fmt.Printf("\n%s: sending requests ...\n", s.name)
	traffic, stop := context.WithTimeout(ctx, o.limit)
	defer stop()
	var sent atomic.Int64
	var failed atomic.Pointer[error]
	var clients sync.WaitGroup
	for i := range s.clients {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(o.seed, uint64(i)))
			for traffic.Err() == nil && sent.Add(1) <= int64(s.requests) {
				if err := get(traffic, "http://"+l.gateway+s.asks(r)); err != nil && traffic.Err() == nil {
					failed.Store(&err)
					stop()
				}
			}
		})
	}
	watching := make(chan struct{})
	go func() { clients.Wait(); close(watching) }()
	l.watch(traffic, s, watching)
	stop()
	<-watching
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return l.report(ctx, s, l.settled(ctx, s))
}

// watch returns when every candidate is decided, or the traffic is over.
func (l *laboratory) watch(ctx context.Context, s study, over <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			if outcomes, _, err := l.outcomes(ctx, s.name); err == nil && decided(s, outcomes) {
				return
			}
		}
	}
}

// settled waits until no trial is in flight, and returns the outcomes then.
func (l *laboratory) settled(ctx context.Context, s study) map[string]string {
	for {
		outcomes, inFlight, err := l.outcomes(ctx, s.name)
		if err == nil && inFlight == 0 || ctx.Err() != nil {
			return outcomes
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func decided(s study, outcomes map[string]string) bool {
	for candidate := range s.expected {
		if o := outcomes[candidate]; o == "" || o == "inconclusive" {
			return false
		}
	}
	return true
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}

// outcomes asks for the verdicts by candidate, and how many trials are in flight.
func (l *laboratory) outcomes(ctx context.Context, experiment string) (map[string]string, int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.console+"/api/v1/experiments/"+experiment, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	var e struct {
		InFlight int `json:"in_flight"`
		Arms     []struct {
			Name    string
			Verdict struct{ Outcome string }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		return nil, 0, err
	}
	outcomes := map[string]string{}
	for _, a := range e.Arms {
		outcomes[a.Name] = a.Verdict.Outcome
	}
	return outcomes, e.InFlight, nil
}

// report prints the verdict as `assay verdict` does, and what it teaches.
func (l *laboratory) report(ctx context.Context, s study, outcomes map[string]string) (wrong []string, err error) {
	if err := l.assay(ctx, "verdict", s.name); err != nil {
		return nil, err
	}
	fmt.Println("\n  =>", s.finding)
	for candidate, expected := range s.expected {
		if got := outcomes[candidate]; got != expected {
			wrong = append(wrong, fmt.Sprintf("%s %s: %s, expected %s", s.name, candidate, got, expected))
		}
	}
	return wrong, nil
}

func (l *laboratory) summarize(ctx context.Context) error {
	fmt.Println()
	return l.assay(ctx, "get", "experiments")
}

// assay runs a command of the binary. Its exit code tells the outcome, which is read elsewhere.
func (l *laboratory) assay(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, l.binary, append(args, "--console", l.console)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	var exited *exec.ExitError
	if err := cmd.Run(); err != nil && (!errors.As(err, &exited) || exited.ExitCode() == 4) {
		return err
	}
	return nil
}
