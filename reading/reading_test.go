package reading

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
	"github.com/assaylab/assay/export"
	"github.com/assaylab/assay/store/sqlite"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// bed is a laboratory of two functions of a request. It implements Laboratory.
type bed struct {
	t                  *testing.T
	store              *sqlite.Store
	reader             *Reader
	experiment         assay.Experiment
	comparator         assay.Comparator
	control, candidate func(*assay.Request) any
	calls              int
	redact             func(*assay.Trial)
}

func newBed(t *testing.T, control, candidate func(*assay.Request) any) *bed {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	comparator, flaws := compare.New([]assay.ComparatorSpec{{Kind: assay.CompareStatus}, {Kind: assay.CompareBody, As: "json"}})
	if flaws != nil {
		t.Fatal(flaws)
	}
	b := &bed{t: t, store: store, comparator: comparator, control: control, candidate: candidate, redact: func(*assay.Trial) {}, experiment: assay.Experiment{
		Name: "e", Version: 1, Since: 1, Candidates: []assay.Arm{{Name: "new"}}, Budget: assay.DefaultBudget, Hypothesis: assay.Hypothesis{Alpha: 0.05},
	}}
	ids := 0
	b.reader = New(Options{Store: store, Laboratory: b, Now: func() time.Time { return noon.Add(time.Hour) }, NewID: func() string { ids++; return fmt.Sprint("id-", ids) }})
	return b
}

func (b *bed) Report(context.Context, string) (assay.Report, error) {
	counts, err := b.store.Counts(b.t.Context(), "e", 1)
	return assay.Report{Experiment: b.experiment, Counts: counts}, err
}

func (b *bed) Definitions() []assay.Experiment { return []assay.Experiment{b.experiment} }

func (b *bed) WhatIf(_ string, rules []byte) (now, then assay.Comparator, err error) {
	then, _ = compare.New([]assay.ComparatorSpec{{Kind: assay.CompareBody, As: "json", Ignore: []string{string(rules)}}})
	return b.comparator, then, nil
}

func (b *bed) Bench(string, string) (Bench, error) {
	return Bench{
		Experiment: b.experiment, Control: b.arm(b.control), Candidate: b.arm(b.candidate), Comparator: b.comparator, Redact: b.redact,
		Event: func(*assay.Invocation) ([]byte, error) { return []byte("{}"), nil },
		Where: func(arm string) export.Arm { return export.Arm{URL: "http://" + arm} },
	}, nil
}

func (b *bed) arm(answer func(*assay.Request) any) assay.Invoker {
	return assay.InvokerFunc(func(ctx context.Context, inv *assay.Invocation) (*assay.Observation, error) {
		b.calls++
		return b.observe(answer, inv.Request), ctx.Err()
	})
}

func (b *bed) observe(answer func(*assay.Request) any, r *assay.Request) *assay.Observation {
	body, err := json.Marshal(answer(r))
	if err != nil {
		b.t.Fatal(err)
	}
	return &assay.Observation{Status: 200, Body: body, BodySize: int64(len(body))}
}

// keep makes a trial of a request, as the laboratory would.
func (b *bed) keep(id string, r *assay.Request) {
	b.t.Helper()
	if err := b.store.Keep(b.t.Context(), assay.Batch{Trials: []assay.Trial{b.trial(id, r)}}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) trial(id string, r *assay.Request) assay.Trial {
	control, other := b.observe(b.control, r), b.observe(b.candidate, r)
	other.Arm = "new"
	return assay.Trial{ID: id, Experiment: "e", Version: 1, Since: 1, Time: noon, Invocation: assay.Invocation{ID: id, Request: r}, Control: *control, Bodies: true,
		Candidates: []assay.Comparison{{Observation: *other, Differences: b.comparator.Compare(control, other)}}}
}

func (b *bed) reproduce(want Wanted) (*export.Reproduction, error) {
	return b.reader.Reproduce(b.t.Context(), want, func(Progress) {})
}

func get(query string) *assay.Request {
	return &assay.Request{Method: "GET", Path: "/a", Query: query, Header: assay.Header{"Accept": {"*/*"}}}
}

// answers makes a function that counts up at "n" at each call, and says whether the query has a word.
func answers(word string, counts bool) func(*assay.Request) any {
	n := 0
	return func(r *assay.Request) any {
		if counts {
			n++
		}
		return map[string]any{"n": n, "has": strings.Contains(r.Query, word)}
	}
}

func never(*assay.Request) any { return map[string]any{"n": 0, "has": false} }

func TestReproduce(t *testing.T) {
	b := newBed(t, never, answers("b=", false))
	b.keep("one", get("a=1&b=2&c=3"))
	found, err := b.reproduce(Wanted{ID: "one"})
	if err != nil || found.Request.Query != "b=" || len(found.Request.Header) != 0 || !found.Complete || found.Calls != b.calls || len(found.Differences) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	if found.Control.URL != "http://control" || found.Candidate.URL != "http://new" || string(found.Candidate.Body) != `{"has":true,"n":0}` || found.Forms[export.Go] == "" {
		t.Errorf("%+v", found)
	}
	clusters, err := b.reader.Clusters(t.Context(), "e")
	if err != nil || len(clusters) != 1 || clusters[0].ID != found.Cluster {
		t.Fatalf("it belongs to another cluster: %+v, %v", clusters, err)
	}
	if again, err := b.reproduce(Wanted{ID: found.Cluster}); err != nil || again.Request.Query != "b=" || again.Trial != "one" {
		t.Errorf("by the cluster: %+v, %v", again, err)
	}
}

// The control counts its calls, which is noise; only what the candidate makes of b is not.
func TestReproduceMindsTheControlsNoise(t *testing.T) {
	b := newBed(t, answers("never", true), answers("b=", true))
	b.keep("one", get("a=1&b=2"))
	found, err := b.reproduce(Wanted{ID: "one"})
	if err != nil || found.Request.Query != "b=" {
		t.Fatalf("%+v, %v", found, err)
	}
	noisy := newBed(t, answers("never", true), answers("never", true))
	noisy.candidate(get("")) // a call ahead: it differs, as the control does from itself
	noisy.keep("one", get("a=1"))
	if found, err := noisy.reproduce(Wanted{ID: "one"}); err == nil || !strings.Contains(err.Error(), "differs from itself") {
		t.Errorf("noise was reproduced: %+v, %v", found, err)
	}
}

func TestReproduceRefuses(t *testing.T) {
	sends := map[string]*assay.Request{
		"unsafe":   {Method: "POST", Path: "/a", Query: "b=1"},
		"secret":   {Method: "GET", Path: "/a", Query: "b=[redacted 0123456789ab]"},
		"withheld": {Method: "GET", Path: "/a", Query: "b=1", Body: []byte("[withheld: it is compressed]")},
		"same":     {Method: "GET", Path: "/a", Query: "a=1"},
	}
	for id, says := range map[string]string{
		"unsafe": "--unsafe", "secret": "this may be why: 1 parameters were redacted", "withheld": "withheld", "same": "no candidate of that name mismatches", "unknown": "no trial and no cluster",
	} {
		b := newBed(t, never, answers("b=", false))
		if sends[id] != nil {
			b.keep(id, sends[id])
		}
		before := b.calls
		found, err := b.reproduce(Wanted{ID: id})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %+v, %v", id, found, err)
		}
		if id != "secret" && b.calls != before {
			t.Errorf("%s: arms were called %d times", id, b.calls-before)
		}
	}
	b := newBed(t, never, answers("b=", false))
	b.keep("unsafe", sends["unsafe"])
	if found, err := b.reproduce(Wanted{ID: "unsafe", Unsafe: true}); err != nil || found.Request.Query != "b=" {
		t.Errorf("allowed, but: %+v, %v", found, err)
	}
}

func TestReproduceLeavesSecretsOut(t *testing.T) {
	b := newBed(t, never, answers("b=", false))
	b.redact = func(t *assay.Trial) { t.Candidates[0].Observation.Body = []byte("[redacted]") }
	r := get("b=1&key=[redacted 0123456789ab]")
	r.Header.Set("Authorization", "[redacted 0123456789ab]")
	b.keep("one", r)
	found, err := b.reproduce(Wanted{ID: "one"})
	if err != nil || len(found.Notes) != 2 || string(found.Candidate.Body) != "[redacted]" || found.Began.Query != "b=1" {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestCase: what was kept is written down as it is, and nobody is called.
func TestCase(t *testing.T) {
	b := newBed(t, never, answers("b=", false))
	b.redact = func(t *assay.Trial) { t.Candidates[0].Observation.Body = []byte("[redacted]") }
	b.keep("one", get("b=1&c=2&key=[redacted 0123456789ab]"))
	b.calls = 0
	found, err := b.reader.Case(t.Context(), Wanted{ID: "one"})
	if err != nil || b.calls != 0 || found.Request.Query != "b=1&c=2" || len(found.Notes) != 1 || string(found.Candidate.Body) != "[redacted]" {
		t.Fatalf("%d calls, %+v, %v", b.calls, found, err)
	}
	if curl := found.Forms[export.Curl]; !strings.Contains(curl, "http://new/a?b=1&c=2") || len(found.Forms) != len(export.Forms) {
		t.Errorf("forms %q", found.Forms)
	}
	clusters, err := b.reader.Clusters(t.Context(), "e")
	if err != nil || len(clusters) != 1 || clusters[0].ID != found.Cluster {
		t.Errorf("clusters %+v, %v", clusters, err)
	}
	if _, err := b.reader.Case(t.Context(), Wanted{ID: "one", Candidate: "other"}); err == nil {
		t.Error("a candidate that did not mismatch")
	}
}

func TestReproduceKeepsToItsBudget(t *testing.T) {
	b := newBed(t, never, answers("b=", false))
	b.keep("one", get("a=1&b=2&c=3&d=4&e=5"))
	found, err := b.reproduce(Wanted{ID: "one", Calls: 9})
	if err != nil || found.Complete || b.calls > 9 || !strings.Contains(found.Request.Query, "b=") {
		t.Errorf("%d calls: %+v, %v", b.calls, found, err)
	}
	if _, err := b.reproduce(Wanted{ID: "one", Calls: 1}); err == nil {
		t.Error("with one call it cannot even begin")
	}
}

func TestReproduceSaysWhatWasMended(t *testing.T) {
	b := newBed(t, never, answers("b=", false))
	b.keep("one", get("b=2"))
	b.candidate = never
	if _, err := b.reproduce(Wanted{ID: "one"}); err == nil || !strings.Contains(err.Error(), "does not show this difference any more") {
		t.Error(err)
	}
}

func TestOneReproductionAtATime(t *testing.T) {
	b := newBed(t, never, answers("b=", false))
	b.keep("one", get("a=1&b=2"))
	inner := error(nil)
	_, err := b.reader.Reproduce(t.Context(), Wanted{ID: "one"}, func(Progress) {
		_, inner = b.reproduce(Wanted{ID: "one"})
	})
	if err != nil || inner == nil || !strings.Contains(inner.Error(), "under way") {
		t.Errorf("%v, %v", err, inner)
	}
}

func TestReplayAndDriftReadKeptTrials(t *testing.T) {
	b := newBed(t, never, func(r *assay.Request) any { return map[string]any{"n": 0, "has": r.Query, "more": 1} })
	var batch assay.Batch
	for i := range 450 { // more than a page
		batch.Trials = append(batch.Trials, b.trial(fmt.Sprint(i), get("a")))
	}
	if err := b.store.Keep(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	result, err := b.reader.Replay(t.Context(), "e", []byte("$.more"), Span{Limit: 1000})
	if err != nil || result.Compared != 450 || len(result.Candidates) != 1 || result.Candidates[0].Before != 450 || len(result.Candidates[0].Paths) != 1 || result.Candidates[0].Paths[0].Disappear != 450 {
		t.Errorf("%+v, %v", result, err)
	}
	b.experiment.Since = 2
	for all, want := range map[bool]int{false: 0, true: 450} {
		if result, err := b.reader.Replay(t.Context(), "e", []byte("$.more"), Span{1000, all}); err != nil || result.Compared != want {
			t.Errorf("of all versions %v: %+v, %v", all, result, err)
		}
	}
	b.experiment.Since = 1
	drifts, err := b.reader.Drift(t.Context(), "e", Span{Limit: 300})
	if err != nil || len(drifts) != 1 || drifts[0].Compared != 300 || len(drifts[0].Drifts) != 2 {
		t.Errorf("%+v, %v", drifts, err)
	}
}

// Of large bodies so many are read as makes no difference to how long a call takes.
func TestLargeBodiesAreReadInPart(t *testing.T) {
	large := strings.Repeat("x", 100<<10)
	b := newBed(t, never, func(*assay.Request) any { return large })
	var batch assay.Batch
	for i := range 20 {
		batch.Trials = append(batch.Trials, b.trial(fmt.Sprint(i), get("a")))
	}
	if err := b.store.Keep(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	drifts, err := b.reader.Drift(t.Context(), "e", Span{Limit: 20})
	if err != nil || len(drifts) != 1 || drifts[0].Compared < 5 || drifts[0].Compared > 11 {
		t.Errorf("%+v, %v", drifts, err)
	}
}

func TestMarks(t *testing.T) {
	b := newBed(t, never, answers("b=", false))
	b.keep("one", get("b"))
	b.keep("two", get("b=1"))
	clusters, err := b.reader.Clusters(t.Context(), "e")
	if err != nil || len(clusters) != 1 || clusters[0].State != assay.ClusterOpen {
		t.Fatalf("%+v, %v", clusters, err)
	}
	clusters, err = b.reader.MarkCluster(t.Context(), assay.Mark{Experiment: "e", ID: clusters[0].ID, State: "accepted", By: "ann"})
	if err != nil || clusters[0].State != assay.ClusterAccepted || clusters[0].By != "ann" {
		t.Errorf("%+v, %v", clusters, err)
	}
	if _, err := b.reader.MarkCluster(t.Context(), assay.Mark{Experiment: "e", ID: "nope", State: "accepted", By: "ann"}); !isNotFound(err) {
		t.Error(err)
	}
}
