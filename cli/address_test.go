package cli

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestWhoMayUseTheAWSAddress(t *testing.T) {
	for _, c := range []struct {
		name, token, host string
		header            http.Header
		want              int
	}{
		{"a program of this machine", "", "127.0.0.1:4566", nil, 200},
		{"localhost", "", "localhost:4566", nil, 200},
		{"IPv6", "", "[::1]:4566", nil, 200},
		{"a name that leads to loopback", "", "evil.example", nil, 403},
		{"a page of another site", "", "127.0.0.1:4566", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		{"a page of another origin", "", "127.0.0.1:4566", http.Header{"Origin": {"http://evil.example"}}, 403},
		{"no token", "t", "10.0.0.1:4566", nil, 403},
		{"another token", "t", "10.0.0.1:4566", http.Header{"Authorization": {"Bearer u"}}, 403},
		{"the token", "t", "10.0.0.1:4566", http.Header{"Authorization": {"Bearer t"}}, 200},
		{"the token as AWS clients send it", "t", "10.0.0.1:4566", http.Header{"X-Amz-Security-Token": {"t"}}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := guarded(c.token, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r := httptest.NewRequest("POST", "/2015-03-31/functions/f/invocations", nil)
			r.Host = c.host
			for k, v := range c.header {
				r.Header[k] = v
			}
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != c.want {
				t.Errorf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:1": true, "[::1]:80": true, "localhost:80": true,
		"0.0.0.0:80": false, ":80": false, "[::]:80": false, "10.0.0.1:80": false, "127.0.0.1": false, "localhost.evil:80": false,
	} {
		if got := loopback(address); got != want {
			t.Errorf("loopback(%q) = %t", address, got)
		}
	}
}
