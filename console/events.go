package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

const (
	pollEvery   = 500 * time.Millisecond
	beatEvery   = 15 * time.Second // below the idle limits of common proxies
	maxWatchers = 100
)

// topic is one kind of event: its name, and what it says now.
type topic struct {
	name string
	read func(context.Context) (any, error)
}

func (c *Console) topics() []topic {
	return []topic{{"experiments", c.experimentList}, {"functions", c.functionList}}
}

// events sends what changes, as server-sent events with the JSON that the call of that name answers.
func (c *Console) events(w http.ResponseWriter, r *http.Request) error {
	ctx, done, ok := c.stream(r)
	if !ok {
		return errClosed
	}
	defer done()
	if !c.feed.join() {
		w.Header().Set("Retry-After", "10")
		return &assay.Error{Code: assay.CodeConflict, What: "too many pages are watching", Hint: "close some, or poll /api/v1/experiments"}
	}
	defer c.feed.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	out := flushWriter{w, http.NewResponseController(w)}
	if _, err := fmt.Fprint(out, "retry: 2000\n\n"); err != nil {
		return nil
	}
	c.feed.send(ctx, out)
	return nil
}

// feed reads its topics while someone watches, with one goroutine for all watchers, and keeps only
// the newest of each: a slow watcher skips what it missed.
type feed struct {
	topics []topic
	log    *slog.Logger

	mu       sync.Mutex
	watchers int
	stop     func()        // ends the poller and waits for it
	latest   [][]byte      // by topic; nil until read
	changed  chan struct{} // closed and replaced when latest changes
}

func newFeed(topics []topic, log *slog.Logger) *feed {
	return &feed{topics: topics, log: log, latest: make([][]byte, len(topics)), changed: make(chan struct{})}
}

// join admits a watcher, and starts the poller for the first. At false there are too many.
func (f *feed) join() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers == maxWatchers {
		return false
	}
	if f.watchers++; f.watchers == 1 {
		clear(f.latest) // from an earlier watch: old
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			f.poll(ctx)
		}()
		f.stop = func() { cancel(); <-ended }
	}
	return true
}

// leave lets a watcher go, and with the last one the poller.
func (f *feed) leave() {
	f.mu.Lock()
	f.watchers--
	stop := f.stop
	last := f.watchers == 0
	f.mu.Unlock()
	if last {
		stop()
	}
}

func (f *feed) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		for i := range f.topics {
			f.read(ctx, i)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// read takes in what topic i says now, and tells the watchers if that is new.
func (f *feed) read(ctx context.Context, i int) {
	v, err := f.topics[i].read(ctx)
	var data []byte
	if err == nil {
		data, err = json.Marshal(v)
	}
	if ctx.Err() != nil {
		return // nobody watches any more, and what was read may be cut short
	}
	if err != nil {
		f.log.Warn("live events", "topic", f.topics[i].name, "err", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !bytes.Equal(data, f.latest[i]) {
		f.latest[i] = data
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// now returns the newest of each topic, and a channel that closes when that is out of date.
func (f *feed) now() ([][]byte, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([][]byte(nil), f.latest...), f.changed
}

// send writes each change to out until ctx ends or out fails.
func (f *feed) send(ctx context.Context, out flushWriter) {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	sent := make([][]byte, len(f.topics))
	for {
		latest, changed := f.now()
		for i, data := range latest {
			if bytes.Equal(data, sent[i]) {
				continue
			}
			if _, err := fmt.Fprintf(out, "event: %s\ndata: %s\n\n", f.topics[i].name, data); err != nil {
				return
			}
			sent[i] = data
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-beat.C:
			if _, err := fmt.Fprint(out, ": beat\n\n"); err != nil {
				return
			}
		}
	}
}
