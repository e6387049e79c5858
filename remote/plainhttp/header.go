package plainhttp

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

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
