// Package replay makes trials of recorded traffic. In come trials of a recording; out go offers to an
// experiment's lane, at the pace they were recorded, a multiple of it, or as fast as may be.
//
// The pace is an open loop: when a request goes out does not depend on the answers to those before it.
// One for which there is no room at its time is left out and counted, never sent late and passed off as
// on time.
package replay

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/assaylab/assay"
)

// defaultConcurrency is enough for a thousand requests a second of 60 ms each.
const defaultConcurrency = 64

// Source is where recorded requests become invocations. Lane is needed, and Control unless the answers are
// those of the recording.
type Source struct {
	Lane    assay.Lane
	Control assay.Invoker
	Timeout time.Duration // of a call of the control
	assay.Replay

	slots chan struct{}
	calls sync.WaitGroup

	mu   sync.Mutex // guards told but for Requests, Lag and Took, which are Run's own
	told assay.Replayed
}

// Run takes trials from next until io.EOF, and returns when the last has been offered. It ends early, with
// what was done so far, when ctx does or next fails. A Source runs once.
func (s *Source) Run(ctx context.Context, next func() (*assay.Trial, error)) (assay.Replayed, error) {
	s.slots = make(chan struct{}, cmp.Or(s.Concurrency, defaultConcurrency))
	began := time.Now()
	err := s.feed(ctx, next, began)
	s.calls.Wait()
	s.told.Took = time.Since(began)
	return s.told, err
}

func (s *Source) feed(ctx context.Context, next func() (*assay.Trial, error), began time.Time) error {
	var first time.Time
	for {
		t, err := next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if first.IsZero() {
			first = t.Time
		}
		if !s.wait(ctx, began, t.Time.Sub(first)) {
			return ctx.Err()
		}
		s.told.Requests++
		if s.take(ctx) {
			s.calls.Go(func() {
				defer func() { <-s.slots }()
				s.count(s.serve(ctx, t))
			})
		}
	}
}

// wait waits for a request's time, which is so long after the first one's in the recording; false when ctx
// ended before.
func (s *Source) wait(ctx context.Context, began time.Time, offset time.Duration) bool {
	if s.Speed <= 0 {
		return ctx.Err() == nil
	}
	due := began.Add(time.Duration(float64(offset) / s.Speed))
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	s.told.Lag = max(s.told.Lag, time.Since(due))
	return true
}

// take finds a request its place among those under way. At a pace there is one at once or none.
func (s *Source) take(ctx context.Context) bool {
	select {
	case s.slots <- struct{}{}:
		return true
	default:
	}
	if s.Speed > 0 {
		s.count(func(r *assay.Replayed) { r.Late++ })
		return false
	}
	select {
	case s.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		s.told.Requests-- // it never was one
		return false
	}
}

// count books what became of a request.
func (s *Source) count(became func(*assay.Replayed)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	became(&s.told)
}

func sampled(r *assay.Replayed)    { r.Sampled++ }
func notSampled(r *assay.Replayed) { r.NotSampled++ }
func unanswered(r *assay.Replayed) { r.Unanswered++ }

// serve does with a recorded request what the gateway does with a client's.
func (s *Source) serve(ctx context.Context, t *assay.Trial) (became func(*assay.Replayed)) {
	if s.Recorded && !answered(&t.Control) {
		return unanswered
	}
	inv := s.invocation(t)
	if hashed(inv.Request) {
		s.count(func(r *assay.Replayed) { r.Hashed++ })
	}
	ticket := s.Lane.Choose(inv.Request)
	if ticket == nil {
		return notSampled
	}
	control, reason := s.answer(ctx, t, inv)
	if reason != "" {
		ticket.Drop(reason)
		return sampled
	}
	body := len(inv.Request.Body)
	if ticket.Reserve(body, body) && ticket.Reserve(len(control.Body), len(control.Body)) {
		ticket.Offer(inv, control)
	}
	return sampled
}

// answered tells whether a recording has something to compare with.
func answered(o *assay.Observation) bool { return o.Status != 0 || o.Fault != nil }

// invocation is the recorded one under a new id: it is another call.
func (s *Source) invocation(t *assay.Trial) *assay.Invocation {
	r := *t.Invocation.Request
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = assay.Header{}
	}
	delete(r.Header, assay.TrialHeader) // what was a trial's call then is none now
	maps.Copy(r.Header, s.Header)
	r.Query = strings.ReplaceAll(r.Query, " ", "%20") // of a hash that stands for a secret
	return &assay.Invocation{ID: uuid.NewString(), Received: time.Now(), Request: &r}
}

// hashed tells whether redaction left its mark in a request.
func hashed(r *assay.Request) bool {
	const mark = "[redacted"
	if strings.Contains(r.Query, mark) || bytes.Contains(r.Body, []byte(mark)) {
		return true
	}
	for _, values := range r.Header {
		if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, mark) }) {
			return true
		}
	}
	return false
}

// The reason for which a sampled request is dropped here.
const dropControlError = "control_error" // the control's engine observed nothing

// answer is the control's: the recorded one, or that of a call made now.
func (s *Source) answer(ctx context.Context, t *assay.Trial, inv *assay.Invocation) (o *assay.Observation, reason string) {
	if s.Recorded {
		recorded := t.Control
		recorded.Recorded = true
		o = &recorded
	} else {
		ctx, cancel := context.WithTimeout(ctx, s.Timeout)
		defer cancel()
		var err error
		if o, err = s.Control.Invoke(ctx, inv); err != nil {
			return nil, dropControlError
		}
		made := *o
		o = &made
	}
	o.Arm, o.Role = string(assay.RoleControl), assay.RoleControl
	return o, ""
}
