package assay_test

import (
	"testing"
	"time"

	"github.com/assaylab/assay"
)

func TestSameEvidence(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*assay.Experiment)
		same   bool
	}{
		{"nothing", func(*assay.Experiment) {}, true},
		{"sampling", func(e *assay.Experiment) { e.Sample.Rate = 0.5 }, true},
		{"a budget", func(e *assay.Experiment) { e.Budget.Queue++ }, true},
		{"a title", func(e *assay.Experiment) { e.Candidates[0].Title = "Go" }, true},
		{"more secondaries", func(e *assay.Experiment) { e.Secondary = 0.2 }, true},
		{"no secondaries", func(e *assay.Experiment) { e.Secondary = 0 }, false},
		{"a limit", func(e *assay.Experiment) { e.Hypothesis.Mismatch = 0.01 }, false},
		{"a target", func(e *assay.Experiment) { e.Control.Target.URL = "http://127.0.0.1:9001" }, false},
		{"a comparator", func(e *assay.Experiment) { e.Comparators = nil }, false},
		{"a rule", func(e *assay.Experiment) { e.Rules = append(e.Rules, rule()) }, false},
	} {
		old, e := experiment(), experiment()
		old.Secondary, e.Secondary = 0.1, 0.1
		tt.change(&e)
		if got := old.SameEvidence(&e); got != tt.same {
			t.Errorf("a change of %s: same evidence %v, want %v", tt.name, got, tt.same)
		}
		if got := e.SameEvidence(&old); got != tt.same {
			t.Errorf("the reverse of a change of %s: same evidence %v, want %v", tt.name, got, tt.same)
		}
	}
}

func experiment() assay.Experiment {
	return assay.Experiment{
		Name: "rounding", Path: "/round", Sample: assay.Sample{Rate: 1}, Budget: assay.DefaultBudget,
		Control:     assay.Arm{Name: "control", Target: assay.Target{URL: "http://127.0.0.1:9000"}},
		Candidates:  []assay.Arm{{Name: "new", Target: assay.Target{ARN: "arn:aws:lambda:us-east-1:000000000000:function:new:$LATEST"}}},
		Comparators: []assay.ComparatorSpec{{Kind: assay.CompareStatus}},
		Hypothesis:  assay.Hypothesis{Mismatch: 0.001, Alpha: 0.05},
	}
}

func rule() assay.Rule {
	return assay.Rule{Path: "body:$.id", Class: assay.ClassUUID, Owner: "ann", Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}
}
