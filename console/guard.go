package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/assaylab/assay"
)

// Codes beside those of package assay, for callers who may not.
const (
	codeUnauthorized assay.ErrorCode = "unauthorized"
	codeForbidden    assay.ErrorCode = "forbidden"
)

// policy is what pages may load: what this console serves, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// loginCookie carries proof of the token, never the token itself.
const loginCookie = "assay_console"

// guard decides who is answered.
type guard struct {
	token string // "" asks for none
	proof string // the cookie's value of who has shown the token
	login func(w http.ResponseWriter, failed bool)
	cross *http.CrossOriginProtection
}

func newGuard(token string, login func(http.ResponseWriter, bool)) *guard {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("assay console login"))
	return &guard{
		token: token,
		proof: hex.EncodeToString(mac.Sum(nil)),
		login: login,
		cross: http.NewCrossOriginProtection(),
	}
}

// protect lets through to next only what is allowed, with headers that keep a browser from doing more
// with an answer than it should.
func (g *guard) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		switch {
		case isProbe(r):
			next.ServeHTTP(w, r)
		case g.token == "" && !loopback(r.Host):
			writeError(w, http.StatusForbidden, &assay.Error{Code: codeForbidden, What: "this name is not answered without a token",
				Where: r.Host, Hint: "use 127.0.0.1 or localhost, or start the laboratory with --token"})
		case g.cross.Check(r) != nil:
			writeError(w, http.StatusForbidden, &assay.Error{Code: codeForbidden, What: "changes from other sites are refused"})
		case r.URL.Path == "/login" && r.Method == http.MethodPost:
			g.signIn(w, r)
		case g.allowed(r):
			next.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == "/metrics":
			w.Header().Set("WWW-Authenticate", `Bearer realm="assay"`)
			writeError(w, http.StatusUnauthorized, &assay.Error{Code: codeUnauthorized, What: "the token is missing or wrong",
				Hint: "send it as Authorization: Bearer TOKEN"})
		case r.Method == http.MethodGet && g.matches(r.URL.Query().Get("token")):
			g.exchange(w, r)
		default:
			g.login(w, false)
		}
	})
}

func secureHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // no-referrer would make browsers hide the origin of our own forms
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func isProbe(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// allowed tells whether the caller may have what is asked for. Style and script hold no data, and the
// login page needs them.
func (g *guard) allowed(r *http.Request) bool {
	if g.token == "" || strings.HasPrefix(r.URL.Path, "/static/") {
		return true
	}
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		return g.matches(token)
	}
	cookie, err := r.Cookie(loginCookie)
	return err == nil && equal(cookie.Value, g.proof)
}

func (g *guard) matches(token string) bool { return g.token != "" && equal(token, g.token) }

// equal compares in constant time, whatever the lengths.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// signIn takes the token from the login page's form.
func (g *guard) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if !g.matches(r.PostFormValue("token")) {
		g.login(w, true)
		return
	}
	g.remember(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// exchange takes the token out of the address, where it would be seen and kept.
func (g *guard) exchange(w http.ResponseWriter, r *http.Request) {
	g.remember(w, r)
	query := r.URL.Query()
	query.Del("token")
	to := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, "/"), RawQuery: query.Encode()}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

func (g *guard) remember(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{
		Name: loginCookie, Value: g.proof, Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}

// loopback tells whether a Host header names this very machine. Any other name could be a stranger's,
// made to resolve here (DNS rebinding).
func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761
}
