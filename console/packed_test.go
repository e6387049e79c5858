package console

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func packedCall(c *Console, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://127.0.0.1:8090"+path, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

func TestPagesAndChartsArePacked(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	for path, want := range map[string]string{
		"/experiments/rounding-float":                                 "gzip",
		"/api/v1/experiments/rounding-float/charts/course":            "", // too short to gain by it
		"/trials/0c0ffee0-0000-4000-8000-000000000000/images/control": "", // packed already
		"/api/v1/experiments":                                         "", // the API's callers take it as it is
		"/static/x/charts.js":                                         "gzip",
	} {
		w := packedCall(c, path)
		if got := w.Header().Get("Content-Encoding"); got != want || w.Code != http.StatusOK {
			t.Errorf("%s: %d, encoded %q, want %q", path, w.Code, got, want)
		}
	}
	plain := call(t, c, "GET", "/experiments/rounding-float", "").Body.String()
	small := packedCall(c, "/experiments/rounding-float").Body
	if length := small.Len(); length > len(plain)/3 {
		t.Errorf("%d bytes are packed into %d", len(plain), length)
	}
	unpacked, err := gzip.NewReader(small)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(unpacked); err != nil || !strings.EqualFold(string(text), plain) {
		t.Errorf("another page: %v", err)
	}
}
