package storetest

import (
	"reflect"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// RunDefinitions checks what assay.Definitions promises. Each call of open returns an empty store,
// which open closes at the end of the test.
func RunDefinitions(t *testing.T, open func(t *testing.T) assay.Definitions) {
	t.Run("none", func(t *testing.T) {
		if got := load(t, open(t)); len(got) != 0 {
			t.Errorf("an empty store holds %+v", got)
		}
	})
	t.Run("the newest version of each", func(t *testing.T) { newestOfEach(t, open(t)) })
}

func newestOfEach(t *testing.T, d assay.Definitions) {
	limit := 1.1
	a := assay.Experiment{
		Name: "a", Version: 1, Since: 1, State: assay.StateRunning, Changed: start, Path: "/a/{id}", Methods: []string{"GET"},
		Sample: assay.Sample{Rate: 0.1, By: "header:x-user"}, Budget: assay.DefaultBudget,
		Control:     assay.Arm{Name: "control", Target: assay.Target{URL: "http://127.0.0.1:1"}},
		Candidates:  []assay.Arm{{Name: "one", Target: assay.Target{Function: "f"}}},
		Comparators: []assay.ComparatorSpec{{Kind: assay.CompareBody, Tolerance: map[string]float64{"$.x": 1e-9}}},
		Hypothesis:  assay.Hypothesis{Mismatch: 0.001, Latency: map[string]float64{"p99": 1.1}, Cost: &limit, Alpha: 0.05},
		Until:       assay.Until{Trials: 10, For: time.Hour},
	}
	b := a
	b.Name, b.State = "b", assay.StateDeleted
	tenth := a
	tenth.Version, tenth.State, tenth.Changed = 10, assay.StatePaused, start.Add(time.Hour)
	second := a
	second.Version = 2
	again := tenth
	again.State = assay.StateDone
	for _, e := range []assay.Experiment{a, b, tenth, second, again} {
		if err := d.Save(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]assay.Experiment{}
	for _, e := range load(t, d) {
		got[e.Name] = e
	}
	if want := map[string]assay.Experiment{"a": again, "b": b}; !reflect.DeepEqual(got, want) {
		t.Errorf("loaded\n%+v\nwant\n%+v", got, want)
	}
	versions, err := d.Versions(t.Context(), "a", 2)
	if want := []assay.Experiment{again, second}; err != nil || !reflect.DeepEqual(versions, want) {
		t.Errorf("versions are\n%+v, %v\nwant\n%+v", versions, err, want)
	}
}

func load(t *testing.T, d assay.Definitions) []assay.Experiment {
	t.Helper()
	all, err := d.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}
