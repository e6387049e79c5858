package judge

import (
	"fmt"
	"math"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

const (
	noTrials = "no trials yet"
	// most is the number of trials beyond which nothing is estimated.
	most = 1e10
)

// tally is what the clause on mismatches is decided by. Without secondaries the claim is about the share
// of trials that mismatch. With them it is about the excess: by how much more often the candidate alone
// differs from the control than the control alone differs from itself, in the trials that have both.
type tally struct {
	trials, mismatches   int64
	paired               int64   // trials with a secondary
	candidate, secondary int64   // of those: only the one mismatched
	pairs                float64 // share of the trials to come that will have a secondary
	limit                float64
	alpha                float64
	leftOut              int64 // requests for which the candidate was not called, because it faulted before
	words                wording
}

// missing is the share of the requests for which the candidate was not called. Whether to call it was decided by
// what went before, so the trials there are can refute the claim as they stand. To hold it must whatever the
// calls left out had shown: they stand for mismatches.
func (t tally) missing() float64 {
	return float64(t.leftOut) / float64(max(t.trials+t.leftOut, 1))
}

// allowed is the limit on the trials there are that keeps all within the limit; negative if nothing can.
func (t tally) allowed() float64 {
	missing := t.missing()
	if missing >= 1 {
		return -1
	}
	return (t.limit - missing) / (1 - missing)
}

// wording is what trials that count against a candidate do, one and many of them, what the others are called,
// and these.
type wording struct{ one, many, good, bad string }

var (
	differing = wording{"differs", "differ", "matching", "mismatch"}
	faulting  = wording{"faults", "fault", "faultless", "fault"}
)

// count puts so many, of what, before their verb: "1 of 120 trials differs".
func (w wording) count(n int64, of string) string {
	if n == 1 {
		return "1" + of + " " + w.one
	}
	return number(n) + of + " " + w.many
}

func (m matter) tally() tally {
	a := m.candidate
	t := tally{
		trials: a.Trials, mismatches: a.Mismatches,
		paired: a.Paired, candidate: a.CandidateOnly, secondary: a.SecondaryOnly,
		pairs: m.experiment.Secondary, limit: m.hypothesis.Mismatch, alpha: m.alpha(),
		leftOut: m.leftOut(), words: differing,
	}
	return t.seen()
}

// seen takes for the share of trials with a secondary the one there was so far.
func (t tally) seen() tally {
	if t.noisy() && t.paired > 0 {
		t.pairs = float64(t.paired) / float64(max(t.trials, 1))
	}
	return t
}

// noisy tells whether the control's own noise is accounted for: whether the experiment has a secondary.
func (t tally) noisy() bool { return t.pairs > 0 }

// eValue is against "within the limit", before alpha is divided.
func (t tally) eValue() float64 {
	if t.noisy() {
		return stats.PairedEValue(t.candidate, t.secondary, t.paired, t.limit)
	}
	return stats.BernoulliEValue(t.mismatches, t.trials, t.limit)
}

// judged bounds what the claim is about: the share, or the excess. Each end alone is wrong with
// probability alpha at most; the claim is refuted when low is above the limit and holds when high is not.
// The excess is bounded from above twice, by the pairs and by the share of all trials that mismatch. High is
// of the calls left out as well.
func (t tally) judged() (low, high float64) {
	low, high = t.called()
	return low, high + (1-high)*t.missing()
}

func (t tally) called() (low, high float64) {
	if !t.noisy() {
		_, high = stats.BernoulliInterval(t.mismatches, t.trials, t.alpha, tuned)
		return stats.BernoulliLowerBound(t.mismatches, t.trials, t.alpha), high
	}
	low = stats.PairedLowerBound(t.candidate, t.secondary, t.paired, t.alpha)
	_, high = stats.BernoulliInterval(t.mismatches, t.trials, t.alpha/2, tuned)
	return low, min(high, -stats.PairedLowerBound(t.secondary, t.candidate, t.paired, t.alpha/2))
}

// refuted tells whether the lower end of judged is above the limit, without the work of finding it.
func (t tally) refuted() bool { return t.eValue()*t.alpha >= 1 }

// holds tells whether the upper end of judged is within the limit, likewise.
func (t tally) holds() bool {
	switch {
	case t.trials == 0:
		return false
	case t.limit >= 1:
		return true
	case !t.noisy():
		return t.shareWithin(t.alpha)
	}
	return t.shareWithin(t.alpha/2) ||
		stats.PairedEValue(t.secondary, t.candidate, t.paired, -t.allowed())*t.alpha/2 >= 1
}

func (t tally) shareWithin(alpha float64) bool {
	limit := t.allowed()
	return limit > 0 && float64(t.mismatches) < limit*float64(t.trials) &&
		stats.BernoulliPointEValue(t.mismatches, t.trials, limit, alpha, tuned)*alpha >= 1
}

func (t tally) conclusion() assay.Conclusion {
	switch {
	case t.refuted():
		return assay.Refuted
	case t.holds():
		return assay.Holds
	}
	return assay.Inconclusive
}

// point is the estimate of what the claim is about.
func (t tally) point() float64 {
	if !t.noisy() {
		return float64(t.mismatches) / float64(max(t.trials, 1))
	}
	return float64(t.candidate-t.secondary) / float64(max(t.paired, 1))
}

// then is the tally after n more trials, all of which match or all of which do not.
func (t tally) then(n int64, match bool) tally {
	withSecondary := int64(math.Round(float64(n) * t.pairs))
	t.trials += n
	t.paired += withSecondary
	if !match {
		t.mismatches += n
		t.candidate += withSecondary
	}
	return t
}

// likewise is the tally after n more trials that go as those so far went.
func (t tally) likewise(n int64) tally {
	grow := func(count int64) int64 {
		return count + int64(math.Round(float64(count)*float64(n)/float64(t.trials)))
	}
	more := t
	more.trials, more.mismatches = t.trials+n, grow(t.mismatches)
	more.leftOut = grow(t.leftOut)
	more.paired, more.candidate, more.secondary = grow(t.paired), grow(t.candidate), grow(t.secondary)
	return more
}

func (m matter) mismatch(c clause) finding {
	t := m.tally()
	f := t.finding(c)
	f.Reason += m.where(t)
	if f.Conclusion == assay.Refuted {
		f.change = m.acquit(t)
	}
	return f
}

// finding is what a tally says of its clause.
func (t tally) finding(c clause) finding {
	low, high := t.judged()
	f := undecided(c)
	f.Conclusion = t.conclusion()
	f.Interval = [2]float64{low, high}
	f.Reason = t.describe(f.Conclusion, low, high)
	if t.trials > 0 {
		point := t.point()
		f.Estimate = &point
	}
	switch f.Conclusion {
	case assay.Holds:
		n, _ := stats.Fewest(most, func(n int64) bool { return t.then(n, false).refuted() })
		f.change = fmt.Sprintf("about %s in a row that %s would refute it", count(n, "trial"), t.words.bad)
	case assay.Inconclusive:
		t.decide(&f)
	}
	return f
}

func (t tally) describe(c assay.Conclusion, low, high float64) string {
	differ := t.words.count(t.mismatches, " of "+count(t.trials, "trial"))
	switch {
	case t.trials == 0:
		return noTrials
	case t.noisy() && t.paired > 0:
		if t.mismatches == 0 {
			differ = fmt.Sprintf("no trial %s (0 of %s)", t.words.one, number(t.trials))
		}
		return fmt.Sprintf("%s; in the %s with a secondary call, %s by the candidate alone and %s by the control's own noise alone: "+
			"an excess of %s (%s), %s", differ, number(t.paired), t.words.count(t.candidate, ""), number(t.secondary),
			share(t.point()), between(low, high, share), against(c, t.limit))
	case t.noisy() && c != assay.Holds:
		return differ + "; none has a secondary call yet, to tell noise by"
	}
	return fmt.Sprintf("%s (%s; %s), %s", differ, share(float64(t.mismatches)/float64(t.trials)),
		between(max(0, low), high, share), against(c, t.limit))
}

// faults says, after a comma, whose faults there were and of which kinds, "" if none were counted.
func (m matter) faults() string {
	var whose []string
	if kinds := list(m.candidate.Faults); kinds != "" {
		whose = append(whose, "the candidate's: "+kinds)
	}
	if kinds := list(m.control.Faults); kinds != "" {
		whose = append(whose, "the control's: "+kinds)
	}
	if len(whose) == 0 {
		return ""
	}
	return ", " + strings.Join(whose, "; ")
}

// where names the faults, when they are most of the mismatches, or else the path with most mismatches.
func (m matter) where(t tally) string {
	if t.mismatches == 0 {
		return ""
	}
	if n := m.faulty(t); n > 0 {
		return fmt.Sprintf("; %s of %s mismatches are faults%s", number(n), number(t.mismatches), m.faults())
	}
	if path := m.path(t); path != "" {
		return "; most at " + path
	}
	return ""
}

// faulty counts the mismatches that are faults, if they are most of them, and is zero otherwise.
func (m matter) faulty(t tally) int64 {
	for _, p := range m.candidate.Paths {
		if p.Kind == assay.KindFault && 2*p.Mismatches > t.mismatches {
			return p.Mismatches
		}
	}
	return 0
}

// acquit says what could be done about a refuted claim. No rule excuses a fault, and no noise explains most of them.
func (m matter) acquit(t tally) string {
	var ways []string
	if path := m.path(t); path != "" && path != string(assay.KindFault) {
		ways = append(ways, fmt.Sprintf("excuse the difference at %s with a rule, if it is meant", path))
	}
	if m.faulty(t) > 0 && len(m.candidate.Faults) > 0 {
		ways = append(ways, "let the candidate answer: its newest trials say what went wrong")
	}
	ways = append(ways, "allow a higher share of mismatches")
	if !t.noisy() && m.faulty(t) == 0 {
		ways = append(ways, "set secondary: 20%, if the control's own answers vary")
	}
	return strings.Join(ways, "; or ") + " (this begins the evidence anew)"
}

// decide says what would end the doubt, and estimates how many more trials that takes.
func (t tally) decide(f *finding) {
	switch {
	case t.noisy() && t.paired == 0 && t.mismatches > 0:
		f.change = "trials with a secondary call"
	case t.trials > 0 && t.point() > t.limit:
		f.adrift = true
		f.estimate("more trials that go likewise would refute it", func(n int64) bool { return t.likewise(n).refuted() })
	case t.limit <= 0:
		f.change = "a limit of 0 % can be refuted and never shown: allow a small share, such as <= 0.1%"
	case t.noisy() && t.mismatches > 0:
		f.estimate("more trials that go likewise would show <= "+spaced(t.limit), func(n int64) bool { return t.likewise(n).holds() })
	default:
		f.estimate(fmt.Sprintf("more %s trials would show <= %s", t.words.good, spaced(t.limit)), func(n int64) bool { return t.then(n, true).holds() })
	}
}

// estimate finds the number of trials that are enough, and says what they would do.
func (f *finding) estimate(what string, enough func(n int64) bool) {
	n, ok := stats.Fewest(most, enough)
	if !ok {
		f.change = "no number of trials that go likewise: it is too close to the limit"
		return
	}
	f.more, f.change = n, fmt.Sprintf("about %s %s", number(n), what)
}
