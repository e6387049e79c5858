package trial

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/trial/overhead"
)

// heldOut is the ticket of a request that is left alone, to compare the others with: nothing of it is copied,
// it only tells how long it took.
type heldOut struct{ gen *generation }

// Reserve implements assay.Ticket.
func (*heldOut) Reserve(int, int) bool { return false }

// Offer implements assay.Ticket.
func (*heldOut) Offer(*assay.Invocation, *assay.Observation) {}

// Drop implements assay.Ticket.
func (*heldOut) Drop(string) {}

// Served implements assay.Timed.
func (h *heldOut) Served(took time.Duration, control *assay.Observation) {
	h.gen.watch.served(took, control, (*overhead.Watch).HeldOut)
}

// Served implements assay.Timed.
func (t *ticket) Served(took time.Duration, control *assay.Observation) {
	if !t.provisional {
		t.gen.watch.served(took, control, (*overhead.Watch).Sampled)
	}
}

// lookEvery is how many answers come between two looks at the limits, unless one is an error.
const lookEvery = 64

// watch looks at what trials cost clients, and trips when a limit is passed: the experiment is paused from the
// next request on. Only a person resumes it.
type watch struct {
	holdout float64
	limits  overhead.Limits
	now     func() time.Time
	tell    func(limit string, seen overhead.Seen)
	tripped atomic.Pointer[string]

	mu    sync.Mutex
	count int
	seen  overhead.Watch
}

// newWatch goes on with the one before while the same is asked of it, until the experiment is resumed.
func (l *Lane) newWatch(e *assay.Experiment, before *generation) *watch {
	w := &watch{
		holdout: e.Holdout, limits: overhead.Limits{Overhead: e.Protect.Overhead, Errors: e.Protect.Errors},
		now: l.floor.opt.Now, tell: l.tellTripped,
	}
	if before == nil || !before.watch.same(w) {
		return w
	}
	if resumed := before.plan.Experiment.State != assay.StateRunning && e.State == assay.StateRunning; resumed {
		return w
	}
	return before.watch
}

func (w *watch) same(o *watch) bool {
	a, b := w.limits.Errors, o.limits.Errors
	return w.holdout == o.holdout && w.limits.Overhead == o.limits.Overhead && (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// on tells whether there is anything to look at.
func (w *watch) on() bool { return w.holdout > 0 || w.limits != (overhead.Limits{}) }

func (w *watch) served(took time.Duration, control *assay.Observation, take func(*overhead.Watch, time.Time, time.Duration, bool)) {
	if !w.on() {
		return
	}
	failed := control.Fault != nil || control.Status >= 500
	w.mu.Lock()
	defer w.mu.Unlock()
	take(&w.seen, w.now(), took, failed)
	if w.count++; !failed && w.count%lookEvery != 0 || w.tripped.Load() != nil {
		return
	}
	if limit := w.seen.Passed(w.limits); limit != "" {
		w.tripped.Store(&limit)
		w.tell(limit, w.seen.Seen())
	}
}

func (l *Lane) tellTripped(limit string, seen overhead.Seen) {
	facts := []any{"experiment", l.name, "limit", limit, "sampled", seen.Sampled, "held_out", seen.HeldOut, "errors", seen.Errors}
	if from, to := seen.Interval[0], seen.Interval[1]; !math.IsInf(from, 0) && !math.IsInf(to, 0) {
		facts = append(facts, "overhead_seconds", seen.Seconds, "from", from, "to", to)
	}
	l.floor.opt.Log.Warn("an experiment has paused itself: a limit of its protection is passed", append(facts, "hint", "assay resume "+l.name)...)
}

// state is what was seen; nil if nothing is looked at.
func (w *watch) state() *assay.Overhead {
	if !w.on() {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := assay.Overhead(w.seen.Seen())
	return &seen
}

// Tripped is the limit that an experiment has passed and paused itself for, "" if none.
func (f *Floor) Tripped(name string) string {
	f.mu.Lock()
	l := f.lanes[name]
	f.mu.Unlock()
	if l == nil {
		return ""
	}
	if limit := l.current.Load().watch.tripped.Load(); limit != nil {
		return *limit
	}
	return ""
}
