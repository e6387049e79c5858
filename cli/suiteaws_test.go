package cli

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestSuiteAWS: a suite runs on AWS's API, spoken by the real SDK to a laboratory: dependencies are a layer,
// the first run sends the project, the second one what changed, and another folder with the same content
// nothing.
func TestSuiteAWS(t *testing.T) {
	l := startLab(t, t.TempDir())
	files := map[string]string{
		"test_a.py": "import helper\ndef test_a(): assert helper.x == 1\ndef test_b(): pass\n", "helper.py": "x = 1\n",
		"requirements.txt": "pytest\n", "data/big.bin": strings.Repeat("0123456789abcdef", 1<<17),
	}
	s := newSuite(t, files)
	s.env = []string{"AWS_ENDPOINT_URL=" + l.aws, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=assay", "AWS_SECRET_ACCESS_KEY=assay"}
	args := []string{"--engine", "aws", "--role", "arn:aws:iam::000000000000:role/assay", "--workers", "2"}
	code, out, errs := s.test(args...)
	if code != exitOK || !strings.Contains(out, "2 passed") || strings.Contains(out, "sent 0 B") {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	functions, err := filepath.Glob(filepath.Join(l.data, "lambda", "functions", "assay-test-*"))
	layers, _ := filepath.Glob(filepath.Join(l.data, "lambda", "layers", "assay-test-*"))
	if err != nil || len(functions) != 1 || len(layers) != 2 {
		t.Errorf("functions %v, layers %v, %v", functions, layers, err)
	}
	s.write("helper.py", "x = 2\n")
	if code, out, errs = s.test(args...); code != exitRefuted || !strings.Contains(out, "assert 2 == 1") || !strings.Contains(out, " B of ") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
	other := newSuite(t, files)
	other.env = s.env
	if code, out, errs = other.test(args...); code != exitOK || !strings.Contains(out, "sent 0 B") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
}
