package judge

import (
	"fmt"
	"math"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

const (
	// fewPriced is the number of observations below which the distribution of a mean is not taken to be
	// near its limit.
	fewPriced = 100
	// rho2 tunes the interval on a mean cost to some thousand observations.
	rho2 = 0.01
)

// latency compares a quantile of the warm calls with the secondary's: both are called from the same lane in
// random order, while the client's own call runs at another moment and load.
func (m matter) latency(name string, most float64) finding {
	f := undecided("latency "+name, most)
	q, ok := quantile(name)
	if !ok {
		f.Reason = fmt.Sprintf("latency: %q is not a quantile such as p99", name)
		f.change = "name a quantile such as p50, p90 or p99"
		return f
	}
	if !(m.secondaryRate > 0) {
		f.Reason = fmt.Sprintf("latency %s needs secondary: the client's own call runs at another moment and load", name)
		f.change = "set secondary: 20% on the experiment, which begins the evidence anew"
		return f
	}
	ours, theirs := timesOf(m.candidate), timesOf(m.secondary)
	if ours.unknown(q) || theirs.unknown(q) {
		f.Reason = fmt.Sprintf("latency %s cannot be known: %s of %s warm calls of the candidate and %s of %s of the secondary "+
			"faulted before they answered or timed out", name, number(ours.lost), number(ours.calls), number(theirs.lost), number(theirs.calls))
		f.change = "fewer such faults, or a lower quantile"
		return f
	}
	if n, ref, least := ours.timed(), theirs.timed(), bounded(q, m.alpha()/2); min(n, ref) < least {
		f.Reason = fmt.Sprintf("latency %s needs %s warm answers of candidate and secondary, and has %s and %s",
			name, number(least), number(n), number(ref))
		f.change = fmt.Sprintf("%s more warm answers", number(least-min(n, ref)))
		return f
	}
	low, high := ours.bounds(q, m.alpha()/2)
	refLow, refHigh := theirs.bounds(q, m.alpha()/2)
	const slack = (1 + accuracy) / (1 - accuracy)
	f.decide(most, low/refHigh/slack, high/refLow*slack)
	p, refP := ours.point(q), theirs.point(q)
	f.Reason = fmt.Sprintf("warm %s is %s of the secondary's (%s; %s ms against %s ms), %s", name, ratio(p/refP),
		between(f.Interval[0], f.Interval[1], ratio), short(p), short(refP), against(f.Conclusion, most))
	if f.Conclusion == assay.Inconclusive && ours.cut+theirs.cut > 0 {
		f.Reason += fmt.Sprintf("; it is not known how long %s of the candidate and %s of the secondary would have taken",
			count(ours.cut, "time-out"), count(theirs.cut, "time-out"))
	}
	return f
}

// cost compares the mean cost of an observation with the secondary's, or with the control's where there
// is no secondary. Few observations without a price are left out of the mean; with more than a share notable
// of them nothing is concluded, since calls that were cut off may have been the dearest.
func (m matter) cost(most float64) finding {
	f := undecided("cost", most)
	ref, whose := m.control, "control"
	if m.secondary.Priced > 0 {
		ref, whose = m.secondary, "secondary"
	}
	ours, theirs := unpriced(m.candidate), unpriced(ref)
	switch n := min(m.candidate.Priced, ref.Priced); {
	case ref.Priced == 0 && ref.Observations > 0:
		f.Reason = fmt.Sprintf("the reference has no price: none of %s of the %s", count(ref.Observations, "observation"), whose)
		f.change = "leave the cost clause out"
		return f
	case m.candidate.Priced == 0 && m.candidate.Observations > 0:
		f.Reason = fmt.Sprintf("the candidate has no price: none of its %s", count(m.candidate.Observations, "observation"))
		f.change = "leave the cost clause out"
		return f
	case n < fewPriced:
		f.Reason = fmt.Sprintf("cost needs %s observations of candidate and %s with a price, and has %s and %s",
			number(fewPriced), whose, number(m.candidate.Priced), number(ref.Priced))
		f.change = fmt.Sprintf("%s more priced observations", number(fewPriced-n))
		return f
	case remarkable(ours, m.candidate.Observations) || remarkable(theirs, ref.Observations):
		f.Reason = fmt.Sprintf("the mean cost cannot be known: %s of %s observations of the candidate and %s of %s of the %s have no price, "+
			"such as calls cut off by the budget", number(ours), number(m.candidate.Observations), number(theirs), number(ref.Observations), whose)
		f.change = fmt.Sprintf("more trials, until at most %s of either have no price", spaced(notable))
		return f
	}
	mean, margin := costMargin(m.candidate, m.alpha()/2)
	refMean, refMargin := costMargin(ref, m.alpha()/2)
	f.decide(most, max(0, mean-margin)/(refMean+refMargin), (mean+margin)/max(0, refMean-refMargin))
	f.Reason = fmt.Sprintf("the mean cost is %s of the %s's (%s by an asymptotic interval; $%s against $%s a million), %s",
		ratio(mean/refMean), whose, between(f.Interval[0], f.Interval[1], ratio), short(mean*1e6), short(refMean*1e6),
		against(f.Conclusion, most))
	return f
}

// unpriced is the number of observations without a price.
func unpriced(a assay.ArmCounts) int64 { return max(0, a.Observations-a.Priced) }

func costMargin(a assay.ArmCounts, alpha float64) (mean, margin float64) {
	n := float64(a.Priced)
	mean, sd := stats.MeanDeviation(n, a.CostUSD, a.CostSquares)
	return mean, stats.AsymptoticMargin(n, sd, rho2, alpha)
}

// undecided is the finding on a ratio of which nothing is known.
func undecided(what string, most float64) finding {
	return finding{Check: assay.Check{
		Clause:     what + " <= " + limit(most),
		Conclusion: assay.Inconclusive,
		Interval:   [2]float64{0, math.MaxFloat64},
	}}
}

// decide sets what an interval for a ratio says of the most that it may be. A ratio of nothing to nothing
// is not known.
func (f *finding) decide(most, low, high float64) {
	if math.IsNaN(low) {
		low = 0
	}
	if math.IsNaN(high) {
		high = math.Inf(1)
	}
	f.Interval = [2]float64{finite(low), finite(high)}
	switch {
	case low > most:
		f.Conclusion = assay.Refuted
		f.change = "a higher limit, which begins the evidence anew"
	case high <= most:
		f.Conclusion = assay.Holds
		f.change = "a slower or dearer candidate from now on"
	default:
		f.change = fmt.Sprintf("more trials, until the interval lies on one side of %s", ratio(most))
	}
}
