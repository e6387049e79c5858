package trial

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assaylab/assay"
)

// A batch is written when it has batchSize trials or batchBytes of bodies, or batchDelay after its first news. A
// store takes some of that again while it writes, beside what the budgets count.
const (
	batchSize  = 256
	batchBytes = 4 << 20
	batchDelay = 20 * time.Millisecond
)

// A batch that the store does not take is kept again after retryFirst, then after twice as long, up to retryLast. One
// attempt lasts no longer than keepLimit.
const (
	retryFirst = 50 * time.Millisecond
	retryLast  = 5 * time.Second
	keepLimit  = 15 * time.Second
)

// kept is a trial on its way to the store, with the ticket it ends.
type kept struct {
	trial  *assay.Trial
	ticket *ticket
	span   assay.Span // nil: nobody traces it
}

// keeper writes trials and ledgers to the store in batches, from one goroutine. When the store is
// slow its channel fills and the workers wait; sources never do. While the store fails, lanes take no more offers, and
// what was taken waits: nothing is lost, unless the laboratory ends first.
type keeper struct {
	store  assay.Store
	log    *slog.Logger
	trials chan kept
	news   chan struct{} // a ledger changed
	stop   chan struct{}
	done   chan struct{}

	hurry  <-chan struct{}       // the floor closes: what fails now is dropped
	outage atomic.Pointer[error] // why the store takes nothing; nil while it does

	mu      sync.Mutex
	dirty   map[*ledger]struct{}
	written Written
}

// Written is what a floor has written to its store.
type Written struct {
	Batches  int64
	Trials   int64
	Failures int64         // attempts that failed, each tried again
	Last     time.Time     // of a batch that was kept
	Took     time.Duration // that one
}

func newKeeper(store assay.Store, log *slog.Logger, hurry <-chan struct{}) *keeper {
	k := &keeper{
		store: store, log: log, hurry: hurry,
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
	var bytes int64
	for _, t := range batch {
		bytes += t.ticket.bytes.Load()
	}
	for len(batch) < batchSize && bytes < batchBytes {
		select {
		case t := <-k.trials:
			batch, bytes = append(batch, t), bytes+t.ticket.bytes.Load()
		case <-timer.C:
			return batch
		case <-k.stop:
			return batch
		}
	}
	return batch
}

// write keeps a batch, or, when that cannot be, counts its trials as dropped. Ledgers are
// read after the trials were made, and count them as handed over: at each commit nothing is kept that was
// not sampled, and what a kill loses is known.
func (k *keeper) write(batch []kept) {
	changed := k.changed()
	b := assay.Batch{Trials: make([]assay.Trial, len(batch))}
	handed := map[*ledger]int64{}
	for i, t := range batch {
		b.Trials[i] = *t.trial
		if from := t.ticket.brought; from != nil {
			b.Ledgers = withLedger(b.Ledgers, from.from)
			continue
		}
		handed[t.ticket.gen.ledger]++
		t.ticket.tried(1)
		changed[t.ticket.gen.ledger] = nil
	}
	for l := range changed {
		now := l.snapshot()
		now.Handed += handed[l]
		b.Ledgers = withLedger(b.Ledgers, now)
		if parts := l.strata.changed(); len(parts) > 0 {
			b.Strata = append(b.Strata, l.parts(parts))
			changed[l] = parts
		}
	}
	if len(b.Trials)+len(b.Ledgers) == 0 {
		return
	}
	err := k.persist(b)
	endSpans(batch)
	if err != nil {
		k.fail(batch, changed)
		return
	}
	for _, t := range batch {
		t.ticket.keep()
	}
}

// withLedger adds a ledger to those of a batch, which has one a source.
func withLedger(all []assay.Ledger, l assay.Ledger) []assay.Ledger {
	for i := range all {
		if all[i].Experiment == l.Experiment && all[i].Since == l.Since && all[i].Source == l.Source {
			all[i] = all[i].Latest(l)
			return all
		}
	}
	return append(all, l)
}

// persist keeps a batch, however often that takes: which trials were kept by an attempt that failed, if any, does
// not matter, since each counts once. It fails when the batch is invalid, or there is no more time.
func (k *keeper) persist(b assay.Batch) error {
	for delay := retryFirst; ; delay = min(2*delay, retryLast) {
		err := k.attempt(b)
		var made *assay.Error
		if errors.As(err, &made) && made.Code == assay.CodeInvalid {
			k.log.Error("trials that cannot be kept are dropped", "trials", len(b.Trials), "error", err)
			return err
		}
		k.tell(err)
		if err == nil || !k.pause(delay) {
			return err
		}
	}
}

func (k *keeper) attempt(b assay.Batch) error {
	ctx, cancel := context.WithTimeout(context.Background(), keepLimit)
	defer cancel()
	began := time.Now()
	err := k.store.Keep(ctx, b)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.written.Failures++
		return err
	}
	k.written.Batches++
	k.written.Trials += int64(len(b.Trials))
	k.written.Last, k.written.Took = time.Now(), time.Since(began)
	return nil
}

// pause waits; false when the floor closes.
func (k *keeper) pause(delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-k.hurry:
		return false
	}
}

// fail drops a batch that the store refused. Its ledgers go with the next one.
func (k *keeper) fail(batch []kept, changed map[*ledger][]assay.TrafficStratum) {
	for _, t := range batch {
		t.ticket.tried(-1)
		t.ticket.drop(DropStore)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for l, parts := range changed {
		l.strata.unwritten(parts)
		k.dirty[l] = struct{}{}
	}
}

// tell logs when the store begins to fail and when it works again, not once a batch.
func (k *keeper) tell(err error) {
	before := k.outage.Load()
	switch {
	case err != nil && before == nil:
		k.log.Error("the store takes no trials: none are made until it does; clients are served as ever", "error", err)
	case err == nil && before != nil:
		k.log.Info("the store takes trials again")
	}
	if err == nil {
		k.outage.Store(nil)
		return
	}
	k.outage.Store(&err)
}

// changed takes the ledgers that changed since it was last asked. Which of their strata have is not known yet.
func (k *keeper) changed() map[*ledger][]assay.TrafficStratum {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[*ledger][]assay.TrafficStratum{}
	for l := range k.dirty {
		all[l] = nil
	}
	clear(k.dirty)
	return all
}
