package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assaylab/assay/store/postgres/postgrestest"
)

// outage is a store with a way to break it, and to mend it.
type outage struct {
	store       string // for --store
	breaks      func()
	mends       func()
	unreachable bool // nothing can be read either
}

// TestStoresComeBack breaks the store under traffic: no client notices, no trial is lost or counted twice, it is said
// once, and trials go on by themselves when the store is back.
func TestStoresComeBack(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) outage{"full disk": fullDisk, "PostgreSQL stops": stoppedServer} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			control := serveText(t, "control")
			dir := t.TempDir()
			file := write(t, dir+"/assay.yaml", fmt.Sprintf("experiments:\n  base:\n    path: base/*\n    sample: 20%%\n    control: {url: %q}\n    candidates: {c: {url: %q}}\n", control.URL, control.URL))
			l := startLab(t, dir+"/data", "-f", file, "--store", o.store)
			clients := startTraffic(t, 2, l.gateway+"/base/"+strings.Repeat("x", 500), "control")
			more := func() error {
				before := l.experiment("base").Trials
				return growsBeyond(l, before+20)
			}
			eventually(t, 30*time.Second, more)
			o.breaks()
			eventually(t, 30*time.Second, func() error { return metricIs(l, "assay_store_outage 1") })
			if page, err := send(t.Context(), "GET", "http://"+l.console+"/", nil, nil); err != nil || !o.unreachable && !strings.Contains(page.body, "No trials are made") {
				t.Errorf("the page says nothing of it: %v", err)
			}
			o.mends()
			eventually(t, 30*time.Second, func() error { return metricIs(l, "assay_store_outage 0") })
			eventually(t, 30*time.Second, more)
			clients.end()
			e := l.settled("base")
			if e.NotSampled["store"] == 0 || e.Dropped["store"] != 0 || e.Dropped["killed"] != 0 {
				t.Errorf("not sampled: %v, dropped: %v", e.NotSampled, e.Dropped)
			}
			if said := l.logged(); strings.Count(said, "the store takes no trials") != 1 || strings.Count(said, "the store takes trials again") != 1 {
				t.Errorf("it said %s", said)
			}
			if strings.Contains(l.logged(), "s3cret") {
				t.Error("the log shows the password")
			}
		})
	}
}

func growsBeyond(l *lab, trials int64) error {
	for range 50 {
		if l.experiment("base").Trials > trials {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.New("there are no new trials")
}

func metricIs(l *lab, line string) error {
	got, err := send(l.t.Context(), "GET", "http://"+l.console+"/metrics", nil, nil)
	if err == nil && !strings.Contains(got.body, "\n"+line+"\n") {
		err = errors.New("the metric is not yet: " + line)
	}
	return err
}

// fullDisk is a small file system, which another file fills; the trials of a minute would not.
func fullDisk(t *testing.T) outage {
	dir := t.TempDir()
	if err := syscall.Mount("assay", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("a small disk cannot be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	filler := filepath.Join(dir, "filler")
	return outage{
		store: "sqlite:" + filepath.Join(dir, "assay.db"),
		breaks: func() {
			if err := os.WriteFile(filler, make([]byte, 64<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("the disk is not full: %v", err)
			}
		},
		mends: func() {
			if err := os.Remove(filler); err != nil {
				t.Error(err)
			}
		},
	}
}

func stoppedServer(t *testing.T) outage {
	server := postgrestest.Start(t)
	return outage{
		store:  strings.Replace(server.URL, "assay@", "assay:s3cret@", 1),
		breaks: server.Stop, mends: func() { server.Start(t) }, unreachable: true,
	}
}
