// Package telemetry exports traces. In come spans of other rooms; out goes OpenTelemetry's protocol (OTLP over HTTP,
// protobuf), by the official SDK and its environment variables OTEL_*.
package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/assaylab/assay"
)

// Options of a Tracer.
type Options struct {
	Endpoint string // URL of the receiver; "": as OTEL_EXPORTER_OTLP_ENDPOINT says
	Version  string // of the program
	Log      *slog.Logger
}

// Wanted tells whether the environment asks for traces.
func Wanted(env func(string) (string, bool)) bool {
	if off, _ := env("OTEL_SDK_DISABLED"); strings.EqualFold(off, "true") {
		return false
	}
	switch to, _ := env("OTEL_TRACES_EXPORTER"); to {
	case "none":
		return false
	case "otlp":
		return true
	}
	common, _ := env("OTEL_EXPORTER_OTLP_ENDPOINT")
	traces, _ := env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	return common != "" || traces != ""
}

// Tracer implements assay.Tracer. Spans wait in a bounded queue and are sent in batches; what it has no room for is
// left out, and requests never wait for it.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// New returns a tracer that exports. The receiver need not be there yet. Close ends it.
func New(ctx context.Context, o Options) (*Tracer, error) {
	listen(o.Log)
	var options []otlptracehttp.Option
	if o.Endpoint != "" {
		options = append(options, otlptracehttp.WithEndpointURL(o.Endpoint))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "assay"), attribute.String("service.version", o.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv()) // what the environment says wins
	if err != nil {
		return nil, err
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(&telling{SpanExporter: exporter, log: o.Log}), sdk.WithResource(about))
	tracer := provider.Tracer("github.com/assaylab/assay", trace.WithInstrumentationVersion(o.Version), trace.WithSchemaURL(semconv.SchemaURL))
	return &Tracer{provider: provider, tracer: tracer}, nil
}

// Close sends what waits, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Start implements assay.Tracer. A parent that is not well formed begins a trace of its own, as W3C has it; whether a
// trace is sampled is its parent's to say.
func (t *Tracer) Start(below assay.Trace, name string, kind assay.SpanKind, at time.Time) assay.Span {
	ctx := context.Background()
	if below.Parent != "" {
		ctx = fields.Extract(ctx, propagation.MapCarrier{"traceparent": below.Parent, "tracestate": below.State})
	}
	_, s := t.tracer.Start(ctx, name, trace.WithTimestamp(at), trace.WithSpanKind(kinds[kind]))
	return span{Span: s, kind: kind}
}

var (
	fields = propagation.TraceContext{}
	kinds  = map[assay.SpanKind]trace.SpanKind{
		assay.SpanInternal: trace.SpanKindInternal, assay.SpanServer: trace.SpanKindServer, assay.SpanClient: trace.SpanKindClient,
	}
)

// span implements assay.Span.
type span struct {
	trace.Span
	kind assay.SpanKind
}

func (s span) Trace() assay.Trace {
	carrier := propagation.MapCarrier{}
	fields.Inject(trace.ContextWithSpan(context.Background(), s.Span), carrier)
	return assay.Trace{Parent: carrier["traceparent"], State: carrier["tracestate"]}
}

func (s span) Note(name, value string) { s.SetAttributes(attribute.String(name, value)) }

// Asked names a span "GET /orders", as OpenTelemetry's semantic conventions have it: so that clients cannot make names
// without end, a method that HTTP does not know is one with all such.
func (s span) Asked(r *assay.Request, route string) {
	if r == nil || !s.IsRecording() {
		return
	}
	method, name := r.Method, r.Method
	if !known(method) {
		s.Note("http.request.method_original", method)
		method, name = "_OTHER", "HTTP"
	}
	s.Note("http.request.method", method)
	if route != "" {
		s.Note("http.route", route)
		s.SetName(name + " " + route)
	}
}

// known tells whether RFC 9110 or RFC 5789 define a method.
func known(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// Observed uses the names of OpenTelemetry's semantic conventions where there are some.
func (s span) Observed(o *assay.Observation) {
	if !s.IsRecording() {
		return
	}
	if o.Status != 0 {
		s.SetAttributes(attribute.Int("http.response.status_code", o.Status))
	}
	if o.Cold {
		s.SetAttributes(attribute.Bool("faas.coldstart", true))
	}
	if o.Fault != nil {
		s.SetAttributes(attribute.String("error.type", string(o.Fault.Kind)))
		s.SetStatus(codes.Error, string(o.Fault.Kind))
	} else if s.failed(o.Status) {
		s.SetAttributes(attribute.String("error.type", strconv.Itoa(o.Status)))
		s.SetStatus(codes.Error, "")
	}
}

// failed tells whether a status is an error: what a client did wrong is one of its own, not of the server's.
func (s span) failed(status int) bool {
	return status >= 500 || status >= 400 && s.kind == assay.SpanClient
}

func (s span) End(at time.Time) { s.Span.End(trace.WithTimestamp(at)) }
