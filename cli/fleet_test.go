package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

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

// worker is one `assay work`.
type worker struct {
	t       *testing.T
	cmd     *exec.Cmd
	console string

	mu  sync.Mutex
	log bytes.Buffer
}

var workerReady = regexp.MustCompile(`msg=ready console=(\S+)`)

// worker starts a worker and waits until it is ready.
func (f *fleet) worker() *worker {
	f.t.Helper()
	w := &worker{t: f.t, cmd: exec.Command(assayBinary(f.t), append([]string{"work", "--console", "127.0.0.1:0"}, f.flags...)...)}
	w.cmd.Stderr = writerFunc(w.write)
	if err := w.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(w.end)
	eventually(f.t, time.Minute, func() error {
		ready := workerReady.FindStringSubmatch(w.logged())
		if ready == nil {
			return fmt.Errorf("the worker is not ready: %s", w.logged())
		}
		w.console = ready[1]
		return nil
	})
	return w
}

func (w *worker) write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *worker) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// signal tells the worker's process; one that has ended does not mind.
func (w *worker) signal(s syscall.Signal) { _ = w.cmd.Process.Signal(s) }

// end lets the worker finish what it has begun, if it has not ended.
func (w *worker) end() {
	w.signal(syscall.SIGCONT)
	w.signal(syscall.SIGTERM)
	_ = w.cmd.Wait() // or it was killed before
}

// kill ends the worker at once.
func (w *worker) kill() {
	w.signal(syscall.SIGKILL)
	_ = w.cmd.Wait()
}

// busy waits until the worker has offers in hand.
func (w *worker) busy() {
	w.t.Helper()
	eventually(w.t, time.Minute, func() error {
		got, err := send(context.Background(), "GET", "http://"+w.console+"/metrics", nil, nil)
		if err == nil && !inHand.MatchString(got.body) {
			err = errors.New("the worker has nothing in hand")
		}
		return err
	})
}

var inHand = regexp.MustCompile(`(?m)^assay_work_in_hand [1-9]`)

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
			if e.Requests != f.sent || e.InFlight != 0 || e.Sampled != e.Trials+e.DroppedInAll() {
				return fmt.Errorf("%d sent, and a gateway counts %d requests, %d sampled, %d trials, %v dropped, %d in flight", f.sent, e.Requests, e.Sampled, e.Trials, e.Dropped, e.InFlight)
			}
		}
		return nil
	})
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

// streamPart lets the way of a gateway and a worker to NATS fail, and the server itself.
func streamPart(t *testing.T, _, file string, _ *link) part {
	server := natstest.Start(t)
	way := newLink(t, strings.TrimPrefix(server.URL, "nats://"))
	f := startFleet(t, "nats://"+way.address, postgrestest.Start(t).URL, 1)
	f.gateways[0].must("apply", "-f", file)
	f.worker()
	return part{lab: f.gateways[0], bring: func(fault string) (func(), string) {
		if fault == "killed" {
			server.Kill()
			return server.Run, ""
		}
		way.fail(fault)
		return func() {
			if fault == "hung" {
				f.gateways[0].says("the stream does not take offers")
			}
			way.fail(working)
		}, ""
	}}
}

// workerPart lets the one worker of a gateway fail, with offers in hand where that makes a difference.
func workerPart(t *testing.T, _, file string, candidate *link) part {
	server := natstest.Start(t)
	f := startFleet(t, server.URL, postgrestest.Start(t).URL, 1)
	gateway := f.gateways[0]
	gateway.must("apply", "-f", file)
	giveUpSoon(t, server.URL)
	w := f.worker()
	caught := func(how func()) func() { // in the middle of calls
		candidate.fail("hung")
		return func() {
			w.busy()
			how()
			candidate.fail(working)
		}
	}
	return part{lab: gateway, bring: func(fault string) (func(), string) {
		switch fault {
		case "slow":
			return w.stumble(), ""
		case "hung":
			return caught(func() {
				w.signal(syscall.SIGSTOP)
				other := f.worker()
				gateway.done(t, "e") // the other has tried all that the first has in hand
				w.end()              // which now keeps it a second time
				w = other
			}), ""
		case "refused": // there is none
			w.end()
			return func() { w = f.worker() }, ""
		case "killed":
			return caught(func() { w.kill(); w = f.worker() }), ""
		}
		return func() {}, ""
	}}
}

// giveUpSoon has workers taken for dead that are silent for two seconds, as whoever runs NATS may.
func giveUpSoon(t *testing.T, server string) {
	t.Helper()
	conn, err := nats.Connect(server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	const offers, workers = "assay-offers", "workers"
	consumer, err := js.Consumer(t.Context(), offers, workers)
	if err != nil {
		t.Fatal(err)
	}
	edited := consumer.CachedInfo().Config
	edited.AckWait = 2 * time.Second
	if _, err := js.UpdateConsumer(t.Context(), offers, edited); err != nil {
		t.Fatal(err)
	}
}

// stumble stops the worker's process for most of the time, until it is released.
func (w *worker) stumble() (release func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			w.signal(syscall.SIGSTOP)
			select {
			case <-over:
				w.signal(syscall.SIGCONT)
				return
			case <-time.After(100 * time.Millisecond):
			}
			w.signal(syscall.SIGCONT)
			time.Sleep(10 * time.Millisecond) // the worker's turn
		}
	}()
	return func() { close(over); <-ended }
}

// says waits until something is in the laboratory's log.
func (l *lab) says(what string) {
	l.t.Helper()
	eventually(l.t, time.Minute, func() error {
		if !strings.Contains(l.logged(), what) {
			return fmt.Errorf("it does not say %q: %s", what, l.logged())
		}
		return nil
	})
}
