package assay

import (
	"strings"
	"time"
)

// Trace is where something stands in a distributed trace: the fields of W3C's Trace Context. The zero value is none.
type Trace struct {
	Parent string `json:"parent"`          // traceparent
	State  string `json:"state,omitempty"` // tracestate
}

// The fields of a Trace, as Header has their names.
const (
	fieldTraceParent = "Traceparent"
	fieldTraceState  = "Tracestate"
)

// TraceOf is the trace that a request came with. Whether it is well formed is for a Tracer to say.
func TraceOf(h Header) Trace {
	return Trace{Parent: h.Get(fieldTraceParent), State: strings.Join(h[fieldTraceState], ",")}
}

// Into puts the trace into h, in the place of the one there.
func (t Trace) Into(h Header) {
	delete(h, fieldTraceState)
	h.Set(fieldTraceParent, t.Parent)
	if t.State != "" {
		h.Set(fieldTraceState, t.State)
	}
}

// ID is the trace's id for logs: 32 hexadecimal digits, "" of none.
func (t Trace) ID() string {
	_, rest, _ := strings.Cut(t.Parent, "-")
	id, _, _ := strings.Cut(rest, "-")
	return id
}

// Attributes are what a line of a log says of the trace: nothing where there is none.
func (t Trace) Attributes() []any {
	if t.Parent == "" {
		return nil
	}
	return []any{"trace_id", t.ID()}
}

// SpanKind tells spans apart that cross a process's border.
type SpanKind uint8

// The kinds of spans.
const (
	SpanInternal SpanKind = iota
	SpanServer            // a request was taken
	SpanClient            // a call was made
)

// Tracer makes spans. A room that has none, nil, traces nothing and passes traces on as they are.
type Tracer interface {
	// Start begins a span below a trace, or a trace of its own where there is none. The caller ends it.
	Start(below Trace, name string, kind SpanKind, at time.Time) Span
}

// Span is a time in which something was done for one request.
type Span interface {
	// Trace is what is handed to whatever is done within the span.
	Trace() Trace
	// Asked adds what was asked, by its method. A route, if it has one, names the span.
	Asked(r *Request, route string)
	// Note adds an attribute.
	Note(name, value string)
	// Observed adds what an arm answered.
	Observed(*Observation)
	// End ends the span, once.
	End(at time.Time)
}

// Traced is the invocation as it is sent within a trace; everything else is shared with i.
func (i *Invocation) Traced(t Trace) *Invocation {
	if i.Request == nil {
		return i
	}
	inner, request := *i, *i.Request
	if request.Header = i.Request.Header.Clone(); request.Header == nil {
		request.Header = Header{}
	}
	t.Into(request.Header)
	inner.Request = &request
	return &inner
}
