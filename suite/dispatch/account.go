package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/schedule"
)

// takeIn books what became of a lease: results, and tests that are still to be run.
func (r *run) takeIn(l schedule.Lease, at place, a suite.Answer, err error) {
	var f *failure
	switch {
	case errors.As(err, &f):
		r.killed(l, f)
		return
	case err != nil:
		r.unreached(l, at, err)
		return
	case a.Broken != "":
		r.unreached(l, at, &assay.Error{Code: assay.CodeInvalid, What: a.Broken, Hint: "was a file left out that the tests need? .assayignore and .gitignore decide"})
		return
	}
	r.seen[a.Worker] = at
	if len(a.Results) == 0 { // again and again it would not end
		why := "a worker answered without running any of its tests"
		if a.Need {
			why = "a worker does not take the project's changes"
		}
		r.unreached(l, at, &assay.Error{Code: assay.CodeInternal, What: why, Where: a.Worker})
		return
	}
	r.outage = outage{}
	for _, result := range a.Results {
		if i, planned := r.index[result.ID]; planned {
			r.result(i, result)
		}
	}
	for _, late := range a.Late {
		r.amend(late)
	}
	for _, i := range l.Tests { // what the worker did not come to
		if !r.state[i].done && !r.pending(i) && !reported(a, r.tests[i].ID) {
			r.rerun(i)
		}
	}
}

// rerun has a test run once more, by itself.
func (r *run) rerun(i int) {
	if r.Once {
		r.result(i, suite.Result{ID: r.tests[i].ID, Status: suite.Lost, Message: "its worker did not come to it"})
		return
	}
	r.queue.Again(i)
}

func reported(a suite.Answer, id string) bool {
	return slices.ContainsFunc(a.Results, func(r suite.Result) bool { return r.ID == id })
}

// pending tells whether another lease has a test as well.
func (r *run) pending(test int) bool {
	return slices.ContainsFunc(r.queue.Leases(), func(l schedule.Lease) bool { return slices.Contains(l.Tests, test) })
}

// killed books an invocation that took its worker with it. Who did it is only known if the test was alone.
func (r *run) killed(l schedule.Lease, f *failure) {
	for _, i := range l.Tests {
		switch {
		case r.state[i].done:
		case len(l.Tests) > 1:
			r.rerun(i)
		default:
			r.result(i, suite.Result{
				ID: r.tests[i].ID, Status: f.status, Start: seconds(r.began.Add(l.Began)), Call: (r.since() - l.Began).Seconds(),
				Message: f.why, Output: f.output,
			})
		}
	}
}

// result books what a worker says of a test. The first answer counts, unless the test is to be run again.
func (r *run) result(i int, result suite.Result) {
	s := &r.state[i]
	if s.done {
		return // a copy of a straggler
	}
	result.File, result.Line = cmp.Or(result.File, r.tests[i].File), cmp.Or(result.Line, r.tests[i].Line)
	if r.repeat(s, result.Status) {
		s.earlier = append(s.earlier, result)
		r.rerun(i)
		return
	}
	if s.kills >= maxKills {
		result.Message += fmt.Sprintf(" (it did so to %d workers, each time alone)", s.kills)
	}
	s.result, s.done = r.excuse(suite.Merge(s.earlier, result)), true
	r.done++
	r.queue.Observe(result.Duration())
	if s.result.Fails() {
		r.failed++
	}
	r.tell(s.result)
	r.abandon()
	if r.MaxFail > 0 && r.failed >= r.MaxFail {
		r.given, r.out.Stopped = true, true
		r.queue.Drop()
		r.stop()
	}
}

// excuse marks a failure that does not fail the run.
func (r *run) excuse(result suite.Result) suite.Result {
	result.Quarantined = result.Status.Bad() && r.Excused != nil && r.Excused(result.ID)
	return result
}

// repeat tells whether a test is run once more after a result: what took its worker with it, once; what
// failed, as often as was asked for.
func (r *run) repeat(s *state, status suite.Status) bool {
	switch {
	case r.Once:
		return false
	case status == suite.Crash || status == suite.Timeout:
		s.kills++
		return s.kills < maxKills
	case status.Bad():
		s.retries++
		return s.retries <= r.Retries
	}
	return false
}

// reckoned is how often it is reckoned how long the rest will take.
const reckoned = 100 * time.Millisecond

func (r *run) tell(result suite.Result) {
	if now := r.since(); now-r.ahead.at >= reckoned {
		r.ahead.left, r.ahead.at = r.queue.Ahead(now), now
	}
	if r.Report != nil {
		r.Report(result, Progress{Done: r.done, Failed: r.failed, Planned: len(r.tests), Workers: len(r.seen), Left: r.ahead.left})
	}
}

// abandon ends the invocations whose tests have all been reported by others.
func (r *run) abandon() {
	if !r.copied {
		return
	}
	for _, l := range r.queue.Leases() {
		left := slices.ContainsFunc(l.Tests, func(i int) bool { return !r.state[i].done })
		if cancel := r.flights[l.ID]; !left && cancel != nil {
			cancel()
		}
	}
}

// amend adds what a scope's tear-down did to the result of its last test.
func (r *run) amend(late suite.Result) {
	i, planned := r.index[late.ID]
	if !planned || !r.state[i].done {
		return
	}
	s := &r.state[i]
	if s.result.Status.Bad() {
		s.result.Detail += "\n" + cmp.Or(late.Detail, late.Message)
		return
	}
	s.result.Status, s.result.Message, s.result.Detail = late.Status, late.Message, late.Detail
	if s.result = r.excuse(s.result); s.result.Fails() {
		r.failed++
	}
	r.tell(s.result)
}

const (
	finishing = 40 * time.Second // what tear-down of everything may take
	rounds    = 3
)

// finish has every environment tear down what is still set up. Which one an invocation reaches is the
// engine's choice; as many at once as there are reach all, sooner or later.
func (r *run) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, finishing)
	defer cancel()
	if r.fault != nil || !r.shared || r.Keep {
		return
	}
	left := maps.Clone(r.seen)
	maps.DeleteFunc(left, func(_ string, at place) bool { return at.number != r.at.number })
	for range rounds {
		if len(left) == 0 {
			return
		}
		n := len(left)
		if r.at.number == 0 {
			n = max(n, r.Crew.size()) // some may be ready and have run nothing
		}
		var calls sync.WaitGroup
		for range n {
			calls.Go(func() {
				b := r.Batch
				b.Op, b.Root, b.Tests = "finish", r.at.root, nil
				a, err := r.once(ctx, r.at, b)
				if err != nil {
					return // its session's fixtures are gone with it
				}
				r.mu.Lock()
				defer r.mu.Unlock()
				delete(left, a.Worker)
				for _, late := range a.Late {
					r.amend(late)
				}
			})
		}
		calls.Wait()
	}
}

// Finish has the workers of earlier runs tear down what these were to keep.
func Finish(ctx context.Context, workers []string, o Options) {
	o.Keep = false
	r := newRun(nil, o, func() {})
	r.shared = true
	for _, w := range workers {
		r.seen[w] = r.at
	}
	r.finish(ctx)
}

// outcome gives each test its result.
func (r *run) outcome() (Outcome, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.state {
		s := &r.state[i]
		if !s.done {
			s.result = suite.Result{ID: r.tests[i].ID, Status: suite.Lost, File: r.tests[i].File, Line: r.tests[i].Line,
				Message: "it was planned and never reported", Attempts: s.earlier}
		}
		r.out.Results = append(r.out.Results, s.result)
	}
	r.out.Workers = slices.Sorted(maps.Keys(r.seen))
	r.Crew.spent(&r.out)
	r.out.Stopped = r.out.Stopped || r.done < len(r.tests)
	return r.out, r.fault
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
