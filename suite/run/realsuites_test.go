package run_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

// realSuite is a project as it was published, copied to a folder of its own.
func realSuite(t *testing.T, name string) *suiteProject {
	t.Helper()
	s := newSuite(t, nil)
	if err := os.CopyFS(s.dir, os.DirFS(filepath.Join(dependencies(t, "suites"), name))); err != nil {
		t.Fatal(err)
	}
	return s
}

// whole tells whether a real suite is run as a whole: `make suites` does.
func whole() bool { return os.Getenv("ASSAY_SUITES") != "" }

// own runs a project's own runner, which may exit as it likes.
func (s *suiteProject) own(command ...string) []byte {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), command[0], command[1:]...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.Output()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		s.t.Fatal(err)
	}
	return out
}

// agree compares what Assay says of each test with what the project's own runner says.
func (s *suiteProject) agree(own map[string]string, least int, args ...string) {
	s.t.Helper()
	code, out, errs := s.test(append([]string{"--workers", "2", "--junit", "assay.xml", "--engine"}, args...)...)
	want := process.OK
	for _, outcome := range own {
		if outcome == "failure" || outcome == "error" {
			want = process.Refuted
		}
	}
	if code != want || len(own) < least {
		s.t.Fatalf("exit %d with %d tests of %d\n%.9999s\n%s", code, len(own), least, out, errs)
	}
	got := outcomes(s.t, filepath.Join(s.dir, "assay.xml"))
	same(s.t, got, own)
	s.t.Logf("%d tests: %s", len(got), out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:])
}

// TestRealPytest: parso, from PyPI.
func TestRealPytest(t *testing.T) {
	t.Parallel()
	s := realSuite(t, "parso")
	args, least := []string{"test/test_tokenize.py", "test/test_fstring.py", "test/test_parser.py", "test/test_python_errors.py"}, 500
	if whole() {
		args, least = nil, 1900
	}
	s.own(append([]string{filepath.Join(s.python, "bin", "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", "own.xml"}, args...)...)
	s.agree(outcomes(t, filepath.Join(s.dir, "own.xml")), least, append([]string{"embedded", "--"}, args...)...)
}

// TestRealGo: theory/jsonpath, from the module proxy.
func TestRealGo(t *testing.T) {
	t.Parallel()
	s := realSuite(t, "jsonpath")
	own := map[string]string{}
	words := map[string]string{"pass": "passed", "fail": "failure", "skip": "skipped"}
	for lines := bufio.NewScanner(bytes.NewReader(s.own("go", "test", "-count=1", "-json", "./..."))); lines.Scan(); {
		var e struct{ Action, Package, Test string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if outcome := words[e.Action]; outcome != "" && e.Test != "" && !strings.Contains(e.Test, "/") {
			own[e.Package+"::"+e.Test] = outcome
		}
	}
	s.agree(own, 100, "embedded")
}

// nodeReporter has Node.js's runner tell each test, with its file and the suites around it.
const nodeReporter = `import path from 'node:path'
const names = {}
export default async function * (events) {
  for await (const { type, data } of events) {
    if (!['test:start', 'test:pass', 'test:fail'].includes(type)) continue
    const file = data.file ? path.relative(process.cwd(), data.file) : ''
    const stack = names[file] ??= []
    stack.splice(data.nesting, Infinity, data.name)
    if (type === 'test:start') continue
    const outcome = data.skip !== undefined ? 'skipped' : type === 'test:pass' ? 'passed' : data.todo !== undefined ? 'skipped' : 'failure'
    yield JSON.stringify({ path: [file, ...stack], suite: data.details?.type === 'suite', outcome }) + '\n'
  }
}
`

// TestRealNode: find-my-way, from npm. Tests within tests are a part of these, and a file without tests is one.
func TestRealNode(t *testing.T) {
	t.Parallel()
	s := realSuite(t, "node_modules/find-my-way")
	modules := filepath.Join(dependencies(t, "suites"), "node_modules")
	for _, name := range []string{"fast-deep-equal", "fast-querystring", "fast-decode-uri-component", "safe-regex2", "ret", "rfdc"} {
		if err := os.CopyFS(filepath.Join(s.dir, "node_modules", name), os.DirFS(filepath.Join(modules, name))); err != nil {
			t.Fatal(err)
		}
	}
	s.write("reporter.mjs", nodeReporter)
	args, least := []string{"test/helpers/compiled-lookup-preload.js"}, 60
	for _, glob := range []string{"test/issue-[13]*.test.js", "test/[a-e]*.test.js"} { // among them one that lacks a package
		found, err := filepath.Glob(filepath.Join(s.dir, glob))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			args = append(args, "test/"+filepath.Base(file))
		}
	}
	if whole() {
		args, least = nil, 500
	}
	own := nodeOutcomes(t, s.own(append([]string{"node", "--test", "--test-reporter", "./reporter.mjs"}, args...)...))
	s.agree(own, least, append([]string{"embedded", "--runner", "node", "--"}, args...)...)
}

// nodeOutcomes reads what nodeReporter tells: the tests that are in no other.
func nodeOutcomes(t *testing.T, told []byte) map[string]string {
	t.Helper()
	type event struct {
		Path    []string
		Suite   bool
		Outcome string
	}
	var events []event
	tests := map[string]bool{} // that others may be within
	for lines := bufio.NewScanner(bytes.NewReader(told)); lines.Scan(); {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err, lines.Text())
		}
		events = append(events, e)
		tests[strings.Join(e.Path, " > ")] = !e.Suite
	}
	own, times := map[string]string{}, map[string]int{}
	for _, e := range events {
		within, last := false, len(e.Path)-1
		for n := 2; n <= last; n++ {
			within = within || tests[strings.Join(e.Path[:n], " > ")]
		}
		name := strings.Join(e.Path[:last], " > ") + "::" + e.Path[last]
		switch times[name]++; {
		case e.Suite || within:
			continue
		case times[name] > 1:
			name += fmt.Sprint(" #", times[name])
		case filepath.IsAbs(e.Path[last]): // a file without tests, or that cannot be loaded
			if name = "::" + e.Path[0]; e.Outcome == "failure" {
				e.Outcome = "error"
			}
		}
		own[name] = e.Outcome
	}
	return own
}
