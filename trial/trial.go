// Package trial turns served invocations into trials. In come offers: a request with the control's
// observation, from whatever made the traffic. It chooses which to take (sampling, budgets), calls the
// candidates aside, compares, redacts, and keeps; out go trials and ledgers to the store.
//
// Nothing here ever makes a source wait: an offer finds room at once or is dropped and counted.
package trial

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/trial/redact"
)

// Reasons for which an offer is not sampled.
const (
	notChosen = "chance"
	notSafe   = "unsafe"
	notPaused = "paused"
	notDone   = "done"
	notLoop   = "loop"
	notStore  = "store" // the store takes nothing

	notHeldOut = "holdout" // left alone, to know what trials cost the others

	notControl = "canary" // a candidate served it, in the control's place
)

// Reasons for which a sampled trial is dropped.
const (
	DropBreaker   = assay.DropBreaker
	DropQueueFull = "queue_full"    // as many trials wait as the budget allows
	DropTooLarge  = "too_large"     // a body is larger than the budget allows
	DropMemory    = "memory"        // the bytes held have reached the budget
	DropShutdown  = "shutdown"      // the laboratory ended first
	DropDeleted   = "deleted"       // the experiment ended first
	DropControl   = "control_fault" // the control could not be reached: that says nothing of a candidate
	DropKilled    = "killed"        // the laboratory was killed: in flight then, found at the next start
	DropStore     = "store"         // the store refused it, or failed until the laboratory ended
	DropPanic     = "panic"         // a defect of Assay, logged
	DropCompare   = "comparator"    // a comparator of the user's own failed: nothing is known of the two
)

// Plan is a definition with everything it names resolved.
type Plan struct {
	Experiment assay.Experiment
	Control    assay.Invoker   // for the secondary call
	Candidates []assay.Invoker // in the definition's order
	Comparator assay.Comparator
	Redactor   *redact.Redactor
}

// What all experiments together may cost: bytes of bodies held, candidate calls at once, trials waiting.
const (
	DefaultMemory      = 256 << 20
	DefaultConcurrency = 256
	DefaultQueue       = 10_000
)

// Options of a Floor. Store is needed; the rest has defaults.
type Options struct {
	Store  assay.Store
	Source string // whose ledgers these are, when several laboratories share the store; "" of one alone
	// Carrier takes offers to other machines; nil: they are tried here.
	Carrier assay.Carrier
	Log     *slog.Logger
	Now     func() time.Time
	Seed    uint64 // of sampling and of the candidates' order
	// What all experiments together may cost: the defaults if zero.
	Memory      int64 // bytes held
	Concurrency int   // candidate calls at once
	Queue       int   // trials waiting
	// Tracer makes spans of what is done for trials; nil: traces pass as they are.
	Tracer assay.Tracer
	// Decode undoes a body's content encoding before it is kept; left as it is if nil.
	Decode func(*assay.Observation) ([]byte, error)
	// KeepMatches is the share of matches kept with their bodies, beside the first few; 1 % if zero.
	KeepMatches float64
}

// Floor is where the trials of all experiments run. Each experiment has one Lane on it.
type Floor struct {
	opt    Options
	keeper *keeper
	places places

	held    atomic.Int64 // bytes of bodies, all lanes, and of what compares them
	waiting atomic.Int64 // trials, all lanes
	heavy   sync.Mutex   // held while a large trial is compared and redacted: that takes many times its size

	ctx    context.Context // ends the calls under way
	cancel context.CancelFunc
	work   sync.WaitGroup // the lanes' workers

	mu    sync.Mutex
	lanes map[string]*Lane
	ended map[string]int // the last versions of experiments that were removed
	shut  bool           // no lanes are added any more

	looking sync.WaitGroup
}

// New starts a floor. Close ends it.
func New(opt Options) *Floor {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	opt.Memory = cmp.Or(opt.Memory, DefaultMemory)
	opt.Concurrency, opt.Queue = cmp.Or(opt.Concurrency, DefaultConcurrency), cmp.Or(opt.Queue, DefaultQueue)
	opt.KeepMatches = cmp.Or(opt.KeepMatches, 0.01)
	f := &Floor{
		opt: opt, lanes: map[string]*Lane{}, places: places{most: opt.Concurrency},
		ended: map[string]int{},
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.keeper = newKeeper(opt.Store, opt.Log, f.ctx.Done())
	if opt.Source != "" {
		f.looking.Go(f.lookAtOthers)
	}
	return f
}

// Set puts a plan into force and returns the experiment's lane. Offers made from now on are trials of
// this plan; those under way end under the plan they began with. Counts go on where the store has them.
func (f *Floor) Set(ctx context.Context, p *Plan) (*Lane, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shut {
		return nil, &assay.Error{Code: assay.CodeConflict, What: "the laboratory is stopping"}
	}
	name := p.Experiment.Name
	l := f.lanes[name]
	if l == nil {
		l = newLane(f, name)
	}
	if cur := l.current.Load(); cur == nil || cur.ledger.since != p.Experiment.Since {
		counts, own, err := f.counted(ctx, name, p.Experiment.Since)
		if err != nil {
			return nil, err
		}
		if cur != nil {
			l.past = append([]*generation{cur}, l.past[:min(len(l.past), rememberedEvidence-1)]...)
		}
		lost := f.recover(&own)
		counts.With(own)
		ledger := newLedger(counts, own)
		l.current.Store(&generation{plan: p, ledger: ledger, guards: newGuards(&p.Experiment), watch: l.newWatch(&p.Experiment, cur)})
		if lost {
			f.keeper.touch(ledger)
		}
	} else {
		l.current.Store(&generation{plan: p, ledger: cur.ledger, guards: cur.guards.set(p.Experiment.Protect), watch: l.newWatch(&p.Experiment, cur)})
	}
	f.lanes[name] = l
	return l, nil
}

// counted is what the store knows of an experiment, and all that is known of this source in it. The stream is
// read first: what leaves it is in the store.
func (f *Floor) counted(ctx context.Context, name string, since int) (counts assay.Counts, own assay.Ledger, err error) {
	if f.opt.Carrier != nil {
		if own, err = f.opt.Carrier.Latest(ctx, assay.Ledger{Experiment: name, Since: since, Source: f.opt.Source}); err != nil {
			return counts, own, err
		}
	}
	counts, err = f.opt.Store.Counts(ctx, name, since)
	return counts, counts.Of(f.opt.Source).Latest(own), err
}

// recover books the trials that were in flight when an earlier run of this source was killed, and tells
// whether any were.
func (f *Floor) recover(own *assay.Ledger) bool {
	lost := own.Unsettled()
	if lost <= 0 {
		return false
	}
	own.Dropped = orEmpty(own.Dropped)
	own.Dropped[DropKilled] += lost
	f.opt.Log.Warn("the last run was killed with trials in flight", "experiment", own.Experiment, "in_flight", lost)
	return true
}

// Remove ends an experiment: what waits is dropped, what is under way is finished and kept.
func (f *Floor) Remove(name string) {
	f.mu.Lock()
	l := f.lanes[name]
	delete(f.lanes, name)
	if l != nil {
		f.ended[name] = l.current.Load().plan.Experiment.Version
	}
	f.mu.Unlock()
	if l != nil {
		l.end(DropDeleted)
	}
}

// Memory is how many bytes of bodies all experiments together may hold.
func (f *Floor) Memory() int64 { return f.opt.Memory }

// Load is how much of what all experiments together may cost is in use, and what was written.
type Load struct {
	Held    int64 // bytes of bodies
	Memory  int64 // how many may be
	Waiting int64 // trials
	Queue   int
	Calls   int // of candidates, under way
	AtOnce  int // how many may be
	Written Written
}

// Load tells how much is in use at this moment.
func (f *Floor) Load() Load {
	l := Load{Held: f.held.Load(), Memory: f.opt.Memory, Waiting: f.waiting.Load(), Queue: f.opt.Queue}
	l.Calls, l.AtOnce = f.places.use()
	f.keeper.mu.Lock()
	defer f.keeper.mu.Unlock()
	l.Written = f.keeper.written
	return l
}

// wait counts one more trial as waiting, if there may be one.
func (f *Floor) wait() bool {
	if f.waiting.Add(1) > int64(f.opt.Queue) {
		f.waiting.Add(-1)
		return false
	}
	return true
}

// Ledger returns the live ledger of an experiment, and whether its Until was reached; false if it has no lane.
func (f *Floor) Ledger(name string) (ledger assay.Ledger, done, ok bool) {
	f.mu.Lock()
	l := f.lanes[name]
	f.mu.Unlock()
	if l == nil {
		return assay.Ledger{}, false, false
	}
	g := l.current.Load()
	return g.ledger.snapshot(), g.ledger.done(g.plan.Experiment.Until, f.opt.Now()), true
}

// State returns what an experiment's lane does at this moment; false if it has no lane.
func (f *Floor) State(name string) (state assay.LaneState, ok bool) {
	f.mu.Lock()
	l := f.lanes[name]
	f.mu.Unlock()
	if l == nil {
		return assay.LaneState{}, false
	}
	return l.state(), true
}

// Outage is why the store takes nothing, and no trials are made therefore; nil while it does.
func (f *Floor) Outage() error {
	if err := f.keeper.outage.Load(); err != nil {
		return *err
	}
	return nil
}

// Close takes no more offers, finishes the trials it has until ctx ends, drops the rest, writes
// everything down and returns how many trials were dropped for it, by experiment.
func (f *Floor) Close(ctx context.Context) map[string]int64 {
	lanes := f.shutLanes()
	finished := make(chan struct{})
	go func() { f.work.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-ctx.Done():
	}
	for _, l := range lanes {
		l.end(DropShutdown)
	}
	if f.opt.Carrier != nil {
		f.opt.Carrier.Close(ctx, DropShutdown)
	}
	f.cancel()
	f.looking.Wait()
	<-finished
	f.keeper.close()
	dropped := map[string]int64{}
	for _, l := range lanes {
		l.abandon()
		if n := l.shutdown.Load(); n > 0 {
			dropped[l.name] = n
		}
	}
	f.keeper.write(nil)
	return dropped
}

func (f *Floor) shutLanes() []*Lane {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shut = true
	lanes := slices.Collect(maps.Values(f.lanes))
	for _, l := range lanes {
		l.shut()
	}
	return lanes
}
