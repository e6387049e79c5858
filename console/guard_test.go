package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestHostGuardsAgainstRebinding(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	for host, want := range map[string]int{
		"127.0.0.1:8090": 200, "127.5.6.7": 200, "[::1]:8090": 200, "localhost:8090": 200, "LocalHost": 200, "assay.localhost": 200,
		"evil.example": 403, "127.0.0.1.evil.example:8090": 403, "localhost.evil.example": 403, "10.0.0.1:8090": 403, "[::]:80": 403, "": 403, "notlocalhost": 403,
	} {
		r := httptest.NewRequest("GET", "/api/v1/version", nil)
		r.Host = host
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
	}
	r := httptest.NewRequest("GET", "/healthz", nil)
	r.Host = "10.0.0.1"
	w := httptest.NewRecorder()
	if c.ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("a probe is answered under any name, got %d", w.Code)
	}
}

func TestCrossSiteChangesAreRefused(t *testing.T) {
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "": 200} {
		lab := newFakeLab()
		r := httptest.NewRequest("PATCH", "http://127.0.0.1/api/v1/experiments/qr", strings.NewReader(`{"state":"paused"}`))
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		newConsole(lab, nil).ServeHTTP(w, r)
		if w.Code != want || (len(lab.patches) == 1) != (want == 200) {
			t.Errorf("%q: %d, %d patches", site, w.Code, len(lab.patches))
		}
	}
}

const token = "correct horse battery"

func guarded(t *testing.T, method, path string, adjust func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	c := newConsole(newFakeLab(), func(o *Options) { o.Token = token })
	r := httptest.NewRequest(method, "http://assay.example"+path, nil)
	if adjust != nil {
		adjust(r)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

func TestTokenIsAskedOfEverything(t *testing.T) {
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/": 401, "/metrics": 401, "/api/v1/experiments": 401, "/api/v1/events": 401, "/nope": 401,
		"/trials/0c0ffee0-0000-4000-8000-000000000000/images/wrong": 401, "/?token=wrong": 401, "/api/v1/version?token=" + url.QueryEscape(token): 401,
	} {
		if w := guarded(t, "GET", path, nil); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	for header, want := range map[string]int{
		"Bearer " + token: 200, "bearer " + token: 200, "Bearer wrong": 401, "Bearer ": 401, token: 401, "Basic " + token: 401,
	} {
		w := guarded(t, "GET", "/api/v1/experiments", func(r *http.Request) { r.Header.Set("Authorization", header) })
		if w.Code != want {
			t.Errorf("Authorization %q: %d, want %d", header, w.Code, want)
		}
	}
}

func TestSignIn(t *testing.T) {
	form := func(value string) func(*http.Request) {
		return func(r *http.Request) {
			*r = *httptest.NewRequest("POST", r.URL.String(), strings.NewReader(url.Values{"token": {value}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	if w := guarded(t, "POST", "/login", form("wrong")); w.Code != 401 || len(w.Result().Cookies()) != 0 || !strings.Contains(w.Body.String(), "not the token") {
		t.Errorf("a wrong token: %d %v", w.Code, w.Result().Cookies())
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"form": guarded(t, "POST", "/login", form(token)),
		"link": guarded(t, "GET", "/experiments/qr?outcome=match&token="+url.QueryEscape(token), nil),
	} {
		cookies := w.Result().Cookies()
		if w.Code != http.StatusSeeOther || len(cookies) != 1 {
			t.Fatalf("%s: %d, %v", name, w.Code, cookies)
		}
		if k := cookies[0]; !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || strings.Contains(k.Value, token) {
			t.Errorf("%s: cookie %+v", name, k)
		}
		if to := w.Header().Get("Location"); strings.Contains(to, "token") || !strings.HasPrefix(to, "/") {
			t.Errorf("%s: sent to %s", name, to)
		}
		if page := guarded(t, "GET", "/", func(r *http.Request) { r.AddCookie(cookies[0]) }); page.Code != 200 {
			t.Errorf("%s: with the cookie %d", name, page.Code)
		}
	}
	stale := &http.Cookie{Name: loginCookie, Value: newGuard("another token", nil).proof}
	if w := guarded(t, "GET", "/", func(r *http.Request) { r.AddCookie(stale) }); w.Code != 401 {
		t.Errorf("another token's cookie: %d", w.Code)
	}
}

func TestLinkNeverLeavesTheConsole(t *testing.T) {
	w := guarded(t, "GET", "//evil.example/?token="+url.QueryEscape(token), func(r *http.Request) {
		r.URL = &url.URL{Path: "//evil.example/", RawQuery: "token=" + url.QueryEscape(token)}
	})
	if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || strings.HasPrefix(to, "//") {
		t.Errorf("%d to %q", w.Code, to)
	}
}

func TestEveryAnswerIsHardened(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	for _, path := range []string{"/", "/nope", "/static/x/app.js", "/api/v1/experiments", "/metrics", "/trials/e0000000-0000-4000-8000-000000000000"} {
		h := call(t, c, "GET", path, "").Header()
		if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, h)
		}
	}
}
