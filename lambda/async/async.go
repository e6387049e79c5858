// Package async queues Event invocations: events come in and are kept on the disk, are invoked until
// they succeed or are given up, as AWS Lambda does, and records of what became of them go out to their
// destinations. It invokes and delivers through what it is given.
package async

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// AWS's rules for an event that its function does not take.
const (
	DefaultRetries = 2               // after an error of the function
	DefaultMaxAge  = 6 * time.Hour   // since it was accepted
	retryDelay     = time.Minute     // before the first retry after an error; the second waits twice that
	maxBackOff     = 5 * time.Minute // between tries that were throttled, which begin with 2 s
	maxDepth       = 16              // of events that are destinations of events, unless loops are allowed
)

// Event is an invocation that nobody waits for. Its id is the request id of all its tries.
type Event struct {
	ID            string    `json:"id"`
	Function      string    `json:"function"`            // its name
	Qualifier     string    `json:"qualifier,omitempty"` // "" stands for $LATEST
	Payload       []byte    `json:"payload"`
	ClientContext string    `json:"client_context,omitempty"`
	TraceID       string    `json:"trace_id,omitempty"`
	Accepted      time.Time `json:"accepted"`
	Depth         int       `json:"depth,omitempty"` // of how many events it is the destination's destination

	Due       time.Time `json:"due"`                 // when it is tried next
	Tries     int       `json:"tries,omitempty"`     // that the function began and failed
	Throttled int       `json:"throttled,omitempty"` // tries in a row that did not begin
	Last      Outcome   `json:"last,omitzero"`       // of the last try that began
}

// Outcome is what became of a try.
type Outcome struct {
	Status        int    `json:"status"` // 200 if the function ran, also when it failed
	Version       string `json:"version,omitempty"`
	FunctionError string `json:"function_error,omitempty"` // "Unhandled", or "" if it did not fail
	Response      []byte `json:"response,omitempty"`

	Gone        bool `json:"-"` // there is no such function any more
	Interrupted bool `json:"-"` // the engine ended first: the try does not count
}

func (o Outcome) succeeded() bool { return o.Status == 200 && o.FunctionError == "" }

// Policy is what a function's configuration says of its events.
type Policy struct {
	Retries    int           // after an error of the function, 0 to 2
	MaxAge     time.Duration // since it was accepted
	OnSuccess  string        // a destination, or ""
	OnFailure  string
	DeadLetter string // gets the event itself when it is given up
	Loops      bool   // events may be destinations of each other without end
}

// Options of a Queue. All but Now and Log must be set.
type Options struct {
	Dir      string              // where events are kept
	Max      int                 // events accepted and not done
	MaxBytes int                 // of their payloads
	Invoke   func(Event) Outcome // returns soon after the engine ends
	Policy   func(Event) Policy

	// File appends a message to a file queue.
	File func(queue string, message []byte) error

	Log *slog.Logger
	Now func() time.Time
}

// Queue holds events until they are done. Each has a goroutine that Close ends.
type Queue struct {
	opts Options
	ctx  context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	events int
	bytes  int
	closed bool
}

// Open returns a Queue that goes on with the events kept in Dir. One that was being tried when the last
// Queue was killed is tried again: events run at least once.
func Open(opts Options) (*Queue, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	q := &Queue{opts: opts}
	kept, err := q.restore()
	if err != nil {
		return nil, err
	}
	q.ctx, q.end = context.WithCancel(context.Background())
	for _, e := range kept {
		q.events++
		q.bytes += len(e.Payload)
	}
	for _, e := range kept {
		q.work.Go(func() { q.run(e) })
	}
	return q, nil
}

// Close takes no more events, waits for the tries under way, and ends. Events that are not done are kept
// for the next Queue.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	q.end() // with it: who finds it closed finds its context ended
	q.mu.Unlock()
	q.work.Wait()
}

// Len is the number of events that are not done.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.events
}

// Add takes an event, which is kept when Add returns: it outlives the end of the process, however that
// comes. It tells whether there was room.
func (q *Queue) Add(e Event) (bool, error) {
	now := q.opts.Now()
	e.Accepted, e.Due = now, now
	if !q.enter(e) {
		return false, nil
	}
	if err := q.keep(e); err != nil {
		q.leave(e)
		q.work.Done()
		return false, err
	}
	go func() {
		defer q.work.Done()
		q.run(e)
	}()
	return true, nil
}

func (q *Queue) enter(e Event) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.events >= q.opts.Max || q.bytes+len(e.Payload) > q.opts.MaxBytes {
		return false
	}
	q.events++
	q.bytes += len(e.Payload)
	q.work.Add(1)
	return true
}

func (q *Queue) leave(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events--
	q.bytes -= len(e.Payload)
}

// run tries an event until it is done, or the queue ends.
func (q *Queue) run(e Event) {
	defer q.leave(e)
	for {
		policy := q.opts.Policy(e)
		expiry := e.Accepted.Add(policy.MaxAge)
		if !q.await(earlier(e.Due, expiry)) {
			return
		}
		if !q.opts.Now().Before(expiry) {
			q.giveUp(e, policy, "EventAgeExceeded")
			return
		}
		out := q.opts.Invoke(e)
		if out.Interrupted {
			return
		}
		if q.settle(&e, policy, out) {
			return
		}
		if err := q.keep(e); err != nil {
			q.opts.Log.Error("an event cannot be kept; a restart would try it anew", "request", e.ID, "error", err)
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// await waits until a time. It tells whether the queue goes on.
func (q *Queue) await(t time.Time) bool {
	timer := time.NewTimer(t.Sub(q.opts.Now()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return q.ctx.Err() == nil
	case <-q.ctx.Done():
		return false
	}
}

// settle takes a try's outcome, and tells whether the event is done.
func (q *Queue) settle(e *Event, policy Policy, out Outcome) (done bool) {
	now := q.opts.Now()
	switch {
	case out.Gone:
		q.opts.Log.Warn("an event was dropped: its function is gone", "function", e.Function, "request", e.ID)
		q.forget(*e)
		return true
	case out.succeeded():
		e.Tries, e.Last = e.Tries+1, out
		q.send(*e, policy, policy.OnSuccess, record(*e, "Success", now))
		q.forget(*e)
		return true
	case out.Status != 200: // throttled, or the engine's own fault: it does not count as a try
		e.Throttled++
		e.Due = now.Add(backOff(e.Throttled))
		return false
	}
	e.Tries, e.Last, e.Throttled = e.Tries+1, out, 0
	if e.Tries > policy.Retries {
		q.giveUp(*e, policy, "RetriesExhausted")
		return true
	}
	e.Due = now.Add(time.Duration(e.Tries) * retryDelay)
	return false
}

// backOff is how long the n-th throttled try in a row is waited for: 2^n seconds, up to 5 minutes.
func backOff(n int) time.Duration {
	return min(time.Second<<min(n, 16), maxBackOff)
}

// giveUp tells the destinations that an event has failed.
func (q *Queue) giveUp(e Event, policy Policy, condition string) {
	q.opts.Log.Warn("an event failed", "function", e.Function, "request", e.ID, "condition", condition, "tries", e.Tries)
	now := q.opts.Now()
	q.send(e, policy, policy.OnFailure, record(e, condition, now))
	q.deadLetter(e, policy)
	q.forget(e)
}
