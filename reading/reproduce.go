package reading

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/cluster"
	"github.com/assaylab/assay/export"
	"github.com/assaylab/assay/reduce"
)

// Wanted says what is to be reproduced, and what it may cost.
type Wanted struct {
	ID        string        // of a trial, or of a cluster
	Candidate string        // that differs; the first one if ""
	Unsafe    bool          // call methods that may change something
	Calls     int           // of arms, at most; DefaultCalls if zero
	Time      time.Duration // at most; DefaultTime if zero
}

// The budget of a reproduction, unless another is asked for.
const (
	DefaultCalls = 1000
	DefaultTime  = time.Minute
	MaxTime      = 10 * time.Minute
)

// Progress is told after every request that was tried.
type Progress struct {
	Calls int `json:"calls"` // so far
	Size  int `json:"size"`  // of the smallest request so far: bytes of query, header and body
}

// Reproduce looks for the smallest request on which the candidate still differs in the way that a kept
// trial shows, calling both arms. The control is called twice: a request on which it differs from itself
// there does not count. One reproduction runs at a time.
func (r *Reader) Reproduce(ctx context.Context, want Wanted, tell func(Progress)) (*export.Reproduction, error) {
	select {
	case r.busy <- struct{}{}:
		defer func() { <-r.busy }()
	default:
		return nil, &assay.Error{Code: assay.CodeConflict, What: "another reproduction is under way", Hint: "try again when it has ended"}
	}
	t, candidate, err := r.find(ctx, want)
	if err != nil {
		return nil, err
	}
	bench, err := r.opt.Laboratory.Bench(t.Experiment, candidate.Observation.Arm)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, min(or(want.Time, DefaultTime), MaxTime))
	defer cancel()
	h := &hunt{
		ctx: within, bench: &bench, newID: r.opt.NewID, now: r.opt.Now, tell: tell, calls: or(want.Calls, DefaultCalls),
		candidate: candidate.Observation.Arm, statuses: [2]int{t.Control.Status, candidate.Observation.Status}, places: cluster.Places(candidate.Differences),
	}
	found, err := h.run(t, want.Unsafe)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return found, err
}

// or is a limit that was asked for, or else the default.
func or[T int | time.Duration](asked, otherwise T) T {
	if asked > 0 {
		return asked
	}
	return otherwise
}

// find returns the trial of an id, or the example of a cluster, and its candidate that differs.
func (r *Reader) find(ctx context.Context, want Wanted) (*assay.Trial, *assay.Comparison, error) {
	t, err := r.opt.Store.Trial(ctx, want.ID)
	if isNotFound(err) {
		t, err = r.example(ctx, &want)
	}
	if err != nil {
		return nil, nil, err
	}
	for i := range t.Candidates {
		c := &t.Candidates[i]
		if c.Outcome() == assay.OutcomeMismatch && (want.Candidate == "" || want.Candidate == c.Observation.Arm) {
			return t, c, nil
		}
	}
	return nil, nil, &assay.Error{Code: assay.CodeInvalid, What: "no candidate of that name mismatches in trial " + t.ID, Hint: "`assay trials " + t.Experiment + " --mismatch` lists trials that do"}
}

// example finds a cluster among all experiments, and reads its newest trial.
func (r *Reader) example(ctx context.Context, want *Wanted) (*assay.Trial, error) {
	for _, e := range r.opt.Laboratory.Definitions() {
		clusters, err := r.opt.Store.Clusters(ctx, e.Name)
		if err != nil {
			return nil, err
		}
		for _, c := range clusters {
			if c.ID == want.ID && (want.Candidate == "" || want.Candidate == c.Arm) {
				want.Candidate = c.Arm
				return r.opt.Store.Trial(ctx, c.Example)
			}
		}
	}
	return nil, &assay.Error{Code: assay.CodeNotFound, What: fmt.Sprintf("there is no trial and no cluster %q", want.ID), Hint: "`assay clusters NAME` and `assay trials NAME` list them"}
}

func isNotFound(err error) bool {
	var e *assay.Error
	return errors.As(err, &e) && e.Code == assay.CodeNotFound
}

// hunt is one reproduction under way.
type hunt struct {
	ctx   context.Context
	bench *Bench
	newID func() string
	now   func() time.Time
	tell  func(Progress)
	calls int // left

	candidate string
	statuses  [2]int        // what is looked for: these,
	places    []assay.Place // and differences at these places, no more and no fewer
	made      int           // calls made
	best      exchange      // the last that showed it
	smallest  int
}

// exchange is one invocation with what the arms made of it.
type exchange struct {
	invocation         assay.Invocation
	control, candidate assay.Observation
	differences        []assay.Difference
	noisy              []assay.Place // where the control differs from itself
}

var errSpent = errors.New("the budget is spent")

func (h *hunt) run(t *assay.Trial, unsafe bool) (*export.Reproduction, error) {
	began, notes, err := sendable(t, unsafe)
	if err != nil {
		return nil, err
	}
	if err := h.begin(began, notes); err != nil {
		return nil, err
	}
	if began.Request == nil {
		_, err = reduce.Payload(began.Payload, func(p []byte) (bool, error) { return h.test(&assay.Invocation{Payload: p}) })
	} else {
		_, err = reduce.Request(began.Request, func(q *assay.Request) (bool, error) { return h.test(&assay.Invocation{Request: q}) })
	}
	if err != nil && err != errSpent {
		return nil, err
	}
	complete := err == nil
	last := h.best
	if again, err := h.test(&last.invocation); err == nil && !again {
		notes = append(notes, "tried once more, the smallest request did not differ: what it shows comes and goes")
	}
	h.best = last
	return h.report(t, began, complete, notes)
}

// sendable is a kept invocation as it can be sent again: what was redacted is left out where it can be.
func sendable(t *assay.Trial, unsafe bool) (inv assay.Invocation, notes []string, err error) {
	inv = assay.Invocation{Payload: t.Invocation.Payload}
	body := &inv.Payload
	method := "a direct invocation"
	if t.Invocation.Request != nil {
		q := *t.Invocation.Request
		inv.Request, inv.Payload, body, method = &q, nil, &q.Body, q.Method
		notes = leaveOut(&q)
	}
	switch {
	case !unsafe && (inv.Request == nil || !assay.SafeMethod(method)):
		return inv, nil, &assay.Error{Code: assay.CodeInvalid, What: method + " may change something, and both arms would be called many times", Hint: "allow it with --unsafe"}
	case !t.Bodies:
		return inv, nil, &assay.Error{Code: assay.CodeNotFound, What: "the bodies of trial " + t.ID + " are not kept any more", Hint: "choose another trial"}
	case bytes.HasPrefix(*body, []byte("[withheld: ")):
		return inv, nil, &assay.Error{Code: assay.CodeInvalid, What: "the body of the request was withheld, since it could not be redacted: it cannot be sent again", Hint: "choose another trial"}
	case bytes.Contains(*body, redacted):
		notes = append(notes, "the body holds redacted values: the arms are sent hashes in their place")
	}
	return inv, notes, nil
}

// redacted begins the hash that stands for a secret.
var redacted = []byte("[redacted ")

// leaveOut removes header fields and parameters of which only a hash was kept.
func leaveOut(q *assay.Request) (notes []string) {
	q.Header = q.Header.Clone()
	for _, name := range slices.Sorted(maps.Keys(q.Header)) {
		if slices.ContainsFunc(q.Header[name], func(v string) bool { return strings.Contains(v, string(redacted)) }) {
			delete(q.Header, name)
			notes = append(notes, "the header field "+name+" was redacted, and is not sent")
		}
	}
	parts := strings.Split(q.Query, "&")
	rest := slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return strings.Contains(part, string(redacted)) })
	if len(rest) < len(parts) {
		q.Query = strings.Join(rest, "&")
		notes = append(notes, fmt.Sprintf("%d parameters were redacted, and are not sent", len(parts)-len(rest)))
	}
	return notes
}

// begin sends the request as it was. Places where the control differs from itself are not looked for.
func (h *hunt) begin(inv assay.Invocation, notes []string) error {
	x, err := h.send(&inv, true)
	if err != nil {
		return spent(err)
	}
	h.places = slices.DeleteFunc(h.places, func(p assay.Place) bool { return has(x.noisy, p.Path) })
	h.smallest = sizeOf(&inv)
	if len(h.places) > 0 && h.shows(x) {
		h.best = *x
		return nil
	}
	e := &assay.Error{Code: assay.CodeConflict, What: "the request does not show this difference any more", Hint: "was the candidate mended? `assay clusters` says when it was last seen"}
	if now := cluster.Places(x.differences); len(now) > 0 {
		e.What += ": now it differs at " + paths(now)
	}
	if len(notes) > 0 {
		e.Hint = "this may be why: " + strings.Join(notes, "; ")
	}
	if len(h.places) == 0 {
		e.What, e.Hint = "the control differs from itself wherever the candidate differs: there is nothing to reproduce", "accept a rule for this noise: `assay rules`"
	}
	return e
}

func spent(err error) error {
	if err == errSpent {
		return &assay.Error{Code: assay.CodeUnreachable, What: "the budget was spent before the arms had answered once", Hint: "allow more with --calls and --time"}
	}
	return err
}

func paths(places []assay.Place) string {
	var all []string
	for _, p := range places {
		all = append(all, p.Path+" ("+string(p.Kind)+")")
	}
	return strings.Join(all, ", ")
}

func has(places []assay.Place, path string) bool {
	return slices.ContainsFunc(places, func(p assay.Place) bool { return p.Path == path })
}

// test tells whether an invocation shows what is looked for.
func (h *hunt) test(inv *assay.Invocation) (bool, error) {
	x, err := h.send(inv, false)
	if err != nil {
		return false, err
	}
	shown := h.shows(x)
	if shown {
		h.best, h.smallest = *x, min(h.smallest, sizeOf(inv))
	}
	h.tell(Progress{h.made, h.smallest})
	return shown, nil
}

// shows tells whether the candidate differs at the places looked for and nowhere else, noise aside.
func (h *hunt) shows(x *exchange) bool {
	if slices.ContainsFunc(h.places, func(p assay.Place) bool { return has(x.noisy, p.Path) }) {
		return false
	}
	return h.statuses == [2]int{x.control.Status, x.candidate.Status} && slices.Equal(h.places, x.places())
}

// places is where the candidate differs and the control does not differ from itself.
func (x *exchange) places() []assay.Place {
	return slices.DeleteFunc(cluster.Places(x.differences), func(p assay.Place) bool { return has(x.noisy, p.Path) })
}

// send calls both arms, and then the control again unless the candidate does not differ anyway.
func (h *hunt) send(inv *assay.Invocation, always bool) (*exchange, error) {
	x := &exchange{invocation: *inv}
	x.invocation.ID, x.invocation.Received = h.newID(), h.now()
	comparator := assay.ComparatorFor(h.bench.Comparator, &x.invocation)
	var err error
	if x.control, err = h.call(h.bench.Control, &x.invocation); err != nil {
		return nil, err
	}
	if x.candidate, err = h.call(h.bench.Candidate, &x.invocation); err != nil {
		return nil, err
	}
	x.differences = comparator.Compare(&x.control, &x.candidate)
	if len(cluster.Places(x.differences)) == 0 && !always {
		return x, nil
	}
	second, err := h.call(h.bench.Control, &x.invocation)
	if err != nil {
		return nil, err
	}
	x.noisy = cluster.Places(comparator.Compare(&x.control, &second))
	return x, nil
}

// call invokes an arm as trials do.
func (h *hunt) call(to assay.Invoker, inv *assay.Invocation) (assay.Observation, error) {
	if h.calls <= 0 || h.ctx.Err() != nil {
		return assay.Observation{}, errSpent
	}
	h.calls--
	h.made++
	ctx, cancel := context.WithTimeout(h.ctx, h.bench.Experiment.Budget.Timeout)
	defer cancel()
	o, err := to.Invoke(ctx, inv)
	switch {
	case h.ctx.Err() != nil:
		return assay.Observation{}, errSpent
	case err != nil:
		return assay.Observation{Fault: &assay.Fault{Kind: assay.FaultTransport, Message: err.Error()}}, nil
	case o.Fault != nil && ctx.Err() == context.DeadlineExceeded:
		timed := *o
		timed.Fault = &assay.Fault{Kind: assay.FaultTimeout, Type: o.Fault.Type}
		return timed, nil
	}
	return *o, nil
}

// sizeOf is the bytes of an invocation that reducing can save.
func sizeOf(inv *assay.Invocation) int {
	if inv.Request == nil {
		return len(inv.Payload)
	}
	n := len(inv.Request.Query) + len(inv.Request.Body)
	for name, values := range inv.Request.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// report writes the smallest exchange down, without secrets.
func (h *hunt) report(t *assay.Trial, began assay.Invocation, complete bool, notes []string) (*export.Reproduction, error) {
	x := &h.best
	shown := &assay.Trial{
		ID: x.invocation.ID, Experiment: t.Experiment, Invocation: x.invocation, Control: x.control, Bodies: true,
		Candidates: []assay.Comparison{{Observation: x.candidate, Differences: x.differences}},
	}
	found, err := h.bench.write(shown, h.candidate)
	if err != nil {
		return nil, err
	}
	signature := cluster.Of(t, &assay.Comparison{Observation: x.candidate, Differences: x.differences})
	found.Trial, found.Cluster, found.Began = t.ID, cluster.ID(signature), began.Request
	found.Calls, found.Complete, found.Notes = h.made, complete, append([]string{}, notes...)
	return found, nil
}
