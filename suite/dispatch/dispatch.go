// Package dispatch runs a suite's tests on workers. In come tests, what is known of their durations, and
// an Invoker; out goes one result for each test, as they come and at the end. Whatever becomes of a
// worker, each test is reported exactly once: what was planned and not reported is Lost.
package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/schedule"
)

// Options of a Run. Invoker, Workers and Batch must be set.
type Options struct {
	Invoker assay.Invoker
	Workers int
	Crew    *Crew                        // workers that are getting ready; nil for none
	Batch   suite.Batch                  // what every batch says beside its tests
	Delta   func() (string, error)       // what a worker asks for that has not got the snapshot
	Retries int                          // of tests that fail
	Keep    bool                         // what is set up is left so, for another Run; Finish it in the end
	Once    bool                         // no test is run a second time: what one run does not tell is Lost
	MaxFail int                          // tests to fail before the rest is given up; 0 for all
	Past    map[string]suite.Past        // what tests took before
	Excused func(id string) bool         // tests whose failures do not fail the run; nil for none
	Copies  bool                         // stragglers are run on a second worker as well
	Process func(suite.Test) string      // names the process that runs just the tests of its name; nil or "" for any
	Scopes  bool                         // tests of one scope are kept together
	Report  func(suite.Result, Progress) // told of each test's result as it comes; one call at a time

	// Fallback returns another engine to go on with when this one has gone, and what the project's snapshot
	// is called there; nil for none.
	Fallback func() (engine assay.Invoker, root string)
	Now      func() time.Time // time.Now if nil
}

// Progress is how far a run is.
type Progress struct {
	Done, Failed, Planned int
	Workers               int           // that have answered
	Left                  time.Duration // until the end, as far as is known
}

// Outcome is a run's results, one for each test in the tests' order.
type Outcome struct {
	Results []suite.Result
	Workers []string // ids of all environments
	Calls   int      // invocations
	CostUSD float64
	Sent    int64 // bytes of deltas
	Stopped bool  // the context ended, or MaxFail was reached
}

// maxKills is how often a test may end its worker, or not end in time, before that is its result.
const maxKills = 2

// Run runs tests until each has a result or ctx ends; then those that have none are Lost. It fails if no
// worker could run anything: with CodeUnreachable if the engine did not answer.
func Run(ctx context.Context, tests []suite.Test, o Options) (Outcome, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r := newRun(tests, o, stop)
	var slots sync.WaitGroup
	for w := range min(o.Workers, max(len(tests), 1)) {
		slots.Go(func() { r.work(ctx, w) })
	}
	release := context.AfterFunc(ctx, r.wakeAll)
	slots.Wait()
	release()
	r.finish(context.WithoutCancel(ctx))
	return r.outcome()
}

// run is the state of one Run. What is below mu is guarded by it.
type run struct {
	Options
	tests []suite.Test
	index map[string]int
	began time.Time
	stop  context.CancelFunc

	mu      sync.Mutex
	changed *sync.Cond
	queue   *schedule.Queue
	ahead   struct{ left, at time.Duration } // what the queue said last, and when
	state   []state
	flights map[int]context.CancelFunc // by lease
	at      place                      // where invocations go
	seen    map[string]place           // environments, and where they are
	out     Outcome
	done    int
	failed  int
	outage  outage
	fault   error
	given   bool // up
	copied  bool // some lease was given to a second worker
	shared  bool // some process may still have something set up
}

// state is what is known of one test.
type state struct {
	result  suite.Result
	done    bool
	kills   int
	retries int
	earlier []suite.Result
}

func newRun(tests []suite.Test, o Options, stop context.CancelFunc) *run {
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &run{
		Options: o, tests: tests, index: map[string]int{}, began: o.Now(), stop: stop,
		state: make([]state, len(tests)), flights: map[int]context.CancelFunc{}, seen: map[string]place{},
		at: place{o.Invoker, o.Batch.Root, 0},
	}
	r.changed = sync.NewCond(&r.mu)
	tasks := make([]schedule.Task, len(tests))
	for i, t := range tests {
		r.index[t.ID] = i
		past, known := o.Past[t.ID]
		tasks[i] = schedule.Task{Estimate: past.Mean, Known: known}
		if o.Scopes {
			tasks[i].Scope, tasks[i].Whole = t.Scope, t.Whole
		}
		if o.Process != nil {
			tasks[i].Process = o.Process(t)
		}
	}
	r.queue = schedule.New(tasks, o.Workers)
	return r
}

// work is one slot: when its worker is ready, it takes batches and invokes a worker for each until nothing is left.
func (r *run) work(ctx context.Context, slot int) {
	r.Crew.wait(ctx, slot)
	for {
		l, ok := r.take(ctx, slot)
		if !ok {
			return
		}
		if wait := r.invoke(ctx, l); wait > 0 {
			pause(ctx, wait)
		}
	}
}

// take waits for a batch; false when there will be none.
func (r *run) take(ctx context.Context, slot int) (schedule.Lease, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if ctx.Err() != nil || r.given || r.done == len(r.tests) {
			r.changed.Broadcast()
			return schedule.Lease{}, false
		}
		if l, ok := r.queue.Take(slot, r.since()); ok && (r.Copies || !l.Copy) {
			r.copied = r.copied || l.Copy
			return l, true
		} else if ok {
			r.queue.Done(l)
		}
		r.sleep()
	}
}

// sleep waits until something changes, or a straggler may be due.
func (r *run) sleep() {
	if at, ok := r.queue.Wake(); ok && r.Copies {
		t := time.AfterFunc(max(at-r.since(), time.Millisecond), r.wakeAll)
		defer t.Stop()
	}
	r.changed.Wait()
}

func (r *run) wakeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed.Broadcast()
}

func (r *run) since() time.Duration { return r.Now().Sub(r.began) }

// invoke runs a lease on some worker and takes in what it says. It returns how long to wait before the next
// one, if the engine seems to be down.
func (r *run) invoke(ctx context.Context, l schedule.Lease) time.Duration {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.mu.Lock()
	r.flights[l.ID] = cancel
	at := r.at
	b := r.Batch
	b.Op, b.Tests, b.Fresh = "run", nil, l.Fresh
	r.shared = r.shared || !l.Fresh
	for _, i := range l.Tests {
		b.Tests = append(b.Tests, r.tests[i].ID)
	}
	r.mu.Unlock()
	a, err := r.call(ctx, at, b)

	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.flights, l.ID)
	r.queue.Done(l)
	if err == nil || ctx.Err() == nil {
		r.takeIn(l, at, a, err)
	}
	r.changed.Broadcast()
	return r.outage.wait()
}
