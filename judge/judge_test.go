package judge

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

func ExampleJudge() {
	e := assay.Experiment{
		Candidates: []assay.Arm{{Name: "python"}},
		Hypothesis: assay.Hypothesis{Mismatch: 0.001, Alpha: 0.05},
	}
	c := assay.Counts{Arms: []assay.ArmCounts{{
		Name: "python", Role: assay.RoleCandidate, Trials: 1000, Matches: 950, Mismatches: 50,
		Paths: []assay.PathCount{{Path: "body:$.rounded_number", Kind: assay.KindValue, Mismatches: 50}},
	}}}
	v := Judge(e, c)["python"]
	fmt.Println(v.Outcome)
	fmt.Println(v.Reason)
	// Output:
	// refuted
	// 50 of 1,000 trials differ (5.0 %; between 3.0 % and 7.5 %), more than the 0.1 % allowed; most at body:$.rounded_number
}

// The e-value reported refutes at 1/alpha whatever alpha was divided by, as verdicts promise.
func TestEValueIsCorrected(t *testing.T) {
	cost := 1.0
	for mismatches := range int64(12) {
		e := assay.Experiment{
			Candidates: []assay.Arm{{Name: "a"}, {Name: "b"}},
			Hypothesis: assay.Hypothesis{Mismatch: .01, Cost: &cost, Alpha: .05},
		}
		c := assay.Counts{Arms: []assay.ArmCounts{{Name: "a", Role: assay.RoleCandidate, Trials: 100, Mismatches: mismatches}}}
		v := Judge(e, c)["a"]
		check := v.Evidence.Checks[0]
		if refuted := check.Conclusion == assay.Refuted; refuted != (v.Evidence.EValue >= 1/v.Evidence.Alpha) {
			t.Errorf("%d mismatches: %s with an e-value of %v", mismatches, check.Conclusion, v.Evidence.EValue)
		}
	}
}

// A conclusion can be read off the interval of its clause.
func TestConclusionIsWhereTheIntervalLies(t *testing.T) {
	for _, noise := range []float64{0, 1} {
		for _, trials := range []int64{10, 100, 1000, 10000} {
			for differ := range int64(10) {
				e := assay.Experiment{
					Candidates: []assay.Arm{{Name: "a"}}, Secondary: noise,
					Hypothesis: assay.Hypothesis{Mismatch: .02, Alpha: .05},
				}
				c := assay.Counts{Arms: []assay.ArmCounts{{
					Name: "a", Role: assay.RoleCandidate, Trials: trials, Mismatches: trials * differ / 100,
					Paired: int64(noise) * trials, CandidateOnly: int64(noise) * trials * differ / 100,
				}}}
				check := Judge(e, c)["a"].Evidence.Checks[0]
				want := assay.Inconclusive
				switch {
				case check.Interval[0] > .02:
					want = assay.Refuted
				case check.Interval[1] <= .02:
					want = assay.Holds
				}
				if check.Conclusion != want {
					t.Errorf("%d %% of %d: %s with %v", differ, trials, check.Conclusion, check.Interval)
				}
			}
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{number(0), "0"}, {number(999), "999"}, {number(1000), "1,000"}, {number(-1234567), "-1,234,567"},
		{share(.05), "5.0 %"}, {share(.00037), "0.037 %"}, {share(0), "0 %"}, {share(1), "100 %"}, {share(-.004), "-0.40 %"},
		{limit(.001), "0.1%"}, {limit(1.1), "110%"}, {ratio(.9731), "97.3 %"}, {ratio(math.Inf(1)), "no known percentage"},
		{short(1234.5), "1234"}, {short(1e-9), "1e-09"}, {count(1, "trial"), "1 trial"}, {count(2, "trial"), "2 trials"},
		{list(map[string]int64{"b": 2, "a": 2, "c": 0, "d": 3}), "d 3, a 2, b 2"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// Whatever is counted, a verdict can be told and written as JSON.
func FuzzJudge(f *testing.F) {
	f.Add(int64(1000), int64(50), int64(200), int64(12), int64(3), 0.01, 0.2, 2e-4, 4e-11)
	f.Add(int64(0), int64(0), int64(0), int64(0), int64(0), 0.0, 0.0, 0.0, 0.0)
	f.Add(int64(3), int64(9), int64(7), int64(9), int64(9), 2.0, -1.0, math.Inf(1), math.NaN())
	f.Add(int64(-5), int64(math.MaxInt64), int64(1), int64(math.MinInt64), int64(0), -1.0, 1.0, -1.0, -1.0)
	f.Fuzz(func(t *testing.T, trials, mismatches, paired, candidate, secondary int64, most, rate, usd, squares float64) {
		e := assay.Experiment{
			Candidates: []assay.Arm{{Name: "a"}, {Name: "unseen"}}, Secondary: rate,
			Hypothesis: assay.Hypothesis{Mismatch: most, Latency: map[string]float64{"p99": most, "x": 1}, Cost: &most, Alpha: rate,
				Faults: &most, Memory: &rate, Cold: map[string]float64{"p50": most, "x": 1}, Guard: map[string]float64{"p99": .1, "errors": .1, "x": .1}, Delta: map[string]float64{"latency": most}},
		}
		buckets := []assay.Bucket{{Value: usd, Count: trials}, {Value: most, Count: mismatches}}
		arm := assay.ArmCounts{
			Name: "a", Role: assay.RoleCandidate, Trials: trials, Mismatches: mismatches,
			Paired: paired, CandidateOnly: candidate, SecondaryOnly: secondary,
			Priced: trials, CostUSD: usd, CostSquares: squares, Latency: assay.Latency{Buckets: buckets},
			Paths: []assay.PathCount{{Path: "body", Mismatches: mismatches, CandidateOnly: candidate}},
			Cold:  secondary, ColdTrials: paired, ColdMismatches: candidate, FaultOnly: candidate, WarmPairs: paired,
			ColdLatency: assay.Latency{Buckets: buckets},
			Blocks: map[assay.Measure]assay.Blocks{
				assay.MeasureP99:  {Pairs: paired, Differences: []float64{usd, most, -usd, 0, squares, usd, most, usd, usd, usd, most}},
				assay.MeasureCost: {Pairs: trials, Differences: slices.Repeat([]float64{squares}, 30)},
			},
		}
		reference := arm
		reference.Role = assay.RoleSecondary
		for name, v := range Judge(e, assay.Counts{Arms: []assay.ArmCounts{reference, arm}}) {
			v.Evidence.MismatchLimit, v.Evidence.Alpha = 0, 0 // given, not found
			if _, err := json.Marshal(v); err != nil || v.Reason == "" {
				t.Errorf("%s: %v in %+v", name, err, v)
			}
		}
	})
}

func TestFaultsThatWereNotCountedAreNotNamed(t *testing.T) {
	none := assay.ArmCounts{Faults: map[assay.FaultKind]int64{assay.FaultTimeout: 0}}
	m := matter{candidate: none, control: none}
	m.candidate.Paths = []assay.PathCount{{Path: "fault", Kind: assay.KindFault, Mismatches: 3}}
	if got, want := m.where(tally{mismatches: 3}), "; 3 of 3 mismatches are faults"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A console asks for verdicts again and again. With 300 blocks a clause on latency takes two to three milliseconds
// of a processor, most of them to find its interval; one on mismatches a few tenths of one.
func BenchmarkJudge(b *testing.B) {
	for name, latency := range map[string]map[string]float64{"mismatch": nil, "latency": {"p50": 1.1}} {
		e := assay.Experiment{
			Candidates: []assay.Arm{{Name: "a"}}, Secondary: 1,
			Hypothesis: assay.Hypothesis{Mismatch: .01, Latency: latency, Alpha: .05},
		}
		l := lane{weather: stormy, rng: rand.New(rand.NewPCG(1, 1))}
		var blocks stats.Blocks
		for len(blocks.Differences()) < 300 {
			secondary, candidates := l.trial(1)
			blocks.Add(.5, candidates[0], secondary)
		}
		c := assay.Counts{Arms: []assay.ArmCounts{{
			Name: "a", Role: assay.RoleCandidate, Trials: 3000, Mismatches: 40, Matches: 2960, Paired: 3000, CandidateOnly: 20, SecondaryOnly: 18,
			WarmPairs: 3000, Blocks: map[assay.Measure]assay.Blocks{assay.MeasureP50: {Pairs: 3000, Differences: blocks.Differences()}},
		}}}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Judge(e, c)
			}
		})
	}
}

// The course of a candidate ends where its verdict is, and every waypoint is what a verdict was there.
func TestCourseIsOfVerdicts(t *testing.T) {
	e := assay.Experiment{Candidates: []assay.Arm{{Name: "a"}, {Name: "b"}}, Hypothesis: assay.Hypothesis{Mismatch: .01, Alpha: .05}}
	milestones := []assay.Milestone{{Arm: "a", Trials: 1}, {Arm: "a", Trials: 200, Mismatches: 3}, {Arm: "gone", Trials: 7}, {Arm: "b", Trials: 1000, Mismatches: 500}}
	got := Course(e, milestones)
	if len(got) != 3 {
		t.Fatalf("%d waypoints", len(got))
	}
	for _, w := range got {
		c := assay.Counts{Arms: []assay.ArmCounts{{Name: w.Arm, Role: assay.RoleCandidate, Trials: w.Trials, Mismatches: w.Mismatches}}}
		if want := Judge(e, c)[w.Arm].Evidence.MismatchInterval; w.Interval != want {
			t.Errorf("%s after %d trials: %v, its verdict says %v", w.Arm, w.Trials, w.Interval, want)
		}
	}
}
