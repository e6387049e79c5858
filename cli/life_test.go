package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/store/postgres/postgrestest"
)

// traffic sends GET requests from several clients until its end, and reports every answer that is not ok.
type traffic struct {
	t    *testing.T
	stop context.CancelFunc
	done sync.WaitGroup
	sent atomic.Int64
}

func startTraffic(t *testing.T, clients int, url, want string) *traffic {
	ctx, stop := context.WithCancel(context.Background())
	l := &traffic{t: t, stop: stop}
	for range clients {
		l.done.Go(func() {
			for ctx.Err() == nil {
				got, err := send(context.Background(), "GET", url, nil, nil)
				if err != nil || got.status != http.StatusOK || got.body != want {
					t.Errorf("a client was disturbed: %v %+v", err, got)
					return
				}
				l.sent.Add(1)
			}
		})
	}
	t.Cleanup(stop)
	return l
}

func (l *traffic) end() int64 {
	l.stop()
	l.done.Wait()
	return l.sent.Load()
}

func serveText(t *testing.T, text string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	t.Cleanup(s.Close)
	return s
}

// TestDefinitionsChangeUnderLoad: a second experiment on another path comes, is ramped, changes and
// goes, by command and by file, while clients of both paths see nothing of it.
func TestDefinitionsChangeUnderLoad(t *testing.T) {
	t.Parallel()
	control, other := serveText(t, "control"), serveText(t, "candidate")
	dir := t.TempDir()
	base := fmt.Sprintf("experiments:\n  base:\n    path: base/*\n    control: {url: %q}\n", control.URL)
	file := write(t, dir+"/assay.yaml", base+"    sample: 1%\n")
	l := startLab(t, dir+"/data", "-f", file)
	clients := startTraffic(t, 4, l.gateway+"/base/x", "control")

	byHand := write(t, dir+"/hand/more.yaml", fmt.Sprintf("experiments:\n  more:\n    path: more\n    sample: 1%%\n    control: {url: %q}\n    candidates: {c: {url: %q}}\n", control.URL, other.URL))
	if out := l.must("apply", "-f", byHand); out != "experiment/more created\n" {
		t.Errorf("apply: %q", out)
	}
	more := startTraffic(t, 2, l.gateway+"/more", "control")
	for _, share := range []string{"10%", "50%", "100%"} {
		l.must("ramp", "more", share)
	}
	eventually(t, 30*time.Second, func() error {
		if e := l.experiment("more"); e.Trials < 200 {
			return fmt.Errorf("%d trials", e.Trials)
		}
		return nil
	})
	if e := l.experiment("more"); e.Version != 4 || e.Sample != 1 || e.Outcome != "refuted" {
		t.Errorf("after the ramp: %+v", e)
	}
	l.must("pause", "more")
	paused := l.settled("more").Sampled
	l.must("resume", "more")
	eventually(t, 30*time.Second, func() error {
		if e := l.experiment("more"); e.Sampled <= paused {
			return fmt.Errorf("nothing is sampled after resume: %d", e.Sampled)
		}
		return nil
	})
	// A change of what is asked begins new evidence.
	before := l.experiment("more").Trials
	write(t, byHand, strings.Replace(string(mustRead(t, byHand)), "candidates: {c: {url: "+strconv.Quote(other.URL), "candidates: {c: {url: "+strconv.Quote(control.URL), 1))
	l.must("apply", "-f", byHand)
	if e := l.experiment("more"); arm(&e, "c").Mismatches != 0 || e.Trials >= before {
		t.Errorf("the new question inherited the old evidence: %+v", e)
	}

	// The file: a third experiment appears, the first changes; a fault changes nothing; it goes again.
	write(t, file, base+fmt.Sprintf("    sample: 100%%\n    candidates: {c: {url: %q}}\n  third:\n    path: third\n    control: {url: %q}\n", control.URL, control.URL))
	eventually(t, 10*time.Second, func() error {
		if out, _, code := l.assay("describe", "third"); code != 0 {
			return fmt.Errorf("the file's new experiment is not there: %s", out)
		}
		return nil
	})
	write(t, file, "experiments: [")
	eventually(t, 10*time.Second, func() error {
		if !strings.Contains(l.logged(), "the last good version stays in force") {
			return fmt.Errorf("the fault was not told: %s", l.logged())
		}
		return nil
	})
	l.must("describe", "third")
	write(t, file, base)
	eventually(t, 10*time.Second, func() error {
		if _, _, code := l.assay("describe", "third"); code != process.Usage {
			return fmt.Errorf("exit %d: the experiment that the file lost is still there", code)
		}
		return nil
	})

	sentMore := more.end()
	if e := l.experiment("more"); e.Requests > sentMore {
		t.Errorf("%d requests counted, %d sent", e.Requests, sentMore)
	}
	l.must("delete", "more")
	if got, err := send(t.Context(), "GET", l.gateway+"/more", nil, nil); err != nil || got.status != http.StatusNotFound {
		t.Errorf("a deleted experiment leaves a trace: %v %+v", err, got)
	}
	if n := clients.end(); n < 100 {
		t.Errorf("only %d requests under all these changes", n)
	}
	if n := strings.Count(l.logged(), "level=ERROR"); n != 2 { // the one fault, and that it changes nothing
		t.Errorf("unexpected errors: %s", l.logged())
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestNothingIsLeftBehind: after ten thousand requests and SIGTERM there is no process, no temporary
// file, and a log that says what was dropped.
func TestNothingIsLeftBehind(t *testing.T) {
	needs(t, "python3")
	control, dir := serveText(t, "control"), t.TempDir()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hung.Close)
	write(t, dir+"/f/main.py", "def handler(e, c):\n    return {'statusCode': 200, 'body': 'control'}\n")
	l := startLab(t, dir+"/data", "-f", write(t, dir+"/assay.yaml", fmt.Sprintf(`
functions:
  f: {runtime: python3, handler: main.handler, code: f}
experiments:
  e:
    path: e
    budget: {concurrency: 8, queue: 100, timeout: 30s}
    control: {url: %q}
    candidates: {f: {function: f}, hung: {url: %q}}
`, control.URL, hung.URL)))
	clients := startTraffic(t, 8, l.gateway+"/e", "control")
	eventually(t, 2*time.Minute, func() error {
		if n := clients.sent.Load(); n < 10_000 {
			return fmt.Errorf("%d requests", n)
		}
		return nil
	})
	clients.end()
	if children(t, l.cmd.Process.Pid) == 0 {
		t.Error("no function process ran: this test would prove nothing")
	}
	before := processGroup(t, dir)
	if took := l.stop(); took > 10*time.Second {
		t.Errorf("SIGTERM took %s", took)
	}
	if left := processGroup(t, dir); len(left) > 0 {
		t.Errorf("processes left behind (of %v): %v", before, left)
	}
	if !regexp.MustCompile(`trials were dropped at the end.*experiment=e.*dropped=\d+`).MatchString(l.logged()) {
		t.Errorf("the log does not say what was dropped: %s", l.logged())
	}
	if files, _ := filepath.Glob(tmp + "/*"); len(files) > 0 {
		t.Errorf("temporary files left behind: %v", files)
	}
	if files, _ := filepath.Glob(dir + "/data/lambda/tmp/*"); len(files) > 0 {
		t.Errorf("sandbox folders left behind: %v", files)
	}
}

// children counts the direct child processes of a process.
func children(t *testing.T, pid int) int {
	t.Helper()
	n := 0
	for _, stat := range proc(t, "stat") {
		// After the parenthesised name come the state and the parent's id.
		fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			n++
		}
	}
	return n
}

// processGroup lists the command lines of processes that mention dir.
func processGroup(t *testing.T, dir string) (found []string) {
	t.Helper()
	for pid, line := range proc(t, "environ") {
		if strings.Contains(line, dir+"/data/lambda") {
			found = append(found, pid)
		}
	}
	return found
}

// proc reads one file of each process; those that end meanwhile are left out.
func proc(t *testing.T, file string) map[string]string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]string{}
	for _, p := range all {
		if b, err := os.ReadFile(filepath.Join(p, file)); err == nil {
			read[filepath.Base(p)] = string(b)
		}
	}
	return read
}

// TestKillLosesNothingThatWasCounted: after kill -9 under load, the next start has counts that equal the trials that
// are kept, says how many were in flight, and goes on with the evidence.
func TestKillLosesNothingThatWasCounted(t *testing.T) {
	for name, store := range map[string]func(*testing.T) []string{
		"sqlite":   func(*testing.T) []string { return nil },
		"postgres": func(t *testing.T) []string { return []string{"--store", postgrestest.Start(t).URL} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killUnderLoad(t, store(t)...)
		})
	}
}

func killUnderLoad(t *testing.T, store ...string) {
	control, dir := serveText(t, "control"), t.TempDir()
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(50 * time.Millisecond):
			fmt.Fprint(w, "control")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(slow.Close)
	file := write(t, dir+"/assay.yaml", fmt.Sprintf("experiments:\n  e:\n    path: e\n    control: {url: %q}\n    candidates: {c: {url: %q}}\n", control.URL, slow.URL))
	args := append([]string{"-f", file}, store...)
	l := startLab(t, dir+"/data", args...)
	var sent int64
	request := func(n int) {
		for range n {
			if _, err := send(t.Context(), "GET", l.gateway+"/e", nil, nil); err != nil {
				t.Fatal(err)
			}
			sent++
		}
	}
	request(100)
	eventually(t, 30*time.Second, func() error {
		if n := l.experiment("e").Trials; n < 50 {
			return fmt.Errorf("%d trials", n)
		}
		return nil
	})
	request(300) // a second's work for the candidate, which the kill cuts short
	l.cmd.Process.Kill()
	<-l.ended

	again := startLab(t, dir+"/data", args...)
	e := again.settled("e")
	if !regexp.MustCompile(`killed with trials in flight.*in_flight=\d+`).MatchString(again.logged()) || e.Dropped["killed"] == 0 {
		t.Errorf("the start does not say what was in flight: %+v\n%s", e.Dropped, again.logged())
	}
	if e.Trials < 50 || e.Requests > sent || e.Version != 1 {
		t.Errorf("after the restart: %+v, %d sent", e, sent)
	}
	if n := again.keptTrials("e"); n != e.Trials {
		t.Errorf("%d trials are kept, and %d counted", n, e.Trials)
	}
	if _, err := send(t.Context(), "GET", again.gateway+"/e", nil, nil); err != nil {
		t.Fatal(err)
	}
	if after := again.settled("e"); after.Requests != e.Requests+1 || after.Trials != e.Trials+1 {
		t.Errorf("counting does not go on: %+v then %+v", e, after)
	}
}

// keptTrials goes through the pages of an experiment's trials, and counts them.
func (l *lab) keptTrials(name string) (n int64) {
	l.t.Helper()
	ids := map[string]bool{}
	for cursor := ""; ; {
		var page struct {
			Trials []struct{ ID string }
			Next   string
		}
		decode(l.t, get(l.t, l, "", "/api/v1/experiments/"+name+"/trials?limit=100&cursor="+url.QueryEscape(cursor)), &page)
		for _, trial := range page.Trials {
			ids[trial.ID] = true
		}
		if cursor = page.Next; cursor == "" {
			return int64(len(ids))
		}
	}
}

// TestTwoLaboratoriesDoNotShare: data folders and ports say who has them.
func TestTwoLaboratoriesDoNotShare(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := startLab(t, dir)
	_, errs, code := l.assay("up", "--data", dir, "--gateway", "127.0.0.1:0", "--aws", "127.0.0.1:0")
	if code != process.Usage || !strings.Contains(errs, "the address is in use by assay") {
		t.Errorf("the console's port is taken: exit %d: %s", code, errs)
	}
	second := launch(t, dir)
	<-second.ended
	if code := second.cmd.ProcessState.ExitCode(); code != process.Usage || !strings.Contains(second.logged(), "another laboratory uses this data folder") {
		t.Errorf("the data folder is taken: exit %d: %s", code, second.logged())
	}
}

// TestExitCodes are what scripts rely on.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir())
	for _, c := range []struct {
		code int
		args []string
	}{
		{process.OK, []string{"get"}},
		{process.OK, []string{"get", "functions", "-o", "yaml"}},
		{process.Usage, []string{"verdict", "nothing"}},
		{process.Usage, []string{"describe", "nothing"}},
		{process.Usage, []string{"get", "cats"}},
		{process.Usage, []string{"get", "-o", "xml"}},
		{process.Usage, []string{"ramp", "nothing", "1%"}},
		{process.Usage, []string{"no-such-command"}},
	} {
		if _, errs, code := l.assay(c.args...); code != c.code || (code != 0) != (errs != "") {
			t.Errorf("assay %s: exit %d, want %d: %q", strings.Join(c.args, " "), code, c.code, errs)
		}
	}
	l.stop()
	if _, _, code := l.assay("get"); code != process.Unreachable {
		t.Errorf("without a laboratory: exit %d, want %d", code, process.Unreachable)
	}
}

// TestNoGoroutineIsLeftBehind runs the laboratory within this process, so that what it leaves shows.
func TestNoGoroutineIsLeftBehind(t *testing.T) {
	needs(t, "python3")
	dir := t.TempDir()
	control := serveText(t, "control")
	write(t, dir+"/f/main.py", "def handler(e, c):\n    return {'statusCode': 200, 'body': 'control'}\n")
	file := write(t, dir+"/a.yaml", fmt.Sprintf(`
functions:
  f: {runtime: python3, handler: main.handler, code: f}
experiments:
  e: {path: e, control: {url: %q}, candidates: {f: {function: f}}}
`, control.URL))
	before := goleak.IgnoreCurrent()
	ctx, stop := context.WithCancel(context.Background())
	l := &lab{t: t, ended: make(chan struct{})}
	code := -1
	go func() {
		defer close(l.ended)
		code = Run(ctx, &process.Process{
			Args: []string{"up", "-f", file, "--data", dir + "/data", "--gateway", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--console", "127.0.0.1:0"},
			Env:  os.LookupEnv, Dir: dir, Stdout: io.Discard, Stderr: writerFunc(l.write),
		})
	}()
	select {
	case <-l.becameReady():
	case <-l.ended:
		t.Fatal(l.logged())
	}
	for range 500 {
		if got, err := send(t.Context(), "GET", l.gateway+"/e", nil, nil); err != nil || got.body != "control" {
			t.Fatalf("%v %+v", err, got)
		}
	}
	stop()
	<-l.ended
	plainClient.CloseIdleConnections()
	if code != process.OK {
		t.Errorf("exit %d: %s", code, l.logged())
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
