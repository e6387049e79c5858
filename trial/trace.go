package trial

import (
	"time"

	"github.com/assaylab/assay"
)

// span begins a span of what is done for an invocation; nil where nothing is traced.
func (l *Lane) span(inv *assay.Invocation, name string, kind assay.SpanKind) assay.Span {
	if l.floor.opt.Tracer == nil || inv.Trace.Parent == "" {
		return nil
	}
	s := l.floor.opt.Tracer.Start(inv.Trace, name, kind, l.floor.opt.Now())
	s.Note("assay.experiment", l.name)
	s.Note("assay.invocation", inv.ID)
	return s
}

// follow is an invocation as an arm is given it, with the span of that call.
func (l *Lane) follow(inv *assay.Invocation, c *call) (*assay.Invocation, assay.Span) {
	s := l.span(inv, string(c.role), assay.SpanClient)
	if s == nil {
		return inv, nil
	}
	s.Asked(inv.Request, "")
	s.Note("assay.arm", c.arm)
	if c.function != "" {
		s.Note("faas.invoked_name", c.function)
	}
	return inv.Traced(s.Trace()), s
}

// finish ends a span, with what an arm answered if one did.
func (l *Lane) finish(s assay.Span, o *assay.Observation) {
	if s == nil {
		return
	}
	if o != nil {
		s.Observed(o)
	}
	s.End(l.floor.opt.Now())
}

// endSpans ends those of a batch that was kept, or never will be.
func endSpans(batch []kept) {
	for _, t := range batch {
		if t.span != nil {
			t.span.End(time.Now())
		}
	}
}
