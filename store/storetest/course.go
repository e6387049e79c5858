package storetest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/assaylab/assay"
)

// courses compares milestones with what a plain loop over the trials counts, whatever the batches, and keeps some
// trials twice.
func courses(t *testing.T, store assay.Store) {
	s, ok := store.(assay.Courses)
	if !ok {
		t.Fatal("the store knows no courses")
	}
	trials := Trials(29, 300)
	for batch := range slices.Chunk(trials, 37) {
		keep(t, store, batch...)
	}
	keep(t, store, trials[:50]...)
	got, err := s.Course(t.Context(), Experiment, 1)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int64{}
	for _, m := range got {
		if want := milestoneOf(trials, m.Arm, m.Trials); !reflect.DeepEqual(m, want) {
			t.Errorf("got %+v\nwant %+v", m, want)
		}
		if before := seen[m.Arm]; before > 10 && float64(m.Trials) > 1.25*float64(before) {
			t.Errorf("%s: no milestone from %d to %d trials", m.Arm, before, m.Trials)
		}
		seen[m.Arm] = m.Trials
	}
	for arm, last := range seen {
		if last < 270 || len(got) > 50*len(seen) {
			t.Errorf("%s: the last of %d milestones is at %d trials", arm, len(got), last)
		}
	}
	if len(seen) == 0 {
		t.Error("no milestones")
	}
}

// milestoneOf counts the first trials of an arm anew.
func milestoneOf(trials []assay.Trial, arm string, first int64) assay.Milestone {
	m := assay.Milestone{Arm: arm}
	for i := range trials {
		for k := range trials[i].Candidates {
			c := &trials[i].Candidates[k]
			if c.Observation.Arm != arm || m.Trials == first {
				continue
			}
			m.Trials++
			if c.Outcome() == assay.OutcomeMismatch {
				m.Mismatches++
			}
			m.Time = trials[i].Time
		}
	}
	return m
}
