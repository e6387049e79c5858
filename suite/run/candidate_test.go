package run_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

// of a contrast's report, what is looked at.
type contrastRead struct {
	Candidate string
	Worse     []struct {
		ID     string
		Proven bool
	}
	Slower []struct {
		ID     string
		Proven bool
	}
	OnlyControl []string `json:"only_control"`
	Verdict     struct{ Outcome, Reason string }
}

func (s *suiteProject) contrast(args ...string) (code int, r contrastRead, out string) {
	s.t.Helper()
	code, out, errs := s.test(append([]string{"--json", "contrast.json"}, args...)...)
	var all []contrastRead
	text, err := os.ReadFile(filepath.Join(s.dir, "contrast.json"))
	if err != nil {
		s.t.Fatalf("exit %d: %v\n%s\n%s", code, err, out, errs)
	}
	if err := json.Unmarshal(text, &all); err != nil || len(all) != 1 {
		s.t.Fatalf("%v\n%s", err, text)
	}
	return code, all[0], out + errs
}

// TestSuiteCandidateEnvironment: on the embedded engine, a variable breaks one test and makes one slower: both
// are named, others are not.
func TestSuiteCandidateEnvironment(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_a.py": "import os, time, pytest\nmode = os.environ.get('MODE', '')\n" +
		"@pytest.mark.parametrize('n', range(12))\ndef test_same(n): time.sleep(.02)\n" +
		"def test_breaks(): assert mode != 'b', 'mode is b'\ndef test_slow(): time.sleep(.12 if mode == 'b' else .04)\n" +
		"@pytest.mark.skipif(mode == 'b', reason='not in b')\ndef test_skipped(): pass\n"})
	code, r, out := s.contrast("--candidate", "env=MODE=b", "--workers", "1", "--slower", "50%")
	if code != process.Refuted || r.Verdict.Outcome != "refuted" {
		t.Fatalf("exit %d\n%s", code, out)
	}
	if len(r.Worse) != 1 || r.Worse[0].ID != "test_a.py::test_breaks" || !r.Worse[0].Proven {
		t.Errorf("ends worse: %+v\n%s", r.Worse, out)
	}
	slow := slices.ContainsFunc(r.Slower, func(d struct {
		ID     string
		Proven bool
	}) bool {
		return d.ID == "test_a.py::test_slow" && d.Proven
	})
	if !slow {
		t.Errorf("takes longer: %+v\n%s", r.Slower, out)
	}
	for _, text := range []string{"candidate env=MODE=b\n", "fails in all of", "AssertionError: mode is b", "SKIPPED ON ONE", "refuted: 1 test fails on the candidate more often than on the control: test_a.py::test_breaks"} {
		if !strings.Contains(out, text) {
			t.Errorf("%q is not in\n%s", text, out)
		}
	}
}

// TestSuiteCandidateBranch: another branch is tested without a change to this one, and what it broke is found.
func TestSuiteCandidateBranch(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_a.py": "import lib\ndef test_a(): assert lib.x == 1\ndef test_b(): pass\n", "lib.py": "x = 2\n", ".gitignore": ".assay\n*.pyc\n__pycache__\n"})
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		cmd.Dir = s.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q", "-b", "topic")
	git("add", ".")
	git("commit", "-qm", "broken")
	git("checkout", "-qb", "main")
	s.write("lib.py", "x = 1\n")
	s.write("test_a.py", "import lib\ndef test_a(): assert lib.x == 1\ndef test_b(): pass\ndef test_new(): pass\n")
	code, r, out := s.contrast("--engine", "local", "--candidate", "ref=topic", "--workers", "2")
	if code != process.Refuted || len(r.Worse) != 1 || r.Worse[0].ID != "test_a.py::test_a" || !slices.Equal(r.OnlyControl, []string{"test_a.py::test_new"}) {
		t.Errorf("exit %d: %+v\n%s", code, r, out)
	}
	s.write("lib.py", "x = 2\n")
	if code, r, out := s.contrast("--engine", "local", "--candidate", "ref=topic", "--workers", "2"); code != process.OK || r.Verdict.Outcome != "holds" {
		t.Errorf("alike: exit %d\n%s", code, out)
	}
}

// TestSuiteCandidateRuntime: an interpreter of another name is the candidate's, and one under which tests
// cannot even be listed is refuted.
func TestSuiteCandidateRuntime(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_a.py": "import lib, sys\ndef test_a(): assert not sys.flags.dev_mode\n", "lib.py": "import sys\nimport os\nif os.environ.get('PYTHONWARNINGS') == 'stop': raise ImportError('no lib here')\n"})
	script := func(name, variable string) {
		s.write(name, "#!/bin/sh\nexport "+variable+"\nexec "+filepath.Join(s.python, "bin", "python")+" \"$@\"\n")
		if err := os.Chmod(filepath.Join(s.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script("bin/dev", "PYTHONDEVMODE=1")
	script("bin/stops", "PYTHONWARNINGS=stop")
	if code, r, out := s.contrast("--engine", "local", "--workers", "1", "--candidate", "runtime=bin/dev"); code != process.Refuted || len(r.Worse) != 1 {
		t.Errorf("exit %d: %+v\n%s", code, r, out)
	}
	if code, r, out := s.contrast("--engine", "local", "--workers", "1", "--candidate", "runtime=bin/stops"); code != process.Refuted || !strings.Contains(r.Verdict.Reason, "ImportError: no lib here") {
		t.Errorf("exit %d: %+v\n%s", code, r, out)
	}
	for _, settings := range []string{"runtime=python9.99", "memory=1", "memory=256", "ref=nothing", "dir=nowhere", "env=X", "colour=red", ""} {
		if code, _, errs := s.test("--engine", "local", "--candidate", settings); code != process.Usage {
			t.Errorf("%q: exit %d: %s", settings, code, errs)
		}
	}
	if code, _, errs := s.test("--engine", "local", "--candidate", "env=A=b", "--slower", "much"); code != process.Usage {
		t.Errorf("exit %d: %s", code, errs)
	}
}
