package cli

import (
	"path/filepath"
	"testing"
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
		if got := outcomes(t, filepath.Join(s.dir, "report.xml")); code != exitOK || len(got) != 5 {
			t.Errorf("%s: exit %d, %v\n%s\n%s", engine, code, got, out, errs)
		}
	}
	if code, _, errs := s.test("--alone", "@nowhere"); code != exitUsage {
		t.Errorf("exit %d: %s", code, errs)
	}
}
