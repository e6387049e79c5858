package trial

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/trial/redact"
)

// A recording has every trial with its bodies, also of matches whose bodies are not kept, and no secrets.
func TestARecordingHasWhatIsNotKept(t *testing.T) {
	store := &memory{}
	f := New(Options{Store: store, KeepMatches: 1e-12})
	l := lane(t, f, plan(answers(200, "a")))
	r, ok := f.Record("e")
	if !ok {
		t.Fatal("no lane")
	}
	var got []*assay.Trial
	for i := range firstMatches + 10 {
		req := &assay.Request{Method: "GET", Path: "/", Header: assay.Header{"Authorization": {"Bearer secret"}}, Body: []byte(`{"n": 1}`)}
		ticket := l.Choose(req)
		ticket.Offer(&assay.Invocation{ID: string(rune('a' + i)), Request: req}, observed(200, "a"))
		got = append(got, <-r.Trials)
	}
	r.Close()
	serve(l, "after the recording")
	f.Close(t.Context())

	for _, made := range got {
		text, err := json.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		if string(made.Invocation.Request.Body) != `{"n": 1}` || string(made.Control.Body) != "a" || bytes.Contains(text, []byte("Bearer")) || made.Candidates != nil {
			t.Fatalf("recorded: %s", text)
		}
	}
	kept := store.kept()
	if len(kept) != firstMatches+11 || kept[firstMatches+5].Control.Body != nil || r.Missed() != 0 || len(r.Trials) != 0 {
		t.Errorf("%d kept, missed %d, body of a match: %q", len(kept), r.Missed(), kept[firstMatches+5].Control.Body)
	}
}

// A recording that nobody reads costs the lane nothing; what it missed is counted. It ends with the experiment.
func TestARecordingThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Options{Store: &memory{}})
		p := plan(answers(200, "a"))
		p.Experiment.Budget.Queue = 5000
		l := lane(t, f, p)
		r, _ := f.Record("e")
		offerMany(l, tapSize+50)
		synctest.Wait()
		f.Remove("e")
		f.Close(t.Context())
		n := 0
		for range r.Trials {
			n++
		}
		if n != tapSize || r.Missed() != 50 {
			t.Errorf("%d recorded and %d missed of %d", n, r.Missed(), tapSize+50)
		}
		if _, ok := f.Record("e"); ok {
			t.Error("an experiment that ended can be recorded")
		}
	})
}

// The answers of a recording are redacted; equal secrets compare as equal, different ones do not.
func TestARecordedControlIsComparedRedacted(t *testing.T) {
	redactor, _ := redact.New([]string{"$.card"}, []byte("key"))
	recorded := func() *assay.Observation {
		o := redactor.Observation(observed(200, `{"card": "4111", "n": 1}`))
		o.Recorded = true
		return o
	}
	if strings.Contains(string(recorded().Body), "4111") {
		t.Fatal("the recording is not redacted")
	}
	for body, want := range map[string]assay.Outcome{
		`{"card": "4111", "n": 1}`: assay.OutcomeMatch,
		`{"card": "4242", "n": 1}`: assay.OutcomeMismatch,
	} {
		store := &memory{}
		f := New(Options{Store: store})
		p := plan(answers(200, body))
		p.Redactor = redactor
		l := lane(t, f, p)
		r := &assay.Request{Method: "GET", Path: "/"}
		l.Choose(r).Offer(&assay.Invocation{ID: "x", Request: r}, recorded())
		f.Close(t.Context())
		kept := store.kept()
		if len(kept) != 1 || kept[0].Outcome() != want {
			t.Errorf("%s: %d kept, outcome %s, want %s", body, len(kept), kept[0].Outcome(), want)
		}
		if string(kept[0].Control.Body) != string(recorded().Body) {
			t.Errorf("what was redacted is redacted again: %s", kept[0].Control.Body)
		}
	}
}
