package judge

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

func servedOf(requests, errors int64, ms ...float64) assay.Served {
	s := assay.Served{Requests: requests, Errors: errors}
	for _, v := range ms {
		s.Latency.Buckets = append(s.Latency.Buckets, assay.Bucket{Value: v, Count: requests / int64(len(ms))})
	}
	return s
}

func TestServed(t *testing.T) {
	plan := assay.Rollout{Errors: 0.01, Latency: map[string]float64{"p50": 1.2}}
	for name, tt := range map[string]struct {
		control, canary assay.Served
		want            assay.Conclusion
		reason          string
	}{
		"nothing yet":     {servedOf(0, 0), servedOf(0, 0), assay.Inconclusive, "no answers yet"},
		"too few":         {servedOf(9900, 0, 10), servedOf(100, 0, 10), assay.Inconclusive, "0 of 100 answers are errors"},
		"as good":         {servedOf(20000, 20, 9, 10, 11), servedOf(3000, 3, 9, 10, 11), assay.Holds, "within the 1 % allowed"},
		"better":          {servedOf(20000, 400, 20), servedOf(3000, 0, 10), assay.Holds, "within the 1 % allowed"},
		"more errors":     {servedOf(20000, 20, 10), servedOf(300, 30, 10), assay.Refuted, "30 of 300 answers are errors, against 20 of 20,000 of the control"},
		"only errors":     {servedOf(400, 0, 10), servedOf(20, 20, 10), assay.Refuted, "20 of 20"},
		"slower":          {servedOf(20000, 0, 10), servedOf(3000, 0, 15), assay.Refuted, "p50 is 150 %"},
		"a little slower": {servedOf(20000, 0, 10), servedOf(3000, 0, 11), assay.Holds, "p50 is 110 %"},
	} {
		t.Run(name, func(t *testing.T) {
			v := Served(plan, tt.control, tt.canary, 0.1)
			if v.Outcome != tt.want || !strings.Contains(v.Reason, tt.reason) {
				t.Errorf("%s: %s\nwant %s: %s", v.Outcome, v.Reason, tt.want, tt.reason)
			}
			if v.Outcome == assay.Inconclusive && v.Change == "" && v.Trials > 0 {
				t.Error("it does not say what would change it")
			}
		})
	}
}

// A canary that is as good as the control is refuted in no more runs than alpha allows, looked at after every
// hundred answers; one that fails a tenth of its answers is refuted before it has given 300.
func TestServedOperatingCharacteristics(t *testing.T) {
	const runs = 400
	plan := assay.Rollout{Errors: 0, Latency: map[string]float64{"p90": 1}}
	random := rand.New(rand.NewPCG(1, 2))
	wrong, caught := 0, 0
	for range runs {
		if refutedWithin(random, plan, 5000, 0.02, 0.02) {
			wrong++
		}
		if refutedWithin(random, assay.Rollout{Errors: 0.01}, 3000, 0.001, 0.1) {
			caught++
		}
	}
	if wrong > int(defaultAlpha*runs) {
		t.Errorf("an equal canary is refuted in %d of %d runs", wrong, runs)
	}
	if caught < runs*99/100 {
		t.Errorf("a bad canary is refuted in %d of %d runs", caught, runs)
	}
}

// refutedWithin simulates requests of which a tenth go to the canary; latencies are log-normal, and alike.
func refutedWithin(random *rand.Rand, plan assay.Rollout, requests int, control, canary float64) bool {
	type arm struct {
		assay.Served
		sketch *stats.Sketch
	}
	arms := [2]arm{{sketch: stats.NewSketch()}, {sketch: stats.NewSketch()}}
	for i := 1; i <= requests; i++ {
		a, failing := &arms[0], control
		if random.Float64() < 0.1 {
			a, failing = &arms[1], canary
		}
		a.Requests++
		if random.Float64() < failing {
			a.Errors++
		}
		a.sketch.Add(10 * math.Exp(random.NormFloat64()))
		if i%100 > 0 {
			continue
		}
		for j := range arms {
			arms[j].Latency.Buckets = nil
			arms[j].sketch.Each(func(v float64, n int64) {
				arms[j].Latency.Buckets = append(arms[j].Latency.Buckets, assay.Bucket{Value: v, Count: n})
			})
		}
		if Served(plan, arms[0].Served, arms[1].Served, 0.1).Outcome == assay.Refuted {
			return true
		}
	}
	return false
}
