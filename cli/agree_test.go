package cli

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/store/postgres/postgrestest"
	"github.com/assaylab/assay/stream/natstest"
)

// agreement is how soon all gateways do what one was told.
const agreement = time.Second

// TestGatewaysAgree changes an experiment at one gateway of three after the other, and takes the time from the order until
// each of the others goes by it. One order may meet a machine that is busy with something else; the median does not.
func TestGatewaysAgree(t *testing.T) {
	t.Parallel()
	f := startFleet(t, natstest.Start(t).URL, postgrestest.Start(t).URL, 3)
	text := serveText(t, "control")
	file := write(t, f.dir+"/e.yaml", fmt.Sprintf(fleetExperiment, text.URL, text.URL))
	took := map[string][]time.Duration{}
	for round := range 5 {
		f.gateways[0].must("apply", "-f", file)
		f.agree(func(l *lab) error { return sampling(l, 1) })
		at := f.gateways[round%3]
		order := func(change, method, body string, so func(shape.Experiment) bool) {
			took[change] = append(took[change], f.order(at, method, body, so))
		}
		share := float64(10+round) / 100
		order("ramp", "PATCH", fmt.Sprintf(`{"sample": %g}`, share), func(e shape.Experiment) bool { return e.Sample == share })
		order("pause", "PATCH", `{"state": "paused"}`, func(e shape.Experiment) bool { return e.State == "paused" })
		for _, l := range f.gateways {
			paused(t, l)
		}
		order("delete", "DELETE", "", func(e shape.Experiment) bool { return e.Name == "" })
		for _, l := range f.gateways {
			if got, err := send(t.Context(), "GET", l.gateway+"/e", nil, nil); err != nil || got.status != http.StatusNotFound {
				t.Errorf("a deleted experiment answers %v %d", err, got.status)
			}
		}
	}
	for change, all := range took {
		slices.Sort(all)
		median := all[len(all)/2]
		t.Logf("three gateways agree on %-6s within %7s (median of %d), %7s at most", change, median.Round(100*time.Microsecond), len(all), all[len(all)-1].Round(100*time.Microsecond))
		if median > agreement {
			t.Errorf("gateways take %s to agree on %s", median, change)
		}
	}
}

// paused makes a request that must not become a trial.
func paused(t *testing.T, l *lab) {
	t.Helper()
	before := l.experiment("e")
	if _, err := send(t.Context(), "GET", l.gateway+"/e", nil, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error {
		if e := l.experiment("e"); e.NotSampled["paused"] == before.NotSampled["paused"] || e.Sampled != before.Sampled {
			return fmt.Errorf("of a paused experiment %d were sampled, and not sampled %v", e.Sampled-before.Sampled, e.NotSampled)
		}
		return nil
	})
}

// order changes the experiment at one gateway, and returns how long it took until the last one went by that.
func (f *fleet) order(at *lab, method, body string, so func(shape.Experiment) bool) time.Duration {
	f.t.Helper()
	const path = "/api/v1/experiments/e"
	began := time.Now()
	got, err := send(f.t.Context(), method, "http://"+at.console+path, http.Header{"Content-Type": {"application/json"}}, []byte(body))
	if err != nil || got.status >= 300 {
		f.t.Fatalf("%s %s: %v %d %s", method, body, err, got.status, got.body)
	}
	for _, l := range f.gateways {
		for {
			var e shape.Experiment
			got, err := send(f.t.Context(), "GET", "http://"+l.console+path, nil, nil)
			if err != nil {
				f.t.Fatal(err)
			}
			if got.status == http.StatusOK {
				decode(f.t, got.body, &e)
			}
			if so(e) {
				break
			}
			if time.Since(began) > time.Minute {
				f.t.Fatalf("a gateway does not agree: %s", strings.TrimSpace(got.body))
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	return time.Since(began)
}
