package assay

import (
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// Header is a set of HTTP header fields: canonical name to values, in order. It converts to http.Header
// for free, and keeps the pure rooms clear of net/http.
type Header map[string][]string

// Get returns the first value of the field, or "". The name's case does not matter.
func (h Header) Get(name string) string {
	if v := h[textproto.CanonicalMIMEHeaderKey(name)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Values returns every value of the field, in order.
func (h Header) Values(name string) []string {
	return h[textproto.CanonicalMIMEHeaderKey(name)]
}

// Set replaces the field's values by one.
func (h Header) Set(name, value string) {
	h[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
}

// Add appends a value to the field.
func (h Header) Add(name, value string) {
	key := textproto.CanonicalMIMEHeaderKey(name)
	h[key] = append(h[key], value)
}

// Clone returns a deep copy; the clone of nil is nil.
func (h Header) Clone() Header {
	if h == nil {
		return nil
	}
	c := make(Header, len(h))
	for k, v := range h {
		c[k] = slices.Clone(v)
	}
	return c
}

// hopByHop lists the fields that concern one connection only (RFC 9110, section 7.6.1), and those that
// have always been treated so.
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// DelHopByHop removes the hop-by-hop fields, and those that Connection names.
func (h Header) DelHopByHop() {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			delete(h, textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)))
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

// SafeMethod tells whether a method promises to change nothing (RFC 9110, section 9.2.1).
func SafeMethod(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return true
	}
	return false
}

// Request is an HTTP request as the gateway received it, taken once and never changed: every arm is
// given the same one, so whoever needs another header or body makes a copy.
type Request struct {
	Method     string `json:"method"`
	Scheme     string `json:"scheme,omitempty"`      // "http" or "https"
	Host       string `json:"host,omitempty"`        // the Host header
	Path       string `json:"path"`                  // percent-encoding kept, begins with "/"
	Query      string `json:"query,omitempty"`       // raw, without the "?"
	Proto      string `json:"proto,omitempty"`       // "HTTP/1.1"
	RemoteAddr string `json:"remote_addr,omitempty"` // the client's host:port
	Header     Header `json:"header,omitempty"`      // without hop-by-hop fields and without Host
	Body       []byte `json:"body,omitempty"`
}

// Invocation is one call before it is made. Its deadline travels in the context it is invoked with.
type Invocation struct {
	ID       string    `json:"id"`                // a UUID, the same for every arm of a trial
	Received time.Time `json:"received"`          // when the client's call came in
	Request  *Request  `json:"request,omitempty"` // nil when a function was invoked directly
	Payload  []byte    `json:"payload,omitempty"` // the event, for engines that take events
	Trace    Trace     `json:"trace,omitzero"`    // what is done for it belongs there; none where nothing is traced
}
