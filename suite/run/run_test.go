package run_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaylab/assay/lambda/sandbox"
	"github.com/assaylab/assay/process"
)

// suiteProject is a folder with files, and the environment in which its tests have pytest.
type suiteProject struct {
	t      *testing.T
	dir    string
	python string // virtual environment
	env    []string
}

func newSuite(t *testing.T, files map[string]string) *suiteProject {
	t.Helper()
	s := &suiteProject{t: t, dir: t.TempDir(), python: dependencies(t, "python")}
	for name, text := range files {
		s.write(name, text)
	}
	return s
}

// dependencies is the folder of what scripts/setup installed for tests.
func dependencies(t *testing.T, language string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".deps", language))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "manifests")); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: run scripts/setup test", dir)
		}
		t.Skipf("%s is missing: run scripts/setup test", dir)
	}
	return dir
}

func (s *suiteProject) write(name, text string) {
	s.t.Helper()
	file := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// test runs `assay test` in the project and returns its exit code and what it printed.
func (s *suiteProject) test(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Minute) // of a machine that does much else
	defer cancel()
	cmd := s.command(ctx, args)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	cmd.Run() // how it ended is in its state
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

// testMidway is test, and does something when the first test has passed.
func (s *suiteProject) testMidway(then func(*os.Process), args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	cmd := s.command(s.t.Context(), args)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	before, _ := out.ReadString('.') // what went wrong is in the output
	then(cmd.Process)
	after, _ := io.ReadAll(out)
	cmd.Wait()
	return cmd.ProcessState.ExitCode(), before + string(after), errs.String()
}

func (s *suiteProject) command(ctx context.Context, args []string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.CommandContext(ctx, assayBinary(s.t), append([]string{"test"}, args...)...)
	cmd.Dir, cmd.Env = s.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "VIRTUAL_ENV=" + s.python}
	caches, err := goCaches()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd.Env = append(append(cmd.Env, caches...), s.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// goCaches are those of this machine, which Go looks for at home.
var goCaches = sync.OnceValues(func() (env []string, err error) {
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			return nil, err
		}
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	return env, nil
})

// outcomes reads each test's outcome from a JUnit file: passed, failure, error or skipped, by class and name.
func outcomes(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Cases []struct {
			Class   string    `xml:"classname,attr"`
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
			Error   *struct{} `xml:"error"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, c := range doc.Cases {
		name := c.Class + "::" + c.Name
		if _, twice := all[name]; twice {
			t.Errorf("%s is reported twice", name)
		}
		switch {
		case c.Failure != nil:
			all[name] = "failure"
		case c.Error != nil:
			all[name] = "error"
		case c.Skipped != nil:
			all[name] = "skipped"
		default:
			all[name] = "passed"
		}
	}
	return all
}

const mixed = `
import os, pytest
@pytest.fixture(scope="module")
def shared():
    yield 1
    raise RuntimeError("comes late")
@pytest.mark.parametrize("x", ["a::b", "c d", "é[]", "x/y"])
def test_odd(x, shared): pass
class TestIn:
    def test_fails(self):
        print("said before")
        assert 1 == 2
    @pytest.mark.skip(reason="not now")
    def test_skipped(self): pass
@pytest.mark.xfail
def test_expected(): assert 0
@pytest.fixture
def broken(): raise ValueError("no set-up")
def test_setup(broken): pass
def test_closes():
    os.close(1); os.close(0)
def test_binary():
    os.write(2, bytes(range(256)))
    assert 0
def test_last(): pass
`

// TestSuite: each test has its outcome, the odd ones as well, and the exit code is that of a failure.
func TestSuite(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_mixed.py": mixed, ".gitignore": "*.db\n"})
	code, out, errs := s.test("--workers", "2", "--junit", "report.xml")
	if code != process.Refuted {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	got := outcomes(t, filepath.Join(s.dir, "report.xml"))
	want := map[string]string{"odd[a::b]": "passed", "odd[c d]": "passed", `odd[\xe9[]]`: "passed", "odd[x/y]": "passed", "setup": "error",
		"skipped": "skipped", "expected": "skipped", "fails": "failure", "binary": "failure", "closes": "passed", "last": "passed"}
	if report, err := os.ReadFile(filepath.Join(s.dir, "report.xml")); err != nil || !regexp.MustCompile(`<skipped message="[^"]*not now"[^>]*></skipped>`).Match(report) {
		t.Errorf("%v: why a test was skipped, and no more, is not in\n%s", err, report)
	}
	late := 0
	for name, outcome := range got {
		short := name[strings.Index(name, "::test_")+len("::test_"):]
		if outcome == "error" && short != "setup" { // the last one of its module on a worker, whichever that is, unless it failed itself
			late++
			continue
		}
		if want[short] != outcome {
			t.Errorf("%s: %s, want %s", name, outcome, want[short])
		}
	}
	if len(got) != len(want) || late > 2 {
		t.Errorf("%d outcomes, %d of them of late tear-down: %v", len(got), late, got)
	}
	for _, text := range []string{"said before", "assert 1 == 2", "no set-up", "comes late", "FAILED test_mixed.py::TestIn::test_fails - assert 1 == 2"} {
		if !strings.Contains(out, text) {
			t.Errorf("%q is not in\n%s", text, out)
		}
	}
}

// TestSuiteAgain: the second run sends what changed, and no more.
func TestSuiteAgain(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_a.py": "def test_a():\n    import helper; assert helper.x == 1\n", "helper.py": "x = 1\n", "large.txt": strings.Repeat("0123456789abcdef\n", 200_000)})
	if code, out, errs := s.test("--workers", "1"); code != process.OK {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	s.write("helper.py", "x = 2\n")
	code, out, errs := s.test("--workers", "1")
	if code != process.Refuted || !strings.Contains(out, "assert 2 == 1") {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	if !strings.Contains(out, " B of 3400.1 kB") {
		t.Errorf("more than some bytes were sent:\n%s", out)
	}
	os.Remove(filepath.Join(s.dir, "helper.py"))
	if code, out, _ := s.test("--workers", "1"); code != process.Refuted || !strings.Contains(out, "No module named 'helper'") {
		t.Errorf("a file that is gone is still there: exit %d\n%s", code, out)
	}
}

// TestSuiteModules: dependencies with a lock file are there, linked, and others when that has changed; the
// function of before is forgotten.
func TestSuiteModules(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{
		"test_a.py":         "import os\ndef test_a():\n    assert os.path.islink('node_modules') and open('node_modules/m/index.js').read() == 'one'\n",
		"package-lock.json": `{"version": 1}`, "node_modules/m/index.js": "one", ".gitignore": "node_modules\n",
	})
	for range 2 {
		if code, out, errs := s.test("--workers", "1"); code != process.OK {
			t.Fatalf("exit %d\n%s\n%s", code, out, errs)
		}
	}
	s.write("package-lock.json", `{"version": 2}`)
	s.write("node_modules/m/index.js", "two")
	if code, out, _ := s.test("--workers", "1"); code != process.Refuted || !strings.Contains(out, "'two' == 'one'") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if kept, err := filepath.Glob(filepath.Join(s.dir, ".assay", "suite", "engine-0", "functions", "assay-test-*")); err != nil || len(kept) != 1 {
		t.Errorf("%v, %v", kept, err)
	}
}

// TestSuiteBadInput: what cannot be run is said, with the runner's exit code.
func TestSuiteBadInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		args  []string
		code  int
		says  string
	}{
		"no tests":         {map[string]string{"pytest.ini": "[pytest]\n"}, nil, 5, "collected 0 items"},
		"collection error": {map[string]string{"test_a.py": "import nothing_of_that_name\ndef test_a(): pass\n"}, nil, 2, "nothing_of_that_name"},
		"no runner":        {map[string]string{"README": ""}, nil, process.Usage, "no test runner is known"},
		"unknown runner":   {map[string]string{"README": ""}, []string{"--runner", "mstest"}, process.Usage, `there is no runner "mstest"`},
		"no unit tests":    {map[string]string{"test_a.py": "import unittest\n"}, nil, 5, "NO TESTS RAN"},
		"not installed":    {map[string]string{"nose2.cfg": ""}, []string{"--runner", "unittest", "--", "no_such_module"}, process.Refuted, "No module named 'no_such_module'"},
		"bad argument":     {map[string]string{"test_a.py": "def test_a(): pass\n"}, []string{"--", "--no-such-flag"}, 4, "unrecognized arguments: --no-such-flag"},
		"bad workers":      {map[string]string{"test_a.py": "def test_a(): pass\n"}, []string{"--workers", "0"}, process.Usage, `--workers "0"`},
		"bad shard":        {map[string]string{"test_a.py": "def test_a(): pass\n"}, []string{"--shard", "3/2"}, process.Usage, `--shard "3/2"`},
		"left out": {map[string]string{"test_a.py": "def test_a():\n    assert open('data.bin')\n", "data.bin": "", ".assayignore": "*.bin\n"},
			[]string{"--workers", "1"}, process.Refuted, "data.bin"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSuite(t, c.files)
			code, out, errs := s.test(c.args...)
			if code != c.code || !strings.Contains(out+errs, c.says) {
				t.Errorf("exit %d, want %d with %q\n%s\n%s", code, c.code, c.says, out, errs)
			}
		})
	}
}

// TestSuiteCulprit: a test that ends its process is run again by itself, and named; the others pass.
func TestSuiteCulprit(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_a.py": "import os, signal\ndef test_one(): pass\ndef test_kills(): os.kill(os.getpid(), signal.SIGKILL)\n" +
		"def test_exits(): os._exit(0)\ndef test_last(): print('x' * 10_000_000)\n" +
		"def test_takes_worker_along(): os.kill(os.getppid(), signal.SIGKILL)\ndef test_eats(): print(len(b'x' * (400 << 20)))\n"})
	code, out, errs := s.test("--workers", "2", "--memory", "256", "--junit", "report.xml", "--tap", "report.tap", "--json", "report.jsonl")
	if code != process.Refuted {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	got := outcomes(t, filepath.Join(s.dir, "report.xml"))
	eats := "error"
	if !enforcesMemory(t) {
		eats = "passed"
	}
	for name, want := range map[string]string{"one": "passed", "kills": "error", "exits": "error", "last": "passed", "takes_worker_along": "error", "eats": eats} {
		if got["test_a::test_"+name] != want {
			t.Errorf("%s: %s, want %s", name, got["test_a::test_"+name], want)
		}
	}
	for _, says := range []string{"signal 9 (SIGKILL) (it did so to 2 workers", "it ended its worker: Runtime exited with error: signal: killed"} {
		if !strings.Contains(out, says) {
			t.Errorf("%q is not in\n%s", says, out)
		}
	}
	if eats == "error" && !strings.Contains(out, "out of memory") {
		t.Errorf("that memory ran out is not said:\n%s", out)
	}
	if tap, err := os.ReadFile(filepath.Join(s.dir, "report.tap")); err != nil || !strings.Contains(string(tap), "1..6") {
		t.Errorf("%v\n%s", err, tap)
	}
}

// enforcesMemory tells whether this machine lets the embedded engine limit memory.
func enforcesMemory(t *testing.T) bool {
	host, err := sandbox.Open(sandbox.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	return host.Enforced().Memory
}

// TestSuiteInterrupted: what is known is told, workers end, and the exit code is that of an interrupt.
func TestSuiteInterrupted(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_a.py": "import time, os\ndef test_one(): pass\ndef test_long(): time.sleep(600)\n"})
	code, out, errs := s.testMidway(func(p *os.Process) { p.Signal(os.Interrupt) }, "--workers", "2")
	if code != process.Interrupted || !strings.Contains(out, "LOST test_a.py::test_long") || !strings.Contains(out, "1 lost, 1 passed") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
}
