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

// cost compares the mean cost with the secondary's in blocks of pairs where there is a secondary.
func (m matter) cost(c clause) finding {
	if m.experiment.Secondary > 0 {
		return m.blocks(c, assay.MeasureCost)
	}
	return m.bill(c)
}

// bill compares the mean cost of an observation with the control's. Few observations without a price are left
// out of the mean; with more than a share notable of them nothing is concluded, since calls that were cut off
// may have been the dearest. It is an approximation, good from some hundred observations on.
func (m matter) bill(c clause) finding {
	f := undecided(c)
	ref := m.control
	ours, theirs := unpriced(m.candidate), unpriced(ref)
	switch n := min(m.candidate.Priced, ref.Priced); {
	case ref.Priced == 0 && ref.Observations > 0:
		f.Reason = fmt.Sprintf("the reference has no price: none of %s of the control", count(ref.Observations, "observation"))
		f.change = "leave the cost clause out"
		return f
	case m.candidate.Priced == 0 && m.candidate.Observations > 0:
		f.Reason = fmt.Sprintf("the candidate has no price: none of its %s", count(m.candidate.Observations, "observation"))
		f.change = "leave the cost clause out"
		return f
	case n < fewPriced:
		f.Reason = fmt.Sprintf("cost needs %s observations of candidate and control with a price, and has %s and %s",
			number(fewPriced), number(m.candidate.Priced), number(ref.Priced))
		f.more = fewPriced - n
		f.change = fmt.Sprintf("%s more priced observations", number(f.more))
		return f
	case remarkable(ours, m.candidate.Observations) || remarkable(theirs, ref.Observations):
		f.Reason = fmt.Sprintf("the mean cost cannot be known: %s of %s observations of the candidate and %s of %s of the control have no price, "+
			"such as calls cut off by the budget", number(ours), number(m.candidate.Observations), number(theirs), number(ref.Observations))
		f.change = fmt.Sprintf("more trials, until at most %s of either have no price", spaced(notable))
		return f
	}
	mean, margin := costMargin(m.candidate, m.alpha()/2)
	refMean, refMargin := costMargin(ref, m.alpha()/2)
	f.decide(c.limit, max(0, mean-margin)/(refMean+refMargin), (mean+margin)/max(0, refMean-refMargin))
	f.Reason = fmt.Sprintf("the mean cost is %s of the control's (%s by an asymptotic interval; $%s against $%s a million), %s",
		ratio(mean/refMean), within(f.Interval), short(mean*1e6), short(refMean*1e6),
		against(f.Conclusion, c.limit))
	return f
}

// unpriced is the number of observations without a price.
func unpriced(a assay.ArmCounts) int64 { return max(0, a.Observations-a.Priced) }

func costMargin(a assay.ArmCounts, alpha float64) (mean, margin float64) {
	n := float64(a.Priced)
	mean, sd := stats.MeanDeviation(n, a.CostUSD, a.CostSquares)
	return mean, stats.AsymptoticMargin(n, sd, rho2, alpha)
}

// undecided is the finding on a clause of which nothing is known.
func undecided(c clause) finding {
	return finding{Check: assay.Check{
		Clause:     c.name + " <= " + limit(c.limit),
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
