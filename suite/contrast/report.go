package contrast

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// Difference is a test that differs between the arms.
type Difference struct {
	ID        string  `json:"id"`
	Control   Side    `json:"control"`
	Candidate Side    `json:"candidate"`
	Proven    bool    `json:"proven"` // and not only seen
	EValue    float64 `json:"e_value"`
	// Ratio is of what it takes, candidate to control, and where that may be.
	Ratio    float64     `json:"ratio,omitempty"`
	Interval *[2]float64 `json:"interval,omitempty"`
}

// Report is what came out.
type Report struct {
	Tests         int           `json:"tests"`
	Pairs         int64         `json:"pairs"` // of runs
	Rounds        int           `json:"rounds"`
	Worse         []Difference  `json:"worse"`   // fail more often on the candidate
	Better        []Difference  `json:"better"`  // fail more often on the control
	Skipped       []Difference  `json:"skipped"` // are skipped on one arm alone
	Slower        []Difference  `json:"slower"`
	Faster        []Difference  `json:"faster"`
	OnlyControl   []string      `json:"only_control,omitempty"`
	OnlyCandidate []string      `json:"only_candidate,omitempty"`
	Seconds       [2]float64    `json:"seconds"` // all tests, one after another: control, candidate
	Verdict       assay.Verdict `json:"verdict"`
}

// Report tells what is known so far.
func (c *Contrast) Report() Report {
	r := Report{Tests: len(c.tests), Rounds: c.rounds, OnlyControl: c.OnlyControl, OnlyCandidate: c.OnlyCandidate}
	worse, slower := c.proven()
	for i := range c.tests {
		t := &c.tests[i]
		r.Pairs += t.pairs
		r.Seconds[0] += t.control.Seconds
		r.Seconds[1] += t.candidate.Seconds
		d := Difference{ID: t.id, Control: t.control, Candidate: t.candidate}
		switch {
		case t.worse > t.better:
			d.Proven, d.EValue = worse[i], rounded(t.endsWorse())
			r.Worse = append(r.Worse, d)
		case t.better > t.worse:
			d.EValue = rounded(stats.PairedEValue(t.better, t.worse, t.pairs, 0))
			d.Proven = d.EValue >= float64(len(c.tests))*2/c.Alpha
			r.Better = append(r.Better, d)
		case (t.control.Skipped == t.pairs) != (t.candidate.Skipped == t.pairs):
			r.Skipped = append(r.Skipped, d)
		}
		c.timed(&r, t, d, slower[i])
	}
	for _, all := range [][]Difference{r.Slower, r.Faster} {
		slices.SortStableFunc(all, func(a, b Difference) int {
			return cmp.Or(cmp.Compare(b.EValue, a.EValue), cmp.Compare(math.Abs(b.Candidate.Seconds-b.Control.Seconds), math.Abs(a.Candidate.Seconds-a.Control.Seconds)))
		})
	}
	r.Verdict = c.verdict(r)
	return r
}

// timed adds a test to those that take longer, if that is proven or was looked into, or shorter, if proven.
func (c *Contrast) timed(r *Report, t *record, d Difference, proven bool) {
	if len(t.ratios) == 0 {
		return
	}
	low, high := stats.CentreInterval(t.ratios, c.Alpha/2)
	d.Ratio, d.Proven = rounded(math.Exp(t.centre)), proven
	if !math.IsInf(low, 0) && !math.IsInf(high, 0) {
		d.Interval = &[2]float64{rounded(math.Exp(low)), rounded(math.Exp(high))}
	}
	if proven || c.slower(t) && slices.ContainsFunc(c.close, func(i int) bool { return c.tests[i].id == t.id }) {
		d.EValue = rounded(c.takesLonger(t))
		r.Slower = append(r.Slower, d)
		return
	}
	e := stats.Centre(t.ratios, -c.limit()).Down
	if d.Proven = e >= float64(len(c.tests))*4/c.Alpha; d.Proven {
		d.EValue = rounded(e)
		r.Faster = append(r.Faster, d)
	}
}

// Unlisted is the report where the candidate's tests cannot even be listed.
func Unlisted(where, why string, files int) Report {
	reason := fmt.Sprintf("the tests of %s cannot be listed on the candidate: %s: %s", count(files, "file", "files"), where, lastLine(why))
	return Report{Verdict: assay.Verdict{Outcome: assay.Refuted, Reason: reason}}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// verdict judges three claims: no test ends worse, none takes longer than is allowed, and neither do all.
func (c *Contrast) verdict(r Report) assay.Verdict {
	v := assay.Verdict{Trials: r.Pairs, Evidence: assay.Evidence{Alpha: c.Alpha, EValue: 1, Checks: []assay.Check{c.ends(r), c.takes(r), c.general()}}}
	var worse int64
	for i := range c.tests {
		worse += c.tests[i].worse
		v.Evidence.EValue = max(v.Evidence.EValue, rounded(c.tests[i].endsWorse()))
	}
	low, high := stats.BernoulliInterval(worse, r.Pairs, c.Alpha, 1000)
	v.Evidence.MismatchInterval = [2]float64{rounded(low), rounded(high)}
	var reasons, changes []string
	v.Outcome = assay.Holds
	for _, want := range []assay.Conclusion{assay.Inconclusive, assay.Refuted} {
		for _, check := range v.Evidence.Checks {
			if check.Conclusion == want {
				v.Outcome = want
			}
		}
	}
	for _, check := range v.Evidence.Checks {
		if check.Conclusion == v.Outcome {
			reasons = append(reasons, check.Reason)
		}
		if v.Outcome == assay.Inconclusive && check.Conclusion == v.Outcome {
			changes = append(changes, "more rounds of the tests in doubt, or of all (--rounds)")
		}
	}
	v.Reason = strings.Join(reasons, "; ")
	v.Change = strings.Join(slices.Compact(changes), "; ")
	v.Assumed = []string{"in a pair of runs, whatever disturbs the machine disturbs either arm as likely as the other"}
	v.NotSeen = []string{fmt.Sprintf("tests that end worse in fewer than %.2g %% of runs", 100*high)}
	if n := len(r.OnlyControl) + len(r.OnlyCandidate); n > 0 {
		v.NotSeen = append(v.NotSeen, count(n, "test", "tests")+" that one arm alone has")
	}
	if n := c.untimed(); n > 0 {
		v.NotSeen = append(v.NotSeen, fmt.Sprintf("what tests take that end within %[2]g ms: %[1]d", n, least*1000))
	}
	return v
}

func (c *Contrast) untimed() (n int) {
	for i := range c.tests {
		if !c.tests[i].timed() && c.tests[i].worse+c.tests[i].better == 0 {
			n++
		}
	}
	return n
}

// enough is how many pairs clear a test that failed on the candidate alone now and then, if it did so on
// the control as well and the bet on a difference has lost.
const enough = 10

// ends is the claim that no test ends worse.
func (c *Contrast) ends(r Report) assay.Check {
	check := assay.Check{Clause: "no test fails more often", Conclusion: assay.Holds, Pairs: r.Pairs}
	proven, doubt := sift(&check, r.Worse, func(d Difference) bool { return d.Candidate.Runs < enough || d.EValue >= 1 })
	switch {
	case len(proven) > 0:
		check.Conclusion = assay.Refuted
		check.Reason = fmt.Sprintf("%s on the candidate more often than on the control: %s", count(len(proven), "test fails", "tests fail"), some(proven))
	case len(doubt) > 0:
		check.Conclusion = assay.Inconclusive
		check.Reason = fmt.Sprintf("%s on the candidate in some run, which is not proof yet: %s", count(len(doubt), "test failed", "tests failed"), some(doubt))
	default:
		check.Reason = fmt.Sprintf("none of %d tests fails more often on the candidate", r.Tests)
	}
	return check
}

// sift names the tests of which a difference is proven, and those that are in doubt, and gives the check the largest
// of their e-values.
func sift(check *assay.Check, all []Difference, doubted func(Difference) bool) (proven, doubt []string) {
	for _, d := range all {
		check.EValue = max(check.EValue, d.EValue)
		switch {
		case d.Proven:
			proven = append(proven, d.ID)
		case doubted(d):
			doubt = append(doubt, d.ID)
		}
	}
	return proven, doubt
}

// suspect is the e-value from which on a test that may take longer keeps the claim open. Of those that were
// looked into as they took longer in each of the first rounds, most did so by chance, and fall below it.
const suspect = 10

// takes is the claim that no test takes longer than is allowed.
func (c *Contrast) takes(r Report) assay.Check {
	check := assay.Check{Clause: fmt.Sprintf("no test takes longer by more than %g %%", 100*c.Margin), Conclusion: assay.Holds, Delta: c.Margin}
	proven, doubt := sift(&check, r.Slower, func(d Difference) bool { return d.EValue >= suspect })
	switch {
	case len(proven) > 0:
		check.Conclusion = assay.Refuted
		check.Reason = fmt.Sprintf("%s longer by more than %g %%: %s", count(len(proven), "test takes", "tests take"), 100*c.Margin, some(proven))
	case len(doubt) > 0:
		check.Conclusion = assay.Inconclusive
		check.Reason = fmt.Sprintf("%s longer in most rounds, which is not proof yet: %s", count(len(doubt), "test took", "tests took"), some(doubt))
	default:
		check.Reason = fmt.Sprintf("of no test it shows that it takes longer by more than %g %%", 100*c.Margin)
	}
	return check
}

// general is the claim that tests in general take no longer than is allowed.
func (c *Contrast) general() assay.Check {
	check := assay.Check{Clause: fmt.Sprintf("tests in general take longer by at most %g %%", 100*c.Margin), Delta: c.Margin, Pairs: int64(len(c.whole))}
	if !slices.ContainsFunc(c.tests, record.timed) {
		check.Conclusion, check.Interval = assay.Holds, [2]float64{1, 1}
		check.Reason = "tests take too little to be timed"
		return check
	}
	low, high := stats.CentreInterval(c.whole, c.Alpha/8)
	estimate := rounded(math.Exp(median(c.whole)))
	check.Estimate = &estimate
	check.Interval = [2]float64{rounded(math.Exp(low)), rounded(min(math.Exp(high), math.MaxFloat64))}
	about := fmt.Sprintf("tests take %.3g times as long on the candidate (%.3g to %.3g, of %s)", estimate, math.Exp(low), math.Exp(high), count(len(c.whole), "pair", "pairs"))
	switch {
	case low > c.limit():
		check.Conclusion, check.Reason = assay.Refuted, about
	case high <= c.limit():
		check.Conclusion, check.Reason = assay.Holds, about
	default:
		check.Conclusion, check.Reason = assay.Inconclusive, about+", which may be too much or not"
	}
	return check
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// some names the first few.
func some(ids []string) string {
	const few = 3
	if len(ids) <= few {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:few], ", "), len(ids)-few)
}

// rounded leaves four digits, and what JSON can hold.
func rounded(x float64) float64 {
	if x == 0 || math.IsNaN(x) {
		return 0
	}
	x = max(-1e300, min(1e300, x))
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(x))))
	if math.IsInf(scale, 0) || scale == 0 {
		return x
	}
	return math.Round(x*scale) / scale
}
