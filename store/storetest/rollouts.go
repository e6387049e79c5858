package storetest

import (
	"reflect"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// RunRollouts checks what assay.Rollouts promises, on a store that is empty.
func RunRollouts(t *testing.T, r assay.Rollouts) {
	standing := func(experiment string, stage assay.Stage, weight float64) assay.Standing {
		return assay.Standing{
			Experiment: experiment, Since: 3, Stage: stage, Step: 1, Weight: weight, Entered: start, Reason: "because",
			Canary: assay.Served{Requests: 7, Errors: 1, Latency: assay.Latency{P50: 1.5}},
		}
	}
	step := func(experiment string, n int) assay.Step {
		return assay.Step{
			Experiment: experiment, Version: n, Time: start.Add(time.Duration(n) * time.Minute), From: assay.StageShadow, To: assay.StageCanary,
			FromWeight: 0, Weight: 0.01, By: "assay", Reason: "it holds",
			Verdict: &assay.Verdict{Outcome: assay.Holds, Trials: 100, Evidence: assay.Evidence{Alpha: 0.05, EValue: 2}},
		}
	}
	for n, s := range []assay.Standing{
		standing("b", assay.StageCanary, 0.01), standing("a", assay.StageCanary, 0.1), standing("b", assay.StagePromoted, 1),
	} {
		if err := r.Advance(t.Context(), s, step(s.Experiment, n)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := r.Standings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []assay.Standing{standing("a", assay.StageCanary, 0.1), standing("b", assay.StagePromoted, 1)}; !reflect.DeepEqual(got, want) {
		t.Errorf("standings\n%+v\nwant\n%+v", got, want)
	}
	steps, err := r.Steps(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	if want := []assay.Step{step("b", 0), step("b", 2)}; !reflect.DeepEqual(steps, want) {
		t.Errorf("steps\n%+v\nwant\n%+v", steps, want)
	}
	if steps, err := r.Steps(t.Context(), "nobody"); err != nil || len(steps) != 0 {
		t.Errorf("steps of nobody: %+v, %v", steps, err)
	}
}
