package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaylab/assay/store/postgres/postgrestest"
	"github.com/assaylab/assay/stream/natstest"
)

const fleetExperiment = "experiments:\n  e:\n    path: e\n    control: {url: %q}\n    candidates: {c: {url: %q}}\n"

// TestManyMachines: two gateways and two workers make one laboratory, whoever of them, or of what they use, dies.
func TestManyMachines(t *testing.T) {
	t.Parallel()
	database, server := postgrestest.Start(t), natstest.Start(t)
	control := serveText(t, "control")
	var hold atomic.Bool
	candidate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for hold.Load() && r.Context().Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		fmt.Fprint(w, "control")
	}))
	t.Cleanup(candidate.Close)
	f := startFleet(t, server.URL, database.URL, 2)
	one, two := f.gateways[0], f.gateways[1]
	first, second := f.worker(), f.worker()
	file := write(t, f.dir+"/e.yaml", fmt.Sprintf(fleetExperiment, control.URL, candidate.URL))

	one.must("apply", "-f", file)
	f.agree(func(l *lab) error { return servesAt(l, 1) })
	f.send(one, 50)
	f.send(two, 50)
	f.addsUp()
	if e := two.experiment("e"); e.Trials != 100 {
		t.Fatalf("%d trials of 100: %v", e.Trials, e.Dropped)
	}

	two.must("ramp", "e", "0%")
	f.agree(func(l *lab) error { return sampling(l, 0) })
	f.send(one, 20)
	one.must("ramp", "e", "100%")
	f.agree(func(l *lab) error { return sampling(l, 1) })

	hold.Store(true) // a worker dies in the middle of trials
	f.send(one, 30)
	f.send(two, 30)
	eventually(t, time.Minute, func() error { return handedOver(one, 60) })
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	hold.Store(false)
	f.addsUp()

	server.Kill() // the stream goes away and comes back
	f.send(one, 40)
	f.send(two, 40)
	server.Run()
	f.addsUp()
	if e := one.experiment("e"); e.Trials != 240 || e.DroppedInAll() != 0 {
		t.Errorf("%d trials and %v dropped, want 240 and none", e.Trials, e.Dropped)
	}

	one.cmd.Process.Kill() // a gateway dies, with all it handed over in the stream
	<-one.ended
	f.gateways[0] = f.gateway(0)
	f.send(f.gateways[0], 10)
	f.addsUp()

	two.must("delete", "e")
	f.agree(func(l *lab) error { return servesAt(l, 0) })
	_ = second
}

// TestPostgresDiesUnderAStream: offers wait in the stream while the database is away, and no trial is lost or counted
// twice.
func TestPostgresDiesUnderAStream(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t)
	f := startFleet(t, natstest.Start(t).URL, database.URL, 1)
	l := f.gateways[0]
	f.worker()
	text := serveText(t, "control")
	l.must("apply", "-f", write(t, f.dir+"/e.yaml", fmt.Sprintf(fleetExperiment+"    sample: 10%%\n", text.URL, text.URL)))
	clients := startTraffic(t, 2, l.gateway+"/e", "control")
	more := func(than int64) func() error {
		return func() error {
			if n := l.experiment("e").Trials; n < than+50 {
				return fmt.Errorf("%d trials, and %d before", n, than)
			}
			return nil
		}
	}
	for range 2 {
		eventually(t, time.Minute, more(l.experiment("e").Trials))
		database.Kill() // in the middle of transactions
		eventually(t, time.Minute, func() error { return metricIs(l, "assay_store_outage 1") })
		database.Start(t)
		eventually(t, time.Minute, func() error { return metricIs(l, "assay_store_outage 0") })
	}
	eventually(t, time.Minute, more(l.experiment("e").Trials))
	sent := clients.end()
	e := l.settled("e")
	if e.Requests != sent || e.NotSampled["store"] == 0 || e.DroppedInAll() != 0 {
		t.Errorf("%d requests of %d, not sampled %v, dropped %v", e.Requests, sent, e.NotSampled, e.Dropped)
	}
	if n := l.keptTrials("e"); n != e.Trials {
		t.Errorf("%d trials are kept, and %d counted", n, e.Trials)
	}
	t.Logf("%d requests, client errors 0, not sampled %v, sampled %d, trials %d", e.Requests, e.NotSampled, e.Sampled, e.Trials)
}
