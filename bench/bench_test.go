package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestShort runs every measurement once, so that the benchmark cannot rot. Its figures mean nothing.
func TestShort(t *testing.T) {
	for _, name := range []string{"nginx", "haproxy", "wrk"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is missing: scripts/setup test installs it", name)
			}
			t.Skipf("%s is missing", name)
		}
	}
	o := options{assay: filepath.Join(t.TempDir(), "assay")}
	o.short()
	build := exec.Command("go", "build", "-o", o.assay, "../cmd/assay")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var table bytes.Buffer
	if err := run(t.Context(), o, &table, t.Output()); err != nil {
		t.Fatal(err)
	}
	t.Log(table.String())
	for _, row := range []string{"nothing sampled", "compared and kept", "trials kept", "1 connection", "hung", "1 s slow", "down", "RSS", "8 MB POST", "store alone", "page or API call", "memory grown", "with 2,000 trials"} {
		if !strings.Contains(table.String(), row) {
			t.Errorf("the table has no row of %q", row)
		}
	}
}

func TestFigures(t *testing.T) {
	r, err := figures("Running 1s test\nFIGURES 1000 2000000 50 900 3\n")
	if err != nil || r.perSecond != 500 || r.p50.Microseconds() != 50 || r.p99.Microseconds() != 900 || r.failed != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, bad := range []string{"", "no figures", "FIGURES x", "FIGURES 0 1 0 0 0"} {
		if _, err := figures(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestRowsKnowTheirGoals(t *testing.T) {
	for _, c := range []struct {
		row  row
		want bool
	}{
		{atLeast("", 8, 10, 0.8), true}, {atLeast("", 7.9, 10, 0.8), false},
		{atMost("", 11, 10, 1.1), true}, {atMost("", 11.1, 10, 1.1), false},
	} {
		if c.row.reached() != c.want {
			t.Errorf("%+v: reached %v", c.row, c.row.reached())
		}
	}
	five := []result{{perSecond: 9}, {perSecond: 1}, {perSecond: 5}, {perSecond: 7}, {perSecond: 3}}
	for n, want := range map[int]float64{1: 9, 2: 5, 4: 6, 5: 5} {
		if m := median(five[:n], func(r result) float64 { return r.perSecond }); m != want {
			t.Errorf("median of %d is %v, want %v", n, m, want)
		}
	}
}
