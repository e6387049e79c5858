package gateway

import (
	"net/http"
	"time"

	"github.com/assaylab/assay"
)

// call is one request on its way.
type call struct {
	gateway  *Gateway
	route    *Route
	received time.Time
	request  *assay.Request // without body
	control  assay.Invoker  // who serves it
	ticket   assay.Ticket   // nil: not sampled
	timed    assay.Timed    // nil: nobody asks how long it took
	served   func(*assay.Observation) (control bool)
	canary   bool // another arm than the control serves it
	spans    spans
}

// split asks who serves the call, and tells whether it is another arm than the control.
func (c *call) split() bool {
	if c.route.Split == nil {
		return false
	}
	arm, served := c.route.Split.Choose(c.request)
	c.served = served
	if arm == nil {
		return false
	}
	c.control, c.canary = arm, true
	return true
}

// choose asks the lane whether the call becomes a trial.
func (c *call) choose() {
	if c.route.Lane != nil {
		c.hold(c.route.Lane.Choose(c.request))
	}
}

func (c *call) hold(t assay.Ticket) {
	c.ticket = t
	c.timed, _ = t.(assay.Timed)
}

// decide tells a ticket that depends on it the status, and gives up one that has ended for it.
func decide(t assay.Ticket, status int) (goOn bool) {
	d, depends := t.(assay.Deciding)
	return !depends || d.Decide(status)
}

// tell says how the client was served. Where the control did not, there is no trial.
func (c *call) tell(o *assay.Observation) {
	if c.timed != nil {
		c.timed.Served(c.gateway.now().Sub(c.received), o)
	}
	if c.served != nil && !c.served(o) {
		c.drop(DropCanary)
		c.ticket = nil
	}
}

// invocation returns the call with the request's body, as every arm is given it.
func (c *call) invocation(body []byte) *assay.Invocation {
	request := *c.request
	request.Body = body
	return &assay.Invocation{ID: c.gateway.newID(), Received: c.received, Request: &request, Trace: c.spans.trace()}
}

// offer ends the ticket with what was seen of the control.
func (c *call) offer(inv *assay.Invocation, control assay.Observation) {
	control.Arm, control.Role = string(assay.RoleControl), assay.RoleControl
	c.ticket.Offer(inv, &control)
}

// stream lets the handler answer and copies what passes, if there is a ticket. That ends when the handler does,
// also by a panic, which goes on to the server.
func (c *call) stream(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	x := newExchange(c.ticket, r.ContentLength)
	rec := &recorder{ResponseWriter: w, exchange: x}
	own := r.WithContext(r.Context()) // a copy: the server goes by the body of its own request
	if r.ContentLength != 0 && c.ticket != nil {
		own.Body = &watched{ReadCloser: r.Body, exchange: x}
	}
	started, finished := c.gateway.now(), false
	if trace := c.follow(started); trace.Parent != "" {
		own.Header = own.Header.Clone()
		trace.Into(assay.Header(own.Header))
	}
	defer func() {
		o := rec.observation()
		o.Started, o.Duration = started, c.gateway.now().Sub(started)
		if !finished && o.Fault == nil {
			o.Fault = &assay.Fault{Kind: assay.FaultTransport, Message: "the control broke off within its answer"}
		}
		c.settle(x, o, r.Context().Err() != nil)
		c.finish(&o)
	}()
	handler.ServeHTTP(rec, own)
	finished = true
}

// settle ends a streamed exchange. A fault after the client has gone is the client's doing and says nothing of
// who served it.
func (c *call) settle(x *exchange, o assay.Observation, clientGone bool) {
	kept := x.close()
	if !clientGone || o.Fault == nil {
		c.tell(&o)
	}
	switch {
	case kept.over || c.ticket == nil:
	case kept.failed, clientGone && o.Fault != nil:
		c.ticket.Drop(DropClientGone)
	case !kept.whole:
		c.ticket.Drop(DropBodyUnread)
	default:
		o.Body = kept.answer.bytes
		c.offer(c.invocation(kept.request.bytes), o)
	}
}
