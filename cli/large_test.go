package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Of answers longer than the budget holds the beginnings are compared, and never taken for equal; longer requests
// make no trials. Clients notice neither.
func TestWhatIsLongerThanTheBudget(t *testing.T) {
	t.Parallel()
	answer := strings.Repeat("x", 5000)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := len(answer)
		if r.URL.Path == "/short" {
			n = 1000
		}
		_, _ = w.Write([]byte(answer[:n]))
	}))
	t.Cleanup(service.Close)
	f := startFolder(t, fmt.Sprintf(`experiments:
  e:
    path: "*"
    unsafe: true
    budget: {body: 1KB}
    control: {url: %[1]q}
    candidates: {c: {url: %[1]q}}
`, service.URL))
	for path, want := range map[string]int{"/long": 5000, "/short": 1000} {
		if got := f.gets(path); len(got) != want {
			t.Errorf("%s gets %d bytes", path, len(got))
		}
	}
	for _, size := range []int{1000, 5000} {
		got, err := send(t.Context(), "POST", f.gateway+"/short", nil, []byte(answer[:size]))
		if err != nil || got.status != 200 || len(got.body) != 1000 {
			t.Errorf("a POST of %d bytes gets %+v, %v", size, got, err)
		}
	}
	e := f.settled("e")
	if e.Sampled != 4 || e.Trials != 3 || e.Dropped["too_large"] != 1 {
		t.Errorf("sampled %d, trials %d, dropped %v", e.Sampled, e.Trials, e.Dropped)
	}
	c := arm(&e, "c")
	if c.Matches != 2 || c.Mismatches != 1 || len(c.Paths) != 1 || c.Paths[0].Path != "body" || c.Paths[0].Kind != "truncated" {
		t.Errorf("the candidate: %+v", c)
	}
}
