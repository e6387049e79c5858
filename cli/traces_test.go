package cli

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/assaylab/assay/store/postgres/postgrestest"
	"github.com/assaylab/assay/stream/natstest"
)

// receiver is an OTLP receiver that keeps what it is sent.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*otlp.Span
}

func startReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &sent) != nil {
			t.Errorf("not OTLP: %s %v", req.URL, req.Header)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, resource := range sent.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				r.spans = append(r.spans, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(r.Close)
	return r
}

// of returns the spans of a trace, by name and arm.
func (r *receiver) of(trace string) map[string]*otlp.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]*otlp.Span{}
	for _, s := range r.spans {
		if hex.EncodeToString(s.TraceId) != trace {
			continue
		}
		name := s.Name
		if s.Kind == otlp.Span_SPAN_KIND_SERVER {
			name = "gateway"
		}
		for _, a := range s.Attributes {
			if a.Key == "assay.arm" && a.Value.GetStringValue() != name {
				name += " " + a.Value.GetStringValue()
			}
		}
		all[name] = s
	}
	return all
}

// service remembers the trace of each call that it is made.
type service struct {
	*httptest.Server
	mu    sync.Mutex
	calls []http.Header
}

func startService(t *testing.T) *service {
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, r.Header.Clone())
		fmt.Fprint(w, "same")
	}))
	t.Cleanup(s.Close)
	return s
}

// called returns the trace fields that a call of the trace had.
func (s *service) called(trace string) (parent, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.calls {
		if strings.Contains(h.Get("Traceparent"), trace) {
			return h.Get("Traceparent"), h.Get("Tracestate")
		}
	}
	return "", ""
}

const tracesDefinition = `
experiments:
  orders:
    path: orders
    control: {url: %q}
    candidates: {a: {url: %q}, b: {url: %q}}
  alone:
    path: alone
    control: {url: %[1]q}
`

// sendTraced sends a request within a trace of its own, number n.
func sendTraced(t *testing.T, url string, n int, flags string) (trace string) {
	t.Helper()
	trace = fmt.Sprintf("%032x", n)
	h := http.Header{"Traceparent": {"00-" + trace + "-00000000000000c1-" + flags}, "Tracestate": {"vendor=x"}}
	if got, err := send(t.Context(), "POST", url, h, []byte("body")); err != nil || got.status != http.StatusOK {
		t.Fatalf("%v %+v", err, got)
	}
	return trace
}

// TestOneTraceTiesAllTogether: the client, the gateway, the control, both candidates, comparing and keeping.
func TestOneTraceTiesAllTogether(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	to := startReceiver(t)
	control, a, b := startService(t), startService(t), startService(t)
	dir := t.TempDir()
	definition := strings.Replace(fmt.Sprintf(tracesDefinition, control.URL, a.URL, b.URL), "    path: orders\n", "    path: orders\n    unsafe: true\n", 1)
	l := startLab(t, dir+"/data", "-f", write(t, dir+"/assay.yaml", definition), "--traces", to.URL+"/v1/traces", "--log-level", "debug", "--log-format", "text")
	quiet := sendTraced(t, l.gateway+"/orders", 1, "00")
	alone := sendTraced(t, l.gateway+"/alone", 2, "01")
	trace := sendTraced(t, l.gateway+"/orders", 3, "01")
	want := []string{"gateway", "control", "candidate a", "candidate b", "compare", "keep"}
	var spans map[string]*otlp.Span
	eventually(t, 20*time.Second, func() error {
		spans = to.of(trace)
		for _, name := range want {
			if spans[name] == nil {
				return fmt.Errorf("no span %s of %d", name, len(spans))
			}
		}
		return nil
	})
	gateway := spans["gateway"]
	if got := hex.EncodeToString(gateway.ParentSpanId); got != "00000000000000c1" || gateway.Name != "POST /orders" {
		t.Errorf("the gateway's parent is %s, its name %s", got, gateway.Name)
	}
	for _, name := range want[1:] {
		if s := spans[name]; string(s.ParentSpanId) != string(gateway.SpanId) || s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Errorf("%s: %v", name, s)
		}
	}
	for name, called := range map[string]*service{"control": control, "candidate a": a, "candidate b": b} {
		parent, state := called.called(trace)
		if parent != "00-"+trace+"-"+hex.EncodeToString(spans[name].SpanId)+"-01" || state != "vendor=x" {
			t.Errorf("%s was called with %q, %q", name, parent, state)
		}
	}
	eventually(t, 20*time.Second, func() error {
		if got := to.of(alone); got["gateway"] == nil || got["control"] == nil {
			return fmt.Errorf("an experiment alone has %d spans", len(got))
		}
		return nil
	})
	if got := to.of(quiet); len(got) > 0 {
		t.Errorf("a trace that is not sampled has %d spans", len(got))
	}
	if parent, _ := control.called(quiet); !strings.HasSuffix(parent, "-00") {
		t.Errorf("the control of a trace that is not sampled is called with %q", parent)
	}
	if !strings.Contains(l.logged(), "trace_id="+trace) {
		t.Errorf("the log does not name the trace:\n%s", l.logged())
	}
}

// TestTracesPassUntouched where nobody traces.
func TestTracesPassUntouched(t *testing.T) {
	t.Parallel()
	control, a, b := startService(t), startService(t), startService(t)
	dir := t.TempDir()
	l := startLab(t, dir+"/data", "-f", write(t, dir+"/assay.yaml", fmt.Sprintf(tracesDefinition, control.URL, a.URL, b.URL)))
	for _, path := range []string{"/orders", "/alone"} {
		trace := sendTraced(t, l.gateway+path, len(path), "01")
		if parent, state := control.called(trace); parent != "00-"+trace+"-00000000000000c1-01" || state != "vendor=x" {
			t.Errorf("%s: %q, %q", path, parent, state)
		}
	}
}

// TestTracesReachWorkers: a trace travels with the offer, by the environment's settings alone.
func TestTracesReachWorkers(t *testing.T) {
	database, server := postgrestest.Start(t), natstest.Start(t)
	to := startReceiver(t)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", to.URL)
	control, a, b := startService(t), startService(t), startService(t)
	f := startFleet(t, server.URL, database.URL, 1)
	f.worker()
	definition := fmt.Sprintf("experiments:\n  e:\n    path: e\n    unsafe: true\n    control: {url: %q}\n    candidates: {a: {url: %q}, b: {url: %q}}\n", control.URL, a.URL, b.URL)
	f.gateways[0].must("apply", "-f", write(t, f.dir+"/e.yaml", definition))
	trace := sendTraced(t, f.gateways[0].gateway+"/e", 7, "01")
	eventually(t, time.Minute, func() error {
		spans := to.of(trace)
		for _, name := range []string{"gateway", "control", "candidate a", "candidate b", "compare", "keep"} {
			if spans[name] == nil || name != "gateway" && string(spans[name].ParentSpanId) != string(spans["gateway"].SpanId) {
				return fmt.Errorf("no span %s of %d below the gateway's", name, len(spans))
			}
		}
		return nil
	})
}
