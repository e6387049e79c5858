package cli

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/store/postgres/postgrestest"
)

// faults are the columns of the matrix, in the order in which each part goes through them.
var faults = []string{"slow", "hung", "refused", "killed", "back again"}

// part is a row: something that the trials of a laboratory need, and how it fails. bring brings a fault about and
// returns what ends it, or nil and why there is no such fault.
type part struct {
	name  string
	lab   *lab
	bring func(fault string) (mend func(), whyNot string)
}

// cellRequests is how many requests are made under each fault.
const cellRequests = 150

// TestFaultMatrix lets each part fail in each way under traffic. In every cell clients get the control's
// answers, and of what was sampled nothing is lost: it is a trial, or dropped and counted.
func TestFaultMatrix(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, dir, file string, candidate *link) part{
		"candidate":      candidatePart,
		"store sqlite":   sqlitePart,
		"store postgres": postgresPart,
		"disk":           diskPart,
		"stream":         streamPart,
		"worker":         workerPart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			control, candidate := serveText(t, "control"), newLink(t, serveText(t, "control").Listener.Addr().String())
			dir := t.TempDir()
			p := start(t, dir+"/data", write(t, dir+"/assay.yaml", fmt.Sprintf(`
experiments:
  e:
    path: e
    budget: {concurrency: 16, queue: 1000, timeout: 400ms}
    control: {url: %q}
    candidates: {c: {url: "http://%s"}}
`, control.URL, candidate.address)), candidate)
			p.name = name
			for _, fault := range faults {
				p.cell(t, fault)
			}
		})
	}
}

// cell makes requests under a fault, ends it, and accounts for what was sampled meanwhile. What is back may take
// some time until it is trusted again.
func (p *part) cell(t *testing.T, fault string) {
	for limit := time.Now().Add(time.Minute); ; {
		a, whyNot := p.traffic(t, fault)
		if whyNot != "" {
			t.Logf("%-14s %-10s does not apply: %s", p.name, fault, whyNot)
			return
		}
		if fault == "back again" && a.trials != cellRequests && time.Now().Before(limit) && !t.Failed() {
			continue
		}
		t.Logf("%-14s %-10s %s", p.name, fault, a)
		if a.failed > 0 || a.lost() != 0 || a.sampled+sumOf(a.notSampled) != cellRequests {
			t.Errorf("%s %s hurts", p.name, fault)
		}
		if fault == "back again" && a.trials != cellRequests {
			t.Errorf("%s is back, and not all requests become trials", p.name)
		}
		return
	}
}

// account is what became of a cell's requests.
type account struct {
	failed          int64 // not answered by the control
	sampled, trials int64
	dropped         map[string]int64 // by reason
	notSampled      map[string]int64 // by reason: while a store takes nothing, nothing is sampled
}

func (a account) lost() int64 {
	return a.sampled - a.trials - sumOf(a.dropped)
}

func (a account) String() string {
	return fmt.Sprintf("%d requests, client errors %d, not sampled %v, sampled %d, trials %d, dropped and reported %v, lost %d",
		cellRequests, a.failed, a.notSampled, a.sampled, a.trials, a.dropped, a.lost())
}

// traffic makes the requests of a cell, and waits until they are accounted for.
func (p *part) traffic(t *testing.T, fault string) (a account, whyNot string) {
	before := p.lab.done(t, "e")
	mend, whyNot := p.bring(fault)
	if mend == nil {
		return a, whyNot
	}
	failed := burst(t, p.lab.gateway+"/e")
	mend()
	after := p.lab.done(t, "e")
	return account{
		failed: failed, sampled: after.Sampled - before.Sampled, trials: after.Trials - before.Trials,
		dropped: more(before.Dropped, after.Dropped), notSampled: more(before.NotSampled, after.NotSampled),
	}, ""
}

// done waits until an experiment can be read, which may take a while after a fault of its store, and nothing of it is
// in flight.
func (l *lab) done(t *testing.T, name string) (e shape.Experiment) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		out, errs, code := l.assay("describe", name, "-o", "json")
		if code != 0 {
			return errors.New(errs)
		}
		if err := json.Unmarshal([]byte(out), &e); err != nil || e.InFlight != 0 {
			return fmt.Errorf("%v, %d in flight", err, e.InFlight)
		}
		return nil
	})
	return e
}

// more is what was added by reason.
func more(before, after map[string]int64) map[string]int64 {
	added := maps.Clone(after)
	for reason, n := range before {
		added[reason] -= n
	}
	maps.DeleteFunc(added, func(_ string, n int64) bool { return n == 0 })
	return added
}

// burst makes the requests of a cell from four clients, and returns how many were not answered by the control.
func burst(t *testing.T, url string) (failed int64) {
	t.Helper()
	var left, bad atomic.Int64
	left.Store(cellRequests)
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for left.Add(-1) >= 0 {
				if got, err := send(context.Background(), "GET", url, nil, nil); err != nil || got.status != 200 || got.body != "control" {
					bad.Add(1)
				}
			}
		})
	}
	clients.Wait()
	return bad.Load()
}

// candidatePart lets the way to the candidate fail.
func candidatePart(t *testing.T, data, file string, candidate *link) part {
	return part{lab: startLab(t, data, "-f", file), bring: func(fault string) (func(), string) {
		candidate.fail(fault)
		return func() { candidate.fail(working) }, ""
	}}
}

// postgresPart lets the way to the database fail.
func postgresPart(t *testing.T, data, file string, _ *link) part {
	u, err := url.Parse(postgrestest.Start(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	way := newLink(t, u.Host)
	u.Host = way.address
	return part{lab: startLab(t, data, "-f", file, "--store", u.String()), bring: func(fault string) (func(), string) {
		way.fail(fault)
		return func() { way.fail(working) }, ""
	}}
}

// sqlitePart lets another process hold the store's file.
func sqlitePart(t *testing.T, data, file string, _ *link) part {
	l := startLab(t, data, "-f", file)
	db, err := sql.Open("sqlite", filepath.Join(data, "assay.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	bring := map[string]func() func(){
		"slow":       func() func() { return holdAgainAndAgain(t, db) },
		"hung":       func() func() { return hold(t, db) },
		"back again": func() func() { return func() {} },
	}
	return part{lab: l, bring: func(fault string) (func(), string) {
		if begin := bring[fault]; begin != nil {
			return begin(), ""
		}
		return nil, "it is a part of the process; TestKillLosesNothingThatWasCounted kills that, and a full disk refuses"
	}}
}

// hold takes the store's lock, and returns what gives it back.
func hold(t *testing.T, db *sql.DB) (release func()) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		conn.Close()
	}
}

// holdAgainAndAgain takes the lock for most of the time, until it is released.
func holdAgainAndAgain(t *testing.T, db *sql.DB) (release func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			give := hold(t, db)
			select {
			case <-over:
				give()
				return
			case <-time.After(100 * time.Millisecond):
				give()
			}
			time.Sleep(10 * time.Millisecond) // the laboratory's turn
		}
	}()
	return func() { close(over); <-ended }
}

// diskPart fills the file system under the data folder: one of its own, in a mount namespace of the laboratory.
func diskPart(t *testing.T, data, file string, _ *link) part {
	if err := exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt").Run(); err != nil {
		t.Skipf("no mount namespace here: %v", err)
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	l := launchBy(t, exec.Command("unshare", "-rm", "sh", "-c", `mount -t tmpfs -o size=32m none "$0" && exec "$@"`, data, assayBinary(t)), data, "-f", file)
	l.wait()
	seen := filepath.Join("/proc", strconv.Itoa(l.cmd.Process.Pid), "root", data)
	return part{lab: l, bring: func(fault string) (func(), string) {
		switch fault {
		case "refused":
			filler := filepath.Join(seen, "filler")
			fill(t, filler)
			return func() { os.Remove(filler) }, ""
		case "back again":
			return func() {}, ""
		}
		return nil, "a disk that waits is a store that waits"
	}}
}

// fill writes until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if err := file.Sync(); err != nil && !errors.Is(err, os.ErrInvalid) {
		t.Log(err)
	}
}
