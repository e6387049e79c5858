package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestShort runs every measurement once, on suites of a moment, so that the benchmark cannot rot. Its figures
// mean nothing.
func TestShort(t *testing.T) {
	o := options{assay: filepath.Join(t.TempDir(), "assay"), python: "../../.deps/python", tests: 12, workers: 2, floor: 500 * time.Millisecond, rounds: 1, large: 1, places: []string{"last"}}
	if _, err := os.Stat(filepath.Join(o.python, "manifests")); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: run scripts/setup test", o.python)
		}
		t.Skipf("%s is missing: run scripts/setup test", o.python)
	}
	build := exec.Command("go", "build", "-o", o.assay, "../../cmd/assay")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var table bytes.Buffer
	if err := run(t.Context(), o, &table, t.Output()); err != nil {
		t.Fatal(err)
	}
	t.Log(table.String())
	for _, row := range []string{"second run", "wall clock against the floor", "first run", "xdist", "one-line change, %", "first test's start", "scheduler's time", "the same: makespan"} {
		if !strings.Contains(table.String(), row) {
			t.Errorf("the table has no row of %q", row)
		}
	}
}

// TestDurations: a suite takes what it is to take, with its longest test where that is to be.
func TestDurations(t *testing.T) {
	for place, at := range map[string]int{"first": 0, "middle": 200, "last": 399} {
		d := lognormal(3, 400, 200*time.Second, place)
		sum, longest := time.Duration(0), slices.Max(d)
		for _, each := range d {
			sum += each
		}
		if d[at] != longest || sum < 199*time.Second || sum > 201*time.Second {
			t.Errorf("%s: %v in all, longest at %d", place, sum, slices.Index(d, longest))
		}
	}
}
