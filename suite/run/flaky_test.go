package run_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

// TestSuiteQuarantine: a failure in quarantine does not fail the run and is told, and an entry whose tests
// have passed often enough is named.
func TestSuiteQuarantine(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{
		"test_a.py": "import os\ndef test_bad(): assert not os.path.exists('bad'), 'bad is there'\ndef test_good(): pass\n",
		"held.txt":  "# known\ntest_a.py::test_bad # issue 12\ntest_gone.py\n", "bad": "",
	})
	run := func(args ...string) (int, string) {
		code, out, errs := s.test(append([]string{"--engine", "local", "--workers", "1", "--quarantine-passes", "2"}, args...)...)
		return code, out + errs
	}
	if code, out := run(); code != process.Refuted {
		t.Fatalf("exit %d\n%s", code, out)
	}
	code, out := run("--quarantine", "held.txt", "--junit", "report.xml", "--tap", "report.tap", "--github")
	for _, text := range []string{"FAILED test_a.py::test_bad - AssertionError: bad is there (issue 12)", "100 % of 1 earlier runs", "test_gone.py names no test", "1 passed, 1 quarantined in", "::warning file=test_a.py"} {
		if code != process.OK || !strings.Contains(out, text) {
			t.Errorf("exit %d, %q is not in\n%s", code, text, out)
		}
	}
	if got := outcomes(t, filepath.Join(s.dir, "report.xml")); got["test_a::test_bad"] != "skipped" {
		t.Errorf("JUnit: %v", got)
	}
	if tap, err := os.ReadFile(filepath.Join(s.dir, "report.tap")); err != nil || !strings.Contains(string(tap), "# TODO quarantined") {
		t.Errorf("TAP: %v\n%s", err, tap)
	}
	if err := os.Remove(filepath.Join(s.dir, "bad")); err != nil {
		t.Fatal(err)
	}
	for _, ready := range []bool{false, true} {
		code, out := run("--quarantine", "held.txt")
		if told := strings.Contains(out, "test_a.py::test_bad may leave: it has passed often enough (issue 12)"); code != process.OK || told != ready {
			t.Errorf("exit %d, ready to leave: %v\n%s", code, told, out)
		}
	}
	if code, out := run("--quarantine", "nowhere"); code != process.Usage {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// TestSuiteFlaky: what passes when it is run again is told apart, with what is known of it on each branch.
func TestSuiteFlaky(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{
		".git/HEAD": "ref: refs/heads/main\n",
		"test_a.py": "import os\ndef test_wavers():\n    there = os.path.exists('state')\n    open('state', 'w').close() if not there else os.remove('state')\n    assert there, 'not yet'\n",
	})
	run := func(want int, args ...string) string {
		t.Helper()
		code, out, errs := s.test(append([]string{"--engine", "local", "--workers", "1"}, args...)...)
		if code != want {
			t.Errorf("exit %d, want %d\n%s\n%s", code, want, out, errs)
		}
		return out
	}
	run(process.OK, "--retries", "1")
	s.write(".git/HEAD", "ref: refs/heads/topic\n")
	run(process.Refuted)
	run(process.OK)
	out := run(process.Refuted)
	for _, text := range []string{"test_a.py::test_wavers failed, as it does now and then", "50 % of 2 earlier runs on topic: flaky in 0, failed in 1; the last ones F.", "100 % of 1 earlier runs on main: flaky in 1, failed in 0; the last ones R"} {
		if !strings.Contains(out, text) {
			t.Errorf("%q is not in\n%s", text, out)
		}
	}
	run(process.OK)
	if out := run(process.OK, "--retries", "2"); !strings.Contains(out, "test_a.py::test_wavers passed at attempt 2: AssertionError: not yet") {
		t.Errorf("not told:\n%s", out)
	}
}
