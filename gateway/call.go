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
	ticket   assay.Ticket   // nil: not sampled
}

// invocation returns the call with the request's body, as every arm is given it.
func (c *call) invocation(body []byte) *assay.Invocation {
	request := *c.request
	request.Body = body
	return &assay.Invocation{ID: c.gateway.newID(), Received: c.received, Request: &request}
}

// offer ends the ticket with what was seen of the control.
func (c *call) offer(inv *assay.Invocation, control assay.Observation) {
	control.Arm, control.Role = string(assay.RoleControl), assay.RoleControl
	c.ticket.Offer(inv, &control)
}

// stream lets the handler answer and copies what passes. The ticket ends when the handler does, also by
// a panic, which goes on to the server.
func (c *call) stream(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	x := &exchange{ticket: c.ticket, unread: r.ContentLength}
	rec := &recorder{ResponseWriter: w, exchange: x}
	own := r.WithContext(r.Context()) // a copy: the server goes by the body of its own request
	if r.ContentLength != 0 {
		own.Body = &watched{ReadCloser: r.Body, exchange: x}
	}
	started, finished := c.gateway.now(), false
	defer func() {
		o := rec.observation()
		o.Started, o.Duration = started, c.gateway.now().Sub(started)
		if !finished && o.Fault == nil {
			o.Fault = &assay.Fault{Kind: assay.FaultTransport, Message: "the control broke off within its answer"}
		}
		c.settle(x, o, r.Context().Err() != nil)
	}()
	handler.ServeHTTP(rec, own)
	finished = true
}

// settle ends the ticket of a streamed exchange. A fault after the client has gone is the client's
// doing and says nothing of the control.
func (c *call) settle(x *exchange, o assay.Observation, clientGone bool) {
	kept := x.close()
	switch {
	case kept.over:
	case kept.failed, clientGone && o.Fault != nil:
		c.ticket.Drop(DropClientGone)
	case !kept.whole:
		c.ticket.Drop(DropBodyUnread)
	default:
		o.Body = kept.answer
		c.offer(c.invocation(kept.request), o)
	}
}
