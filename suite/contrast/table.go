package contrast

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// Table writes a report for people.
func (r Report) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	part(t, "ENDS WORSE", r.Worse, Difference.ends)
	part(t, "ENDS BETTER", r.Better, Difference.ends)
	part(t, "SKIPPED ON ONE", r.Skipped, Difference.ends)
	part(t, "TAKES LONGER", r.Slower, Difference.takes)
	part(t, "TAKES LESS", r.Faster, Difference.takes)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, only := range []struct {
		arm string
		ids []string
	}{{"control", r.OnlyControl}, {"candidate", r.OnlyCandidate}} {
		if len(only.ids) > 0 {
			fmt.Fprintf(w, "only the %s has %s\n", only.arm, printable(some(only.ids)))
		}
	}
	fmt.Fprintf(w, "%d tests, %d pairs of runs in %d rounds; all one after another take %.2fs on the control, %.2fs on the candidate\n", r.Tests, r.Pairs, r.Rounds, r.Seconds[0], r.Seconds[1])
	for _, c := range r.Verdict.Evidence.Checks {
		fmt.Fprintf(w, "  %-12s  %s: %s\n", c.Conclusion, c.Clause, printable(c.Reason))
	}
	for _, n := range r.Verdict.NotSeen {
		fmt.Fprintf(w, "  not seen      %s\n", n)
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", r.Verdict.Outcome, printable(r.Verdict.Reason))
	return err
}

// part writes the differences of one sort, if there are any.
func part(w io.Writer, heading string, all []Difference, line func(Difference) string) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "%s\tCONTROL\tCANDIDATE\tEVIDENCE\n", heading)
	for _, d := range all {
		fmt.Fprintf(w, "%s\t%s\n", printable(d.ID), line(d))
	}
	fmt.Fprintln(w)
}

// ends is how a test ended on both arms.
func (d Difference) ends() string {
	evidence := d.evidence()
	if m := cmp.Or(d.Candidate.Message, d.Control.Message); m != "" {
		evidence += ": " + printable(m)
	}
	return d.Control.ended() + "\t" + d.Candidate.ended() + "\t" + evidence
}

// takes is what a test took on both arms.
func (d Difference) takes() string {
	text := fmt.Sprintf("%.3fs\t%.3fs\t%.2f times as long", d.Control.Seconds, d.Candidate.Seconds, d.Ratio)
	if d.Interval != nil {
		text += fmt.Sprintf(" (%.2f to %.2f)", d.Interval[0], d.Interval[1])
	}
	return text + ", " + d.evidence()
}

func (d Difference) evidence() string {
	switch {
	case d.Proven:
		return fmt.Sprintf("proven (e = %.3g)", d.EValue)
	case d.EValue > 0:
		return fmt.Sprintf("seen (e = %.3g)", d.EValue)
	}
	return "seen"
}

func (s Side) ended() string {
	switch {
	case s.Failed == s.Runs:
		return fmt.Sprintf("fails in all of %d", s.Runs)
	case s.Failed > 0:
		return fmt.Sprintf("fails in %d of %d", s.Failed, s.Runs)
	case s.Skipped == s.Runs:
		return "skipped"
	}
	return fmt.Sprintf("passes %d times", s.Runs)
}

// printable keeps a test's words from steering a terminal, and from columns.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
