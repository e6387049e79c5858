package gateway

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/assaylab/assay"
)

// snapshot copies the request without its body. The copy shares nothing with the client's request.
func snapshot(r *http.Request) *assay.Request {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return &assay.Request{
		Method:     r.Method,
		Scheme:     scheme,
		Host:       r.Host,
		Path:       rawPath(r),
		Query:      r.URL.RawQuery,
		Proto:      r.Proto,
		RemoteAddr: r.RemoteAddr,
		Header:     endToEnd(r.Header),
	}
}

// rawPath is the path as the client sent it, with its percent-encoding, beginning with "/".
func rawPath(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return "/" + strings.TrimPrefix(r.URL.EscapedPath(), "/")
}

// endToEnd returns a deep copy of the fields that are not hop-by-hop, under their canonical names.
func endToEnd(h http.Header) assay.Header {
	c := make(assay.Header, len(h))
	for name, values := range h {
		if len(values) > 0 && !strings.HasPrefix(name, http.TrailerPrefix) {
			c[textproto.CanonicalMIMEHeaderKey(name)] = slices.Clone(values)
		}
	}
	c.DelHopByHop()
	return c
}

// trailers returns the values of the announced fields and of those with http.TrailerPrefix.
func trailers(h http.Header, announced []string) assay.Header {
	var t assay.Header
	keep := func(name string, values []string) {
		if len(values) == 0 {
			return
		}
		if t == nil {
			t = assay.Header{}
		}
		t[name] = slices.Clone(values)
	}
	for _, line := range announced {
		for name := range strings.SplitSeq(line, ",") {
			name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
			keep(name, h[name])
		}
	}
	for name, values := range h {
		if bare, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			keep(textproto.CanonicalMIMEHeaderKey(bare), values)
		}
	}
	return t
}
