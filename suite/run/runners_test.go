package run_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

const unitTests = `
import os, unittest
LOG = []
def setUpModule(): LOG.append("module")
class A(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.n = LOG.count("A"); LOG.append("A")
    def test_once(self): self.assertEqual((self.n, LOG[0]), (0, "module"))
    def test_fails(self):
        print("said before")
        self.assertEqual(1, 2)
    def test_raises(self): raise ValueError("oops")
    @unittest.skip("not now")
    def test_skipped(self): pass
    @unittest.expectedFailure
    def test_expected(self): self.fail()
    @unittest.expectedFailure
    def test_unexpected(self): pass
    def test_sub(self):
        for i in range(3):
            with self.subTest(i=i): self.assertNotEqual(i, 1)
    def test_closes(self): os.close(1); os.close(2)
    def test_binary(self): os.write(2, bytes(range(256))); self.fail()
    def test_large(self): os.system("head -c 100000000 /dev/zero"); self.fail()
class B(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise ValueError("no set-up")
    def test_one(self): pass
    def test_two(self): pass
class C(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest("class skipped")
    def test_skipped(self): pass
class D(unittest.IsolatedAsyncioTestCase):
    async def test_async(self): pass
    def test_exit(self): raise SystemExit(3)
    def test_kill(self): os._exit(3)
class E(unittest.TestCase):
    @classmethod
    def tearDownClass(cls): raise RuntimeError("comes late")
    def test_late(self): pass
`

// TestUnittest: unittest and nose2 give each test its outcome, and a module that cannot be imported is one.
func TestUnittest(t *testing.T) {
	for _, args := range [][]string{{"--engine", "embedded"}, {"--engine", "local", "--runner", "nose2"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			s := newSuite(t, map[string]string{"test_mixed.py": unitTests, "test_bad.py": "import nothing_of_that_name\n"})
			code, out, errs := s.test(append(args, "--workers", "2", "--junit", "report.xml")...)
			if code != process.Refuted {
				t.Fatalf("exit %d\n%s\n%s", code, out, errs)
			}
			same(t, shortened(outcomes(t, filepath.Join(s.dir, "report.xml"))), map[string]string{
				"A.test_once": "passed", "A.test_fails": "failure", "A.test_raises": "error", "A.test_skipped": "skipped", "A.test_expected": "skipped",
				"A.test_unexpected": "failure", "A.test_sub": "failure", "A.test_closes": "passed", "A.test_binary": "failure", "A.test_large": "failure",
				"B.test_one": "error", "B.test_two": "error", "C.test_skipped": "skipped", "D.test_async": "passed", "D.test_exit": "error", "D.test_kill": "error",
				"E.test_late": "error", "test_bad": "error",
			})
			for _, text := range []string{"said before", "no set-up", "comes late", "nothing_of_that_name", "unexpected success", "(i=1)", "characters left out", "exit status 3 (it did so to 2 workers"} {
				if !strings.Contains(out, text) {
					t.Errorf("%q is not in\n%.9999s", text, out)
				}
			}
		})
	}
}

// shortened names outcomes by the end of their names only: class and test.
func shortened(all map[string]string) map[string]string {
	short := map[string]string{}
	for name, outcome := range all {
		class, test, _ := strings.Cut(name, "::")
		if class = class[strings.LastIndexAny(class, "./")+1:]; strings.HasPrefix(class, "_") || strings.Contains(class, "Failure") {
			class = ""
		}
		short[strings.TrimPrefix(class+"."+test, ".")] = outcome
	}
	return short
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, outcome := range want {
		if got[name] != outcome {
			t.Errorf("%s: %q, want %q", name, got[name], outcome)
		}
	}
	for name, outcome := range got {
		if _, known := want[name]; !known {
			t.Errorf("%s was not expected: %s", name, outcome)
		}
	}
}
