package judge

import (
	"fmt"
	"math"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

const (
	// usual is the spread of the differences of blocks, on a logarithmic scale, that is supposed before
	// there are enough to tell.
	usual = 0.1
	// few is the number of differences below which their spread is not told.
	few = 5
	// blockRho2 tunes the asymptotic interval of a mean of differences, and asymptotically is the number from
	// which on it is given.
	blockRho2      = 0.1
	asymptotically = 10
)

// inBlocks judges a clause on what warm calls of candidate and secondary, called in the same trials from the
// same lane in random order, come to in blocks.
func inBlocks(measure assay.Measure) func(matter, clause) finding {
	return func(m matter, c clause) finding { return m.blocks(c, measure) }
}

func (m matter) blocks(c clause, measure assay.Measure) finding {
	f := undecided(c)
	b := m.candidate.Blocks[measure]
	f.Delta, f.Pairs, f.Blocks = m.delta(measure), b.Pairs, len(b.Differences)
	if !slices.Contains(assay.Measures, measure) {
		f.Reason = fmt.Sprintf("latency: %q is not a quantile that is kept", string(measure))
		f.change = "name one of p50, p90, p95 and p99"
		return f
	}
	if m.experiment.Secondary <= 0 {
		f.Reason = fmt.Sprintf("%s needs secondary: the client's own call runs at another moment and load", c.name)
		f.change = "set secondary: 20% on the experiment, which begins the evidence anew"
		return f
	}
	if lost := max(0, m.candidate.WarmPairs-b.Pairs); lost > 0 && float64(lost) > tolerated(measure)*float64(m.candidate.WarmPairs) {
		f.Reason, f.change = cannotBeKnown(c, measure, lost, m.candidate.WarmPairs)
		return f
	}
	m.weigh(&f, c, measure, b.Differences)
	m.censor(&f, measure)
	if f.Conclusion == assay.Inconclusive {
		m.estimate(&f, c, measure, b)
	}
	return f
}

// tolerated is the share of pairs that may lack a measure: those above a quantile for latency, since what
// crashed might have taken any time, and hardly any otherwise.
func tolerated(measure assay.Measure) float64 {
	if isLatency(measure) {
		return 1 - measure.Quantile()
	}
	return notable
}

func isLatency(measure assay.Measure) bool {
	switch measure {
	case assay.MeasureCost, assay.MeasureMemory, assay.MeasureHeadroom:
		return false
	}
	return true
}

func cannotBeKnown(c clause, measure assay.Measure, lost, pairs int64) (reason, change string) {
	if isLatency(measure) {
		return fmt.Sprintf("%s cannot be known: in %s of %s warm pairs a call faulted before it answered or timed out", c.name, number(lost), number(pairs)),
			"fewer such faults, or a lower quantile"
	}
	what := "no price"
	if measure != assay.MeasureCost {
		what = "no memory"
	}
	return fmt.Sprintf("%s cannot be known: %s of %s warm pairs have %s on one side, such as calls cut off by the budget, or arms whose engine tells none",
		c.name, number(lost), number(pairs), what), fmt.Sprintf("more trials, until at most %s have none; or leave the clause out", spaced(notable))
}

// delta is the smallest change of a measure that matters, relative.
func (m matter) delta(measure assay.Measure) float64 {
	of := "latency"
	switch measure {
	case assay.MeasureCost:
		of = "cost"
	case assay.MeasureMemory, assay.MeasureHeadroom:
		of = "memory"
	}
	if d := m.hypothesis.Delta[of]; d > 0 && d < 1 {
		return d
	}
	return assay.Deltas[of]
}

// weigh concludes from differences, which are logarithms of ratios.
func (m matter) weigh(f *finding, c clause, measure assay.Measure, d []float64) {
	limit := math.Log(c.limit)
	gate := stats.Centre(d, limit)
	f.EValue = gate.Up
	low, high := stats.CentreInterval(d, m.alpha())
	switch {
	case gate.Up*m.alpha() >= 1:
		f.Conclusion, low = assay.Refuted, max(low, limit)
		f.change = "a higher limit, which begins the evidence anew"
	case gate.Down*m.alpha() >= 1:
		f.Conclusion, high = assay.Holds, min(high, limit)
		f.change = "a candidate that gets worse from now on"
	}
	f.Interval = [2]float64{math.Exp(low), math.Exp(high)}
	if len(d) == 0 {
		f.Reason = fmt.Sprintf("%s has no block of %s yet", c.name, pairs(measure))
		return
	}
	estimate := math.Exp(stats.Pseudomedian(d))
	f.Estimate = &estimate
	f.Effect = effect(d, f.Delta, m.alpha())
	f.Asymptotic = asymptotic(d, limit, m.alpha())
	f.Reason = fmt.Sprintf("%s is %s of the secondary's (%s; %s of %s%s), %s%s", label(measure), ratio(estimate), within(f.Interval),
		count(int64(len(d)), "block"), pairs(measure), m.absolute(measure), against(f.Conclusion, c.limit), effectWords(f.Effect, f.Delta))
}

// censor takes a conclusion back that rests on how long time-outs would have taken: that a candidate holds
// whose quantile lies among them, or is refuted against a secondary whose does.
func (m matter) censor(f *finding, measure assay.Measure) {
	if !isLatency(measure) {
		return
	}
	cut := func(a assay.ArmCounts) bool {
		return float64(a.Faults[assay.FaultTimeout]) > (1-measure.Quantile())*float64(a.Observations)
	}
	if f.Conclusion == assay.Holds && cut(m.candidate) || f.Conclusion == assay.Refuted && cut(m.secondary) {
		f.Conclusion = assay.Inconclusive
		f.Reason += fmt.Sprintf("; but it is not known how long %s of the candidate and %s of the secondary would have taken",
			count(m.candidate.Faults[assay.FaultTimeout], "time-out"), count(m.secondary.Faults[assay.FaultTimeout], "time-out"))
	}
}

// effect tells which way differences lie from zero: equivalent when they are shown to lie within delta on
// either side, better or worse when they are shown not to be symmetric about zero.
func effect(d []float64, delta, alpha float64) assay.Effect {
	margin := -math.Log1p(-delta)
	if stats.Centre(d, -margin).Up*alpha >= 1 && stats.Centre(d, margin).Down*alpha >= 1 {
		return assay.Equivalent
	}
	gate := stats.Centre(d, 0)
	switch {
	case gate.EValue()*alpha < 1:
		return ""
	case gate.Down > gate.Up:
		return assay.Better
	}
	return assay.Worse
}

func asymptotic(d []float64, limit, alpha float64) *assay.Asymptotic {
	n := float64(len(d))
	if n < asymptotically {
		return nil
	}
	sum, squares := 0.0, 0.0
	for _, x := range d {
		sum, squares = sum+x, squares+x*x
	}
	mean, sd := stats.MeanDeviation(n, sum, squares)
	margin := stats.AsymptoticMargin(n, sd, blockRho2, alpha)
	return &assay.Asymptotic{
		Interval: [2]float64{math.Exp(mean - margin), math.Exp(mean + margin)},
		EValue:   stats.AsymptoticEValue(n, mean, sd, limit, blockRho2),
	}
}

// estimate says how many more trials would decide a clause: before there are enough blocks, of a candidate
// as good as the secondary whose blocks spread as is usual, and later of more that go likewise.
func (m matter) estimate(f *finding, c clause, measure assay.Measure, b assay.Blocks) {
	centre, spread := -math.Log(c.limit), usual
	known := len(b.Differences) >= few
	if known {
		centre, spread = stats.Pseudomedian(b.Differences)-math.Log(c.limit), stats.Spread(b.Differences)
	}
	blocks, ok := stats.Needed(centre, spread, m.alpha())
	if !ok {
		f.change = fmt.Sprintf("no number of trials tells %s from %s: allow a margin, such as <= %s", ratio(c.limit*math.Exp(centre)),
			spaced(c.limit), limit(c.limit*(1+f.Delta)))
		return
	}
	size := int64(stats.Statistic(measure.Quantile()).Size())
	missing := max(blocks*size-b.Pairs, size-b.Pairs%size)
	f.more = int64(math.Ceil(float64(missing) / m.pairRate()))
	f.adrift = known && centre > 0
	if known {
		f.change = fmt.Sprintf("about %s more trials that go likewise would decide %s", number(f.more), c.name)
		return
	}
	f.change = fmt.Sprintf("about %s more trials of a candidate as good as the control would decide %s", number(f.more), c.name)
}

// pairRate is the share of trials that make a warm pair.
func (m matter) pairRate() float64 {
	if m.candidate.WarmPairs > 0 && m.candidate.Trials > 0 {
		return float64(m.candidate.WarmPairs) / float64(m.candidate.Trials)
	}
	return min(max(m.experiment.Secondary, assay.MinRate), 1)
}
