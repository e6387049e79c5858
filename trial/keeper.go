package trial

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

// A batch is written when it has batchSize trials, or batchDelay after its first news.
const (
	batchSize  = 256
	batchDelay = 20 * time.Millisecond
)

// kept is a trial on its way to the store, with the ticket it ends.
type kept struct {
	trial  *assay.Trial
	ticket *ticket
}

// keeper writes trials and ledgers to the store in batches, from one goroutine. When the store is
// slow its channel fills and the workers wait; sources never do.
type keeper struct {
	store  assay.Store
	log    *slog.Logger
	trials chan kept
	news   chan struct{} // a ledger changed
	stop   chan struct{}
	done   chan struct{}

	failing bool // of run alone

	mu    sync.Mutex
	dirty map[*ledger]struct{}
}

func newKeeper(store assay.Store, log *slog.Logger) *keeper {
	k := &keeper{
		store: store, log: log,
		trials: make(chan kept, batchSize), news: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}), dirty: map[*ledger]struct{}{},
	}
	go k.run()
	return k
}

// touch says that a ledger changed. It does not block.
func (k *keeper) touch(l *ledger) {
	k.mu.Lock()
	k.dirty[l] = struct{}{}
	k.mu.Unlock()
	select {
	case k.news <- struct{}{}:
	default:
	}
}

// keep hands a trial over; false when the keeper has stopped.
func (k *keeper) keep(t kept) bool {
	select {
	case k.trials <- t:
		return true
	case <-k.done:
		return false
	}
}

// close writes what there is and waits. All who keep must have ended; write may be called afterwards.
func (k *keeper) close() {
	close(k.stop)
	<-k.done
}

func (k *keeper) run() {
	defer close(k.done)
	for {
		var batch []kept
		select {
		case t := <-k.trials:
			batch = k.gather([]kept{t})
		case <-k.news:
			batch = k.gather(nil)
		case <-k.stop:
			for len(k.trials) > 0 {
				batch = append(batch, <-k.trials)
			}
			k.write(batch)
			return
		}
		k.write(batch)
	}
}

// gather waits a little for more to write at once.
func (k *keeper) gather(batch []kept) []kept {
	timer := time.NewTimer(batchDelay)
	defer timer.Stop()
	for len(batch) < batchSize {
		select {
		case t := <-k.trials:
			batch = append(batch, t)
		case <-timer.C:
			return batch
		case <-k.stop:
			return batch
		}
	}
	return batch
}

// write keeps a batch, or, when the store goes on failing, counts its trials as dropped. Ledgers are
// read after the trials were made, and count them as handed over: at each commit nothing is kept that was
// not sampled, and what a kill loses is known.
func (k *keeper) write(batch []kept) {
	changed := k.changed()
	b := assay.Batch{Trials: make([]assay.Trial, len(batch))}
	handed := map[*ledger]int64{}
	for i, t := range batch {
		b.Trials[i] = *t.trial
		handed[t.ticket.gen.ledger]++
		changed[t.ticket.gen.ledger] = struct{}{}
	}
	for l := range changed {
		now := l.snapshot()
		now.Handed += handed[l]
		b.Ledgers = append(b.Ledgers, now)
	}
	if len(b.Trials)+len(b.Ledgers) == 0 {
		return
	}
	err := k.store.Keep(context.Background(), b)
	k.tell(err)
	if err != nil {
		k.fail(batch, changed)
		return
	}
	for _, t := range batch {
		if t.ticket.end() {
			t.ticket.gen.ledger.hand(1)
		}
	}
}

// fail drops a batch that the store refused. Its ledgers go with the next one.
func (k *keeper) fail(batch []kept, changed map[*ledger]struct{}) {
	for _, t := range batch {
		t.ticket.drop(DropStore)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.Copy(k.dirty, changed)
}

// tell logs when the store begins to fail and when it works again, not once a batch.
func (k *keeper) tell(err error) {
	switch {
	case err != nil && !k.failing:
		k.log.Error("the store does not take trials: they are dropped until it does", "error", err)
	case err == nil && k.failing:
		k.log.Info("the store takes trials again")
	}
	k.failing = err != nil
}

// changed takes the ledgers that changed since it was last asked.
func (k *keeper) changed() map[*ledger]struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	dirty := k.dirty
	k.dirty = map[*ledger]struct{}{}
	return dirty
}
