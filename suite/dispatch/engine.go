package dispatch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/schedule"
)

// place is an engine, and what the project's snapshot is called there.
type place struct {
	engine assay.Invoker
	root   string
	number int // 1 for the one that is fallen back on
}

// failure is an invocation that ended its worker. Any other error means that nothing was reached.
type failure struct {
	status suite.Status
	why    string
	output string
}

func (f *failure) Error() string { return f.why }

// call invokes a worker, and again with the delta if it has not got the snapshot.
func (r *run) call(ctx context.Context, at place, b suite.Batch) (suite.Answer, error) {
	b.Root = at.root
	a, err := r.once(ctx, at, b)
	if err == nil && a.Need && b.Delta == "" {
		if b.Delta, err = r.Delta(); err != nil {
			return a, err
		}
		a, err = r.once(ctx, at, b)
		r.mu.Lock()
		r.out.Sent += int64(len(b.Delta))
		r.mu.Unlock()
	}
	return a, err
}

func (r *run) once(ctx context.Context, at place, b suite.Batch) (a suite.Answer, err error) {
	payload, err := json.Marshal(b)
	if err != nil {
		return a, err
	}
	o, err := at.engine.Invoke(ctx, &assay.Invocation{Received: r.Now(), Payload: payload})
	if err != nil {
		return a, err
	}
	r.mu.Lock()
	r.out.Calls++
	r.out.CostUSD += o.CostUSD
	r.mu.Unlock()
	if o.Fault != nil {
		return a, faulted(o)
	}
	if err := json.Unmarshal(o.Body, &a); err != nil {
		return a, &failure{suite.Crash, "its worker's answer cannot be read: " + err.Error(), ""}
	}
	return a, nil
}

// errThrottled is of an engine that has no room for now.
var errThrottled = errors.New("the engine throttles")

// faulted is what an engine says of an invocation without an answer.
func faulted(o *assay.Observation) error {
	said := suite.FirstLine(o.Fault.Message)
	if _, rest, ok := strings.Cut(said, " Error: "); ok && strings.HasPrefix(said, "RequestId: ") {
		said = rest
	}
	switch o.Fault.Kind {
	case assay.FaultTimeout:
		return &failure{suite.Timeout, "its worker did not answer in time: " + said, string(o.Log)}
	case assay.FaultCrash, assay.FaultFunction:
		if o.Fault.Type == "Runtime.OutOfMemory" || o.MemoryMB > 0 && o.MaxMemoryMB >= o.MemoryMB {
			said = fmt.Sprintf("out of memory at %d MB (--memory gives more): %s", o.MemoryMB, said)
		}
		return &failure{suite.Crash, "it ended its worker: " + said, string(o.Log)}
	case assay.FaultThrottle:
		return &assay.Error{Code: assay.CodeUnreachable, What: "the engine throttles: " + said, Hint: "use fewer --workers, or ask for more concurrency", Err: errThrottled}
	}
	return &assay.Error{Code: assay.CodeUnreachable, What: "the engine does not run workers: " + cmp.Or(said, o.Fault.Type)}
}

// outage is that nothing has run since some time.
type outage struct {
	calls   int // in a row that ran nothing
	since   time.Duration
	unheard bool // the engine does not answer, and may do so again
}

const (
	maxBroken    = 5                // calls in a row that may run nothing
	outageLimit  = 5 * time.Second  // that an engine may be away
	throttleLong = 60 * time.Second // that it may throttle
)

// wait is how long a slot leaves an engine alone.
func (o outage) wait() time.Duration {
	if !o.unheard {
		return 0
	}
	return min(50*time.Millisecond<<min(o.calls, 10), 3*time.Second)
}

// lasting tells whether an outage has become one that will not end: workers fail one after another, or the
// engine does not answer for long. An engine that has never answered is not waited for.
func (r *run) lasting(err error) bool {
	limit := outageLimit
	switch {
	case errors.Is(err, errThrottled):
		limit = throttleLong
	case len(r.seen) == 0:
		return r.outage.calls >= 2
	case !r.outage.unheard:
		limit = 0
	}
	return r.outage.calls >= maxBroken && r.since()-r.outage.since >= limit
}

// unreached gives a lease's tests back, unless workers fail one after another: then the run goes on
// elsewhere, or is given up.
func (r *run) unreached(l schedule.Lease, at place, err error) {
	r.giveBack(l)
	if at.number != r.at.number {
		return // that engine is out of use already
	}
	if r.outage.calls++; r.outage.calls == 1 {
		r.outage.since = r.since()
	}
	var known *assay.Error
	r.outage.unheard = errors.As(err, &known) && known.Code == assay.CodeUnreachable
	switch {
	case !r.Once && !r.lasting(err):
	case r.Fallback != nil && r.outage.unheard && at.number == 0:
		engine, root := r.Fallback()
		r.at, r.outage = place{engine, root, 1}, outage{}
	default:
		r.fault, r.given = err, true
		r.queue.Drop()
		r.stop()
	}
}

// giveBack has a lease's tests handed out again, as they were.
func (r *run) giveBack(l schedule.Lease) {
	var tests []int
	for _, i := range l.Tests {
		switch {
		case r.state[i].done || r.pending(i):
		case r.Once:
			r.rerun(i)
		default:
			tests = append(tests, i)
		}
	}
	r.queue.Return(l, tests)
}

// pause waits, unless the run ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
