package gateway

import (
	"context"
	"log/slog"
	"time"

	"github.com/assaylab/assay"
)

// spans are those of one request: all of it, and the call of whoever serves it. The zero value traces nothing, and
// costs nothing.
type spans struct {
	tracer  assay.Tracer
	whole   assay.Span
	serving assay.Span
}

// begin starts the span of the whole request, below that of the client.
func (s *spans) begin(t assay.Tracer, route *Route, r *assay.Request, at time.Time) {
	if t == nil {
		return
	}
	s.tracer = t
	s.whole = t.Start(assay.TraceOf(r.Header), "gateway", assay.SpanServer, at)
	s.whole.Asked(r, route.Path)
	if route.Experiment != "" {
		s.whole.Note("assay.experiment", route.Experiment)
	}
}

// follow starts the span of whoever serves, and returns what that is to be handed.
func (c *call) follow(at time.Time) assay.Trace {
	s := &c.spans
	if s.whole == nil {
		return assay.Trace{}
	}
	arm := c.arm()
	s.serving = s.tracer.Start(s.whole.Trace(), arm, assay.SpanClient, at)
	s.serving.Asked(c.request, "")
	s.serving.Note("assay.arm", arm)
	if c.route.Function != "" {
		s.serving.Note("faas.invoked_name", c.route.Function)
	}
	return s.serving.Trace()
}

// trace is what belongs to the request is handed.
func (s *spans) trace() assay.Trace {
	if s.whole == nil {
		return assay.Trace{}
	}
	return s.whole.Trace()
}

// end ends both with what the client was given.
func (s *spans) end(o *assay.Observation, at time.Time) {
	if s.whole == nil {
		return
	}
	for _, span := range []assay.Span{s.serving, s.whole} {
		if span != nil {
			span.Observed(o)
			span.End(at)
		}
	}
	s.whole = nil
}

// arm names who serves.
func (c *call) arm() string {
	if c.canary {
		return "canary"
	}
	if c.route.Function != "" {
		return "function " + c.route.Function
	}
	return string(assay.RoleControl)
}

// finish ends the spans, and says in the log that the request was served, to those who ask for as much.
func (c *call) finish(o *assay.Observation) {
	log := c.gateway.log
	if c.spans.whole == nil && !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	now := c.gateway.now()
	if log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug("served", append([]any{
			"of", c.route.where(), "method", c.request.Method, "status", o.Status, "took", now.Sub(c.received).String(),
		}, c.spans.trace().Attributes()...)...)
	}
	c.spans.end(o, now)
}

// traced is an invocation as whoever serves it is given it.
func (c *call) traced(inv *assay.Invocation) *assay.Invocation {
	if trace := c.follow(c.gateway.now()); trace.Parent != "" {
		return inv.Traced(trace)
	}
	return inv
}
