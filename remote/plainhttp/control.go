package plainhttp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/clients"
	"github.com/assaylab/assay/wire"
)

// ServeHTTP lets the service answer the client, streaming both ways. When the service cannot be reached
// the client gets 502, or 504 after a time-out, and an assay.FaultWriter is told the fault; when it
// breaks off within its answer the client's connection is broken off as well.
//
// The transport repeats a request without a body and of an idempotent method once, if the kept-alive
// connection it was sent on turns out to have been closed (RFC 9110, section 9.2.2).
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Without it an answer would wait until the request's body has been read. Not every writer knows it,
	// and those that do not (HTTP/2) need no telling.
	_ = http.NewResponseController(w).EnableFullDuplex()
	s.proxy.ServeHTTP(&answer{ResponseWriter: w, request: r}, r)
}

func (s *Service) newProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:       s.rewrite,
		Transport:     s.transport,
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				s.tell(err)
			}
			refuse(w, err)
		},
		ModifyResponse: func(*http.Response) error { s.tell(nil); return nil },
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BufferPool:     &buffers{},
	}
}

// tell logs that the service ceases to answer, and that it answers again.
func (s *Service) tell(err error) {
	switch {
	case err != nil && !s.down.Swap(true):
		s.log.Warn("a control does not answer", "url", s.scheme+"://"+s.host, "error", err)
	case err == nil && s.down.Load() && s.down.Swap(false):
		s.log.Info("the control answers again", "url", s.scheme+"://"+s.host)
	}
}

// Origin is the service as a wire relays to it in bytes, with connections of its own; nil if it speaks TLS.
func (s *Service) Origin() *wire.Origin { return s.origin }

func (s *Service) newOrigin(o Options) *wire.Origin {
	if s.scheme != "http" {
		return nil
	}
	address := s.host
	if _, _, err := net.SplitHostPort(s.host); err != nil {
		address = net.JoinHostPort(strings.Trim(s.host, "[]"), "80")
	}
	return &wire.Origin{
		Host: s.host, Prefix: s.prefix, IdleTimeout: cmp.Or(o.IdleTimeout, idleTimeout), MaxIdle: idlePerHost, Told: s.tell,
		Dial: func(ctx context.Context) (net.Conn, error) { return o.Dial(ctx, "tcp", address) },
	}
}

// rewrite puts back what ReverseProxy takes away or tidies: the query, the path's encoding, fields set
// by proxies before this one, and the trailers of the request, which arrive in the map of the client's.
func (s *Service) rewrite(p *httputil.ProxyRequest) {
	in, out := p.In, p.Out
	out.URL = s.at(rawPath(in), in.URL.RawQuery)
	out.URL.ForceQuery = in.URL.ForceQuery
	out.Host = s.host
	out.Trailer = in.Trailer
	// On a connection to be kept the transport would fetch the body even after a refusal.
	out.Close = in.Header.Get("Expect") != ""
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if v := in.Header[name]; len(v) > 0 {
			out.Header[name] = v
		}
	}
	forward(out.Header, in.RemoteAddr, in.Host, scheme(in))
}

// rawPath is the path exactly as the client sent it.
func rawPath(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return r.URL.EscapedPath()
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// refuse answers in the service's place.
func refuse(w http.ResponseWriter, err error) {
	f := wire.Fault(err)
	if a, ok := w.(*answer); ok {
		a.tell(*f)
	}
	status := http.StatusBadGateway
	switch {
	case errors.Is(err, clients.ErrSlow):
		status = http.StatusRequestTimeout
	case f.Kind == assay.FaultTimeout:
		status = http.StatusGatewayTimeout
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"message":"` + http.StatusText(status) + `"}`))
}

// answer keeps the HTTP server from adding to the service's answer or taking from it.
type answer struct {
	http.ResponseWriter
	request *http.Request
}

// Unwrap lets http.ResponseController flush and hijack.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader leaves out the fields that the service left out: the server would add a date, a guessed
// content type and, for short bodies, a length.
func (a *answer) WriteHeader(status int) {
	h := a.Header()
	_, length := h["Content-Length"]
	if status >= 200 {
		for _, name := range []string{"Date", "Content-Type"} {
			if _, ok := h[name]; !ok {
				h[name] = nil
			}
		}
		switch {
		case status == http.StatusNotModified && a.request.ProtoMajor > 1:
			delete(h, "Content-Length") // clients, Go's among them, would take it for a body cut short
		case status == http.StatusNotModified:
			hide(h, "Content-Type")
			hide(h, "Content-Length")
		case !length && a.request.Method != http.MethodHead:
			h["Transfer-Encoding"] = []string{"chunked"}
		}
	}
	a.ResponseWriter.WriteHeader(status)
	if status >= 200 && !length && a.request.ProtoMajor > 1 {
		// Over HTTP/2 the server would give an answer that ends before it is flushed a length. If the client
		// has gone, the next write says so.
		_ = http.NewResponseController(a.ResponseWriter).Flush()
	}
}

func (a *answer) tell(f assay.Fault) {
	if w, ok := a.ResponseWriter.(assay.FaultWriter); ok {
		w.Fault(f)
	}
}

// hide spells a field's name in lower case. The server removes the canonical one from a 304, where RFC
// 9110, section 15.4.5, allows it; case does not matter to the client.
func hide(h http.Header, name string) {
	if v := h[name]; len(v) > 0 {
		delete(h, name)
		h[strings.ToLower(name)] = v
	}
}

// buffers is a pool of the buffers that bodies are copied with.
type buffers struct{ pool sync.Pool }

const bufferSize = 32 << 10

func (b *buffers) Get() []byte {
	if buf, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return buf[:]
	}
	return make([]byte, bufferSize)
}

func (b *buffers) Put(buf []byte) { b.pool.Put((*[bufferSize]byte)(buf)) }
