package gateway

import (
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

// Relay implements wire.Router: requests for which a service answers over plain HTTP/1.1 are relayed, whoever a
// split may choose. Those that no route has, or that a function may answer, are served by ServeHTTP.
func (g *Gateway) Relay(r *wire.Request) (wire.Exchange, bool) {
	route, _ := g.table.Load().find(r.Method(), r.Path())
	switch {
	case route == nil || !route.relayed:
		return wire.Exchange{}, false
	case route.Lane == nil && route.Split == nil && g.tracer == nil:
		return wire.Exchange{To: route.origin}, true
	}
	c := call{gateway: g, route: route, received: g.now(), request: r.Snapshot(), control: route.Control}
	c.spans.begin(g.tracer, route, c.request, c.received)
	to := wire.Exchange{To: route.origin}
	if c.split() {
		to.To = originOf(c.control)
	} else {
		c.choose()
	}
	to.Trace = c.follow(c.received)
	if c.ticket != nil || c.served != nil || c.spans.whole != nil {
		to.Tap = &tap{call: c, exchange: newExchange(c.ticket, r.BodyLength())}
	}
	return to, to.To != nil
}

// tap copies what a wire relays.
type tap struct {
	call
	exchange *exchange
	seen     assay.Observation
}

// Sent implements wire.Tap.
func (t *tap) Sent(data []byte) { t.exchange.sent(data, nil) }

// Began implements wire.Tap.
func (t *tap) Began(a *wire.Answer) {
	t.seen.Status, t.seen.Header = a.Status, a.Header()
	t.exchange.began(a.Status, a.BodyLength())
}

// Answered implements wire.Tap.
func (t *tap) Answered(data []byte) { t.exchange.answered(data) }

// Done implements wire.Tap.
func (t *tap) Done(o wire.Outcome) {
	t.seen.Started, t.seen.Duration = t.received, t.gateway.now().Sub(t.received)
	t.seen.Trailer, t.seen.BodySize, t.seen.Fault = o.Trailer, o.Size, wire.Fault(o.Err)
	if o.Whole {
		t.exchange.readWhole()
	}
	t.settle(t.exchange, t.seen, o.Gone)
	t.finish(&t.seen)
}
