package judge

import (
	"math/rand/v2"
	"testing"

	"github.com/assaylab/assay"
)

// world is what the trials of a simulation are drawn from.
type world struct {
	flake     float64 // share of trials in which two calls of the control disagree
	extra     float64 // share of the remaining trials in which the candidate differs for a reason of its own
	secondary float64 // share of trials with a secondary
	limit     float64
	alpha     float64
}

// differs draws one trial. Each call is odd with the same chance, the control's own too, which then makes
// both others differ from it: so candidate and secondary are exchangeable and not independent.
func (w world) differs(rng *rand.Rand) (candidate, secondary bool) {
	odd := w.flake / 2
	control := rng.Float64() < odd
	candidate = (rng.Float64() < odd) != control
	secondary = (rng.Float64() < odd) != control
	return candidate || rng.Float64() < w.extra, secondary
}

// run looks at the verdict after every trial until enough is true of it, and returns the number of trials
// that took; 0 if more than most.
func (w world) run(most int64, rng *rand.Rand, enough func(candidate bool, e assay.Experiment, c assay.Counts) bool) int64 {
	e := assay.Experiment{
		Candidates: []assay.Arm{{Name: "new"}}, Secondary: w.secondary,
		Hypothesis: assay.Hypothesis{Mismatch: w.limit, Alpha: w.alpha},
	}
	arms := []assay.ArmCounts{{Name: "new", Role: assay.RoleCandidate}}
	c := assay.Counts{Arms: arms}
	for n := int64(1); n <= most; n++ {
		candidate, secondary := w.differs(rng)
		add(&arms[0], candidate, secondary, rng.Float64() < w.secondary)
		if enough(candidate, e, c) {
			return n
		}
	}
	return 0
}

func add(a *assay.ArmCounts, candidate, secondary, paired bool) {
	a.Trials++
	if candidate {
		a.Mismatches++
	} else {
		a.Matches++
	}
	if !paired {
		return
	}
	a.Paired++
	switch {
	case candidate && secondary:
		a.Both++
	case candidate:
		a.CandidateOnly++
	case secondary:
		a.SecondaryOnly++
	}
}

// TestOperatingCharacteristics simulates how often verdicts are refuted under continuous peeking.
func TestOperatingCharacteristics(t *testing.T) {
	const runs = 500
	same := func(flake float64) world { return world{flake: flake, secondary: 1, alpha: .01} }
	for _, c := range []struct {
		name            string
		world           world
		trials          int64
		atLeast, atMost float64 // share of runs refuted
	}{
		{"identical, no flake", same(0), 2000, 0, .01},
		{"identical, 1 % flake", same(.01), 2000, 0, .01},
		{"identical, 5 % flake", same(.05), 2000, 0, .01},
		{"identical, 20 % flake", same(.2), 2000, 0, .01},
		{"identical, few secondaries", world{flake: .2, secondary: .2, alpha: .01}, 2000, 0, .01},
		{"within the limit", world{flake: .05, extra: .01, secondary: 1, limit: .01, alpha: .01}, 2000, 0, .01},
		{"within the limit, no secondary", world{extra: .01, limit: .01, alpha: .01}, 2000, 0, .01},
		{"further 1 %", world{extra: .01, secondary: 1, alpha: .01}, 1500, .95, 1},
		{"further 1 %, no secondary", world{extra: .01, limit: .001, alpha: .01}, 1500, .95, 1},
		{"+20 points on 20 % flake", world{flake: .2, extra: .25, secondary: 1, alpha: .01}, 1000, .99, 1},
		{"+20 points, 1 % allowed", world{flake: .2, extra: .25, secondary: 1, limit: .01, alpha: .01}, 1000, .99, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(20, 5))
			refuted := 0
			for range runs {
				if c.world.run(c.trials, rng, refutes(t)) > 0 {
					refuted++
				}
			}
			if share := float64(refuted) / runs; share < c.atLeast || share > c.atMost {
				t.Errorf("refuted in %.1f %% of runs", 100*share)
			}
		})
	}
}

// refutes tells whether the verdict is refuted. Unless the candidate differed in the last trial the evidence
// has only weakened, and nothing has to be worked out.
func refutes(t *testing.T) func(bool, assay.Experiment, assay.Counts) bool {
	return func(candidate bool, e assay.Experiment, c assay.Counts) bool {
		if !candidate || !newMatter(e, c, "new").tally().refuted() {
			return false
		}
		if v := Judge(e, c)["new"]; v.Outcome != assay.Refuted {
			t.Fatalf("the verdict is %s: %s", v.Outcome, v.Reason)
		}
		return true
	}
}

// Of a candidate that is just not good enough, "holds" is wrong; it comes up, ever, no more often than alpha.
func TestHoldsIsRarelyWrong(t *testing.T) {
	const runs, trials, alpha = 200, 3000, .05
	for _, w := range []world{
		{extra: .0101, limit: .01, alpha: alpha},
		{extra: .0101, secondary: .3, limit: .01, alpha: alpha},
		{flake: .02, extra: .052, secondary: 1, limit: .05, alpha: alpha}, // it hides behind a flake at times
	} {
		rng := rand.New(rand.NewPCG(7, 7))
		wrong := 0
		for range runs {
			if w.run(trials, rng, func(_ bool, e assay.Experiment, c assay.Counts) bool {
				return newMatter(e, c, "new").tally().holds()
			}) > 0 {
				wrong++
			}
		}
		if float64(wrong) > alpha*runs {
			t.Errorf("%+v: holds in %d of %d runs", w, wrong, runs)
		}
	}
}
