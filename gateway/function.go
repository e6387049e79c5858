package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/clients"
)

// invoke serves the call with a function. A function runs on when the client goes away, as on AWS; its
// own time-out bounds it. What it did is then observed as well as with any other client.
func (c *call) invoke(w http.ResponseWriter, r *http.Request) {
	defer c.drop(DropControlError) // without effect on a ticket that has ended
	body, err := readBody(w, r, c.route.MaxBody)
	if err != nil {
		c.refuse(w, err)
		c.finish(&assay.Observation{Status: http.StatusBadRequest})
		return
	}
	inv := c.invocation(body)
	c.reserve(len(body))
	o, err := c.control.Invoke(context.WithoutCancel(r.Context()), c.traced(inv))
	if err != nil {
		c.tell(&assay.Observation{Status: http.StatusBadGateway})
		c.gateway.log.Error("the control cannot be invoked", append([]any{"of", c.route.where(), "error", err}, c.spans.trace().Attributes()...)...)
		c.finish(&assay.Observation{Status: http.StatusBadGateway})
		fail(w, http.StatusBadGateway)
		return
	}
	writeObservation(w, r.Method, o)
	c.tell(o)
	c.finish(o)
	if c.ticket != nil {
		c.keep(inv, *o)
	}
}

// keep offers the answer: its beginning, where it is longer than the ticket holds.
func (c *call) keep(inv *assay.Invocation, o assay.Observation) {
	o.Body = o.Body[:min(int64(len(o.Body)), maxBody(c.ticket))]
	c.reserve(len(o.Body))
	if c.ticket != nil {
		c.offer(inv, o)
	}
}

// reserve keeps the ticket only if it has room for n more bytes.
func (c *call) reserve(n int) {
	if c.ticket != nil && n > 0 && !c.ticket.Reserve(n, n) {
		c.ticket = nil
	}
}

func (c *call) drop(reason string) {
	if c.ticket != nil {
		c.ticket.Drop(reason)
	}
}

// refuse answers a request whose body could not be read.
func (c *call) refuse(w http.ResponseWriter, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		answerJSON(w, http.StatusRequestEntityTooLarge, message{Message: "Request Too Long"})
		c.drop(DropTooLarge)
		return
	}
	status := http.StatusBadRequest
	if errors.Is(err, clients.ErrSlow) {
		status = http.StatusRequestTimeout
	}
	fail(w, status)
	c.drop(DropClientGone)
}

// readBody reads the whole body, up to limit bytes. A body announced as larger is not read at all.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
}

// writeObservation answers with what a function returned.
func writeObservation(w http.ResponseWriter, method string, o *assay.Observation) {
	if o.Status < 200 || o.Status > 999 {
		fail(w, statusOf(o.Fault))
		return
	}
	h := w.Header()
	for name, values := range endToEnd(http.Header(o.Header)) {
		h[name] = values
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // or the server guesses one
	}
	if method != http.MethodHead || len(h["Content-Length"]) == 0 {
		h.Set("Content-Length", strconv.Itoa(len(o.Body)))
	}
	w.WriteHeader(o.Status)
	_, _ = w.Write(o.Body) // the server leaves it out where none is allowed; a client that is gone needs none
}

// statusOf is the status that stands for a function's fault.
func statusOf(f *assay.Fault) int {
	if f != nil && f.Kind == assay.FaultTimeout {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}
