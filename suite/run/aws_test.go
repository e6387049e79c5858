package run_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

var onAWS = []string{"--engine", "aws", "--role", "arn:aws:iam::000000000000:role/assay", "--workers", "2"}

// TestSuiteAWS: a suite runs on AWS's API, spoken by the real SDK to a laboratory.
func TestSuiteAWS(t *testing.T) {
	t.Parallel()
	l := startLaboratory(t)
	t.Run("sends what changed", func(t *testing.T) { sendsWhatChanged(t, l) })
	t.Run("engine gone", func(t *testing.T) { outlivesItsEngine(t, l) }) // the layer is there by now
}

// Dependencies are a layer, the first run sends the project, the second one what changed, and another folder with the
// same content nothing.
func sendsWhatChanged(t *testing.T, l *laboratory) {
	files := map[string]string{
		"test_a.py": "import helper\ndef test_a(): assert helper.x == 1\ndef test_b(): pass\n", "helper.py": "x = 1\n",
		"requirements.txt": "pytest\n", "data/big.bin": strings.Repeat("0123456789abcdef", 1<<17),
	}
	s := newSuite(t, files)
	s.env = l.variables()
	args := onAWS
	code, out, errs := s.test(args...)
	if code != process.OK || !strings.Contains(out, "2 passed") || strings.Contains(out, "sent 0 B") {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	functions, err := filepath.Glob(filepath.Join(l.data, "lambda", "functions", "assay-test-*"))
	layers, _ := filepath.Glob(filepath.Join(l.data, "lambda", "layers", "assay-test-*"))
	if err != nil || len(functions) != 1 || len(layers) != 2 {
		t.Errorf("functions %v, layers %v, %v", functions, layers, err)
	}
	s.write("helper.py", "x = 2\n")
	if code, out, errs = s.test(args...); code != process.Refuted || !strings.Contains(out, "assert 2 == 1") || !strings.Contains(out, " B of ") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
	other := newSuite(t, files)
	other.env = s.env
	if code, out, errs = other.test(args...); code != process.OK || !strings.Contains(out, "sent 0 B") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
}

// When the engine dies in mid-run, the tests that it had not reported run on this machine, and each is reported once.
func outlivesItsEngine(t *testing.T, l *laboratory) {
	s := newSuite(t, map[string]string{"test_a.py": "import pytest, time\n@pytest.mark.parametrize('n', range(40))\ndef test_a(n): time.sleep(0.2)\n", "requirements.txt": "pytest\n"})
	s.env = l.variables()
	code, out, errs := s.testMidway(func(*os.Process) { l.cmd.Process.Kill() }, append([]string{"--junit", "report.xml"}, onAWS...)...)
	if code != process.OK {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	if got := outcomes(t, filepath.Join(s.dir, "report.xml")); len(got) != 40 || !strings.Contains(errs, "processes of this machine") || !strings.Contains(out, "40 passed") {
		t.Errorf("%d tests\n%s\n%s", len(got), out, errs)
	}
}

// TestSuitePlan: a plan tells time and cost of numbers of workers, by what a run has taken, and starts
// nothing; and an engine that is not there at all is said, and done without.
func TestSuitePlan(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_a.py": "import time\ndef test_a(): time.sleep(0.5)\ndef test_b(): pass\n", "requirements.txt": "pytest\n"})
	s.env = []string{"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=assay", "AWS_SECRET_ACCESS_KEY=assay"}
	if code, out, errs := s.test(onAWS...); code != process.OK || !strings.Contains(errs, "the engine does not answer") || !strings.Contains(errs, "processes of this machine") {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	code, out, errs := s.test("--plan", "--engine", "aws", "--memory", "1024")
	if code != process.OK || !strings.Contains(out, "2 of them timed before") || !strings.Contains(out, "AWS's prices") {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	var workers int
	var took, floor, usd float64
	line := strings.Split(out, "\n")[2]
	if _, err := fmt.Sscanf(line, "%d %fs %fs %f", &workers, &took, &floor, &usd); err != nil || workers != 1 || took < 1.5 || floor < 0.5 || usd < 1.5*0.0000166667 || usd > 0.0001 {
		t.Errorf("%q: %v", line, err)
	}
	if made, _ := filepath.Glob(filepath.Join(s.dir, ".assay", "suite", "engine-*")); made != nil {
		t.Errorf("it has started %v", made)
	}
}
