// Package plainhttp lets any HTTP service be an arm. In comes an invocation made of an HTTP request, out
// goes an observation of the service's whole answer; as a control the service is also an http.Handler
// that streams between client and service, so that what the client gets is what the service sent.
//
// Both ways send the service the same request: its own Host, the client's path, query, fields and body
// unchanged, the X-Forwarded fields of a proxy, and nothing else except the mark of a trial. Redirects
// are not followed, nothing is decompressed, and no cookies are kept.
package plainhttp

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/wire"
)

const (
	dialTimeout = 5 * time.Second
	// Below the five seconds after which common servers (Node.js, Apache, uvicorn) close idle
	// connections: a request sent into a closing connection fails.
	idleTimeout = 4 * time.Second
	// How long a body waits for the service's "100 Continue", as in most clients.
	continueTimeout = time.Second
	idlePerHost     = 256
)

// Options change how a service is called. The zero value works.
type Options struct {
	// Dial connects to the service; within five seconds over TCP if nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is used for https; the system's authorities if nil.
	TLS *tls.Config
	// IdleTimeout closes connections that were idle so long; 4 s if zero. Keep it below the service's own.
	IdleTimeout time.Duration
	// MaxBody is how many bytes of an answer Invoke keeps; the budget's default if zero. What exceeds it
	// is read and counted.
	MaxBody int64
	// Log is told when the service, as a control, ceases to answer, and when it answers again; nil is silent.
	Log *slog.Logger
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Service is an HTTP service as an arm.
type Service struct {
	scheme, host string
	prefix       string // the base's path, percent-encoding kept, without a slash at the end
	transport    *http.Transport
	proxy        *httputil.ReverseProxy
	origin       *wire.Origin // nil: it cannot be relayed to in bytes
	maxBody      int64
	now          func() time.Time
	log          *slog.Logger
	down         atomic.Bool // the control did not answer when last asked: told once, not at each request
}

var (
	_ assay.Invoker = (*Service)(nil)
	_ http.Handler  = (*Service)(nil)
)

// New returns the service at base: scheme, host and a path to put in front of the requests' own. It
// fails with assay.CodeInvalid when base is anything else.
func New(base string, o Options) (*Service, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, invalid(base, "it cannot be parsed", err)
	}
	if what := flaw(u); what != "" {
		return nil, invalid(u.Redacted(), what, nil)
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	s := &Service{
		scheme:    u.Scheme,
		host:      u.Host,
		prefix:    strings.TrimRight(u.EscapedPath(), "/"),
		transport: newTransport(o),
		maxBody:   cmp.Or(o.MaxBody, assay.DefaultBudget.Body),
		now:       o.Now,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s.log = o.Log
	s.proxy = s.newProxy()
	s.origin = s.newOrigin(o)
	return s, nil
}

// Close closes idle connections. Exchanges under way end by themselves, and their connections with them.
func (s *Service) Close() {
	s.transport.CloseIdleConnections()
	if s.origin != nil {
		s.origin.Close()
	}
}

func flaw(u *url.URL) string {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "its scheme is neither http nor https"
	case u.Hostname() == "":
		return "it names no host"
	case u.User != nil:
		return "it contains credentials"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "it has a query or a fragment"
	}
	return ""
}

func invalid(base, what string, err error) error {
	return &assay.Error{
		Code:  assay.CodeInvalid,
		What:  "not the URL of a service: " + what,
		Where: base,
		Hint:  "write it as http://127.0.0.1:9000 or https://example.com/base",
		Err:   err,
	}
}

// newTransport returns a transport that changes nothing on the way. It has no time-outs for answers:
// the control's are the client's affair, and calls made by Invoke end with their context.
func newTransport(o Options) *http.Transport {
	return &http.Transport{
		DialContext:           o.Dial,
		TLSClientConfig:       o.TLS,
		TLSHandshakeTimeout:   dialTimeout,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   idlePerHost,
		IdleConnTimeout:       cmp.Or(o.IdleTimeout, idleTimeout),
		ExpectContinueTimeout: continueTimeout,
	}
}

// at returns where the service has path, both with their percent-encoding as it is.
func (s *Service) at(path, query string) *url.URL {
	u := &url.URL{Scheme: s.scheme, Host: s.host, RawQuery: query}
	path = s.prefix + path
	if strings.HasPrefix(path, "//") { // in Opaque that would be a host
		u.RawPath = path
		u.Path, _ = url.PathUnescape(path)
		return u
	}
	u.Opaque = path
	return u
}
