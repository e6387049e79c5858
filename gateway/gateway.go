// Package gateway stands in the way of live traffic. In comes a client's HTTP request, out goes the
// control's answer; of the requests that a Lane chooses, a copy of the exchange is offered to it once
// the client has been served.
//
// A control that is an http.Handler streams between client and service, untouched; what is kept of the
// bodies is copied as they pass, as long as the ticket grants room. Any other control is a function: it
// is given the whole request and returns the whole answer.
package gateway

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/assaylab/assay"
)

// The reasons for which the gateway gives a ticket up.
const (
	DropClientGone   = "client_gone"   // the client went away before a streaming control had answered
	DropBodyUnread   = "body_unread"   // the control answered without reading the whole request
	DropUpgrade      = "upgrade"       // the connection was handed over to another protocol
	DropTooLarge     = "too_large"     // the request exceeds what a function takes
	DropControlError = "control_error" // the control's engine observed nothing
	DropCanary       = "canary"        // another arm than the control answered
)

// Options change how a gateway works. The zero value works.
type Options struct {
	// Log is told when a function's engine fails; nil is silent.
	Log *slog.Logger
	// Development makes a 404 list the known routes.
	Development bool
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Tracer makes spans of requests; nil: traces pass as they are.
	Tracer assay.Tracer
	// NewID makes the ids of invocations; random UUIDs if nil.
	NewID func() string
}

// Gateway is an http.Handler that serves a table of routes. It is safe for concurrent use.
type Gateway struct {
	log         *slog.Logger
	development bool
	now         func() time.Time
	newID       func() string
	tracer      assay.Tracer
	table       atomic.Pointer[table]
}

// New returns a gateway without routes.
func New(o Options) *Gateway {
	g := &Gateway{log: o.Log, development: o.Development, now: o.Now, newID: o.NewID, tracer: o.Tracer}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.now == nil {
		g.now = time.Now
	}
	if g.newID == nil {
		g.newID = uuid.NewString
	}
	g.table.Store(&table{})
	return g
}

// Check tells whether Set would take these routes.
func Check(routes []Route) error {
	_, err := newTable(routes)
	return err
}

// Set replaces all routes at once; a request keeps the table it came in under. It fails, changing
// nothing, with assay.CodeInvalid when a path cannot be used and with assay.CodeConflict when two
// routes are for the same requests.
func (g *Gateway) Set(routes []Route) error {
	t, err := newTable(routes)
	if err != nil {
		return err
	}
	g.table.Store(t)
	return nil
}

// ServeHTTP answers with the control of the most specific route, with 404 when none has the path and
// with 405 when none has the method. Like a reverse proxy it panics with http.ErrAbortHandler when a
// control breaks off within its answer.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := g.table.Load()
	route, allowed := t.find(r.Method, rawPath(r))
	switch {
	case route != nil:
		g.serve(w, r, route)
	case len(allowed) > 0:
		methodNotAllowed(w, allowed)
	case g.development:
		notFound(w, t.routes)
	default:
		answerJSON(w, http.StatusNotFound, message{Message: "Not Found"})
	}
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, route *Route) {
	if handler, streams := route.Control.(http.Handler); streams && g.tracer == nil && route.Lane == nil && route.Split == nil {
		handler.ServeHTTP(w, r)
		return
	}
	c := &call{gateway: g, route: route, received: g.now(), request: snapshot(r), control: route.Control}
	c.spans.begin(g.tracer, route, c.request, c.received)
	if !c.split() {
		c.choose()
	}
	handler, streams := c.control.(http.Handler)
	switch {
	case !streams:
		c.invoke(w, r)
	case c.ticket != nil || c.served != nil || c.spans.whole != nil:
		c.stream(w, r, handler)
	default:
		handler.ServeHTTP(w, r)
	}
}
