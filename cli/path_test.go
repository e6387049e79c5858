package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/trial"
	"github.com/assaylab/assay/trial/redact"
)

// production is a service with every kind of answer.
func production() http.Handler {
	mux := http.NewServeMux()
	big := strings.Repeat("0123456789abcdef", 1<<15)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(`{"packed": true, "n": [1, 2, 3]}`))
	z.Close()
	mux.HandleFunc("/api/json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Add("Set-Cookie", "a=1; Path=/")
		w.Header().Add("Set-Cookie", "b=2; HttpOnly")
		fmt.Fprintf(w, `{"query": %q, "method": %q}`, r.URL.RawQuery, r.Method)
	})
	mux.HandleFunc("/api/gzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed.Bytes())
	})
	mux.HandleFunc("/api/304", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"x"`)
		w.WriteHeader(http.StatusNotModified)
	})
	mux.HandleFunc("/api/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/api/json?moved", http.StatusFound) })
	mux.HandleFunc("/api/500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) })
	mux.HandleFunc("/api/large", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(big)) })
	mux.HandleFunc("/api/echo", func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		b.ReadFrom(r.Body)
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Write(b.Bytes())
	})
	mux.HandleFunc("/api/none", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}

// request is one of a seeded mix.
type request struct {
	method, path string
	header       http.Header
	body         []byte
}

func mix(r *rand.Rand) request {
	binary := make([]byte, 1+r.IntN(5000))
	for i := range binary {
		binary[i] = byte(r.Uint32())
	}
	all := []request{
		{method: "GET", path: fmt.Sprintf("/api/json?n=%d&x=%%zz;y", r.IntN(1000))},
		{method: "HEAD", path: "/api/json"},
		{method: "GET", path: "/api/gzip", header: http.Header{"Accept-Encoding": {"gzip"}}},
		{method: "GET", path: "/api/304", header: http.Header{"If-None-Match": {`"x"`}}},
		{method: "GET", path: "/api/moved"},
		{method: "GET", path: "/api/nowhere"},
		{method: "GET", path: "/api/500"},
		{method: "GET", path: "/api/large"},
		{method: "DELETE", path: "/api/none"},
		{method: "POST", path: "/api/echo", header: http.Header{"Content-Type": {"application/octet-stream"}}, body: binary},
		{method: "POST", path: "/api/echo", header: http.Header{"Content-Type": {"application/json"}}, body: []byte(`{"a": 1}`)},
	}
	return all[r.IntN(len(all))]
}

// candidates is how a candidate can behave, and where it is then.
func behaviours(t *testing.T) map[string]string {
	serve := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
		return s.URL
	}
	over := make(chan struct{})
	defer t.Cleanup(func() { close(over) }) // registered last: it runs before the servers close
	wait := func(d time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(d):
				production().ServeHTTP(w, r)
			case <-r.Context().Done():
			case <-over:
			}
		}
	}
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	return map[string]string{
		"fast":        serve(production().ServeHTTP),
		"slow":        serve(wait(time.Second)),
		"hung":        serve(wait(time.Hour)),
		"crashing":    serve(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
		"unreachable": "http://" + dead.Addr().String(),
	}
}

// TestClientsGetTheControlsAnswers sends a thousand mixed requests to a service, with Assay between
// and without, whatever the candidate does.
func TestClientsGetTheControlsAnswers(t *testing.T) {
	control := httptest.NewServer(production())
	defer control.Close()
	l := startLab(t, t.TempDir())
	latency := map[string]time.Duration{}
	all := behaviours(t)
	for i, name := range slices.Sorted(maps.Keys(all)) {
		dir := t.TempDir()
		l.must("apply", "-f", write(t, dir+"/e.yaml", fmt.Sprintf(`
experiments:
  mixed:
    path: /api/*
    unsafe: true
    budget: {concurrency: 4, queue: 20, timeout: 2s}
    control: {url: %q}
    candidates: {it: {url: %q}}
`, control.URL, all[name])))
		r := rand.New(rand.NewPCG(7, uint64(i)))
		var took []time.Duration
		for range 200 {
			q := mix(r)
			direct := mustSend(t, control.URL, q)
			began := time.Now()
			through := mustSend(t, l.gateway, q)
			took = append(took, time.Since(began))
			sameAnswer(t, name, q, direct, through)
		}
		slices.Sort(took)
		latency[name] = took[len(took)*9/10]
		l.must("delete", "mixed")
	}
	t.Logf("client p90 by candidate: %v", latency)
	for name, p90 := range latency {
		if p90 > 500*time.Millisecond {
			t.Errorf("with the candidate %s, clients wait: p90 %s", name, p90)
		}
	}
}

func mustSend(t *testing.T, base string, q request) answer {
	t.Helper()
	got, err := send(t.Context(), q.method, base+q.path, q.header, q.body)
	if err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	return got
}

func sameAnswer(t *testing.T, name string, q request, direct, through answer) {
	t.Helper()
	direct.header.Del("Date") // the second may have turned in between
	through.header.Del("Date")
	if direct.status != through.status || direct.body != through.body || !maps.EqualFunc(direct.header, through.header, slices.Equal) {
		t.Errorf("candidate %s: %s %s: direct %d %v (%d bytes), through Assay %d %v (%d bytes)", name, q.method, q.path,
			direct.status, direct.header, len(direct.body), through.status, through.header, len(through.body))
	}
}

// TestClientLatencyIsTheControlsToTheNanosecond runs gateway and trials on fake time: nothing but the
// control's own 5 ms passes for the client, while candidates hang, fail and overrun.
func TestClientLatencyIsTheControlsToTheNanosecond(t *testing.T) {
	for _, behaviour := range []string{"fast", "slow", "hung", "failing"} {
		t.Run(behaviour, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				floor := trial.New(trial.Options{Store: noStore{}})
				e := assay.Experiment{
					Name: "e", Version: 1, Since: 1, State: assay.StateRunning, Path: "/*",
					Sample: assay.Sample{Rate: 1}, Secondary: 1, Budget: assay.DefaultBudget,
					Candidates: []assay.Arm{{Name: "it"}},
				}
				e.Budget.Concurrency, e.Budget.Queue = 2, 5
				comparator, _ := compare.New(compare.Defaults())
				redactor, _ := redact.New(nil, []byte("key"))
				control := after(5*time.Millisecond, nil)
				lane, err := floor.Set(t.Context(), &trial.Plan{
					Experiment: e, Control: control, Candidates: []assay.Invoker{candidate(behaviour)},
					Comparator: comparator, Redactor: redactor,
				})
				if err != nil {
					t.Fatal(err)
				}
				g := gateway.New(gateway.Options{})
				if err := g.Set([]gateway.Route{{Experiment: "e", Path: "/*", Control: control, Lane: lane}}); err != nil {
					t.Fatal(err)
				}
				var clients sync.WaitGroup
				for range 50 {
					clients.Go(func() {
						began := time.Now()
						w := httptest.NewRecorder()
						g.ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
						if took := time.Since(began); took != 5*time.Millisecond || w.Code != 200 || w.Body.String() != "ok" {
							t.Errorf("%s, %d %q: want exactly the control's 5 ms", took, w.Code, w.Body)
						}
					})
				}
				clients.Wait()
				floor.Close(t.Context())
			})
		})
	}
}

func candidate(behaviour string) assay.Invoker {
	switch behaviour {
	case "slow":
		return after(time.Second, nil)
	case "hung":
		return after(time.Hour, nil)
	case "failing":
		return after(time.Millisecond, errors.New("no engine"))
	}
	return after(0, nil)
}

// after answers "ok" after a while, or fails.
func after(d time.Duration, err error) assay.Invoker {
	return assay.InvokerFunc(func(ctx context.Context, _ *assay.Invocation) (*assay.Observation, error) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return &assay.Observation{Status: 200, Body: []byte("ok"), BodySize: 2}, err
	})
}

// noStore keeps nothing.
type noStore struct{ assay.Store }

func (noStore) Keep(context.Context, assay.Batch) error { return nil }
func (noStore) Counts(context.Context, string, int) (assay.Counts, error) {
	return assay.Counts{}, nil
}
