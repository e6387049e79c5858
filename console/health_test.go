package console

import (
	"context"
	"errors"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

func fakeHouse(context.Context) (shape.House, error) {
	return shape.House{
		Started: noon, Build: map[string]string{"go": "go1.26", "revision": "0123456789abcdef", "modified": "true"},
		Process: shape.Process{Goroutines: 77, HeapBytes: 30 << 20, HeapLimit: 300 << 20},
		Budgets: shape.Budgets{Calls: shape.Gauge{Used: 250, Limit: 256}, Waiting: shape.Gauge{Used: 1, Limit: 10_000}, Bytes: shape.Gauge{Used: 1 << 20, Limit: 256 << 20}},
		Store:   shape.StoreHealth{Kind: "sqlite", Bytes: &shape.Gauge{Used: 5 << 20, Limit: 1 << 30}, Batches: 12, Trials: 3456, Failures: 2, Last: noon, TookMS: 1.5},
		Stream:  &shape.StreamHealth{},
		Machine: shape.Machine{System: "linux/amd64", Cores: 2, MemoryMB: 4096, Findings: []shape.Finding{
			{What: "sandbox memory", State: "good", Says: "functions end at their memory limit"}, {What: "data folder", State: "wrong", Says: "cannot be written", Hint: "choose another"}}},
	}, nil
}

func sickLab() *fakeLab {
	lab := newFakeLab()
	lab.change(func(r *assay.Report) {
		r.Experiment.Tripped = assay.SwitchOverhead
		r.Experiment.Budget = assay.DefaultBudget
		r.Lane = assay.LaneState{Limit: 8, Calls: 3, Waiting: 40, Held: 2 << 20, Overhead: &assay.Overhead{Sampled: 900, HeldOut: 100, Seconds: 0.0012, Interval: [2]float64{0.0004, 0.002}},
			Breakers: []assay.BreakerState{{Arm: "candidate-2", Open: true, Opened: 3}}}
		r.Counts.Dropped = map[string]int64{"queue_full": 7, "breaker": 30}
	})
	return lab
}

func TestHealthPage(t *testing.T) {
	c := newConsole(sickLab(), func(o *Options) {
		o.House = fakeHouse
		o.Addresses = map[string]string{"gateway": "127.0.0.1:8080"}
		o.Ready = func(context.Context) error { return errors.New("the store does not answer") }
	})
	body := html.UnescapeString(call(t, c, "GET", "/health", "").Body.String())
	for _, want := range []string{
		"8 things need a look", "the store does not answer", "no server is connected", "97.66% of all candidate calls", "it has paused itself: the limit of overhead was passed",
		"the breaker of candidate-2 is open", "37 sampled requests were dropped, most of them: breaker", "+1.2 ms", "between +0.4 and +2 ms", "30 breaker", "8 allowed",
		"5.0 MB of 1024.0 MB", "3,456 trials in 12 batches", "revision <code>01234567, with changes</code>", "cannot be written", "choose another", "gateway 127.0.0.1:8080", "opened 3 times",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Index(body, "cannot be written") > strings.LastIndex(body, "functions end at their memory limit") {
		t.Error("what is well stands before what is wrong")
	}
}

func TestHealthWithoutAHouse(t *testing.T) {
	c := newConsole(&fakeLab{}, nil)
	body := call(t, c, "GET", "/health", "").Body.String()
	for _, want := range []string{"Nothing needs a look", "There is no experiment", "not known"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if w := call(t, c, "GET", "/api/v1/health", ""); w.Body.String() != `{"version":"1.0-test","experiments":[]}`+"\n" {
		t.Errorf("%s", w.Body)
	}
}

func TestHealthCall(t *testing.T) {
	c := newConsole(sickLab(), func(o *Options) { o.House = fakeHouse })
	body := call(t, c, "GET", "/api/v1/health", "").Body.String()
	for _, want := range []string{
		`"started":"` + noon.Format(time.RFC3339) + `"`, `"calls":{"used":250,"limit":256}`, `"stream":{"connected":false}`, `"kind":"sqlite"`, `"tripped":"overhead"`,
		`"dropped":{"breaker":30,"queue_full":7,"shutdown":0,"too_large":0}`, `"left_out":{"candidate-1":30,"candidate-2":30}`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
}
