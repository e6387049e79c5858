package report

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay/suite"
)

var run = suite.Run{
	Name: "p", Workers: 2, Wall: 3 * time.Second, Started: time.Unix(0, 0),
	Planned: []suite.Test{{ID: "a", Class: "c", Name: "one"}, {ID: "b"}, {ID: "c"}, {ID: "d"}},
	Results: []suite.Result{
		{ID: "a", Status: suite.Pass, Start: 1, Call: 2},
		{ID: "b", Status: suite.Fail, Start: 1, Call: 1, Message: "1 != 2", Detail: "where \x1b[31m<&>\x00"},
		{ID: "c", Status: suite.Flaky, Start: 2, Call: 0.5, Attempts: []suite.Result{{ID: "c", Status: suite.Fail, Start: 1.9, Message: "once"}}},
		{ID: "d", Status: suite.Lost},
	},
}

// TestJUnit: the document is well-formed whatever tests write, and counts are right.
func TestJUnit(t *testing.T) {
	var out strings.Builder
	if err := JUnit(&out, run); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal([]byte(out.String()), new(struct{})); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, text := range []string{`tests="4" failures="1" errors="1" skipped="0"`, `classname="c" name="one"`, `<flakyFailure message="once"`, "&lt;&amp;&gt;"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("%s is not in\n%s", text, out.String())
		}
	}
}

// TestSummary: failures are told, lost tests count, nothing steers a terminal, and the floor is right.
func TestSummary(t *testing.T) {
	var out strings.Builder
	if err := Summary(&out, run, 2); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"FAILED b - 1 != 2", "LOST d", "c passed at attempt 2: once", "1 failed, 1 lost, 1 passed, 1 flaky in 3.00s", "2 workers: tests took 2.00s, 1.00 times the floor of 2.00s (the longest test, a)"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("%s is not in\n%s", text, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("an escape sequence came through")
	}
}

// TestSummaryInterrupted: of thousands of lost tests some are named, and what failed is seen beside them.
func TestSummaryInterrupted(t *testing.T) {
	stopped := run
	stopped.Results = append(make([]suite.Result, 0, 4002), run.Results...)
	for range 3_999 {
		stopped.Results = append(stopped.Results, suite.Result{ID: "never", Status: suite.Lost})
	}
	var out strings.Builder
	if err := Summary(&out, stopped, 0); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n > 30 {
		t.Errorf("%d lines", n)
	}
	for _, text := range []string{"FAILED b - 1 != 2", "LOST and 3990 more", "4000 lost"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("%s is not in\n%s", text, out.String())
		}
	}
}
