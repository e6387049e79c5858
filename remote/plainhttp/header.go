package plainhttp

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// hopByHop lists the fields that concern one connection only (RFC 9110, section 7.6.1), and those that
// have always been treated so.
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// stripHopByHop removes the hop-by-hop fields and those that Connection names.
func stripHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

// forward says in h for whom the request is made: it appends the client's address to X-Forwarded-For,
// and sets X-Forwarded-Host and X-Forwarded-Proto unless a proxy before this one did.
func forward(h http.Header, remoteAddr, host, scheme string) {
	if client, _, err := net.SplitHostPort(remoteAddr); err == nil {
		chain := append(slices.Clone(h["X-Forwarded-For"]), client)
		h["X-Forwarded-For"] = []string{strings.Join(chain, ", ")}
	}
	if len(h["X-Forwarded-Host"]) == 0 && host != "" {
		h["X-Forwarded-Host"] = []string{host}
	}
	if len(h["X-Forwarded-Proto"]) == 0 {
		h["X-Forwarded-Proto"] = []string{scheme}
	}
}
