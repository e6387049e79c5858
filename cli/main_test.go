package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/stream/natstest"
)

// TestMain lets the test binary be assay itself, so that tests run the real main as a process.
func TestMain(m *testing.M) {
	natstest.Main()
	testscript.Main(m, map[string]func(){"assay": func() { os.Exit(Main()) }})
}

// assayBinary is the command testscript installed for this run.
func assayBinary(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("assay")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// lab is a laboratory running as a process of its own.
type lab struct {
	t       *testing.T
	cmd     *exec.Cmd
	data    string
	gateway string
	console string
	aws     string
	ended   chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

var readyLine = regexp.MustCompile(`msg=ready gateway=(\S+) aws=(\S+) console=(\S+)`)

// startLab runs `assay up` on free ports, with its data in dir, and waits until it is ready.
func startLab(t *testing.T, dir string, args ...string) *lab {
	t.Helper()
	l := launch(t, dir, args...)
	l.wait()
	return l
}

// wait returns when the laboratory is ready.
func (l *lab) wait() {
	l.t.Helper()
	select {
	case <-l.becameReady():
	case <-l.ended:
		l.t.Fatalf("assay up ended: %s", l.logged())
	case <-time.After(2 * time.Minute):
		l.t.Fatalf("assay up is not ready after two minutes: %s", l.logged())
	}
}

func launch(t *testing.T, dir string, args ...string) *lab {
	t.Helper()
	return launchBy(t, exec.Command(assayBinary(t)), dir, args...)
}

// launchBy runs `assay up` by a command that ends with assay's name.
func launchBy(t *testing.T, cmd *exec.Cmd, dir string, args ...string) *lab {
	t.Helper()
	l := &lab{t: t, data: dir, cmd: cmd, ended: make(chan struct{})}
	cmd.Args = append(cmd.Args, "up", "--data", dir, "--gateway", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--console", "127.0.0.1:0")
	cmd.Args = append(cmd.Args, args...)
	cmd.Stderr = writerFunc(l.write)
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { l.cmd.Wait(); close(l.ended) }()
	t.Cleanup(func() {
		l.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-l.ended:
		case <-time.After(15 * time.Second):
			l.cmd.Process.Kill()
			t.Errorf("assay up did not end within 15 s of SIGTERM: %s", l.logged())
		}
	})
	return l
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func (l *lab) write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Write(p)
}

func (l *lab) logged() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.String()
}

func (l *lab) becameReady() <-chan struct{} {
	ready := make(chan struct{})
	go func() {
		for {
			if m := readyLine.FindStringSubmatch(l.logged()); m != nil {
				l.gateway, l.aws, l.console = "http://"+m[1], "http://"+m[2], m[3]
				close(ready)
				return
			}
			select {
			case <-l.ended:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return ready
}

// stop ends the laboratory with SIGTERM and returns how long that took.
func (l *lab) stop() time.Duration {
	l.t.Helper()
	began := time.Now()
	l.cmd.Process.Signal(syscall.SIGTERM)
	<-l.ended
	if code := l.cmd.ProcessState.ExitCode(); code != 0 {
		l.t.Errorf("assay up ended with exit code %d: %s", code, l.logged())
	}
	return time.Since(began)
}

// assay runs a command against the laboratory.
func (l *lab) assay(args ...string) (stdout, stderr string, code int) {
	l.t.Helper()
	cmd := exec.Command(assayBinary(l.t), append(args, "--console", l.console)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must runs a command that has to succeed.
func (l *lab) must(args ...string) string {
	l.t.Helper()
	out, errs, code := l.assay(args...)
	if code != 0 {
		l.t.Fatalf("assay %s: exit %d\n%s", strings.Join(args, " "), code, errs)
	}
	return out
}

func (l *lab) experiment(name string) shape.Experiment {
	l.t.Helper()
	var e shape.Experiment
	if err := json.Unmarshal([]byte(l.must("describe", name, "-o", "json")), &e); err != nil {
		l.t.Fatal(err)
	}
	return e
}

// settled waits until nothing of an experiment is in flight and checks that its counts add up.
func (l *lab) settled(name string) shape.Experiment {
	l.t.Helper()
	var e shape.Experiment
	eventually(l.t, 60*time.Second, func() error {
		if e = l.experiment(name); e.InFlight != 0 {
			return fmt.Errorf("%d still in flight", e.InFlight)
		}
		return nil
	})
	if e.Sampled != e.Trials+e.DroppedInAll() {
		l.t.Errorf("%s: sampled %d != trials %d + dropped %v", name, e.Sampled, e.Trials, e.Dropped)
	}
	for _, a := range e.Candidates() {
		if a.Observations != e.Trials || a.Matches+a.Mismatches != e.Trials {
			l.t.Errorf("%s %s: %d observations, %d matches, %d mismatches of %d trials", name, a.Name, a.Observations, a.Matches, a.Mismatches, e.Trials)
		}
	}
	return e
}

// eventually looks again until check passes; what it waits for is another process.
func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %v", limit, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func arm(e *shape.Experiment, name string) shape.Arm {
	for _, a := range e.Arms {
		if a.Name == name {
			return a
		}
	}
	return shape.Arm{Candidate: &shape.Candidate{}}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// answer of one HTTP request, as a client sees it.
type answer struct {
	status int
	header http.Header
	body   string
}

var plainClient = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func send(ctx context.Context, method, url string, header http.Header, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header = header.Clone()
	resp, err := plainClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text)}, err
}
