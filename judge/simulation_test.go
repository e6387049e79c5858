package judge

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/assaylab/assay"
)

// characteristic is a row of the table of operating characteristics to reach: how often, and how soon,
// something is concluded when verdicts are looked at all the time.
type characteristic struct {
	name   string
	target string // for people
	unit   string
	runs   int
	within int // trials or blocks looked at
	run    func(c characteristic, rng *rand.Rand) int

	atLeast, atMost float64 // share of runs that conclude; atMost is 1 if zero and atLeast is not
	by              int     // the median run concludes by then; 0 for any
}

func refutation(w world) func(characteristic, *rand.Rand) int {
	return func(c characteristic, rng *rand.Rand) int { return w.look(c.within, rng, refuted) }
}

// refuted tells whether the verdict is. Unless the candidate differed in the last trial the evidence has only
// weakened, and nothing has to be worked out.
func refuted(d drawn, e assay.Experiment, c assay.Counts) bool {
	if !d.candidate || !newMatter(e, c, "new").tally().refuted() {
		return false
	}
	v := Judge(e, c)["new"]
	if v.Outcome != assay.Refuted {
		panic(fmt.Sprintf("the verdict is %s: %s", v.Outcome, v.Reason))
	}
	if most := 2 * c.Arms[0].Faults[assay.FaultTimeout]; most > c.Arms[0].Mismatches && !strings.Contains(v.Reason, "mismatches are faults, the candidate's: timeout ") {
		panic("the reason is not given: " + v.Reason)
	}
	return true
}

func holding(w world) func(characteristic, *rand.Rand) int {
	return func(c characteristic, rng *rand.Rand) int {
		return w.look(c.within, rng, func(_ drawn, e assay.Experiment, c assay.Counts) bool {
			return newMatter(e, c, "new").tally().holds()
		})
	}
}

func effects(w weather, wanted func(assay.Effect) bool, ratios ...float64) func(characteristic, *rand.Rand) int {
	return func(c characteristic, rng *rand.Rand) int {
		l := lane{weather: w, rng: rng}
		return l.watch(c.within, .05, ratios, wanted)
	}
}

func differs(e assay.Effect) bool    { return e == assay.Better || e == assay.Worse }
func better(e assay.Effect) bool     { return e == assay.Better }
func equivalent(e assay.Effect) bool { return e == assay.Equivalent }

// characteristics are all rows. The first table is that of the specification, the rest what else is claimed.
func characteristics() []characteristic {
	const trials, blocks = "trials", "blocks of 5+5"
	same := func(flake float64) world { return world{flake: flake, secondary: 1, alpha: .01} }
	var all []characteristic
	for _, flake := range []float64{0, .001, .01, .05, .1, .2} {
		all = append(all, characteristic{name: fmt.Sprintf("identical arms, flake rate %g %%", 100*flake), target: "refuted in at most 1 %",
			unit: trials, runs: 1000, within: 2000, run: refutation(same(flake)), atMost: .01})
	}
	return append(all, []characteristic{
		{name: "candidate differs on a further 1 %, secondary", target: "refuted in at least 95 %", unit: trials, runs: 500, within: 1500,
			run: refutation(world{extra: .01, secondary: 1, alpha: .01}), atLeast: .95},
		{name: "candidate differs on a further 1 %, no secondary, limit 0.1 %", target: "refuted in at least 95 %", unit: trials, runs: 500, within: 1500,
			run: refutation(world{extra: .01, limit: .001, alpha: .01}), atLeast: .95},
		{name: "+20 points on a 20 % flaky field", target: "refuted in at least 99 %", unit: trials, runs: 500, within: 1000,
			run: refutation(world{flake: .2, extra: .25, secondary: 1, alpha: .01}), atLeast: .99},
		{name: "+20 points on a 20 % flaky field, limit 1 %", target: "refuted in at least 99 %", unit: trials, runs: 500, within: 1000,
			run: refutation(world{flake: .2, extra: .25, secondary: 1, limit: .01, alpha: .01}), atLeast: .99},
		{name: "2 % of calls time out, limit 0.1 %", target: "refuted, with that reason, in at least 95 %", unit: trials, runs: 500, within: 1000,
			run: refutation(world{timeouts: .02, limit: .001, alpha: .01}), atLeast: .95},
		{name: "2 % of calls time out on a 20 % flaky field", target: "refuted in at most 1 % while 2 % are allowed", unit: trials, runs: 500, within: 2000,
			run: refutation(world{flake: .2, timeouts: .02, secondary: 1, limit: .02, alpha: .01}), atMost: .01},

		{name: "identical latency, calm", target: "better or worse in at most 5 %", unit: blocks, runs: 500, within: 150, run: effects(calm, differs, 1), atMost: .05},
		{name: "identical latency, autocorrelated", target: "better or worse in at most 5 %", unit: blocks, runs: 500, within: 150,
			run: effects(weather{wander: .2, own: .08}, differs, 1), atMost: .05},
		{name: "identical latency, drifting", target: "better or worse in at most 5 %", unit: blocks, runs: 500, within: 150,
			run: effects(weather{drift: .5, own: .08}, differs, 1), atMost: .05},
		{name: "identical latency, 3 % Pareto(1.5) spikes", target: "better or worse in at most 5 %", unit: blocks, runs: 500, within: 150,
			run: effects(weather{own: .08, spikes: .03}, differs, 1), atMost: .05},
		{name: "identical latency, all of that", target: "better or worse in at most 5 %", unit: blocks, runs: 500, within: 150, run: effects(stormy, differs, 1), atMost: .05},
		{name: "-10 % latency, all of that", target: "better, by 24 blocks in the median", unit: blocks, runs: 500, within: 60, run: effects(stormy, better, .9), atLeast: .9, by: 24},
		{name: "-5 % latency, all of that", target: "better in at least 90 %", unit: blocks, runs: 500, within: 60, run: effects(stormy, better, .95), atLeast: .9},
		{name: "six identical configurations, all of that", target: "leaves the incumbent in at most 5 %", unit: blocks, runs: 300, within: 80,
			run: effects(stormy, better, 1, 1, 1, 1, 1), atMost: .05},

		{name: "identical latency, all of that", target: "equivalent within 3 % in at least 95 %", unit: blocks, runs: 200, within: 400, run: effects(stormy, equivalent, 1), atLeast: .95},
		{name: "+3.2 % latency, all of that", target: "called equivalent within 3 % in at most 5 %", unit: blocks, runs: 300, within: 150, run: effects(stormy, equivalent, 1.032), atMost: .05},
		{name: "identical arms, few secondaries, flake rate 20 %", target: "refuted in at most 1 %", unit: trials, runs: 500, within: 2000,
			run: refutation(world{flake: .2, secondary: .2, alpha: .01}), atMost: .01},
		{name: "differs as often as is allowed (1 %), 5 % flaky", target: "refuted in at most 1 %", unit: trials, runs: 500, within: 2000,
			run: refutation(world{flake: .05, extra: .01, secondary: 1, limit: .01, alpha: .01}), atMost: .01},
		{name: "differs as often as is allowed (1 %), no secondary", target: "refuted in at most 1 %", unit: trials, runs: 500, within: 2000,
			run: refutation(world{extra: .01, limit: .01, alpha: .01}), atMost: .01},
		{name: "differs on 1.01 %, limit 1 %", target: "holds in at most 5 %", unit: trials, runs: 200, within: 3000,
			run: holding(world{extra: .0101, limit: .01, alpha: .05}), atMost: .05},
		{name: "differs on 1.01 %, limit 1 %, few secondaries", target: "holds in at most 5 %", unit: trials, runs: 200, within: 3000,
			run: holding(world{extra: .0101, secondary: .3, limit: .01, alpha: .05}), atMost: .05},
		{name: "differs on 5.2 %, partly behind a flake, limit 5 %", target: "holds in at most 5 %", unit: trials, runs: 200, within: 3000,
			run: holding(world{flake: .02, extra: .052, secondary: 1, limit: .05, alpha: .05}), atMost: .05},
	}...)
}

// outcomes are what a row came to: for each run when it concluded, 0 for never.
type outcomes []int

func (c characteristic) simulate(factor int) outcomes {
	all := make(outcomes, c.runs*factor)
	var work sync.WaitGroup
	for worker := range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for i := worker; i < len(all); i += runtime.GOMAXPROCS(0) {
				all[i] = c.run(c, rand.New(rand.NewPCG(2026, uint64(i))))
			}
		})
	}
	work.Wait()
	return all
}

// share of runs that concluded.
func (o outcomes) share() float64 {
	n := 0
	for _, at := range o {
		if at > 0 {
			n++
		}
	}
	return float64(n) / float64(len(o))
}

// median is when the median run concluded, 0 if it did not.
func (o outcomes) median() int {
	var at []int
	for _, n := range o {
		if n > 0 {
			at = append(at, n)
		}
	}
	if 2*len(at) <= len(o) {
		return 0
	}
	slices.Sort(at)
	return at[len(o)/2]
}

func (c characteristic) reached(o outcomes) bool {
	most := c.atMost
	if most == 0 && c.atLeast > 0 {
		most = 1
	}
	share, median := o.share(), o.median()
	return c.atLeast <= share && share <= most && (c.by == 0 || median > 0 && median <= c.by)
}

// TestSimulatedCharacteristics runs every row. With EVIDENCE set to a folder it runs each ten times as often
// (or EVIDENCE_FACTOR times), and writes a report with plots there.
func TestSimulatedCharacteristics(t *testing.T) {
	if underRace {
		t.Skip("`make test` runs the simulations without the race detector")
	}
	folder, factor := os.Getenv("EVIDENCE"), 1
	if folder != "" {
		factor = 10
	}
	if f, err := strconv.Atoi(os.Getenv("EVIDENCE_FACTOR")); err == nil {
		factor = f
	}
	var done []measured
	for _, c := range characteristics() {
		t.Run(c.name, func(t *testing.T) {
			o := c.simulate(factor)
			done = append(done, measured{c, o})
			if !c.reached(o) {
				t.Errorf("%s: concluded in %.2f %% of %d runs within %d %s, the median one at %d", c.target, 100*o.share(), len(o), c.within, c.unit, o.median())
			}
		})
	}
	if folder != "" {
		report(t, folder, done)
	}
}
