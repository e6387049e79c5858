package whatif

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
)

func comparator(t *testing.T, spec assay.ComparatorSpec) assay.Comparator {
	t.Helper()
	spec.Kind, spec.As = assay.CompareBody, "json"
	c, flaws := compare.New([]assay.ComparatorSpec{spec})
	if flaws != nil {
		t.Fatal(flaws)
	}
	return c
}

func trial(id int, control, other string) *assay.Trial {
	answer := func(arm, body string) assay.Observation { // 40 bytes of it were a secret
		return assay.Observation{Arm: arm, Body: []byte(body), BodySize: int64(len(body)) + 40}
	}
	return &assay.Trial{ID: fmt.Sprint(id), Bodies: true, Control: answer("control", control),
		Candidates: []assay.Comparison{{Observation: answer("one", other)}, {Observation: answer("two", control)}}}
}

func TestReplayCountsWhatChanges(t *testing.T) {
	r := New(comparator(t, assay.ComparatorSpec{Ignore: []string{"$.old"}}), comparator(t, assay.ComparatorSpec{Ignore: []string{"$.new"}}))
	r.Add(trial(1, `{"new": 1}`, `{"new": 2}`))                                // disappears
	r.Add(trial(2, `{"old": 1}`, `{"old": 2}`))                                // appears
	r.Add(trial(3, `{"old": 1, "new": 1}`, `{"old": 2, "new": 2}`))            // one for the other
	r.Add(trial(4, `{"a": 1, "new": 1}`, `{"a": 2, "new": 2}`))                // stays a mismatch
	r.Add(trial(5, `{"a": [1, 2]}`, `{"a": [3, 4]}`))                          // nothing changes
	r.Add(trial(6, `{"a": 1}`, `{"a": 1}`))                                    // nor here
	r.Add(&assay.Trial{ID: "7", Candidates: []assay.Comparison{{}}})           // a match without bodies
	r.Add(trial(8, `[withheld: its content encoding cannot be undone]`, `{}`)) // nobody knows
	got := r.Result()
	want := Result{Compared: 6, Bare: 1, Withheld: 1, Candidates: []Candidate{
		{Name: "one", Before: 4, After: 4, Appear: 1, Disappear: 1, Paths: []Path{
			{Path: "body:$.new", Kind: assay.KindValue, Before: 3, Disappear: 3, Examples: []string{"1", "3", "4"}},
			{Path: "body:$.old", Kind: assay.KindValue, After: 2, Appear: 2, Examples: []string{"2", "3"}},
		}},
		{Name: "two", Paths: []Path{}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestCutBodiesStayCut(t *testing.T) {
	cut := trial(1, `{"a": 1}`, `{"a": 1}`)
	cut.Candidates[0].Differences = []assay.Difference{{Path: "body", Kind: assay.KindTruncated}}
	c := comparator(t, assay.ComparatorSpec{})
	r := New(c, c)
	r.Add(cut)
	if got := r.Result().Candidates[0]; got.Before != 1 || got.After != 1 {
		t.Errorf("%+v", got)
	}
}

func TestPathsAreBounded(t *testing.T) {
	r := New(comparator(t, assay.ComparatorSpec{Ignore: []string{"$"}}), comparator(t, assay.ComparatorSpec{}))
	for i := range 2 * maxPaths {
		r.Add(trial(i, fmt.Sprintf(`{"k%d": 1}`, i), fmt.Sprintf(`{"k%d": 2}`, i)))
	}
	c := r.Result().Candidates[0]
	if len(c.Paths) != maxPaths+1 || c.Paths[0].Path != "other" || c.Paths[0].Appear != maxPaths {
		t.Errorf("%d paths, the first is %+v", len(c.Paths), c.Paths[0])
	}
}
