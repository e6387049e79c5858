package report

import (
	"fmt"
	"strings"

	"github.com/assaylab/assay/suite"
)

// flaky tells of tests that ended in two ways: in this run, or in this and earlier ones of its branch.
func flaky(out *strings.Builder, r suite.Run) {
	begun := false
	for _, result := range r.Results {
		past := r.History[result.ID]
		if result.Status != suite.Flaky && !(result.Status.Bad() && wavers(past.Late+result.Status.Mark())) {
			continue
		}
		if !begun {
			heading(out, "flaky tests")
			begun = true
		}
		if n := len(result.Attempts); result.Status == suite.Flaky {
			fmt.Fprintf(out, "%s passed at attempt %d: %s\n", printable(result.ID), n+1, printable(result.Attempts[n-1].Message))
		} else {
			fmt.Fprintf(out, "%s failed, as it does now and then\n", printable(result.ID))
		}
		branches(out, past)
	}
}

// wavers tells whether marks are those of a test that went to and fro, and was not just broken and mended.
func wavers(marks string) bool {
	turns := 0
	for i := 1; i < len(marks); i++ {
		if failed(marks[i]) != failed(marks[i-1]) {
			turns++
		}
	}
	return turns >= 2 || strings.Contains(marks, suite.Flaky.Mark())
}

func failed(mark byte) bool {
	return strings.IndexByte(suite.Fail.Mark()+suite.Crash.Mark()+suite.Flaky.Mark(), mark) >= 0
}

// branches tells what is known of a test, the branch at hand first.
func branches(out *strings.Builder, past suite.Past) {
	for i := len(past.Branches) - 1; i >= 0; i-- {
		b, on := past.Branches[i], ""
		if b.Name != "" {
			on = " on " + printable(b.Name)
		}
		fmt.Fprintf(out, "    %.0f %% of %d earlier runs%s: flaky in %d, failed in %d; the last ones %s\n",
			100*float64(b.Flaky+b.Fails)/float64(max(b.Runs, 1)), b.Runs, on, b.Flaky, b.Fails, b.Late)
	}
}

// quarantined tells of failures that do not count, and of entries of the list that nothing needs.
func quarantined(out *strings.Builder, r suite.Run) {
	q, lines := r.Quarantine, &strings.Builder{}
	for _, result := range r.Results {
		if !result.Quarantined {
			continue
		}
		why := ""
		if i := q.List.Find(result.ID); i >= 0 {
			why = q.List[i].Why
		}
		fmt.Fprintf(lines, "%s%s\n", Line(result), because(why))
		branches(lines, r.History[result.ID])
	}
	for _, e := range q.Ready {
		fmt.Fprintf(lines, "%s may leave: it has passed often enough%s\n", printable(e.Pattern), because(e.Why))
	}
	for _, e := range q.Unused {
		fmt.Fprintf(lines, "%s names no test\n", printable(e.Pattern))
	}
	if lines.Len() > 0 {
		heading(out, "quarantine")
		out.WriteString(lines.String())
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + printable(why) + ")"
}
