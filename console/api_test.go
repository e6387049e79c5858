package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// call sends one request to the console as a local program would.
func call(t *testing.T, c *Console, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8090"+path, strings.NewReader(body))
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Fatalf("Content-Type %q, body %s", got, w.Body)
	}
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

// The published example of the API must be found in what the API answers; more may be there.
func TestExperimentIsAsPublished(t *testing.T) {
	file, err := os.ReadFile("testdata/surface.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(file, &want); err != nil {
		t.Fatal(err)
	}
	got := decode[map[string]any](t, call(t, newConsole(newFakeLab(), nil), "GET", "/api/v1/experiments/rounding-float", ""))
	arms := got["arms"].([]any)
	got["arms"] = []any{arms[0], arms[3]} // the example leaves the others out
	contains(t, "", want, got)
}

// contains reports what of want is not in got.
func contains(t *testing.T, at string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for k, v := range want {
			if _, there := object[k]; !there {
				t.Errorf("%s.%s is missing", at, k)
				continue
			}
			if m, empty := v.(map[string]any); empty && len(m) == 0 && !reflect.DeepEqual(v, object[k]) {
				t.Errorf("%s.%s = %v, want it empty", at, k, object[k])
			}
			contains(t, at+"."+k, v, object[k])
		}
	case []any:
		list, _ := got.([]any)
		if len(list) != len(want) {
			t.Errorf("%s has %d items, want %d", at, len(list), len(want))
			return
		}
		for i := range want {
			contains(t, fmt.Sprintf("%s[%d]", at, i), want[i], list[i])
		}
	case float64:
		if n, ok := got.(float64); !ok || math.Abs(n-want) > 1e-12*math.Abs(want) {
			t.Errorf("%s = %v, want %v", at, got, want)
		}
	default:
		if want != got {
			t.Errorf("%s = %v, want %v", at, got, want)
		}
	}
}

func TestExperimentCountsAddUp(t *testing.T) {
	all := decode[struct{ Experiments []shape.Experiment }](t, call(t, newConsole(newFakeLab(), nil), "GET", "/api/v1/experiments", ""))
	if len(all.Experiments) != 2 {
		t.Fatalf("%d experiments", len(all.Experiments))
	}
	for _, e := range all.Experiments {
		sampled, offered := e.Trials+e.InFlight, e.Sampled
		for _, n := range e.Dropped {
			sampled += n
		}
		for _, n := range e.NotSampled {
			offered += n
		}
		if sampled != e.Sampled || offered != e.Offered {
			t.Errorf("%s: sampled %d of %d, offered %d of %d", e.Name, sampled, e.Sampled, offered, e.Offered)
		}
	}
	qr := all.Experiments[1]
	if qr.SampleBy != "header:x-user" || qr.InFlight != 2 || qr.Outcome != assay.Inconclusive {
		t.Errorf("qr: %+v", qr)
	}
}

func TestUnboundedEvidenceIsStillJSON(t *testing.T) {
	lab := newFakeLab()
	lab.change(func(r *assay.Report) {
		r.Verdicts = map[string]assay.Verdict{"candidate-2": {Outcome: assay.Refuted, Evidence: assay.Evidence{
			EValue: math.Inf(1), MismatchInterval: [2]float64{math.NaN(), 1},
			Checks: []assay.Check{{Interval: [2]float64{0.5, math.Inf(1)}}},
		}}}
	})
	w := call(t, newConsole(lab, nil), "GET", "/api/v1/experiments/rounding-float", "")
	e := decode[shape.Experiment](t, w)
	v := e.Arms[3].Verdict.Evidence
	if v.EValue != math.MaxFloat64 || v.Checks[0].Interval != [2]float64{0.5, math.MaxFloat64} || v.MismatchInterval[0] != 0 {
		t.Errorf("%+v", v)
	}
	if got := e.Arms[2].Verdict.Outcome; got != assay.Inconclusive {
		t.Errorf("no verdict yet is %q", got)
	}
}

func TestErrors(t *testing.T) {
	big := strings.Repeat("a", maxBody+1)
	for _, tc := range []struct {
		method, path, body string
		status             int
		code               assay.ErrorCode
		hint               string
	}{
		{"GET", "/api/v1/experiments/nope", "", 404, assay.CodeNotFound, "the list"},
		{"GET", "/api/v1/experiments/nope/trials", "", 404, assay.CodeNotFound, ""},
		{"GET", "/api/v1/nope", "", 404, assay.CodeNotFound, "docs/json-api.md"},
		{"GET", "/api/v1/", "", 404, assay.CodeNotFound, ""},
		{"POST", "/api/v1/experiments/qr", "", 405, assay.CodeNotFound, "DELETE, GET, HEAD, PATCH, PUT"},
		{"GET", "/api/v1/trials/nope", "", 404, assay.CodeNotFound, ""},
		{"GET", "/api/v1/functions/nope", "", 404, assay.CodeNotFound, ""},
		{"GET", "/api/v1/functions/nope/logs", "", 404, assay.CodeNotFound, ""},
		{"GET", "/api/v1/functions/nope/versions", "", 404, assay.CodeNotFound, ""},
		{"GET", "/api/v1/functions/control-round/charts/nope", "", 404, assay.CodeNotFound, ""},
		{"GET", "/api/v1/trials/x/reproduction?candidate=candidate-1", "", 404, assay.CodeNotFound, ""},
		{"POST", "/api/v1/functions/nope/invocations", "{}", 404, assay.CodeNotFound, ""},
		{"DELETE", "/api/v1/functions/nope", "", 404, assay.CodeNotFound, ""},
		{"DELETE", "/api/v1/experiments/nope", "", 404, assay.CodeNotFound, ""},
		{"PATCH", "/api/v1/experiments/nope", "{}", 404, assay.CodeNotFound, ""},
		{"POST", "/api/v1/apply", "bogus", 400, assay.CodeInvalid, "did you mean"},
		{"POST", "/api/v1/apply", big, 413, assay.CodeInvalid, ""},
		{"GET", "/api/v1/experiments/qr/trials?outcome=holds", "", 400, assay.CodeInvalid, "mismatch"},
		{"GET", "/api/v1/experiments/qr/trials?limit=501", "", 400, assay.CodeInvalid, "500"},
		{"GET", "/api/v1/experiments/qr/trials?limit=x", "", 400, assay.CodeInvalid, "500"},
	} {
		w := call(t, newConsole(newFakeLab(), nil), tc.method, tc.path, tc.body)
		got := decode[struct{ Error assay.Error }](t, w).Error
		if w.Code != tc.status || got.Code != tc.code || got.What == "" || !strings.Contains(got.Hint, tc.hint) {
			t.Errorf("%s %s: %d %+v", tc.method, tc.path, w.Code, got)
		}
	}
}

func TestInnerErrorsStayInside(t *testing.T) {
	lab := newFakeLab()
	lab.err = errors.New("disk password is hunter2")
	for _, path := range []string{"/api/v1/experiments", "/", "/experiments/qr"} {
		w := call(t, newConsole(lab, nil), "GET", path, "")
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestChanges(t *testing.T) {
	lab := newFakeLab()
	c := newConsole(lab, nil)
	for _, tc := range []struct{ method, path string }{{"POST", "/api/v1/apply"}, {"PUT", "/api/v1/experiments/rounding-float"}} {
		w := call(t, c, tc.method, tc.path, "path: /round")
		changes := decode[struct{ Changes []assay.Change }](t, w).Changes
		if len(changes) != 1 || changes[0].Version != 4 {
			t.Errorf("%s: %+v", tc.path, changes)
		}
	}
	if want := []string{":path: /round", "rounding-float:path: /round"}; !reflect.DeepEqual(lab.applied, want) {
		t.Errorf("applied %q", lab.applied)
	}
	e := decode[shape.Experiment](t, call(t, c, "PATCH", "/api/v1/experiments/qr", `{"sample":"25%","state":"running"}`))
	if e.Sample != 0.25 || e.SampleBy != "header:x-user" || e.State != assay.StateRunning || e.Version != 4 {
		t.Errorf("patched: %+v", e)
	}
	if w := call(t, c, "DELETE", "/api/v1/experiments/qr", ""); w.Code != http.StatusNoContent {
		t.Errorf("DELETE: %d", w.Code)
	}
	if w := call(t, c, "GET", "/api/v1/experiments/qr", ""); w.Code != http.StatusNotFound {
		t.Errorf("after DELETE: %d", w.Code)
	}
	if w := call(t, c, "GET", "/api/v1/experiments/rounding-float/definition", ""); !strings.HasPrefix(w.Body.String(), "experiments:\n") {
		t.Errorf("definition: %s", w.Body)
	}
}

func TestParsePatch(t *testing.T) {
	now := assay.Sample{Rate: 1, By: "header:x-user"}
	paused, running := assay.StatePaused, assay.StateRunning
	for _, tc := range []struct {
		body string
		want *assay.Patch // nil: refused
	}{
		{`{"sample": "25%"}`, &assay.Patch{Sample: &assay.Sample{Rate: 0.25, By: "header:x-user"}}},
		{`{"sample": 0.25}`, &assay.Patch{Sample: &assay.Sample{Rate: 0.25, By: "header:x-user"}}},
		{`{"sample": "0.25"}`, &assay.Patch{Sample: &assay.Sample{Rate: 0.25, By: "header:x-user"}}},
		{`{"sample": 0}`, &assay.Patch{Sample: &assay.Sample{By: "header:x-user"}}},
		{`{"sample": {"rate": "10 %", "by": "query:id"}}`, &assay.Patch{Sample: &assay.Sample{Rate: 0.1, By: "query:id"}}},
		{`{"sample": {"rate": 1}}`, &assay.Patch{Sample: &assay.Sample{Rate: 1}}},
		{`{"state": "paused"}`, &assay.Patch{State: &paused}},
		{`{"state": "running"}`, &assay.Patch{State: &running}},
		{`{"state": "deleted"}`, nil},
		{`{"state": 1}`, nil},
		{`{"sample": "101%"}`, nil},
		{`{"sample": -0.1}`, nil},
		{`{"sample": "NaN"}`, nil},
		{`{"sample": true}`, nil},
		{`{"sample": []}`, nil},
		{`{"sample": {"rate": 0.1, "per": "day"}}`, nil},
		{`{"sample": {"by": "query:id"}}`, nil},
		{`{"samples": 1}`, nil},
		{`{} {}`, nil},
		{`{}`, nil},
		{`null`, nil},
		{``, nil},
	} {
		got, err := shape.ParsePatch([]byte(tc.body), now)
		if (err == nil) != (tc.want != nil) || err == nil && !reflect.DeepEqual(&got, tc.want) {
			t.Errorf("%s: %+v, %v", tc.body, got, err)
		}
		if known := new(assay.Error); err != nil && (!errors.As(err, &known) || known.Hint == "") {
			t.Errorf("%s: %v has no hint", tc.body, err)
		}
	}
}

func TestTrials(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	type page struct {
		Trials []struct {
			ID      string
			Outcome assay.Outcome
		}
		Next string
	}
	path := "/api/v1/experiments/rounding-float/trials?outcome=mismatch&limit=40"
	first := decode[page](t, call(t, c, "GET", path, ""))
	second := decode[page](t, call(t, c, "GET", path+"&cursor="+first.Next, ""))
	if len(first.Trials) != 40 || len(second.Trials) != 22 || second.Next != "" {
		t.Fatalf("%d and %d, then %q", len(first.Trials), len(second.Trials), second.Next)
	}
	if first.Trials[0].Outcome != assay.OutcomeMismatch {
		t.Errorf("outcome %q", first.Trials[0].Outcome)
	}
	one := decode[assay.Trial](t, call(t, c, "GET", "/api/v1/trials/"+first.Trials[0].ID, ""))
	if want := roundingTrial(0); !reflect.DeepEqual(one, want) {
		t.Errorf("trial came back as %+v", one)
	}
	none := call(t, c, "GET", "/api/v1/experiments/qr/trials?outcome=match", "")
	if got := strings.TrimSpace(none.Body.String()); got != `{"next":"","trials":[]}` {
		t.Errorf("no trials: %s", got)
	}
}

func TestTrialsOfOldEvidence(t *testing.T) {
	lab := newFakeLab()
	old := roundingTrial(0)
	old.ID, old.Version, old.Since = "old", 1, 1
	for i := range lab.trials {
		lab.trials[i].Since = 3
	}
	lab.trials = append([]assay.Trial{old}, lab.trials...)
	lab.change(func(r *assay.Report) { r.Experiment.Since = 3 })
	c := newConsole(lab, nil)
	for path, want := range map[string]bool{
		"/api/v1/experiments/rounding-float/trials":          false,
		"/api/v1/experiments/rounding-float/trials?all=true": true,
		"/experiments/rounding-float":                        false,
	} {
		body := call(t, c, "GET", path, "").Body.String()
		if got := strings.Contains(body, `"old"`) || strings.Contains(body, "/trials/old"); got != want {
			t.Errorf("%s: the old trial is shown: %v", path, got)
		}
	}
}

func TestFunctions(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	list := call(t, c, "GET", "/api/v1/functions", "")
	if got := decode[struct{ Functions []assay.Deployment }](t, list).Functions; len(got) != 4 || got[0].Runtime != "nodejs20.x" {
		t.Errorf("%+v", got)
	}
	one := call(t, c, "GET", "/api/v1/functions/control-round", "")
	for _, w := range []*httptest.ResponseRecorder{list, one} {
		if strings.Contains(w.Body.String(), "hunter2") || !strings.Contains(w.Body.String(), "PASSWORD") {
			t.Errorf("environment: %s", w.Body)
		}
	}
	if w := call(t, c, "DELETE", "/api/v1/functions/control-round", ""); w.Code != http.StatusNoContent {
		t.Errorf("DELETE: %d", w.Code)
	}
	logs := call(t, c, "GET", "/api/v1/functions/control-round/logs", "")
	if logs.Body.String() != "START RequestId: 1\n" || !strings.HasPrefix(logs.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("logs: %v %s", logs.Header(), logs.Body)
	}
}

func TestInvoke(t *testing.T) {
	for payload, want := range map[string]string{
		`{"n":1.0}`: `{"n":1.0}`, `not json`: `"not json"`, ``: `null`,
	} {
		w := call(t, newConsole(newFakeLab(), nil), "POST", "/api/v1/functions/control-round/invocations", payload)
		full := `{"id":"id-1","payload":` + want + `,"log":"REPORT RequestId","duration_ms":1.5,"init_ms":40,"billed_ms":2,"cold":true,"memory_mb":128,"max_memory_mb":41}`
		if got := strings.TrimSpace(w.Body.String()); got != full {
			t.Errorf("payload %q: %s", payload, got)
		}
	}
}

func TestVersionAndHealth(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	for path, want := range map[string]string{"/api/v1/version": `{"version":"1.0-test"}`, "/healthz": "ok", "/readyz": "ready"} {
		if w := call(t, c, "GET", path, ""); w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestNewNeedsItsRooms(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("a console of nothing was made")
	}
}

func TestTrend(t *testing.T) {
	lab := newFakeLab()
	body := call(t, newConsole(lab, nil), "GET", "/api/v1/experiments/rounding-float/trend", "").Body.String()
	for _, want := range []string{`"time":"2026-11-20T12:00:00Z"`, `"arm":"rounding-float`, `"observations":60`, `"mean_ms":1.5`, `"p50":1.4`, `"step":1`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
	if code := call(t, newConsole(lab, nil), "GET", "/api/v1/experiments/rounding-float/trend?minutes=20000", "").Code; code != http.StatusBadRequest {
		t.Errorf("of more minutes than are kept: %d", code)
	}
	if code := call(t, newConsole(lab, nil), "GET", "/api/v1/experiments/nobody/trend", "").Code; code != http.StatusNotFound {
		t.Errorf("of an unknown experiment: %d", code)
	}
}

func TestInventoryCalls(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	for path, want := range map[string]string{
		"versions":                      `"version":"7","description":"as released"`,
		"aliases":                       `{"aliases":[{"name":"live","version":"7","weights":{"8":0.1}}]}`,
		"environments":                  `"state":"idle","began":"2026-11-20T12:00:00Z"`,
		"charts/invocations?format=csv": "Time,Invocations,Errors,Throttles,Cold starts\n2026-11-20T12:00:00Z,12,1,0,0",
		"charts/durations":              `"values":[1.5]`,
	} {
		if w := call(t, c, "GET", "/api/v1/functions/control-round/"+path, ""); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := call(t, c, "GET", "/api/v1/functions/candidate-round-go/environments", ""); w.Body.String() != "{\"environments\":[]}\n" {
		t.Errorf("of a function that never ran: %s", w.Body)
	}
	if w := call(t, c, "GET", "/api/v1/trials/x/reproduction?candidate=candidate-2", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"curl":"curl -sS`) {
		t.Errorf("reproduction: %d %s", w.Code, w.Body)
	}
}
