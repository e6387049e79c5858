// Package contrast puts a suite on a candidate beside the same suite on the control. In come pairs of
// results of the same tests, round by round; out go the tests that are to be run once more, those that
// differ, and a verdict. It is pure.
//
// A pair is one run of a test on each arm, in the same round. Where the arms are alike, either is as likely
// to be the one that fails, or takes longer: a coin is tossed a pair, and what counts against it is an
// e-value (package stats), which may be looked at after every round. So tests in doubt are run again until
// it is known, and no others. Of all tests that are said to differ, at most a share alpha is expected to be
// said so by mistake, however many tests there are and however they depend on one another (e-BH).
package contrast

import (
	"cmp"
	"math"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
	"github.com/assaylab/assay/suite"
)

// Options of a Contrast. All must be set.
type Options struct {
	Alpha  float64 // chance of a wrong verdict
	Margin float64 // the share by which a test may take longer
	Rounds int     // in which all tests run
	Most   int     // rounds of tests that are in doubt
}

// Contrast is what is known so far.
type Contrast struct {
	Options
	tests  []record
	index  map[string]int
	rounds int
	whole  []float64 // ratios, as logarithms, of all pairs of rounds in which all tests ran
	close  []int     // tests that are looked at once more

	// OnlyControl and OnlyCandidate are tests that the other arm has not got.
	OnlyControl, OnlyCandidate []string
}

// record is what is known of a test.
type record struct {
	id                 string
	control, candidate Side
	worse, better      int64 // pairs in which just one arm failed: the candidate, the control
	pairs              int64
	ratios             []float64 // logarithms of candidate to control, of pairs that are long enough to time
	centre             float64   // of these
}

// Side is how a test ended and what it took on one arm.
type Side struct {
	Runs    int64   `json:"runs"`
	Failed  int64   `json:"failed"`
	Skipped int64   `json:"skipped"`
	Seconds float64 `json:"seconds"` // in the mean
	Message string  `json:"message,omitempty"`
	total   float64
}

// New begins with tests that both arms have.
func New(ids []string, o Options) *Contrast {
	c := &Contrast{Options: o, index: map[string]int{}, tests: make([]record, len(ids))}
	for i, id := range ids {
		c.tests[i].id, c.index[id] = id, i
	}
	return c
}

// least is what a test must take in the geometric mean of both arms to be timed at all, in seconds: below it
// is the machine's noise.
const least = 0.005

// Add takes in a round: results of both arms, in any order. Tests that one of them lost tell nothing.
func (c *Contrast) Add(control, candidate []suite.Result) {
	all := c.runsAll()
	c.rounds++
	other := map[string]suite.Result{}
	for _, r := range candidate {
		other[r.ID] = r
	}
	for _, a := range control {
		b, both := other[a.ID]
		i, known := c.index[a.ID]
		if both && known && a.Status != suite.Lost && b.Status != suite.Lost {
			before := len(c.tests[i].ratios)
			c.tests[i].add(a, b)
			if all {
				c.whole = append(c.whole, c.tests[i].ratios[before:]...)
			}
		}
	}
	if c.rounds == c.Rounds {
		c.choose()
	}
}

func (r *record) add(control, candidate suite.Result) {
	r.pairs++
	r.control.add(control)
	r.candidate.add(candidate)
	switch a, b := control.Status.Bad(), candidate.Status.Bad(); {
	case b && !a:
		r.worse++
	case a && !b:
		r.better++
	case !a && !b && control.Status != suite.Skip && candidate.Status != suite.Skip:
		r.time(control.Duration().Seconds(), candidate.Duration().Seconds())
	}
}

// time keeps what a pair took, if that can be compared.
func (r *record) time(control, candidate float64) {
	const tick = 1e-4 // so that nothing is divided by zero
	if math.Sqrt((control+tick)*(candidate+tick)) < least {
		return
	}
	r.ratios = append(r.ratios, math.Log((candidate+tick)/(control+tick)))
	r.centre = median(r.ratios)
}

// timed tells whether a test takes long enough in most runs.
func (r record) timed() bool { return 2*len(r.ratios) > int(r.pairs) }

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func (s *Side) add(r suite.Result) {
	s.Runs++
	s.total += r.Duration().Seconds()
	s.Seconds = s.total / float64(s.Runs)
	if r.Status == suite.Skip {
		s.Skipped++
	}
	if r.Status.Bad() {
		s.Failed++
		s.Message = suite.FirstLine(r.Message)
	}
}

// together is how many tests are looked at once more, at most, for how they end and for what they take.
const together = 50

// choose picks the tests in doubt: that ended worse, and that took longer in each round. Those come first of
// which most is known, and that cost most.
func (c *Contrast) choose() {
	var worse, slower []int
	for i := range c.tests {
		if t := &c.tests[i]; t.worse > t.better {
			worse = append(worse, i)
		} else if c.slower(t) && slices.Min(t.ratios) > c.limit() {
			slower = append(slower, i)
		}
	}
	slices.SortStableFunc(worse, func(a, b int) int {
		return cmp.Or(cmp.Compare(c.tests[b].worse, c.tests[a].worse), cmp.Compare(c.tests[a].candidate.Seconds, c.tests[b].candidate.Seconds))
	})
	slices.SortStableFunc(slower, func(a, b int) int { return cmp.Compare(c.tests[b].lost(), c.tests[a].lost()) })
	c.close = slices.Concat(worse[:min(len(worse), together)], slower[:min(len(slower), together)])
}

// lost is how much longer a test takes on the candidate, in seconds.
func (r *record) lost() float64 { return r.candidate.Seconds - r.control.Seconds }

// limit is the ratio that is allowed, as a logarithm.
func (c *Contrast) limit() float64 { return math.Log1p(c.Margin) }

// slower tells whether a test seems to take longer than is allowed.
func (c *Contrast) slower(r *record) bool { return len(r.ratios) > 0 && r.centre > c.limit() }

// Round is the number of the round that comes next, from 1.
func (c *Contrast) Round() int { return c.rounds + 1 }

// few pairs say little of what tests take in general.
const few = 60

// runsAll tells whether all tests are to run in the round that comes next: in the first ones, and in more of
// them when there are too few tests to tell what they take in general.
func (c *Contrast) runsAll() bool {
	if c.rounds < c.Rounds {
		return true
	}
	return c.rounds < c.Most && 0 < len(c.whole) && len(c.whole) < few && c.general().Conclusion == assay.Inconclusive
}

// Next is the tests to be run next on both arms; none when there is nothing more to be learned.
func (c *Contrast) Next() []int {
	if c.runsAll() {
		all := make([]int, len(c.tests))
		for i := range all {
			all[i] = i
		}
		return all
	}
	worse, slower := c.proven()
	var next []int
	for _, i := range c.close {
		t := &c.tests[i]
		ends, takes := t.worse > t.better && !worse[i], c.slower(t) && t.worse == 0 && !slower[i]
		if t.pairs < int64(c.Most) && (ends || takes) {
			next = append(next, i)
		}
	}
	return next
}

// The chance of a wrong verdict is shared out: one half to how tests end, a quarter each to what single
// tests take and to what all do.
func (c *Contrast) proven() (worse, slower []bool) {
	ends, takes := make([]float64, len(c.tests)), make([]float64, len(c.tests))
	for i := range c.tests {
		ends[i], takes[i] = c.tests[i].endsWorse(), c.takesLonger(&c.tests[i])
	}
	return stats.EBH(ends, c.Alpha/2), stats.EBH(takes, c.Alpha/4)
}

// endsWorse is an e-value against "the candidate fails no more often".
func (r *record) endsWorse() float64 { return stats.PairedEValue(r.worse, r.better, r.pairs, 0) }

// takesLonger is an e-value against "the test takes no longer than is allowed".
func (c *Contrast) takesLonger(r *record) float64 {
	if len(r.ratios) == 0 {
		return 1
	}
	return stats.Centre(r.ratios, c.limit()).Up
}
