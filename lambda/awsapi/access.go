package awsapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"

	"github.com/assaylab/assay/lambda/control"
)

// admitHost refuses, where no secret is asked for, what a web page in a browser of this machine may have
// sent: calls across sites, and calls to a name of its own that leads to loopback.
func (a *API) admitHost(r *http.Request) *control.APIError {
	switch {
	case a.opts.Token == "" && a.verifier == nil && !local(r.Host):
		return denied("This name is not answered without a token or credentials; use 127.0.0.1 or localhost")
	case a.sites.Check(r) != nil:
		return denied("Calls from other sites are refused")
	}
	return nil
}

// admit lets in who shows the token or has signed with a known credential, if either is asked for. The
// digest of the body is asked for only then.
func (a *API) admit(r *http.Request, body func() [sha256.Size]byte) *control.APIError {
	switch {
	case a.opts.Token == "" && a.verifier == nil:
		return nil
	case a.opts.Token != "" && (equal(r.Header.Get("Authorization"), "Bearer "+a.opts.Token) || equal(r.Header.Get("X-Amz-Security-Token"), a.opts.Token)):
		return nil
	case a.verifier == nil:
		return forbidden("MissingAuthenticationTokenException", "Missing Authentication Token; AWS clients send it as AWS_SESSION_TOKEN")
	}
	if _, refusal := a.verifier.Verify(r, body()); refusal != nil {
		return forbidden(refusal.Code, refusal.Message)
	}
	return nil
}

func denied(message string) *control.APIError { return forbidden("AccessDeniedException", message) }

func forbidden(code, message string) *control.APIError {
	return &control.APIError{Status: http.StatusForbidden, Code: code, Message: message}
}

// local tells whether a host, with a port or without, is a loopback address, localhost, or below it.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// equal takes the same time wherever two secrets differ.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
