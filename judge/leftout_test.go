package judge

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/trial/breaker"
)

// outages is a candidate that is down for a share of the time, in long runs, and faults then.
type outages struct {
	share  float64
	length float64 // requests, on average
	down   bool
}

func (o *outages) faults(rng *rand.Rand) bool {
	leave := 1 / o.length
	if !o.down {
		leave *= o.share / (1 - o.share)
	}
	if rng.Float64() < leave {
		o.down = !o.down
	}
	return o.down
}

// TestABreakerHidesNoFailure: of candidates that are down for longer than is allowed hardly any holds,
// although their breakers leave most of their faults unseen. Without the calls left out many would.
func TestABreakerHidesNoFailure(t *testing.T) {
	const runs, requests = 60, 40_000
	e := assay.Experiment{
		Candidates: []assay.Arm{{Name: "new"}},
		Hypothesis: assay.Hypothesis{Mismatch: .01, Alpha: .05},
	}
	bad, held, blind := 0, 0, 0
	for seed := range uint64(runs) {
		rng := rand.New(rand.NewPCG(seed, 9))
		var guard breaker.Breaker
		candidate := outages{share: .02, length: 400}
		a := assay.ArmCounts{Name: "new", Role: assay.RoleCandidate}
		c := assay.Counts{}
		c.Dropped = map[string]int64{}
		real := 0
		for i := range requests {
			now := time.Unix(0, 0).Add(time.Duration(i) * 10 * time.Millisecond)
			faults := candidate.faults(rng)
			c.Sampled++
			if faults {
				real++
			}
			call, ok := guard.Begin(now)
			if !ok {
				c.Dropped[assay.DropBreaker]++
				continue
			}
			guard.End(call, now, faults)
			c.Trials++
			a.Trials++
			if faults {
				a.Mismatches++
			}
		}
		c.Arms = []assay.ArmCounts{a}
		if float64(real) <= e.Hypothesis.Mismatch*requests {
			continue
		}
		bad++
		if newMatter(e, c, "new").tally().holds() {
			held++
		}
		c.Dropped = nil
		if newMatter(e, c, "new").tally().holds() {
			blind++
		}
	}
	if held > bad/20 {
		t.Errorf("%d of %d hold, although more faults than allowed happened", held, bad)
	}
	if blind < bad/2 {
		t.Errorf("only %d of %d would hold without what was left out: this test shows nothing", blind, bad)
	}
}

// TestCallsLeftOut: they refute nothing, and hold nothing.
func TestCallsLeftOut(t *testing.T) {
	e := assay.Experiment{Candidates: []assay.Arm{{Name: "new"}, {Name: "old"}}, Hypothesis: assay.Hypothesis{Mismatch: .05, Alpha: .05}}
	judged := func(trials, left, mismatches int64) assay.Verdict {
		c := assay.Counts{Trials: trials + left, Arms: []assay.ArmCounts{
			{Name: "new", Role: assay.RoleCandidate, Trials: trials, Matches: trials - mismatches, Mismatches: mismatches},
			{Name: "old", Role: assay.RoleCandidate, Trials: trials + left, Matches: trials + left},
		}}
		c.Sampled = c.Trials
		v := Judge(e, c)
		if v["old"].Outcome != assay.Holds {
			t.Errorf("what one candidate left out tells on the other: %+v", v["old"])
		}
		return v["new"]
	}
	if v := judged(1000, 0, 0); v.Outcome != assay.Holds {
		t.Errorf("nothing left out: %s", v.Reason)
	}
	if v := judged(1000, 10, 0); v.Outcome != assay.Holds {
		t.Errorf("1 %% left out of 5 %% allowed: %s", v.Reason)
	}
	v := judged(1000, 100, 0)
	if v.Outcome != assay.Inconclusive || !strings.Contains(v.Reason, "100 calls left out by the breaker") ||
		!strings.Contains(strings.Join(v.NotSeen, "\n"), "100 calls of the candidate left out") {
		t.Errorf("10 %% left out of 5 %% allowed: %s: %s; %q", v.Outcome, v.Reason, v.NotSeen)
	}
	if high := v.Evidence.Checks[0].Interval[1]; high < 100./1100 {
		t.Errorf("the interval ends at %v, and 100 of 1100 calls are not known", high)
	}
	if v := judged(1000, 100, 200); v.Outcome != assay.Refuted {
		t.Errorf("what was called refutes: %s", v.Reason)
	}
	if v := judged(0, 100, 0); v.Outcome != assay.Inconclusive {
		t.Errorf("nothing was called: %s", v.Reason)
	}
}
