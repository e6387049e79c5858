// Package report writes a run's results down: for people, and for the machines that read them. In comes a
// suite.Run, out goes text. It is pure: where the text goes, and when, is the caller's affair.
package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assaylab/assay/suite"
)

// seconds prints with three decimals.
type seconds float64

// MarshalText makes it so in XML.
func (s seconds) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(s), 'f', 3, 64), nil
}

// Tally counts results by status.
func Tally(results []suite.Result) map[suite.Status]int {
	n := map[suite.Status]int{}
	for _, r := range results {
		if r.Quarantined {
			n[excused]++
			continue
		}
		n[r.Status]++
	}
	return n
}

// excused stands for a failure that does not count, where results are counted.
const excused suite.Status = "quarantined"

// words are what a last line calls statuses, in its order.
var words = []struct {
	status suite.Status
	word   string
}{
	{suite.Fail, "failed"}, {suite.Crash, "crashed"}, {suite.Timeout, "timed out"}, {suite.Lost, "lost"}, {suite.Pass, "passed"},
	{suite.Flaky, "flaky"}, {excused, "quarantined"}, {suite.Skip, "skipped"}, {suite.XFail, "xfailed"}, {suite.XPass, "xpassed"}, {suite.Error, "errors"},
}

// Summary writes what people read at the end: each failure with its account, flaky tests, the slowest,
// what the run took against its floor, and the counts.
func Summary(w io.Writer, r suite.Run, slowest int) error {
	out := &strings.Builder{}
	bad, untold := told(r)
	if len(bad) > 0 {
		heading(out, "FAILURES")
		for _, i := range bad {
			if r.Results[i].Status != suite.Lost { // there is nothing to tell
				account(out, r.Results[i])
			}
		}
	}
	flaky(out, r)
	quarantined(out, r)
	slow(out, r, slowest)
	if len(bad) > 0 {
		heading(out, "short test summary info")
		for _, i := range bad {
			fmt.Fprintln(out, Line(r.Results[i]))
		}
	}
	if untold > 0 {
		fmt.Fprintf(out, "LOST and %d more\n", untold)
	}
	if r.Order != "" {
		fmt.Fprintln(out, printable(r.Order))
	}
	fmt.Fprintln(out, Pace(r))
	heading(out, Counts(r))
	_, err := io.WriteString(w, out.String())
	return err
}

// maxLost is how many lost tests are named: when a run is interrupted it may be thousands, beside which nothing else is seen.
const maxLost = 10

// told are the failures that are named one by one, and how many are not.
func told(r suite.Run) (bad []int, untold int) {
	lost := 0
	for _, i := range failures(r) {
		if r.Results[i].Status == suite.Lost {
			if lost++; lost > maxLost {
				continue
			}
		}
		bad = append(bad, i)
	}
	return bad, max(lost-maxLost, 0)
}

// Line is a failure in one line: how it ended, which test, and what it said first.
func Line(r suite.Result) string {
	line := shout(r.Status) + " " + printable(r.ID)
	if m := suite.FirstLine(r.Message); m != "" {
		line += " - " + printable(m)
	}
	return line
}

func failures(r suite.Run) (bad []int) {
	for i, result := range r.Results {
		if result.Fails() {
			bad = append(bad, i)
		}
	}
	return bad
}

func shout(s suite.Status) string {
	switch s {
	case suite.Fail:
		return "FAILED"
	case suite.Error:
		return "ERROR"
	}
	return strings.ToUpper(string(s))
}

const width = 80

func heading(out *strings.Builder, text string) { rule(out, text, "=") }

func rule(out *strings.Builder, text, line string) {
	side := max(3, (width-len(text)-2)/2)
	fmt.Fprintln(out, strings.Repeat(line, side), text, strings.Repeat(line, max(3, width-len(text)-2-side)))
}

func account(out *strings.Builder, r suite.Result) {
	rule(out, printable(r.ID), "_")
	if r.Detail != "" {
		fmt.Fprintln(out, printable(strings.TrimRight(r.Detail, "\n")))
	} else {
		fmt.Fprintln(out, printable(cmp.Or(r.Message, string(r.Status))))
	}
	if r.Output != "" {
		fmt.Fprintln(out, printable(strings.TrimRight(r.Output, "\n")))
	}
}

func slow(out *strings.Builder, r suite.Run, most int) {
	if most <= 0 {
		return
	}
	all := slices.Clone(r.Results)
	slices.SortStableFunc(all, func(a, b suite.Result) int { return cmp.Compare(b.Duration(), a.Duration()) })
	heading(out, fmt.Sprintf("slowest %d tests", min(most, len(all))))
	for _, result := range all[:min(most, len(all))] {
		fmt.Fprintf(out, "%8.2fs %s\n", result.Duration().Seconds(), printable(result.ID))
	}
}

// Counts is the last line: "1 failed, 3 passed in 2.10s".
func Counts(r suite.Run) string {
	n := Tally(r.Results)
	var parts []string
	for _, w := range words {
		if n[w.status] > 0 {
			parts = append(parts, fmt.Sprint(n[w.status], " ", w.word))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no tests ran"}
	}
	return fmt.Sprintf("%s in %.2fs", strings.Join(parts, ", "), r.Wall.Seconds())
}

// Figures are what a run took, all in one clock: that of the tests.
type Figures struct {
	Serial   time.Duration // all tests one after another
	Longest  time.Duration
	Which    string        // the longest test
	Floor    time.Duration // the longest test, or all of them shared out evenly
	Makespan time.Duration // from the first test's start to the last one's end
}

// Measure computes the figures of a run.
func Measure(r suite.Run) (f Figures) {
	first, last := 0.0, 0.0
	for _, result := range r.Results {
		for _, a := range append(slices.Clip(result.Attempts), result) {
			if a.Start == 0 {
				continue
			}
			d := a.Duration()
			f.Serial += d
			if d > f.Longest {
				f.Longest, f.Which = d, a.ID
			}
			if first == 0 || a.Start < first {
				first = a.Start
			}
			last = max(last, a.End())
		}
	}
	f.Floor = max(f.Longest, f.Serial/time.Duration(max(r.Workers, 1)))
	f.Makespan = time.Duration((last - first) * float64(time.Second))
	return f
}

// Pace says how near a run came to its floor, and what bounds it.
func Pace(r suite.Run) string {
	f := Measure(r)
	if f.Floor <= 0 {
		return workers(r.Workers)
	}
	bound := fmt.Sprintf("all tests over %s", workers(r.Workers))
	if f.Floor == f.Longest {
		bound = "the longest test, " + printable(f.Which)
	}
	text := fmt.Sprintf("%s: tests took %s, %.2f times the floor of %s (%s); one after another they take %s",
		workers(r.Workers), brief(f.Makespan), float64(f.Makespan)/float64(f.Floor), brief(f.Floor), bound, brief(f.Serial))
	if saved := f.Serial - f.Makespan; saved > 0 {
		text += fmt.Sprintf(", %s more", brief(saved))
	}
	if r.CostUSD > 0 {
		text += fmt.Sprintf("; $%.6f at AWS's prices", r.CostUSD)
	}
	if r.Upload.Total > 0 {
		text += fmt.Sprintf("; sent %s of %s", Bytes(r.Upload.Sent), Bytes(r.Upload.Total))
		if r.Upload.Sent > r.Upload.Total {
			text += " (with dependencies, or once to each worker)"
		}
	}
	return text
}

func workers(n int) string {
	if n == 1 {
		return "1 worker"
	}
	return fmt.Sprintf("%d workers", n)
}

func brief(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }

// Bytes is a size for people.
func Bytes(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// printable keeps a test's words from steering a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}
