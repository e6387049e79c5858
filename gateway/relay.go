package gateway

import (
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/wire"
)

// origin is what a control also implements if a wire can relay to it in bytes; nil says it cannot.
type origin interface{ Origin() *wire.Origin }

func originOf(control assay.Invoker) *wire.Origin {
	if o, ok := control.(origin); ok {
		return o.Origin()
	}
	return nil
}

// Relay implements wire.Router: requests for which a service answers over plain HTTP/1.1 are relayed. Those that
// no route has, that a function answers, or of which a split decides who does, are served by ServeHTTP.
func (g *Gateway) Relay(r *wire.Request) (wire.Exchange, bool) {
	route, _ := g.table.Load().find(r.Method(), r.Path())
	if route == nil || route.origin == nil || route.Split != nil {
		return wire.Exchange{}, false
	}
	to := wire.Exchange{To: route.origin}
	if route.Lane == nil {
		return to, true
	}
	request := r.Snapshot()
	if ticket := route.Lane.Choose(request); ticket != nil {
		now := g.now()
		c := call{gateway: g, route: route, received: now, request: request, control: route.Control}
		c.hold(ticket)
		to.Tap = &tap{call: c, started: now, exchange: newExchange(ticket, r.BodyLength())}
	}
	return to, true
}

// tap copies what a wire relays.
type tap struct {
	call
	exchange *exchange
	started  time.Time
	seen     assay.Observation
}

// Sent implements wire.Tap.
func (t *tap) Sent(data []byte) { t.exchange.sent(data, nil) }

// Began implements wire.Tap.
func (t *tap) Began(a *wire.Answer) {
	t.seen.Status, t.seen.Header = a.Status, a.Header()
	t.exchange.began(a.BodyLength())
}

// Answered implements wire.Tap.
func (t *tap) Answered(data []byte) { t.exchange.answered(data) }

// Done implements wire.Tap.
func (t *tap) Done(o wire.Outcome) {
	t.seen.Started, t.seen.Duration = t.started, t.gateway.now().Sub(t.started)
	t.seen.Trailer, t.seen.BodySize, t.seen.Fault = o.Trailer, o.Size, wire.Fault(o.Err)
	if o.Whole {
		t.exchange.readWhole()
	}
	t.settle(t.exchange, t.seen, o.Gone)
}
