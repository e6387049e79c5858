package run_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

const goTests = `package a

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestPass(t *testing.T) { time.Sleep(time.Millisecond) }
func TestFails(t *testing.T) {
	fmt.Println("said before")
	t.Errorf("got %d", 1)
}
func TestSub(t *testing.T) {
	for _, n := range []string{"x y", "z/z"} {
		t.Run(n, func(t *testing.T) {
			if n == "x y" {
				t.Error("sub fails")
			}
		})
	}
}
func TestSkipped(t *testing.T) { t.Skip("not now") }
func TestPanics(t *testing.T)  { var m map[string]int; m["a"] = 1 }
func TestExits(t *testing.T)   { os.Exit(3) }
func TestCloses(t *testing.T)  { os.Stdout.Close(); os.Stderr.Close() }
func TestBinary(t *testing.T) {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	os.Stdout.Write(b)
	t.Fail()
}
func TestLarge(t *testing.T)     { os.Stdout.WriteString(strings.Repeat("x", 100<<20)); t.Error("large") }
func TestParallel1(t *testing.T) { t.Parallel(); time.Sleep(time.Millisecond) }
func TestParallel2(t *testing.T) { t.Parallel(); t.Error("p2") }
func TestFile(t *testing.T) {
	if _, err := os.Stat("testdata/x"); err != nil {
		t.Fatal(err)
	}
}
func FuzzX(f *testing.F) { f.Add("a"); f.Fuzz(func(t *testing.T, s string) {}) }
func Example() {
	fmt.Println("hi")
	// Output: hi
}
func Example_wrong() {
	fmt.Println("hi")
	// Output: ho
}
func Example_none()           { fmt.Println("hi") }
func BenchmarkX(b *testing.B) {}
func TestLast(t *testing.T)   {}
`

const goMain = `package main_test

import ("os"; "testing")

var set bool

func TestMain(m *testing.M) { set = true; os.Exit(m.Run()) }
func TestPass(t *testing.T) { if !set { t.Fatal("not set") } }
`

const goEnds = `package ends

import ("os"; "testing")

func TestMain(m *testing.M) { m.Run(); os.Exit(7) }
func TestOne(t *testing.T)  {}
`

// TestGoSuite: each test of a module has its outcome, what its packages make of TestMain and what cannot be
// built as well.
func TestGoSuite(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{
		"go.mod": "module example.com/g\n\ngo 1.24\n", "a/a_test.go": goTests, "a/testdata/x": "", "main/a/main_test.go": goMain, "ends/a/ends_test.go": goEnds,
		"broken/b_test.go": "package broken\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) { undefined() }\n", "none/none.go": "package none\n",
	})
	code, out, errs := s.test("--workers", "2", "--junit", "report.xml")
	if code != process.Refuted {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	got := outcomes(t, filepath.Join(s.dir, "report.xml"))
	want := map[string]string{"example.com/g/main/a::TestPass": "passed", "example.com/g/ends/a::TestOne": "error", "::example.com/g/broken": "error"}
	for name, outcome := range map[string]string{"TestPass": "passed", "TestFails": "failure", "TestSub": "failure", "TestSkipped": "skipped", "TestPanics": "failure",
		"TestExits": "error", "TestCloses": "passed", "TestBinary": "failure", "TestLarge": "failure", "TestParallel1": "passed", "TestParallel2": "failure", "TestFile": "passed",
		"FuzzX": "passed", "Example": "passed", "Example_wrong": "failure", "TestLast": "passed"} {
		want["example.com/g/a::"+name] = outcome
	}
	same(t, got, want)
	for _, text := range []string{"said before", "FAIL: TestSub/x_y", "- got 1", "panic: assignment to entry in nil map", "exit status 3 (it did so to 2 workers", "characters left out",
		"its binary ended with exit status 7", "broken/b_test.go:5:28: undefined"} {
		if !strings.Contains(out, text) {
			t.Errorf("%q is not in\n%.9999s", text, out)
		}
	}
}

// TestGoArguments: what follows -- is the runner's own.
func TestGoArguments(t *testing.T) {
	t.Parallel()
	s := newSuite(t, map[string]string{"go.mod": "module example.com/g\n\ngo 1.24\n", "a/a_test.go": `//go:build tagged

package a

import ("os"; "testing")

func TestOne(t *testing.T) {
	t.Run("x", func(t *testing.T) { if testing.Short() { t.Skip("short") } })
	t.Run("y", func(t *testing.T) { t.Error("not chosen") })
}
func TestTwo(t *testing.T) { if os.Args[len(os.Args)-1] != "own" { t.Fatal(os.Args) } }
func TestThree(t *testing.T) { t.Error("not chosen") }
`, "b/b_test.go": "package b\n"})
	code, out, errs := s.test("--workers", "1", "--engine", "local", "--junit", "report.xml", "--", "-tags", "tagged", "-run", "One/x|Two", "-short", "-args", "own")
	if code != process.OK {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	same(t, outcomes(t, filepath.Join(s.dir, "report.xml")), map[string]string{"example.com/g/a::TestOne": "passed", "example.com/g/a::TestTwo": "passed"})
	if code, out, errs = s.test("--", "-tags=tagged", "-no-such-flag"); code != process.Refuted || !strings.Contains(out, "flag provided but not defined") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
	os.WriteFile(filepath.Join(s.dir, "go.mod"), []byte("modul x"), 0o644)
	if code, out, errs = s.test(); code == process.OK || !strings.Contains(out, "unknown directive") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
}
