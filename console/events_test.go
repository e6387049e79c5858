package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaylab/assay"
)

// watcher is a client that listens to events in memory.
type watcher struct {
	mu     sync.Mutex
	text   strings.Builder
	header http.Header
	status int
	leave  context.CancelFunc
	ended  chan struct{}
}

func (w *watcher) Header() http.Header    { return w.header }
func (w *watcher) WriteHeader(status int) { w.status = status }
func (w *watcher) Flush()                 {}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// take returns what came since the last take.
func (w *watcher) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.text.Reset()
	return w.text.String()
}

func watch(c *Console, path string) *watcher {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{header: http.Header{}, status: 200, leave: cancel, ended: make(chan struct{})}
	r := httptest.NewRequestWithContext(ctx, "GET", "http://localhost"+path, nil)
	go func() {
		defer close(w.ended)
		c.ServeHTTP(w, r)
	}()
	return w
}

func TestEventsFollowTheLaboratory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lab := newFakeLab()
		c := newConsole(lab, nil)
		first, second := watch(c, "/api/v1/events"), watch(c, "/api/v1/events")
		synctest.Wait()
		for _, w := range []*watcher{first, second} {
			got := w.take()
			if strings.Count(got, "event: experiments\ndata: {\"experiments\":[{") != 1 || strings.Count(got, "event: functions\n") != 1 {
				t.Errorf("at first: %s", got)
			}
			if w.header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("Content-Type %q", w.header.Get("Content-Type"))
			}
		}
		before := lab.readCount()
		time.Sleep(5 * pollEvery)
		synctest.Wait()
		if got := lab.readCount() - before; got != 5 {
			t.Errorf("%d reads for two watchers in five ticks", got)
		}
		if got := first.take(); got != "" {
			t.Errorf("nothing changed: %s", got)
		}
		lab.change(func(r *assay.Report) { r.Counts.Requests = 1001 })
		lab.change(func(r *assay.Report) { r.Counts.Requests = 1002 })
		time.Sleep(pollEvery)
		synctest.Wait()
		if got := first.take(); strings.Count(got, "event:") != 1 || !strings.Contains(got, `"requests":1002`) {
			t.Errorf("after a change: %s", got)
		}
		time.Sleep(beatEvery)
		synctest.Wait()
		if got := first.take(); got != ": beat\n\n" {
			t.Errorf("heartbeat: %q", got)
		}
		c.Close()
		<-first.ended
		<-second.ended
	})
}

func TestNobodyWatchesNothingIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lab := newFakeLab()
		c := newConsole(lab, nil)
		defer c.Close()
		for range 2 { // the feed starts again
			w := watch(c, "/api/v1/events")
			synctest.Wait()
			if !strings.Contains(w.take(), "event: experiments") {
				t.Error("no first event")
			}
			w.leave()
			<-w.ended
			read := lab.readCount()
			time.Sleep(10 * pollEvery)
			if lab.readCount() != read {
				t.Error("read for nobody")
			}
		}
	})
}

func TestEventsOutliveTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lab := newFakeLab()
		lab.err = context.DeadlineExceeded
		c := newConsole(lab, nil)
		defer c.Close()
		w := watch(c, "/api/v1/events")
		synctest.Wait()
		if got := w.take(); strings.Contains(got, "event: experiments") {
			t.Errorf("an event of nothing: %s", got)
		}
		lab.mu.Lock()
		lab.err = nil
		lab.mu.Unlock()
		time.Sleep(pollEvery)
		synctest.Wait()
		if got := w.take(); !strings.Contains(got, "event: experiments") {
			t.Errorf("after the trouble: %q", got)
		}
	})
}

func TestWatchersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(newFakeLab(), nil)
		var all []*watcher
		for range maxWatchers + 1 {
			all = append(all, watch(c, "/api/v1/events"))
		}
		synctest.Wait()
		refused := 0
		for _, w := range all {
			if w.status == http.StatusConflict {
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("%d refused", refused)
		}
		c.Close()
	})
}

func TestCloseEndsLogsAndRefusesMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(newFakeLab(), nil)
		logs := watch(c, "/api/v1/functions/control-round/logs?follow=true")
		synctest.Wait()
		if got := logs.take(); got != "START RequestId: 1\n" {
			t.Errorf("logs: %q", got)
		}
		c.Close()
		<-logs.ended
		late := watch(c, "/api/v1/events")
		<-late.ended
		if late.status != http.StatusBadGateway {
			t.Errorf("after Close: %d", late.status)
		}
		c.Close() // again
	})
}
