package judge

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

const (
	// accuracy of the values of a latency histogram, relative.
	accuracy = 0.01
	// fewPriced is the number of observations below which the distribution of a mean is not taken to be
	// near its limit.
	fewPriced = 100
	// rho2 tunes the interval on a mean cost to some thousand observations.
	rho2 = 0.01
)

// latency compares a quantile of the warm answers with the secondary's: both are called from the same
// lane in random order, while the client's own call runs at another moment and load.
func (m matter) latency(name string, most float64) finding {
	f := undecided("latency "+name, most)
	q, ok := quantile(name)
	if !ok {
		f.Reason = fmt.Sprintf("latency: %q is not a quantile such as p99", name)
		f.change = "name a quantile such as p50, p90 or p99"
		return f
	}
	ours, theirs := m.candidate.Latency.Buckets, m.secondary.Latency.Buckets
	n, ref := total(ours), total(theirs)
	if ref == 0 {
		f.Reason = fmt.Sprintf("latency %s needs secondary: the client's own call runs at another moment and load", name)
		f.change = "set secondary: 20% on the experiment"
		return f
	}
	if least := bounded(q, m.alpha()/2); min(n, ref) < least {
		f.Reason = fmt.Sprintf("latency %s needs %s warm answers of candidate and secondary, and has %s and %s",
			name, number(least), number(n), number(ref))
		f.change = fmt.Sprintf("%s more warm answers", number(least-min(n, ref)))
		return f
	}
	low, high := quantileBounds(ours, q, m.alpha()/2)
	refLow, refHigh := quantileBounds(theirs, q, m.alpha()/2)
	const slack = (1 + accuracy) / (1 - accuracy)
	f.decide(most, low/refHigh/slack, high/refLow*slack)
	p, refP := at(ours, rank(q, n)), at(theirs, rank(q, ref))
	f.Reason = fmt.Sprintf("warm %s is %s of the secondary's (%s; %s ms against %s ms), %s", name, ratio(p/refP),
		between(f.Interval[0], f.Interval[1], ratio), short(p), short(refP), against(f.Conclusion, most))
	return f
}

// cost compares the mean cost of an observation with the secondary's, or with the control's where there
// is no secondary.
func (m matter) cost(most float64) finding {
	f := undecided("cost", most)
	ref, whose := m.control, "control"
	if m.secondary.Priced > 0 {
		ref, whose = m.secondary, "secondary"
	}
	if n := min(m.candidate.Priced, ref.Priced); n < fewPriced {
		f.Reason = fmt.Sprintf("cost needs %s observations of candidate and %s with a price, and has %s and %s",
			number(fewPriced), whose, number(m.candidate.Priced), number(ref.Priced))
		f.change = fmt.Sprintf("%s more priced observations", number(fewPriced-n))
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

// quantile reads "p99" or "p99.9" as a number between 0 and 1.
func quantile(name string) (float64, bool) {
	digits, ok := strings.CutPrefix(name, "p")
	percent, err := strconv.ParseFloat(digits, 64)
	return percent / 100, ok && err == nil && percent > 0 && percent < 100
}

// bounded is the number of observations from which on both ends of an interval for the quantile exist.
func bounded(q, alpha float64) int64 {
	n, _ := fewest(func(n int64) bool {
		low, high := stats.QuantileRanks(n, q, alpha, tuned)
		return low > 0 && high <= n
	})
	return n
}

func quantileBounds(buckets []assay.Bucket, q, alpha float64) (low, high float64) {
	first, last := stats.QuantileRanks(total(buckets), q, alpha, tuned)
	return at(buckets, first), at(buckets, last)
}

// rank of a quantile among n observations.
func rank(q float64, n int64) int64 { return max(1, int64(math.Ceil(q*float64(n)))) }

// at is the value of the observation of that rank, counted from 1; 0 before the first, infinite after the last.
func at(buckets []assay.Bucket, rank int64) float64 {
	if rank < 1 {
		return 0
	}
	for _, b := range buckets {
		if rank -= b.Count; rank <= 0 {
			return b.Value
		}
	}
	return math.Inf(1)
}

func total(buckets []assay.Bucket) (n int64) {
	for _, b := range buckets {
		n += b.Count
	}
	return n
}
