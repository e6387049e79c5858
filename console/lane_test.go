package console

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// strained is a laboratory whose experiment protects those it observes in every way.
func strained() *fakeLab {
	lab := newFakeLab()
	lab.change(func(r *assay.Report) {
		r.Experiment.State, r.Experiment.Tripped, r.Experiment.Budget.Concurrency = assay.StatePaused, assay.SwitchOverhead, 16
		r.Counts.Dropped = map[string]int64{assay.DropBreaker: 7}
		r.Counts.Strata = []assay.TrafficStratum{{StratumKey: assay.StratumKey{Method: "GET", Route: "/orders/{}"}, Requests: 4711}}
		r.Lane = assay.LaneState{
			Limit: 4, Calls: 3, Waiting: 12, Held: 4096,
			Breakers: []assay.BreakerState{{Arm: "candidate-2", Open: true, Opened: 2}},
			Overhead: &assay.Overhead{Sampled: 5000, HeldOut: 100, Errors: 3, Seconds: 0.007, Interval: [2]float64{0.0055, 0.009}},
		}
	})
	return lab
}

func TestMetricsOfTheLane(t *testing.T) {
	families := scrape(t, strained())
	for name, want := range map[string]map[string]float64{
		"assay_lane_limit":             {"rounding-float": 4},
		"assay_lane_calls":             {"rounding-float": 3},
		"assay_lane_waiting":           {"rounding-float": 12},
		"assay_lane_held_bytes":        {"rounding-float": 4096},
		"assay_overhead_seconds":       {"rounding-float": 0.007},
		"assay_overhead_lower_seconds": {"rounding-float": 0.0055},
		"assay_overhead_upper_seconds": {"rounding-float": 0.009},
		"assay_kill_switch":            {"rounding-float overhead": 1, "rounding-float errors": 0},
		"assay_breaker_open":           {"candidate-2 rounding-float": 1},
		"assay_left_out_total":         {"candidate-2 rounding-float": 7},
	} {
		got := values(families[name])
		for labels, v := range want {
			if have, ok := got[labels]; !ok || have != v {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	}
}

// TestWhatIsNotKnownIsLeftOut: JSON has no infinity, and 0 would be taken for no overhead.
func TestWhatIsNotKnownIsLeftOut(t *testing.T) {
	lab := newFakeLab()
	lab.change(func(r *assay.Report) {
		r.Lane.Overhead = &assay.Overhead{Sampled: 50, Interval: [2]float64{math.Inf(-1), math.Inf(1)}}
	})
	shape := shape.ExperimentOf(&lab.reports[0])
	text, err := json.Marshal(shape.Overhead)
	if err != nil || string(text) != `{"sampled":50,"held_out":0,"errors":0}` {
		t.Errorf("%s, %v", text, err)
	}
	if f := scrape(t, lab)["assay_overhead_seconds"]; f != nil {
		t.Errorf("an overhead that is not known: %v", f)
	}
}

func TestThePageSaysWhatTheLaneDoes(t *testing.T) {
	page := call(t, newConsole(strained(), nil), "GET", "/experiments/rounding-float", "").Body
	for _, want := range []string{"It has paused itself", "overhead</code>", "&#43;7 ms", "between &#43;5.5 and &#43;9 ms", "4 of 16", "breaker of <code>candidate-2</code> is open", "left out: 7", "GET /orders/{}</code>", "4,711"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q in\n%s", want, page.String())
		}
	}
}
