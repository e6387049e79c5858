package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay/notify"
)

// TestPeopleAreToldOfAVerdict by a webhook, once, also over a restart.
func TestPeopleAreToldOfAVerdict(t *testing.T) {
	t.Parallel()
	told := make(chan notify.Event, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e notify.Event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		told <- e
	}))
	defer hook.Close()
	control, candidate := serveText(t, "one"), serveText(t, "two")
	dir := t.TempDir()
	file := write(t, dir+"/assay.yaml", fmt.Sprintf(`
experiments:
  orders:
    path: orders
    control: {url: %q}
    candidates: {new: {url: %q}}
    hypothesis: {mismatch: "<= 5%%"}
notify:
  - webhook: {url: %q}
`, control.URL, candidate.URL, hook.URL))
	l := startLab(t, dir+"/data", "-f", file)
	if out := l.must("notify", "test", "-f", file); !strings.Contains(out, "webhook\ttold") {
		t.Errorf("notify test says %q", out)
	}
	if e := next(t, told); !strings.HasPrefix(e.ID, "test/") {
		t.Errorf("the test told %+v", e)
	}
	for range 40 {
		if _, err := send(t.Context(), "GET", l.gateway+"/orders", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	e := next(t, told)
	if e.ID != "verdict/orders/new/1:refuted" || e.Outcome != "refuted" || !strings.HasSuffix(e.Link, "/experiments/orders") {
		t.Errorf("told %+v", e)
	}
	l.stop()
	l = startLab(t, dir+"/data", "-f", file)
	l.must("pause", "orders") // it has looked by the time that this is in force, or soon after
	write(t, file, strings.Replace(string(mustRead(t, file)), "path: orders", "path: orders\n    secondary: 50%", 1))
	eventually(t, 20*time.Second, func() error {
		if e := l.experiment("orders"); e.Version < 3 {
			return fmt.Errorf("version %d", e.Version)
		}
		return nil
	})
	select {
	case e := <-told:
		t.Errorf("told again: %+v", e)
	default:
	}
	if out, stderr, code := l.assay("notify", "test", "-f", write(t, dir+"/gone.yaml", "notify:\n  - webhook: {url: \"http://127.0.0.1:1/\"}\n")); code != 4 || !strings.Contains(stderr, "could not be told") {
		t.Errorf("exit code %d: %s%s", code, out, stderr)
	}
	if _, stderr, _ := l.assay("notify", "test", "-f", write(t, dir+"/unset.yaml", "notify:\n  - webhook: {url: \"env:ASSAY_UNSET\"}\n")); strings.Count(stderr, "hint:") != 1 {
		t.Errorf("of a variable that is not set: %s", stderr)
	}
	if _, stderr, code := l.assay("notify", "test", "-f", write(t, dir+"/bare.yaml", "notify:\n  - slack: {url: \"https://hooks.slack.com/T0/hush\"}\n")); code != 2 || strings.Contains(stderr, "hush") {
		t.Errorf("a secret in the definition: exit code %d: %s", code, stderr)
	}
}

// next is what comes next, if anything does.
func next(t *testing.T, told <-chan notify.Event) notify.Event {
	t.Helper()
	select {
	case e := <-told:
		return e
	case <-time.After(30 * time.Second):
		t.Fatal("nobody was told")
		return notify.Event{}
	}
}
