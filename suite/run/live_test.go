package run_test

import (
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

// TestSuiteLive: people who watch see how far it is and each failure as it comes, and no letters; pipes get
// letters, and nothing else before the report.
func TestSuiteLive(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_a.py": "import time\ndef test_a(): assert 0, 'no luck'\ndef test_b(): pass\ndef test_slow(): time.sleep(1.2)\n"})
	code, out, errs := s.test("--engine", "local", "--workers", "2")
	if code != process.Refuted || errs != "" || !strings.Contains(out[:4], "F") || strings.Contains(out, "\x1b") {
		t.Errorf("exit %d\n%s\n%q", code, out, errs)
	}
	needs(t, "script")
	cmd := exec.CommandContext(t.Context(), "script", "-qec", assayBinary(t)+" test --engine local --workers 2", "/dev/null")
	cmd.Dir, cmd.Env = s.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "VIRTUAL_ENV=" + s.python, "TERM=xterm"}
	shown, _ := cmd.CombinedOutput() // tests fail, and so does it
	before, after, _ := strings.Cut(string(shown), "= FAILURES =")
	for _, text := range []string{"of 3, ", "3 of 3, 1 failed, ", "] 0 of 3", "\x1b[KFAILED test_a.py::test_a - AssertionError: no luck"} {
		if !strings.Contains(before, text) {
			t.Errorf("%q is not shown:\n%q", text, before)
		}
	}
	if strings.Contains(after, "\x1b") || !strings.Contains(after, "1 failed, 2 passed") {
		t.Errorf("the report:\n%q", after)
	}
}

// TestSuiteTimeline: the picture has a row for each worker, and so has the text.
func TestSuiteTimeline(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_a.py": "import time\ndef test_a(): time.sleep(.3)\ndef test_b(): time.sleep(.3)\n"})
	if code, out, errs := s.test("--engine", "local", "--workers", "2", "--timeline", "run.svg"); code != process.OK {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	picture, err := os.ReadFile(filepath.Join(s.dir, "run.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(picture, new(struct{})); err != nil && err != io.EOF || strings.Count(string(picture), "<g>") != 2 || !strings.Contains(string(picture), "test_a.py::test_b") {
		t.Errorf("%v\n%s", err, picture)
	}
	if _, out, _ := s.test("--engine", "local", "--workers", "2", "--timeline", "-"); !strings.Contains(out, "w1    |") || !strings.Contains(out, "w2    |") {
		t.Errorf("no rows:\n%s", out)
	}
}
