package cli

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
)

// folder is a folder of definitions that a laboratory watches.
type folder struct {
	*lab
	dir string
}

func startFolder(t *testing.T, definition string) folder {
	dir := t.TempDir()
	write(t, dir+"/assay.yaml", definition)
	return folder{startLab(t, t.TempDir(), "-f", dir), dir}
}

// says rewrites the definitions and waits for a line in the log.
func (f folder) says(definition, line string) {
	f.t.Helper()
	before := strings.Count(f.logged(), line)
	write(f.t, f.dir+"/assay.yaml", definition)
	f.logs(line, before)
}

func (f folder) logs(line string, before int) {
	f.t.Helper()
	eventually(f.t, 10*time.Second, func() error {
		if strings.Count(f.logged(), line) <= before {
			return fmt.Errorf("no %q in the log: %s", line, f.logged())
		}
		return nil
	})
}

func (f folder) gets(path string) string {
	f.t.Helper()
	got, err := send(f.t.Context(), "GET", f.gateway+path, nil, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if got.status != http.StatusOK {
		return fmt.Sprint(got.status)
	}
	return got.body
}

func definition(name, path, control string) string {
	return fmt.Sprintf("  %s:\n    path: %s\n    control: {url: %q}\n", name, path, control)
}

func TestFilesMaySwapAndRename(t *testing.T) {
	t.Parallel()
	one, two := serveText(t, "one").URL, serveText(t, "two").URL
	f := startFolder(t, "experiments:\n"+definition("a", "x", one)+definition("b", "y", two))
	f.says("experiments:\n"+definition("a", "y", one)+definition("b", "x", two), "definition configured")
	if x, y := f.gets("/x"), f.gets("/y"); x != "two" || y != "one" {
		t.Errorf("after the paths were swapped: /x %s, /y %s", x, y)
	}
	f.says("experiments:\n"+definition("a", "y", one)+definition("bb", "x", two), "definition created")
	if x := f.gets("/x"); x != "two" {
		t.Errorf("after b was renamed: /x %s", x)
	}
	if _, _, code := f.assay("describe", "b"); code != process.Usage {
		t.Errorf("b is still there: exit %d", code)
	}
}

// TestLiveChangesOutliveAReload: what a file says as before does not undo what was done since.
func TestLiveChangesOutliveAReload(t *testing.T) {
	t.Parallel()
	one, two := serveText(t, "one").URL, serveText(t, "two").URL
	kept := "experiments:\n" + definition("gone", "gone", one) + definition("changed", "changed", one)
	f := startFolder(t, kept)
	f.must("delete", "gone")
	f.must("apply", "-f", write(t, t.TempDir()+"/a.yaml", "experiments:\n"+definition("changed", "changed", two)))
	f.must("pause", "changed")
	f.says(kept+definition("new", "new", one), "definition created")
	if gone, changed := f.gets("/gone"), f.gets("/changed"); gone != "404" || changed != "two" {
		t.Errorf("a reload undid what was done live: /gone %s, /changed %s", gone, changed)
	}
	if e := f.experiment("changed"); e.State != assay.StatePaused {
		t.Errorf("the reload resumed a paused experiment: %s", e.State)
	}
	f.says("experiments:\n"+definition("gone", "gone", two), "definition created")
	if gone := f.gets("/gone"); gone != "two" {
		t.Errorf("a file that says something new brings it back: %s", gone)
	}
}

// TestNewCodeBeginsNewEvidence also when another function of the same file cannot be deployed.
func TestNewCodeBeginsNewEvidence(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	answering := func(text string) string {
		return fmt.Sprintf("def handler(e, c):\n    return {'statusCode': 200, 'body': %q}\n", text)
	}
	f := startFolder(t, "experiments: {}\n")
	write(t, f.dir+"/old/main.py", answering("a"))
	write(t, f.dir+"/new/main.py", answering("a"))
	all := `
functions:
  old: {runtime: python3, handler: main.handler, code: old}
  new: {runtime: python3, handler: main.handler, code: new}
  zzz: {runtime: python3, handler: %s, code: old}
experiments:
  e: {path: e, control: {function: old}, candidates: {c: {function: new}}}
`
	f.says(fmt.Sprintf(all, "main.handler"), "definition created")
	for range 5 {
		f.gets("/e")
	}
	if e := f.settled("e"); e.Trials != 5 || e.Version != 1 {
		t.Fatalf("before: %+v", e)
	}
	write(t, f.dir+"/new/main.py", answering("b"))
	f.says(fmt.Sprintf(all, "missing.handler"), "the last good version stays in force")
	f.gets("/e")
	if e := f.settled("e"); e.Version < 2 || e.Trials != 1 || arm(&e, "c").Mismatches != 1 {
		t.Errorf("the new code's trials are counted with the old one's: %+v", e)
	}
}

// TestAnEmptyFileTakesNothingDown: a file caught half-written, or emptied by mistake, is refused.
func TestAnEmptyFileTakesNothingDown(t *testing.T) {
	t.Parallel()
	one := serveText(t, "one").URL
	f := startFolder(t, "experiments:\n"+definition("a", "x", one))
	f.says("", "the files define nothing")
	if x := f.gets("/x"); x != "one" {
		t.Errorf("an empty file took the route down: %s", x)
	}
	f.says("experiments: {}\n", "definition deleted")
	if x := f.gets("/x"); x != "404" {
		t.Errorf("a file that says so did not: %s", x)
	}
}

// TestAFunctionInUseIsNotRemoved, and an invocation prints what the function answered.
func TestFunctions(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	f := startFolder(t, "experiments: {}\n")
	write(t, f.dir+"/f/main.py", "def handler(e, c):\n    if e.get('fail'):\n        raise ValueError('no')\n    return {'got': e}\n")
	f.says("functions:\n  f: {runtime: python3, handler: main.handler, code: f}\nexperiments:\n  e: {path: e, control: {function: f}}\n", "definition created")
	if out := f.must("invoke", "f", "-p", `{"x": 1.0}`); out != "{\"got\":{\"x\":1.0}}\n" && out != "{\"got\": {\"x\": 1.0}}\n" {
		t.Errorf("invoke printed %q", out)
	}
	out, errs, code := f.assay("invoke", "f", "-p", `{"fail": true}`)
	if code != 1 || !strings.Contains(out, `"errorType":`) || !strings.Contains(errs, "the function failed: function: no") {
		t.Errorf("a failing function: exit %d, %q, %q", code, out, errs)
	}
	if out := f.must("logs", "f"); !strings.Contains(out, "ValueError: no") || strings.Contains(out, "\r") {
		t.Errorf("logs: %q", out)
	}
	bad := write(t, t.TempDir()+"/bad.yaml", "experiments:\n  bad: {path: bad, control: {function: nobody}}\n")
	if _, errs, code := f.assay("apply", "-f", bad); code != process.Usage || !strings.Contains(errs, `no function "nobody"`) || !strings.Contains(errs, bad) {
		t.Errorf("apply of what names nothing: exit %d, %s", code, errs)
	}
	loop := write(t, t.TempDir()+"/loop.yaml", "experiments:\n"+definition("loop", "loop", f.gateway))
	if _, errs, code := f.assay("apply", "-f", loop); code != process.Usage || !strings.Contains(errs, "call itself without end") {
		t.Errorf("apply of a gateway that calls itself: exit %d, %s", code, errs)
	}
	if _, errs, code := f.assay("delete", "f"); code != process.Usage || !strings.Contains(errs, "the function is an arm of e") {
		t.Errorf("delete of a function in use: exit %d, %s", code, errs)
	}
	f.must("delete", "e")
	f.must("delete", "f")
}

func TestWithoutCandidatesNothingHolds(t *testing.T) {
	t.Parallel()
	f := startFolder(t, "experiments:\n"+definition("a", "x", serveText(t, "one").URL))
	if out, _, code := f.assay("verdict", "a"); code != process.Inconclusive {
		t.Errorf("exit %d: %s", code, out)
	}
}

// TestStoppingWritesNoFalseMismatch: candidates reached through the laboratory's own AWS address stay
// reachable until the last trial is done.
func TestStoppingWritesNoFalseMismatch(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	dir := t.TempDir()
	write(t, dir+"/f/main.py", "import time\ndef handler(e, c):\n    time.sleep(0.1)\n    return {'statusCode': 200, 'body': 'x'}\n")
	l := startLab(t, dir+"/data", "-f", write(t, dir+"/a.yaml", "functions:\n  f: {runtime: python3, handler: main.handler, code: f}\n"))
	l.must("apply", "-f", write(t, dir+"/e.yaml", fmt.Sprintf(`
experiments:
  e:
    path: e
    budget: {concurrency: 1}
    comparators: [body: ]
    control: {url: %q}
    candidates: {c: {arn: "arn:aws:lambda:us-east-1:000000000000:function:f", endpoint: %q}}
`, serveText(t, "x").URL, l.aws)))
	for range 15 {
		send(t.Context(), "GET", l.gateway+"/e", nil, nil)
	}
	l.stop()
	again := startLab(t, dir+"/data")
	e := again.settled("e")
	if c := arm(&e, "c"); c.Mismatches != 0 || e.Trials == 0 {
		t.Errorf("the shutdown left %d false mismatches in %d trials: %+v", c.Mismatches, e.Trials, c.Faults)
	}
	if e.Dropped["killed"] != 0 {
		t.Errorf("an orderly end was taken for a kill: %v", e.Dropped)
	}
}

// TestConfigMapsAreFollowed: Kubernetes writes a new folder, and swaps the link that the files lead through.
func TestConfigMapsAreFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	says := func(version, text string) {
		write(t, dir+"/..v"+version+"/assay.yaml", text)
		if err := errors.Join(os.Symlink("..v"+version, dir+"/..new"), os.Rename(dir+"/..new", dir+"/..data")); err != nil {
			t.Fatal(err)
		}
	}
	one := serveText(t, "one").URL
	says("1", "experiments:\n"+definition("a", "a", one))
	if err := os.Symlink("..data/assay.yaml", dir+"/assay.yaml"); err != nil {
		t.Fatal(err)
	}
	f := folder{startLab(t, t.TempDir(), "-f", dir), dir}
	says("2", "experiments:\n"+definition("a", "a", one)+definition("b", "b", one))
	f.logs("definition created", 1)
	if b := f.gets("/b"); b != "one" {
		t.Errorf("/b of the second version: %s", b)
	}
}
