package trial

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaylab/assay"
)

// TestAnOutageLosesNothing fails the store for a while: what was taken is kept afterwards, what comes meanwhile is not
// sampled, and both are said once.
func TestAnOutageLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		store := &memory{err: errors.New("disk full")}
		f := New(Options{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))})
		l := lane(t, f, plan(answers(200, "a")))
		offerMany(l, 5)
		time.Sleep(time.Minute)
		if f.Outage() == nil || l.Choose(&assay.Request{Method: "GET"}) != nil {
			t.Errorf("trials are made while the store fails with %v", f.Outage())
		}
		if w := f.Load().Written; w.Failures < 2 || w.Batches != 0 || !w.Last.IsZero() {
			t.Errorf("during the outage: %+v", w)
		}
		store.mu.Lock()
		store.err = nil
		store.mu.Unlock()
		time.Sleep(retryLast + time.Second)
		offerMany(l, 2)
		time.Sleep(time.Second)
		if f.Outage() != nil || len(store.kept()) != 7 {
			t.Errorf("%d kept, still out: %v", len(store.kept()), f.Outage())
		}
		if w := f.Load().Written; w.Trials != 7 || w.Batches < 1 || w.Last.IsZero() {
			t.Errorf("after it: %+v", w)
		}
		f.Close(t.Context())
		if got := ledgerOf(t, f); got.NotSampled[notStore] != 1 || got.Sampled != 7 || got.Dropped[DropStore] != 0 {
			t.Errorf("the ledger is %+v", got)
		}
		if said := log.String(); strings.Count(said, "takes no trials") != 1 || strings.Count(said, "takes trials again") != 1 {
			t.Errorf("it said %s", said)
		}
	})
}

// TestWhatIsInvalidIsNotTriedAgain drops a batch that no attempt will keep.
func TestWhatIsInvalidIsNotTriedAgain(t *testing.T) {
	store := &memory{err: &assay.Error{Code: assay.CodeInvalid, What: "no"}}
	f := New(Options{Store: store})
	l := lane(t, f, plan(answers(200, "a")))
	offerMany(l, 3)
	f.Close(t.Context())
	if got := ledgerOf(t, f); got.Dropped[DropStore] != 3 || f.Outage() != nil {
		t.Errorf("dropped %v, out: %v", got.Dropped, f.Outage())
	}
}
