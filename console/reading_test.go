package console

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/drift"
	"github.com/assaylab/assay/export"
	"github.com/assaylab/assay/noise"
	"github.com/assaylab/assay/reading"
	"github.com/assaylab/assay/whatif"
)

// fakeReading answers with one of everything, and notes what it is told.
type fakeReading struct {
	mu       sync.Mutex
	marks    []assay.Mark
	accepted []assay.Rule
	removed  []string
	replayed string
	wanted   reading.Wanted
}

func (f *fakeReading) rule() assay.Rule {
	return assay.Rule{Path: "body:$.requestId", Class: assay.ClassUUID, Owner: "ann", Expires: noon.Add(24 * time.Hour)}
}

func (f *fakeReading) proposal() noise.Proposal {
	r := assay.Rule{Path: "body:$.at", Class: assay.ClassTimestamp, Within: 60}
	return noise.Proposal{Name: r.ID(), Rule: r, Pairs: 12, Examples: [][2]string{{`"12:00:00"`, `"12:00:01"`}}}
}

func (f *fakeReading) Rules(context.Context, string) ([]noise.Status, []noise.Proposal, error) {
	r := f.rule()
	return []noise.Status{
		{Text: r.Text(), ID: r.ID(), Rule: &r, Hits: 42, Last: noon, State: noise.Active, Alarms: []noise.Alarm{{Candidate: "candidate-2", What: "it hides more than noise", EValue: 512}}},
		{Text: "ignore $.x", Hits: 1, Last: noon, State: noise.Active},
	}, []noise.Proposal{f.proposal()}, nil
}

func (f *fakeReading) Reject(_ context.Context, experiment, id, by string) error {
	f.marks = append(f.marks, assay.Mark{Experiment: experiment, ID: id, State: assay.StateRejected, By: by})
	return nil
}

func (f *fakeReading) Clusters(_ context.Context, experiment string) ([]assay.Cluster, error) {
	return []assay.Cluster{{ID: "0123456789ab", Experiment: experiment, Arm: "candidate-2", Count: 50, First: noon, Last: noon, FirstVersion: 1, LastVersion: 3,
		Example: roundingTrial(0).ID, State: assay.ClusterOpen, Returns: 1, Quiet: 1234, Signature: assay.Signature{Route: "GET /round", Statuses: [2]int{200, 200},
			Places: []assay.Place{{Path: "body:$.rounded_number", Kind: assay.KindValue, Control: "integer", Candidate: "integer"}}}}}, nil
}

func (f *fakeReading) MarkCluster(ctx context.Context, m assay.Mark) ([]assay.Cluster, error) {
	f.mu.Lock()
	f.marks = append(f.marks, m)
	f.mu.Unlock()
	return f.Clusters(ctx, m.Experiment)
}

func (f *fakeReading) Drift(context.Context, string, reading.Span) ([]drift.Report, error) {
	return []drift.Report{{Candidate: "candidate-2", Compared: 7, Bare: 3, Drifts: []drift.Drift{{Path: "$.extra", Kind: drift.Appeared, Candidate: "string 7 times"}}}, {Candidate: "candidate-1"}}, nil
}

func (f *fakeReading) Replay(_ context.Context, _ string, rules []byte, _ reading.Span) (whatif.Result, error) {
	f.replayed = string(rules)
	if strings.Contains(f.replayed, "bogus") {
		return whatif.Result{}, &assay.Error{Code: assay.CodeInvalid, What: `there is no comparator "bogus"`, Where: "rules:2:3", Hint: "choose another"}
	}
	return whatif.Result{Compared: 9, Bare: 4, Candidates: []whatif.Candidate{{Name: "candidate-2", Before: 5, After: 1, Disappear: 4,
		Paths: []whatif.Path{{Path: "body:$.rounded_number", Kind: assay.KindValue, Before: 5, After: 1, Disappear: 4, Examples: []string{roundingTrial(0).ID}}}}}}, nil
}

func (f *fakeReading) Reproduce(_ context.Context, want reading.Wanted, tell func(reading.Progress)) (*export.Reproduction, error) {
	f.wanted = want
	if want.ID == "gone" {
		return nil, notFound("trial", want.ID)
	}
	tell(reading.Progress{Calls: 3, Size: 12})
	if want.ID == "fails" {
		return nil, notFound("candidate", want.ID)
	}
	return &export.Reproduction{Trial: want.ID, Calls: 9, Complete: true, Forms: map[string]string{"curl": "curl -sS"}}, nil
}

func (f *fakeReading) Case(_ context.Context, want reading.Wanted) (*export.Reproduction, error) {
	if want.Candidate == "candidate-1" {
		return nil, notFound("mismatch", want.Candidate)
	}
	return &export.Reproduction{Trial: want.ID, Notes: []string{"the header field Authorization was redacted, and is not sent"},
		Forms: map[string]string{export.Curl: "curl -sS '<x>'", export.Go: "package reproduction"}}, nil
}

func (f *fakeLab) AcceptRule(_ context.Context, name string, r assay.Rule) (assay.Experiment, error) {
	f.reading.mu.Lock()
	f.reading.accepted = append(f.reading.accepted, r)
	f.reading.mu.Unlock()
	report, err := f.find(name)
	if err != nil {
		return assay.Experiment{}, err
	}
	return report.Experiment, nil
}

func (f *fakeLab) RemoveRule(_ context.Context, _, id string) (assay.Experiment, error) {
	f.reading.removed = append(f.reading.removed, id)
	return assay.Experiment{}, nil
}

func TestDifferencesPage(t *testing.T) {
	lab := newFakeLab()
	c := newConsole(lab, nil)
	body := call(t, c, "GET", "/experiments/rounding-float/differences", "").Body.String()
	for _, want := range []string{
		"0123456789ab", "came back once", "1,234 trials ago", "integer → integer", "assay reproduce 0123456789ab --candidate candidate-2", `name="candidate" value="candidate-2"`,
		"body:$.requestId", "it hides more than noise", "ignore $.x", "body:$.at", `value="2027-02-18"`, "no masking alarm can ring",
		"$.extra", "string 7 times", "3 trials without bodies", "comparators:\n  - body:\n  - statuscode:\n  - headers:\n    - content-type\n",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if strings.Contains(body, " style=") || strings.Contains(body, "ZgotmplZ") {
		t.Error("the page holds what its policy forbids")
	}
	if body := call(t, c, "GET", "/experiments/rounding-float", "").Body.String(); !strings.Contains(body, "1 open cluster · 1 rule proposed") || !strings.Contains(body, "1 masking alarm") {
		t.Error("the experiment's page does not say that there is something to read")
	}
	if w := call(t, c, "GET", "/experiments/nobody/differences", ""); w.Code != 404 {
		t.Errorf("of an unknown experiment: %d", w.Code)
	}
}

// posted sends a form as browsers do.
func posted(t *testing.T, c *Console, path string, form url.Values) (int, string) {
	t.Helper()
	r := httptest.NewRequest("POST", "http://127.0.0.1:8090"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestWhatIfForm(t *testing.T) {
	lab := newFakeLab()
	c := newConsole(lab, nil)
	code, body := posted(t, c, "/experiments/rounding-float/differences", url.Values{"rules": {"comparators:\r\n- statuscode:\r\n"}})
	for _, want := range []string{"9 trials compared again", "4 could not be", "body:$.rounded_number", "- statuscode:"} {
		if code != 200 || !strings.Contains(body, want) {
			t.Errorf("%d: the page does not show %q", code, want)
		}
	}
	if lab.reading.replayed != "comparators:\n- statuscode:\n" {
		t.Errorf("it tried %q", lab.reading.replayed)
	}
	code, body = posted(t, c, "/experiments/rounding-float/differences", url.Values{"rules": {"comparators:\n- bogus:\n"}})
	if code != 422 || !strings.Contains(body, "rules:2:3") || !strings.Contains(body, "- bogus:") {
		t.Errorf("%d: where it is wrong is not shown, or what was written is lost", code)
	}
}

func TestReadingAPI(t *testing.T) {
	lab := newFakeLab()
	c := newConsole(lab, nil)
	id := lab.reading.proposal().Name
	const base = "/api/v1/experiments/rounding-float"
	for _, tt := range []struct {
		method, path, body string
		code               int
		says               string
	}{
		{"GET", base + "/rules", "", 200, `"proposed":[{"id":"` + id + `","path":"body:$.at","class":"timestamp","within":60,"pairs":12`},
		{"GET", base + "/rules", "", 200, `"blind":true`},
		{"GET", "/rules?experiment=rounding-float", "", 200, "timestamp, at most 60 s apart"},
		{"POST", base + "/rules", `{"id": "` + id + `", "owner": "ann", "expires": "2027-01-31"}`, 200, "rules"},
		{"POST", base + "/rules", `{"path": "body:$.l[3].n", "class": "counter", "within": 5, "owner": "bob", "expires": "2027-01-31T12:00:00Z"}`, 200, "rules"},
		{"POST", base + "/rules", `{"id": "00000000", "owner": "ann", "expires": "2027-01-31"}`, 404, "no rule of that id"},
		{"POST", base + "/rules", `{"id": "` + id + `", "owner": "ann", "expires": "soon"}`, 400, "not a day"},
		{"POST", base + "/rules", `{"bogus": 1}`, 400, "bogus"},
		{"PATCH", base + "/rules/" + id, `{"state": "rejected", "by": "ann"}`, 200, "rules"},
		{"PATCH", base + "/rules/" + id, `{"state": "accepted", "by": "ann"}`, 400, "can be rejected"},
		{"DELETE", base + "/rules/" + id, "", 204, ""},
		{"GET", base + "/clusters", "", 200, `"id":"0123456789ab"`},
		{"GET", base + "/clusters", "", 200, `"state":"open"}]`},
		{"GET", "/api/v1/experiments/qr/clusters", "", 200, `"candidate_removed":true`},
		{"PATCH", base + "/clusters/0123456789ab", `{"state": "accepted", "by": "ann"}`, 200, "clusters"},
		{"PATCH", base + "/clusters/0123456789ab", `{"state": "gone", "by": "ann"}`, 400, "open, accepted or fixed"},
		{"PATCH", base + "/clusters/0123456789ab", `{"state": "open"}`, 400, "somebody"},
		{"GET", base + "/drift?limit=10", "", 200, `"kind":"appeared"`},
		{"GET", base + "/drift?limit=0", "", 400, "not a number of trials"},
		{"POST", base + "/replay", "comparators: [statuscode]", 200, `"without_bodies":4`},
		{"POST", base + "/replay", "bogus", 400, "rules:2:3"},
		{"POST", "/api/v1/reproductions", `{"id": "gone"}`, 404, "no such trial"},
		{"POST", "/api/v1/reproductions", `{"id": "x", "time": "long"}`, 400, "not a length of time"},
	} {
		w := call(t, c, tt.method, tt.path, tt.body)
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, w.Code, w.Body)
		}
	}
	if a := lab.reading.accepted; len(a) != 2 || a[0].Owner != "ann" || a[0].Within != 60 || a[1].Path != "body:$.l[*].n" || a[1].Within != 5 || a[1].Expires.Hour() != 12 {
		t.Errorf("accepted %+v", a)
	}
	if m := lab.reading.marks; len(m) != 2 || m[0].State != assay.StateRejected || m[1].State != "accepted" || m[1].ID != "0123456789ab" {
		t.Errorf("marks %+v", m)
	}
}

func TestReproductionsAreStreamed(t *testing.T) {
	lab := newFakeLab()
	c := newConsole(lab, nil)
	for id, last := range map[string]string{"found": "found", "fails": "error"} {
		w := call(t, c, "POST", "/api/v1/reproductions", `{"id": "`+id+`", "candidate": "new", "unsafe": true, "calls": 7, "time": "5s"}`)
		var steps []map[string]any
		for lines := bufio.NewScanner(w.Body); lines.Scan(); {
			var step map[string]any
			if err := json.Unmarshal(lines.Bytes(), &step); err != nil {
				t.Fatal(err)
			}
			steps = append(steps, step)
		}
		if w.Code != 200 || len(steps) != 2 || steps[0]["progress"] == nil || steps[1][last] == nil || w.Header().Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%s: %d %v", id, w.Code, steps)
		}
		want := reading.Wanted{ID: id, Candidate: "new", Unsafe: true, Calls: 7, Time: 5 * time.Second}
		if lab.reading.wanted != want {
			t.Errorf("wanted %+v", lab.reading.wanted)
		}
	}
}
