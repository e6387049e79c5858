package judge

import (
	"math"
	"math/rand/v2"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// world is what the answers of a simulation are drawn from.
type world struct {
	flake     float64 // share of trials in which two calls of the control disagree
	extra     float64 // share of the remaining trials in which the candidate differs for a reason of its own
	timeouts  float64 // share of trials in which the candidate times out
	secondary float64 // share of trials with a secondary
	limit     float64
	alpha     float64
}

// drawn is one trial: who differed from the control, and whether the candidate timed out.
type drawn struct{ candidate, secondary, paired, timeout bool }

// trial draws one. Each call is odd with the same chance, the control's own too, which then makes
// both others differ from it: so candidate and secondary are exchangeable and not independent.
func (w world) trial(rng *rand.Rand) (d drawn) {
	odd := w.flake / 2
	control := rng.Float64() < odd
	d.candidate = (rng.Float64() < odd) != control
	d.secondary = (rng.Float64() < odd) != control
	d.timeout = rng.Float64() < w.timeouts
	d.candidate = d.candidate || d.timeout || rng.Float64() < w.extra
	d.paired = rng.Float64() < w.secondary
	return d
}

// look runs until enough is true of what was counted, looking after every trial, and returns the number of
// trials that took; 0 if more than most.
func (w world) look(most int, rng *rand.Rand, enough func(drawn, assay.Experiment, assay.Counts) bool) int {
	e := assay.Experiment{
		Candidates: []assay.Arm{{Name: "new"}}, Secondary: w.secondary,
		Hypothesis: assay.Hypothesis{Mismatch: w.limit, Alpha: w.alpha},
	}
	arms := []assay.ArmCounts{{Name: "new", Role: assay.RoleCandidate, Faults: map[assay.FaultKind]int64{}}}
	c := assay.Counts{Arms: arms}
	for n := 1; n <= most; n++ {
		d := w.trial(rng)
		count1(&arms[0], d)
		c.Trials++
		if enough(d, e, c) {
			return n
		}
	}
	return 0
}

func count1(a *assay.ArmCounts, d drawn) {
	one := map[bool]int64{true: 1}
	a.Trials++
	a.Observations++
	a.Mismatches += one[d.candidate]
	a.Matches += one[!d.candidate]
	a.Faults[assay.FaultTimeout] += one[d.timeout]
	if d.timeout {
		a.Paths = []assay.PathCount{{Path: "fault", Kind: assay.KindFault, Mismatches: a.Faults[assay.FaultTimeout], CandidateOnly: a.FaultOnly + one[d.paired]}}
	}
	if d.paired {
		a.Paired++
		a.FaultOnly += one[d.timeout]
		a.CandidateOnly += one[d.candidate && !d.secondary]
		a.SecondaryOnly += one[d.secondary && !d.candidate]
		a.Both += one[d.candidate && d.secondary]
	}
}

// weather is how long calls take: what all share, which wanders (autocorrelated from call to call) and
// drifts, and what each has of its own, now and then a heavy-tailed spike. Sizes are logarithmic.
type weather struct {
	wander float64 // standard deviation, at an autocorrelation of .97
	drift  float64 // over a thousand calls
	own    float64 // standard deviation
	spikes float64 // share of calls that take a Pareto(1.5) multiple
}

var (
	calm   = weather{own: .08}
	stormy = weather{wander: .2, drift: .3, own: .08, spikes: .03}
)

// lane calls arms one after the other in such weather.
type lane struct {
	weather
	rng   *rand.Rand
	level float64
}

func (l *lane) call(ratio float64) float64 {
	const phi = .97
	l.level = phi*l.level + l.wander*math.Sqrt(1-phi*phi)*l.rng.NormFloat64() + l.drift/1000
	took := 10 * ratio * math.Exp(l.level+l.own*l.rng.NormFloat64())
	if l.rng.Float64() < l.spikes {
		took *= math.Pow(1-l.rng.Float64(), -1/1.5)
	}
	return took
}

// trial calls the secondary and candidates of these ratios in random order.
func (l *lane) trial(ratios ...float64) (secondary float64, candidates []float64) {
	took := make([]float64, len(ratios)+1)
	for _, i := range l.rng.Perm(len(took)) {
		ratio := 1.
		if i > 0 {
			ratio = ratios[i-1]
		}
		took[i] = l.call(ratio)
	}
	return took[0], took[1:]
}

// watch looks at the effects of candidates after every block until one is as wanted, and returns the number of
// blocks that took; 0 if more than most.
func (l *lane) watch(most int, alpha float64, ratios []float64, wanted func(assay.Effect) bool) int {
	blocks := make([]stats.Blocks, len(ratios))
	for seen := 0; seen < most; {
		secondary, candidates := l.trial(ratios...)
		for i, took := range candidates {
			blocks[i].Add(.5, took, secondary)
		}
		if len(blocks[0].Differences()) == seen {
			continue
		}
		seen++
		for i := range blocks {
			if wanted(effect(blocks[i].Differences(), assay.Deltas["latency"], alpha/float64(len(ratios)))) {
				return seen
			}
		}
	}
	return 0
}
