package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// TestAnExperimentPausesItself when its control's clients get errors, stays so over a restart, and goes on when a
// person says so.
func TestAnExperimentPausesItself(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer control.Close()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "a.yaml"), fmt.Sprintf(`
experiments:
  orders:
    path: orders
    holdout: 10%%
    protect: {errors: "<= 1%%"}
    control: {url: %q}
    candidates: {same: {url: %q}}
`, control.URL, control.URL))
	l := startLab(t, dir, "-f", file, "--memory", "64MB", "--concurrency", "8", "--queue", "100")
	for range 60 {
		if _, err := send(t.Context(), "GET", l.gateway+"/orders", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	paused := func(l *lab) {
		t.Helper()
		eventually(t, 20*time.Second, func() error {
			if e := l.experiment("orders"); e.State != assay.StatePaused || e.Tripped != assay.SwitchErrors {
				return fmt.Errorf("%s, tripped %q", e.State, e.Tripped)
			}
			return nil
		})
	}
	paused(l)
	if e := l.experiment("orders"); e.NotSampled["paused"] == 0 || e.Overhead.Errors == 0 {
		t.Errorf("not sampled %v, overhead %+v", e.NotSampled, e.Overhead)
	}
	if said := l.must("describe", "orders"); !strings.Contains(said, "it has paused itself: the limit `protect: errors`") {
		t.Errorf("describe says\n%s", said)
	}
	if n := strings.Count(l.logged(), "an experiment has paused itself"); n != 1 {
		t.Errorf("the log says so %d times", n)
	}
	l.stop()
	l = startLab(t, dir, "-f", file)
	paused(l)
	broken.Store(false)
	l.must("resume", "orders")
	before := l.experiment("orders").Sampled
	for range 20 {
		if _, err := send(t.Context(), "GET", l.gateway+"/orders", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if e := l.experiment("orders"); e.State != assay.StateRunning || e.Tripped != "" || e.Sampled == before {
		t.Errorf("resumed: %s, tripped %q, %d more sampled", e.State, e.Tripped, e.Sampled-before)
	}
	var strata struct{ Strata []assay.TrafficStratum }
	eventually(t, 20*time.Second, func() error { // the trials may be under way yet
		got, err := send(t.Context(), "GET", "http://"+strings.TrimPrefix(l.console, "http://")+"/api/v1/experiments/orders/strata", nil, nil)
		if err != nil || json.Unmarshal([]byte(got.body), &strata) != nil {
			return fmt.Errorf("strata: %s, %w", got.body, err)
		}
		for _, s := range strata.Strata { // requests while it was paused have one without trials
			if s.Route == "/orders" && s.Trials > 0 {
				return nil
			}
		}
		return fmt.Errorf("strata: %s", got.body)
	})
	var seen int64
	for _, s := range strata.Strata {
		seen += s.Requests
	}
	if all := l.experiment("orders").Requests; all != 80 || seen != all {
		t.Errorf("the strata have %d of %d requests, before the restart and after", seen, all)
	}
}
