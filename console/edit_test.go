package console

import (
	"net/http"
	"strings"
	"testing"

	"github.com/assaylab/assay/console/shape"

	"github.com/assaylab/assay"
)

func TestDefinitionsAreCheckedBeforeTheyAreApplied(t *testing.T) {
	lab := newFakeLab()
	c := newConsole(lab, nil)
	const at = "/api/v1/experiments/rounding-float"
	flawed := decode[shape.Checked](t, call(t, c, "POST", at+"/check", "path: round\ncomparators:\n    bogus:\n"))
	if len(flawed.Flaws) != 1 || flawed.Flaws[0].Line != 3 || flawed.Flaws[0].Column != 5 || flawed.Flaws[0].Hint == "" {
		t.Errorf("flaws are %+v", flawed.Flaws)
	}
	fine := decode[shape.Checked](t, call(t, c, "POST", at+"/check", "path: round\n"))
	if len(fine.Flaws) != 0 || fine.Action != "configured" || !fine.Anew {
		t.Errorf("checked as %+v", fine)
	}
	if len(lab.applied) != 0 {
		t.Errorf("a check applied %q", lab.applied)
	}
}

func TestChangesOfAnOldVersionAreRefused(t *testing.T) {
	lab := newFakeLab()
	c := newConsole(lab, nil)
	for query, want := range map[string]int{"?version=2": http.StatusConflict, "?version=x": http.StatusBadRequest, "?version=3": http.StatusOK, "": http.StatusOK} {
		if w := call(t, c, "PUT", "/api/v1/experiments/rounding-float"+query, "path: round\n"); w.Code != want {
			t.Errorf("%q: %d, want %d: %s", query, w.Code, want, w.Body)
		}
	}
	if len(lab.applied) != 2 {
		t.Errorf("applied %q", lab.applied)
	}
}

func TestHistory(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	w := call(t, c, "GET", "/api/v1/experiments/rounding-float/history", "")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"version":1`) || !strings.Contains(w.Body.String(), `sample: 5%`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := call(t, c, "GET", "/api/v1/experiments/nope/history", ""); w.Code != http.StatusNotFound {
		t.Errorf("%d for an unknown experiment", w.Code)
	}
}

func TestCharts(t *testing.T) {
	lab := newFakeLab()
	lab.change(func(r *assay.Report) { r.Rollout = &assay.Standing{Candidate: "candidate-2"} })
	c := newConsole(lab, nil)
	for name := range experimentCharts {
		at := "/api/v1/experiments/rounding-float/charts/" + name
		if w := call(t, c, "GET", at, ""); w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"series":null`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		w := call(t, c, "GET", at+"?format=csv&candidate=candidate-2", "")
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") {
			t.Errorf("%s as CSV: %d %v", name, w.Code, w.Header())
		}
		if strings.Contains(w.Body.String(), "Round Python3-math") {
			t.Errorf("%s of one candidate has another:\n%s", name, w.Body)
		}
	}
	if w := call(t, c, "GET", "/api/v1/experiments/rounding-float/charts/nope", ""); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "quantiles") {
		t.Errorf("an unknown chart: %d %s", w.Code, w.Body)
	}
	w := call(t, c, "GET", "/api/v1/experiments/rounding-float/charts/course?format=csv", "")
	want := "Trials,Round python-3-round,\"Round python-3-round, low\",\"Round python-3-round, high\"\n20,0.05,0.025,0.075\n100,0.05,0.045,0.055\n1000,0.05,0.0495,0.0505\n"
	if w.Body.String() != want {
		t.Errorf("the course is\n%s\nwant\n%s", w.Body, want)
	}
}
