package run_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

// TestCommandSuite: a command of the user's own gives outcomes by its exit status, its TAP, or its JUnit files.
func TestCommandSuite(t *testing.T) {
	script := "#!/bin/sh\nfor f; do case $f in\n" +
		"*'b c'*) r='not ok'; x='<failure message=\"went wrong\">at line 3</failure>'; echo said; bad=1;;\n*skip*) r=ok; s=' # SKIP not now'; x='<skipped/>';;\n*silent*) continue;;\n*) r=ok; s=; x=;; esac\n" +
		"n=$((n+1)); echo \"$r $n - $f$s\"; cases=\"$cases<testcase name='$f' time='0.5'>$x</testcase>\"; done\n" +
		"echo 1..$n; echo \"<testsuite>$cases</testsuite>\" > out.xml; exit ${bad:-0}\n"
	files := map[string]string{"run.sh": script, "tests/a": "", "tests/b c": "", "tests/é$(x)'": "", "tests/skip": "", "tests/silent": ""}
	for where, want := range map[string]map[string]string{
		"tap":           {"a": "passed", "b c": "failure", "é$(x)'": "passed", "skip": "skipped", "silent": "error"},
		"junit:out.xml": {"a": "passed", "b c": "failure", "skip": "skipped", "silent": "error"},
		"exit":          {"a": "passed", "b c": "failure", "é$(x)'": "passed", "skip": "passed", "silent": "passed"},
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t, files)
			list := "ls tests/*"
			if where == "junit:out.xml" {
				list = "ls tests/[a-z]*" // the script does not write all names as XML wants them
			}
			code, out, errs := s.test("--workers", "2", "--junit", "report.xml", "--command", "sh run.sh {tests}", "--list", list, "--outcomes", where)
			if code != process.Refuted || !strings.Contains(out, "said") {
				t.Fatalf("exit %d\n%s\n%s", code, out, errs)
			}
			got := map[string]string{}
			for name, outcome := range outcomes(t, filepath.Join(s.dir, "report.xml")) {
				got[strings.TrimPrefix(name, "::tests/")] = outcome
			}
			same(t, got, want)
		})
	}
}

// TestCommandBadInput: what is wrong with the commands is said.
func TestCommandBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no place":     {[]string{"--command", "sh", "--list", "ls"}, process.Usage, "does not say where the tests go: {tests}"},
		"no list":      {[]string{"--command", "sh {tests}"}, process.Usage, "--list is missing"},
		"no command":   {[]string{"--runner", "command"}, process.Usage, "does not say where the tests go"},
		"bad outcomes": {[]string{"--command", "sh {tests}", "--list", "ls", "--outcomes", "xml"}, process.Usage, `--outcomes "xml" is unknown`},
		"twice":        {[]string{"--command", "sh {tests}", "--list", "echo a; echo a"}, process.Usage, `two tests are called "a"`},
		"none":         {[]string{"--command", "sh {tests}", "--list", "true"}, process.Usage, "command finds no tests"},
		"list fails":   {[]string{"--command", "sh {tests}", "--list", "echo why; exit 9"}, 9, "why"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t, nil)
			code, out, errs := s.test(append(c.args, "--engine", "local")...)
			if code != c.code || !strings.Contains(out+errs, c.says) {
				t.Errorf("exit %d, want %d with %q\n%s\n%s", code, c.code, c.says, out, errs)
			}
		})
	}
}

// TestLeftOut: a test that misses a file of the project is told which one the package does not have.
func TestLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		says  string
	}{
		"a file":      {map[string]string{"test_a.py": "def test_a():\n    assert open('data.bin')\n", "data.bin": "", ".assayignore": "*.bin\n"}, ": data.bin)"},
		"a module":    {map[string]string{"test_a.py": "import helper\ndef test_a(): pass\n", "helper.py": "", ".gitignore": "helper.py\n"}, ": helper.py)"},
		"of unittest": {map[string]string{"test_a.py": "import unittest, helper\nclass A(unittest.TestCase):\n    def test_a(self): pass\n", "helper.py": "", ".gitignore": "helper.py\n"}, ": helper.py)"},
		"conftest's":  {map[string]string{"conftest.py": "import helper\n", "test_a.py": "def test_a(): pass\n", "helper.py": "", ".gitignore": "helper.py\n"}, ": helper.py"},
		"of node": {map[string]string{"package.json": `{"scripts": {"test": "node --test"}}`, "test/a.js": "require('../lib'); require('node:test')('a', () => {})", "lib/index.js": "", ".gitignore": "lib\n"},
			": lib)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t, c.files)
			code, out, errs := s.test("--workers", "1")
			if code == process.OK || !strings.Contains(out+errs, c.says) {
				t.Errorf("exit %d without %q\n%s\n%s", code, c.says, out, errs)
			}
		})
	}
}
