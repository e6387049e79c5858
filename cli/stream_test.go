package cli

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/assaylab/assay/store/postgres/postgrestest"
	"github.com/assaylab/assay/stream/natstest"
)

// fleet is gateways and workers of one laboratory, each a process of its own, on one NATS server and one database.
type fleet struct {
	t        *testing.T
	dir      string
	flags    []string
	gateways []*lab
	sent     int64
}

// startFleet starts so many gateways, which try nothing themselves.
func startFleet(t *testing.T, nats, postgres string, gateways int) *fleet {
	f := &fleet{t: t, dir: t.TempDir()}
	key := make([]byte, 32)
	rand.Read(key)
	keyFile := filepath.Join(f.dir, "key")
	if err := os.WriteFile(keyFile, key, 0o600); err != nil {
		t.Fatal(err)
	}
	f.flags = []string{"--stream", nats, "--store", postgres, "--key", keyFile}
	for i := range gateways {
		f.gateways = append(f.gateways, f.gateway(i))
	}
	return f
}

func (f *fleet) gateway(i int) *lab {
	return startLab(f.t, filepath.Join(f.dir, fmt.Sprint("gateway-", i)), append(f.flags, "--workers", "0")...)
}

// worker starts a worker and waits until it is ready.
func (f *fleet) worker() *exec.Cmd {
	f.t.Helper()
	var mu sync.Mutex
	var log bytes.Buffer
	cmd := exec.Command(assayBinary(f.t), append([]string{"work", "--console", "127.0.0.1:0"}, f.flags...)...)
	cmd.Stderr = writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	})
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // or it was killed before
		_ = cmd.Wait()
	})
	eventually(f.t, time.Minute, func() error {
		mu.Lock()
		defer mu.Unlock()
		if !strings.Contains(log.String(), "msg=ready") {
			return fmt.Errorf("the worker is not ready: %s", log.String())
		}
		return nil
	})
	return cmd
}

// send makes requests at a gateway; each must be served.
func (f *fleet) send(l *lab, n int) {
	f.t.Helper()
	for range n {
		if _, err := send(f.t.Context(), "GET", l.gateway+"/e", nil, nil); err != nil {
			f.t.Fatal(err)
		}
		atomic.AddInt64(&f.sent, 1)
	}
}

// addsUp waits until nothing is in flight, and checks every count against the others.
func (f *fleet) addsUp() {
	f.t.Helper()
	eventually(f.t, time.Minute, func() error {
		for _, l := range f.gateways {
			e := l.experiment("e")
			if e.Requests != f.sent || e.InFlight != 0 || e.Sampled != e.Trials+dropped(&e) {
				return fmt.Errorf("%d sent, and a gateway counts %d requests, %d sampled, %d trials, %v dropped, %d in flight", f.sent, e.Requests, e.Sampled, e.Trials, e.Dropped, e.InFlight)
			}
		}
		return nil
	})
}

const fleetExperiment = "experiments:\n  e:\n    path: e\n    control: {url: %q}\n    candidates: {c: {url: %q}}\n"

// TestManyMachines: two gateways and two workers make one laboratory, whoever of them, or of what they use, dies.
func TestManyMachines(t *testing.T) {
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
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	hold.Store(false)
	f.addsUp()

	server.Kill() // the stream goes away and comes back
	f.send(one, 40)
	f.send(two, 40)
	server.Run()
	f.addsUp()
	if e := one.experiment("e"); e.Trials != 240 || dropped(&e) != 0 {
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

// agree waits until something is so at all gateways: a second, and more where the machine is busy.
func (f *fleet) agree(so func(*lab) error) {
	f.t.Helper()
	for _, l := range f.gateways {
		eventually(f.t, 30*time.Second, func() error { return so(l) })
	}
}

func servesAt(l *lab, want int) error {
	if n := strings.Count(l.must("get", "experiments"), "\ne "); n != want {
		return fmt.Errorf("%d experiments, want %d", n, want)
	}
	return nil
}

func sampling(l *lab, want float64) error {
	if e := l.experiment("e"); e.Sample != want {
		return fmt.Errorf("samples %g, want %g", e.Sample, want)
	}
	return nil
}

func handedOver(l *lab, inFlight int64) error {
	if e := l.experiment("e"); e.InFlight != inFlight {
		return fmt.Errorf("%d in flight, want %d", e.InFlight, inFlight)
	}
	return nil
}
