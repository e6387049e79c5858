package run_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

// TestSuiteAlone: tests that are marked or named have a process of their own: one that no test ran in before.
func TestSuiteAlone(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{
		"pytest.ini": "[pytest]\nmarkers = alone: has a process of its own\n",
		"lists/own":  "# said why\ntest_a.py::test_named # it counts\n",
		"test_a.py": "import pytest\nran = []\n" +
			"@pytest.fixture(scope='session')\ndef server():\n    yield\n    assert len(ran) < 3, 'torn down late'\n" +
			"def test_one(): ran.append(1)\ndef test_two(): ran.append(2)\n" +
			"@pytest.mark.alone\ndef test_marked(server):\n    assert not ran\n    ran.append(3)\n" +
			"def test_named(server):\n    assert not ran\n    ran.append(4)\n" +
			"def test_last(): assert 3 not in ran and 4 not in ran\n",
	})
	for _, engine := range []string{"local", "embedded"} {
		code, out, errs := s.test("--engine", engine, "--workers", "1", "--alone", "@lists/own", "--junit", "report.xml")
		if got := outcomes(t, filepath.Join(s.dir, "report.xml")); code != process.OK || len(got) != 5 {
			t.Errorf("%s: exit %d, %v\n%s\n%s", engine, code, got, out, errs)
		}
	}
	if code, _, errs := s.test("--alone", "@nowhere"); code != process.Usage {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// dependent is a suite that depends on order: test_victim after test_pollutes, and test_brittle without test_sets.
var dependent = map[string]string{
	"state.py": "value = 0\nready = False\n",
	"test_a.py": "import state\ndef test_pollutes(): state.value = 1\n" +
		"@__import__('pytest').mark.parametrize('n', range(20))\ndef test_many(n): pass\n",
	"test_b.py": "import state\ndef test_sets(): state.ready = True\ndef test_brittle(): assert state.ready, 'nobody made it ready'\n" +
		"class TestIn:\n    def test_victim(self): assert state.value == 0\n",
}

// dependenceRead is what --json tells of a test.
type dependenceRead struct {
	ID, Kind      string
	Others        []string
	Fails, Passes string
}

// TestSuiteDetectOrder: both tests of each pair are named, and the commands that it gives show what it says.
func TestSuiteDetectOrder(t *testing.T) {
	t.Parallel()
	s := newSuite(t, dependent)
	code, out, errs := s.test("--engine", "local", "--workers", "2", "--detect-order", "--json", "found.jsonl")
	if code != process.Refuted {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	found := map[string]dependenceRead{}
	text, err := os.ReadFile(filepath.Join(s.dir, "found.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var d dependenceRead
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		found[d.ID] = d
	}
	victim, brittle := found["test_b.py::TestIn::test_victim"], found["test_b.py::test_brittle"]
	if len(found) != 2 || victim.Kind != "victim" || brittle.Kind != "brittle" || !slices.Equal(victim.Others, []string{"test_a.py::test_pollutes"}) || !slices.Equal(brittle.Others, []string{"test_b.py::test_sets"}) {
		t.Errorf("%+v\n%s", found, out)
	}
	for _, d := range found {
		for command, want := range map[string]int{d.Fails: process.Refuted, d.Passes: process.OK} {
			words := strings.Fields(command) // none of these ids needs quoting
			if code, out, errs := s.test(words[2:]...); code != want {
				t.Errorf("%s: exit %d, want %d\n%s\n%s", command, code, want, out, errs)
			}
		}
	}
	if code, out, errs := s.test("--engine", "local", "--workers", "2", "--detect-order", "--", "-k", "many or sets"); code != process.OK || !strings.Contains(out, "none failed") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
}

// TestSuiteShuffle: the seed decides the order, which is the same again, and the report says how.
func TestSuiteShuffle(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"test_a.py": "import os, pytest\n@pytest.mark.parametrize('n', range(40))\ndef test_n(n):\n    with open(os.environ['HOME'] + '/' + str(os.getpid()), 'a') as f: f.write('%d ' % n)\n"})
	orders := func(args ...string) string {
		if code, out, errs := s.test(append([]string{"--engine", "local", "--workers", "2"}, args...)...); code != process.OK ||
			!strings.Contains(out, "shuffled with seed "+args[1]+"; the same again: assay test --engine local --shuffle "+args[1]+" --workers 2\n") {
			t.Fatalf("exit %d\n%s\n%s", code, out, errs)
		}
		var all []string
		files, _ := filepath.Glob(filepath.Join(s.dir, "[0-9]*"))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err := errors.Join(err, os.Remove(file)); err != nil {
				t.Fatal(err)
			}
			all = append(all, string(text))
		}
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	one := orders("--shuffle", "1")
	if strings.Count(one, "\n") != 1 || len(strings.Fields(one)) != 40 {
		t.Errorf("not two processes with 40 tests:\n%s", one)
	}
	if again := orders("--shuffle", "1"); again != one {
		t.Errorf("the same seed:\n%s\nand\n%s", one, again)
	}
	if other := orders("--shuffle", "2"); other == one {
		t.Error("another seed gives the same order")
	}
	for _, args := range [][]string{{"--shuffle", "x"}, {"--sequence", "nothing"}, {"--sequence", "test_a.py::test_n[1]", "--sequence", "test_a.py::test_n[1]"}} {
		if code, _, errs := s.test(args...); code != process.Usage {
			t.Errorf("%v: exit %d: %s", args, code, errs)
		}
	}
}
