package runner

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

// TestFind: what a project says outright comes before what its files look like, and the others that fit are named.
func TestFind(t *testing.T) {
	for _, c := range []struct {
		files string // name=content, one a line
		want  string // the runner, and the others
	}{
		{"test_a.py=def test_a(): pass", "pytest"},
		{"test_a.py=import unittest\nclass A(unittest.TestCase): pass", "unittest pytest"},
		{"test_a.py=import unittest\ntest_b.py=def test_b(): pass", "pytest"},
		{"test_a.py=import unittest\nrequirements.txt=pytest==9", "pytest unittest"},
		{"nose2.cfg=\ntest_a.py=import unittest", "nose2 unittest pytest"},
		{"pyproject.toml=[tool.pytest.ini_options]\ngo.mod=module x", "pytest go"},
		{`package.json={"scripts": {"test": "npm run lint && vitest run"}}`, "vitest"},
		{`package.json={"scripts": {"test": "mocha"}, "devDependencies": {"jest": "30"}}`, "mocha jest"},
		{`package.json={"scripts": {"unit": "c8 node --test"}}`, "node"},
		{`package.json={"devDependencies": {"jest": "30"}}`, "jest"},
		{`package.json={"scripts": {"test": "echo jesting"}}`, ""},
		{"jest.config.js=", "jest"},
		{"test/a.js=const test = require('node:test')", "node"},
		{"README=", ""},
	} {
		dir := t.TempDir()
		name := ""
		for line := range strings.Lines(c.files) {
			if n, text, ok := strings.Cut(line, "="); ok && !strings.Contains(n, " ") && !strings.Contains(n, "(") {
				name, line = n, text
			}
			appendTo(t, filepath.Join(dir, name), line)
		}
		k, also, _ := Find(dir)
		if got := strings.TrimSpace(k.Name + " " + strings.Join(also, " ")); got != c.want {
			t.Errorf("%q: %q, want %q", c.files, got, c.want)
		}
	}
}

func appendTo(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(file)
	if err := os.WriteFile(file, append(before, text...), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestGoFaults: packages that cannot be built are told of by what go prints of each.
func TestGoFaults(t *testing.T) {
	faults := goFaults("# x/a [x/a.test]\na/a_test.go:5:2: undefined: b\nFAIL\tx/a [build failed]\nok  \tx/b\t0.1s\n" +
		"# x/c\n# [x/c]\nc/c_test.go:8:1: wrong verb\nFAIL\tx/c [build failed]\n# x/lib\nlib/l.go:1:1: broken\nFAIL\tx/d [build failed]\n?   \tx/e\t[no test files]\nFAIL\n")
	want := []string{"x/a: a/a_test.go:5:2: undefined: b", "x/c: c/c_test.go:8:1: wrong verb", "x/d: lib/l.go:1:1: broken"}
	if len(faults) != len(want) {
		t.Fatalf("%d faults: %q", len(faults), faults)
	}
	for i, f := range faults {
		if got := f.Where + ": " + strings.TrimSpace(f.Detail); !strings.Contains(got, strings.SplitN(want[i], ": ", 2)[1]) || f.Where != want[i][:3] {
			t.Errorf("%q, want %q", got, want[i])
		}
	}
}

// TestFindInside: a folder of several projects is none, and they are named.
func TestFindInside(t *testing.T) {
	dir := t.TempDir()
	appendTo(t, filepath.Join(dir, "py", "test_a.py"), "def test_a(): pass\n")
	appendTo(t, filepath.Join(dir, "more", "js", "package.json"), `{"scripts": {"test": "node --test"}}`)
	var known *assay.Error
	if _, _, err := Find(dir); !errors.As(err, &known) || !strings.Contains(known.Hint, "py (pytest), more/js (node)") {
		t.Errorf("%v: %+v", err, known)
	}
}
