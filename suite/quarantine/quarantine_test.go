package quarantine

import (
	"reflect"
	"testing"

	"github.com/assaylab/assay/suite"
)

func TestReview(t *testing.T) {
	l := suite.ParseList("steady # was flaky\nfails\nyoung\nskips\na.py\ngone\nretried\n")
	past := map[string]suite.Past{
		"steady": {Late: "F...."}, "fails": {Late: "....."}, "young": {Late: "F..."}, "skips": {Late: "..s.s."},
		"a.py::one": {Late: "....."}, "a.py::two": {Late: "..F.."}, "retried": {Late: "....."}, "other": {Late: "....."},
	}
	var results []suite.Result
	for id := range past {
		status := suite.Pass
		switch id {
		case "fails":
			status = suite.Fail
		case "retried":
			status = suite.Flaky
		}
		results = append(results, suite.Result{ID: id, Status: status})
	}
	q := Review(l, results, past, 5)
	if want := (suite.List{l[0], l[3]}); !reflect.DeepEqual(q.Ready, want) {
		t.Errorf("ready: %+v, want %+v", q.Ready, want)
	}
	if want := (suite.List{l[5]}); !reflect.DeepEqual(q.Unused, want) {
		t.Errorf("unused: %+v, want %+v", q.Unused, want)
	}
	if q := Review(l, nil, nil, 5); len(q.Ready) != 0 || len(q.Unused) != len(l) {
		t.Errorf("without results: %+v", q)
	}
}
