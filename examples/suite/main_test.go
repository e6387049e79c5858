package main

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTalk: the case comes out as the talk tells it, and assay test comes near the floor.
func TestTalk(t *testing.T) {
	r := map[string]result{}
	for _, w := range talk.ways() {
		r[w.name] = talk.run(w)
	}
	within := func(name string, low, high time.Duration) {
		t.Helper()
		if got, ok := r[name]; !ok || got.total < low || got.total > high || got.refused != "" {
			t.Errorf("%s: %v (%s), want %v to %v", name, got.total, got.refused, low, high)
		}
	}
	within("four processes", 25*time.Minute, 25*time.Minute+talk.longest)
	within("the talk: 400 functions, test number mod 400", 3*time.Minute, 4*time.Minute)
	second := r["assay, one line changed"]
	within("assay, one line changed", talk.longest, talk.longest+5*time.Second)
	if floor := float64(second.tests) / float64(second.floor); floor > 1.02 {
		t.Errorf("the second run takes %.3f times the floor", floor)
	}
	if r["four functions, a quarter each"].refused == "" {
		t.Error("a quarter of the suite fits no invocation, and yet runs")
	}
	if more := r["the same, all that Lambda runs at once"]; more.total < second.total-time.Second || more.cost <= second.cost {
		t.Errorf("more workers do not shorten the longest test, and cost: %v for %.2f, %v for %.2f", more.total, more.cost, second.total, second.cost)
	}
	if split := r["the same, longest test split in four"]; split.total > second.total*3/4 {
		t.Errorf("with the longest test split it takes %v, before %v", split.total, second.total)
	}
}

// TestDurations: number, sum and longest are the case's.
func TestDurations(t *testing.T) {
	d := talk.durations()
	var sum time.Duration
	for _, x := range d {
		sum += x
	}
	if len(d) != 4000 || slices.Max(d) != talk.longest || math.Abs(float64(sum-talk.serial)) > float64(time.Millisecond) {
		t.Errorf("%d tests, %v, the longest %v", len(d), sum, slices.Max(d))
	}
}

// TestReadme: the table in the README is the one that the program prints.
func TestReadme(t *testing.T) {
	var out strings.Builder
	if err := talk.print(&out); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```\n"+strings.TrimSpace(out.String())+"\n```") {
		t.Errorf("README.md does not have\n%s", out.String())
	}
}

// TestLimits: what Lambda does not take is said to be refused.
func TestLimits(t *testing.T) {
	large := talk
	large.zip = 51
	if r := large.run(way{workers: 10}); !strings.Contains(r.refused, "zips") {
		t.Errorf("a zip of 51 MB: %+v", r)
	}
	if r := talk.run(way{workers: 1001}); !strings.Contains(r.refused, "at once") {
		t.Errorf("1001 functions at once: %+v", r)
	}
}
