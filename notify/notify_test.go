package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// station is an HTTP server that remembers what it was told.
type station struct {
	url string

	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	refuse   []int // statuses of the next answers
}

func newStation(t *testing.T) *station {
	s := &station{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
		if len(s.refuse) > 0 {
			w.WriteHeader(s.refuse[0])
			s.refuse = s.refuse[1:]
		}
	}))
	t.Cleanup(func() { client.CloseIdleConnections(); server.Close() })
	s.url = server.URL
	return s
}

func (s *station) told() (requests []*http.Request, bodies []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, s.bodies
}

func env(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func refuted() *Event {
	return &Event{
		ID: "verdict/orders/new/1:refuted", Kind: assay.OnVerdict, Time: noon, Experiment: "orders", Candidate: "new", Outcome: "refuted",
		Title: "new is refuted in orders", Text: "1 < 2 & 3 of 4 " + strings.Repeat("é", 200), Link: "http://127.0.0.1:8090/experiments/orders",
	}
}

func TestWebhookIsSigned(t *testing.T) {
	s := newStation(t)
	c := assay.Channel{Kind: assay.ChannelWebhook, URL: s.url + "/hook", Secret: "env:KEY"}
	if err := Send(t.Context(), c, refuted(), env(map[string]string{"KEY": "whsec_c2VjcmV0"}), noon); err != nil {
		t.Fatal(err)
	}
	requests, bodies := s.told()
	h := requests[0].Header
	if got, want := h.Get("Webhook-Signature"), Sign("secret", h.Get("Webhook-Id"), "1795608000", []byte(bodies[0])); got != want || h.Get("Webhook-Timestamp") != "1795608000" {
		t.Errorf("signature %s at %s, want %s", got, h.Get("Webhook-Timestamp"), want)
	}
	var e Event
	if err := json.Unmarshal([]byte(bodies[0]), &e); err != nil || e.Title != "new is refuted in orders" || e.ID != h.Get("Webhook-Id") {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestSignature is the example of https://www.standardwebhooks.com and its libraries.
func TestSignature(t *testing.T) {
	got := Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
}

func TestSlackIsWrittenAsSlackReads(t *testing.T) {
	s := newStation(t)
	c := assay.Channel{Kind: assay.ChannelSlack, Hook: "env:SLACK"}
	if err := Send(t.Context(), c, refuted(), env(map[string]string{"SLACK": s.url + "/T0/secret"}), noon); err != nil {
		t.Fatal(err)
	}
	_, bodies := s.told()
	var said struct{ Text string }
	if err := json.Unmarshal([]byte(bodies[0]), &said); err != nil || !strings.HasPrefix(said.Text, "*new is refuted in orders*\n1 &lt; 2 &amp; 3 of 4") ||
		!strings.HasSuffix(said.Text, "<http://127.0.0.1:8090/experiments/orders|orders>") {
		t.Errorf("%q, %v", said.Text, err)
	}
}

func TestErrorsDoNotTellSecrets(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	c := assay.Channel{Kind: assay.ChannelSlack, Hook: "env:SLACK"}
	for _, address := range []string{gone.URL + "/hush", "http://hush\x7f", "::hush"} {
		err := Send(t.Context(), c, refuted(), env(map[string]string{"SLACK": address}), noon)
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if err := Send(t.Context(), c, refuted(), env(nil), noon); err == nil || !strings.Contains(err.Error(), "SLACK") {
		t.Errorf("a secret that is not there: %v", err)
	}
}

// world is what a notifier sees, changed by a test.
type world struct {
	mu     sync.Mutex
	report assay.Report
	alarms map[string][]string
}

func newWorld() *world {
	return &world{report: assay.Report{
		Experiment: assay.Experiment{Name: "orders", Version: 1, Since: 1, Candidates: []assay.Arm{{Name: "new"}}},
		Verdicts:   map[string]assay.Verdict{"new": {Outcome: assay.Inconclusive}},
	}}
}

func (w *world) change(f func(*assay.Report)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.report)
}

func (w *world) decide(o assay.Conclusion) {
	w.change(func(r *assay.Report) { r.Verdicts = map[string]assay.Verdict{"new": {Outcome: o, Reason: "because"}} })
}

func (w *world) options(memory string) Options {
	return Options{
		Reports: func(context.Context) ([]assay.Report, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return []assay.Report{w.report}, nil
		},
		Alarms: func(context.Context, *assay.Report) (map[string][]string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.alarms, nil
		},
		Env: env(nil), Memory: memory,
	}
}

// wire is a transport that answers in place of a network, so that time can be faked.
type wire struct {
	mu     sync.Mutex
	events []Event
	at     []time.Time
	fail   bool
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = append(w.at, time.Now())
	if w.fail {
		return nil, errors.New("nobody answers")
	}
	var e Event
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		return nil, err
	}
	w.events = append(w.events, e)
	return &http.Response{StatusCode: 200, Body: io.NopCloser(&bytes.Buffer{})}, nil
}

func (w *wire) ids() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		all = append(all, e.ID)
	}
	return all
}

// notifying runs a notifier with one webhook on fake time while f does what it does.
func notifying(t *testing.T, o Options, w *wire, f func(*Notifier)) {
	t.Helper()
	was := client.Transport
	client.Transport = w
	defer func() { client.Transport = was }()
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	n.Set([]assay.Channel{{Kind: assay.ChannelWebhook, URL: "http://hook"}})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	f(n)
	stop()
	running.Wait()
}

// pass lets so much time pass.
func pass(d time.Duration) { time.Sleep(d); synctest.Wait() }

func TestEachEventIsToldOnce(t *testing.T) {
	memory := filepath.Join(t.TempDir(), "notified.json")
	w, hook := newWorld(), &wire{}
	synctest.Test(t, func(t *testing.T) {
		notifying(t, w.options(memory), hook, func(*Notifier) {
			pass(time.Minute)
			w.decide(assay.Holds)
			pass(time.Minute)
			w.change(func(r *assay.Report) { r.Experiment.Version, r.Experiment.Tripped = 2, assay.SwitchErrors })
			pass(time.Minute)
		})
	})
	synctest.Test(t, func(t *testing.T) { // the next run of the program
		notifying(t, w.options(memory), hook, func(*Notifier) {
			pass(time.Minute)
			w.decide(assay.Refuted)
			w.change(func(r *assay.Report) {
				r.Experiment.Version, r.Experiment.Tripped = 3, ""
				r.Rollout = &assay.Standing{Candidate: "new", Since: 1, Stage: assay.StageRolledBack, Entered: noon, Reason: "it fails"}
			})
			w.mu.Lock()
			w.alarms = map[string][]string{"new": {"$.id uuid"}}
			w.mu.Unlock()
			pass(time.Minute)
		})
	})
	want := []string{
		"verdict/orders/new/1:holds", "kill_switch/orders//2:errors",
		"verdict/orders/new/1:refuted", "masking/orders/new/$.id uuid/1", "rollback/orders//1:2026-11-25T12:00:00Z",
	}
	if got := hook.ids(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	text, err := os.ReadFile(memory)
	if err != nil || strings.Contains(string(text), "http://hook") {
		t.Errorf("the memory: %s, %v", text, err)
	}
}

func TestRetriesBackOffAndGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, hook := newWorld(), &wire{fail: true}
		w.decide(assay.Refuted)
		notifying(t, w.options(""), hook, func(n *Notifier) {
			pass(10 * time.Minute)
			if got := n.Counts(); got[Failed] != attempts || got[GivenUp] != 1 || got[Sent] != 0 {
				t.Errorf("%v", got)
			}
		})
		for i := 2; i < len(hook.at); i++ {
			if a, b := hook.at[i-1].Sub(hook.at[i-2]), hook.at[i].Sub(hook.at[i-1]); b != 2*a {
				t.Errorf("waited %s after %s", b, a)
			}
		}
	})
}

// TestAChannelThatFailsHoldsNobodyUp, and ends at once when it is taken away.
func TestAChannelThatFailsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, hook := newWorld(), &wire{fail: true}
		w.decide(assay.Refuted)
		notifying(t, w.options(""), hook, func(n *Notifier) {
			pass(3 * time.Second)
			hook.mu.Lock()
			hook.fail = false
			hook.mu.Unlock()
			before := time.Now()
			n.Set([]assay.Channel{{Kind: assay.ChannelWebhook, URL: "http://hook"}, {Kind: assay.ChannelWebhook, URL: "http://other", On: []assay.Occasion{assay.OnDrops}}})
			n.Set([]assay.Channel{{Kind: assay.ChannelWebhook, URL: "http://third"}})
			if d := time.Since(before); d != 0 {
				t.Errorf("it took %s to end", d)
			}
			pass(2 * time.Second)
			if got := hook.ids(); len(got) != 1 {
				t.Errorf("told %v", got)
			}
		})
	})
}

// What a channel wants to be told of may change; it is not told all again for that.
func TestWhatAChannelWantsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, hook := newWorld(), &wire{}
		w.decide(assay.Refuted)
		notifying(t, w.options(""), hook, func(n *Notifier) {
			pass(2 * time.Second)
			n.Set([]assay.Channel{{Kind: assay.ChannelWebhook, URL: "http://hook", On: []assay.Occasion{assay.OnKillSwitch}}})
			w.decide(assay.Holds)
			w.change(func(r *assay.Report) { r.Experiment.Tripped = assay.SwitchErrors })
			pass(2 * time.Second)
			if got := strings.Join(hook.ids(), " "); got != "verdict/orders/new/1:refuted kill_switch/orders//1:errors" {
				t.Errorf("told %s", got)
			}
		})
	})
}

// hanging answers nobody, until they go away.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// All channels end at the same time, also those that are named twice.
func TestChannelsEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		was := client.Transport
		client.Transport = hanging{}
		defer func() { client.Transport = was }()
		w := newWorld()
		w.decide(assay.Refuted)
		n, err := New(w.options(""))
		if err != nil {
			t.Fatal(err)
		}
		hook := assay.Channel{Kind: assay.ChannelWebhook, URL: "http://hook"}
		other := assay.Channel{Kind: assay.ChannelWebhook, URL: "http://other"}
		n.Set([]assay.Channel{hook, hook, other})
		n.Set([]assay.Channel{hook, hook, other})
		n.look(t.Context())
		synctest.Wait() // for answers
		before := time.Now()
		n.Set(nil)
		if d := time.Since(before); d != grace {
			t.Errorf("it took %s to end", d)
		}
	})
}

// Whatever a file says that should tell what was told, nothing breaks down.
func TestMemoriesThatAreNone(t *testing.T) {
	for text, fine := range map[string]bool{
		`null`: true, `{}`: true, `{"webhook-1": null}`: true, `{"webhook-1": {"verdict": "holds"}}`: true,
		`[]`: false, `{"webhook-1": {"verdict": 1}}`: false, `{`: false,
	} {
		memory := filepath.Join(t.TempDir(), "notified.json")
		if err := os.WriteFile(memory, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := New(newWorld().options(memory))
		if (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
		if err == nil {
			n.look(t.Context())
			if err := n.memory.note("webhook-1", refuted()); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

func TestMassesOfDrops(t *testing.T) {
	r := &assay.Report{Experiment: assay.Experiment{Name: "orders", Since: 1}}
	r.Counts.Dropped = map[string]int64{}
	var d drops
	at := noon
	step := func(sampled, dropped, ended int64) (Event, bool) {
		at = at.Add(time.Second)
		r.Counts.Sampled += sampled
		r.Counts.Dropped["memory"] += dropped
		r.Counts.Dropped["killed"] += ended
		return d.add(at, r)
	}
	for range 10 {
		if _, ok := step(100, 9, 100); ok {
			t.Fatal("it rings below the share, or at what ended with the program")
		}
	}
	first, ok := step(100, 100, 0)
	if !ok || !strings.Contains(first.Text, "of 1000 requests sampled") && !strings.Contains(first.Text, "Of 1000 requests sampled") {
		t.Fatalf("%v %+v", ok, first)
	}
	for range 59 {
		if e, ok := step(100, 0, 0); !ok || e.ID != first.ID {
			t.Fatalf("the episode is %v %s, and was %s", ok, e.ID, first.ID)
		}
	}
	for range 200 {
		step(100, 0, 0)
	}
	if _, ok := step(100, 0, 0); ok {
		t.Error("the episode never ends")
	}
	if e, ok := step(100, 1000, 0); !ok || e.ID == first.ID {
		t.Errorf("a second episode: %v %s", ok, e.ID)
	}
	r.Experiment.Since, r.Counts.Sampled, r.Counts.Dropped["memory"] = 2, 0, 0
	d = drops{}
	if _, ok := step(5, 5, 0); ok {
		t.Error("a few rang")
	}
}
