package assay

import (
	"context"
	"time"
)

// TrialHeader marks the calls of candidates and secondaries with the invocation's id, so that one which
// calls back through Assay makes no trial of its own.
const TrialHeader = "Assay-Trial"

// Invoker serves one invocation with one arm. A call that failed is data: an Observation with a Fault.
// An error means that nothing was observed at all. Invokers are safe for concurrent use, do not keep
// or change the Invocation, and return soon after ctx ends. They leave Arm and Role to the caller.
type Invoker interface {
	Invoke(ctx context.Context, inv *Invocation) (*Observation, error)
}

type roomKey struct{}

// WithRoom has Invokers ask for room before they hold n more bytes of an answer. At false there is none: they
// read no further, and what they return is of no interest.
func WithRoom(ctx context.Context, room func(n int) bool) context.Context {
	return context.WithValue(ctx, roomKey{}, room)
}

// RoomIn is what an Invoker asks for room, nil if nobody counts.
func RoomIn(ctx context.Context) func(n int) bool {
	room, _ := ctx.Value(roomKey{}).(func(n int) bool)
	return room
}

// InvokerFunc makes a function an Invoker.
type InvokerFunc func(context.Context, *Invocation) (*Observation, error)

// Invoke calls f.
func (f InvokerFunc) Invoke(ctx context.Context, inv *Invocation) (*Observation, error) {
	return f(ctx, inv)
}

// FaultWriter is what an http.ResponseWriter also implements when it wants to know that the answer
// being written stands for a fault (a streaming control could not be reached, for example).
type FaultWriter interface {
	Fault(Fault)
}

// Comparator lists the differences between two observations, in a stable order. It is pure: the same
// observations give the same list, and it changes neither.
type Comparator interface {
	Compare(control, other *Observation) []Difference
}

// Chooser is what a Comparator also implements when what it compares depends on the request.
type Chooser interface {
	// For returns what compares the answers to an invocation.
	For(*Invocation) Comparator
}

// ComparatorFor is what compares the answers to an invocation.
func ComparatorFor(c Comparator, inv *Invocation) Comparator {
	if chooser, ok := c.(Chooser); ok {
		return chooser.For(inv)
	}
	return c
}

// Weighing is what a Comparator also implements that may hold much more than the observations while it compares.
type Weighing interface {
	// Weigh estimates, from above, how many bytes Compare holds beside the two.
	Weigh(control, other *Observation) int64
}

// WeightOf is what a comparator holds while it compares, in bytes, as far as it can tell.
func WeightOf(c Comparator, control, other *Observation) int64 {
	if w, ok := c.(Weighing); ok {
		return w.Weigh(control, other)
	}
	return 0
}

// Lane takes served invocations from sources of traffic and chooses which become trials. It never
// blocks and never fails: what it has no room for it drops and counts.
type Lane interface {
	// Choose is asked when a request comes in, before the control is called. It returns nil when the
	// request is not sampled.
	Choose(*Request) Ticket
}

// Ticket is the place one sampled request has in the lane. Either Offer or Drop ends it; what comes
// after is without effect.
type Ticket interface {
	// Reserve asks for n more bytes to hold a copy of a body, which has size bytes with them. At false
	// the ticket has ended, counted as dropped, and the source stops copying.
	Reserve(n, size int) bool
	// Offer hands over the served invocation with the control's observation; they are the lane's from
	// then on.
	Offer(*Invocation, *Observation)
	// Drop gives the place up, counted by its reason.
	Drop(reason string)
}

// Bounded is what a Ticket also implements to say how much of one body it holds. Of an answer's body that is
// longer the source keeps the beginning: the observation's BodySize tells, and it is never taken for equal. A
// request cannot be made again with half its body: it is dropped.
type Bounded interface {
	MaxBody() int64 // bytes
}

// Deciding is what a Ticket also implements that depends on what the control answers. It is asked once, as soon
// as the status is known; at false it has ended, and nothing need be copied. A source that does not ask offers.
type Deciding interface {
	Decide(status int) bool
}

// Timed is what a Ticket also implements when it wants to know how long its client was served, whatever has
// become of the ticket.
type Timed interface {
	// Served is told once, when the client has the whole answer: how long that took from when the request came
	// in, and what was answered, without the body.
	Served(took time.Duration, control *Observation)
}

// Batch is what a store keeps at once: all of it or nothing.
type Batch struct {
	Trials   []Trial
	Refusals []Refusal
	Ledgers  []Ledger
	Strata   []Strata // of each those parts that have changed, in all
}

// Refusal is an offer that was given up, somewhere on many machines. Whatever comes first of an id counts, once: its
// trial, or that it was dropped.
type Refusal struct {
	ID         string
	Experiment string
	Since      int
	Time       time.Time // of the offer
	Reason     string
}

// Query selects trials, newest first. The zero value of a field does not restrict.
type Query struct {
	Experiment string
	Since      int // only trials whose evidence began with this version or a later one; 0: all
	Outcome    Outcome
	Arm        string // candidate that has the outcome, and the difference at Path
	Path       string // as in PathCount; Outcome is then the one at this path
	Limit      int    // at most; 50 if zero, 500 at most
	Cursor     string // from the page before
}

// Page is an answer to a Query. Trials come without bodies and logs.
type Page struct {
	Trials []Trial
	Next   string // the cursor of the next page; "" at the end
}

// Store keeps trials and counts them. Counting is exact and idempotent: a trial kept twice counts
// once, and so does a refusal, which is in the ledger of SourceWorkers then. A trial is found again only as long as the store's size limit allows; it is counted for ever.
type Store interface {
	Keep(context.Context, Batch) error
	Counts(ctx context.Context, experiment string, since int) (Counts, error)
	Trials(context.Context, Query) (Page, error)
	// Trial fails with CodeNotFound when there is no such trial.
	Trial(ctx context.Context, id string) (*Trial, error)
	Close() error
}

// Measured is what a Store also implements when it knows how many bytes its trials take.
type Measured interface {
	KeptBytes(context.Context) (int64, error)
}

// Definitions keeps the experiments themselves, so that a restart goes on where the last run ended.
type Definitions interface {
	Save(context.Context, Experiment) error
	// Load returns the newest version of each experiment, deleted ones included.
	Load(context.Context) ([]Experiment, error)
	// Versions returns the newest versions of one experiment, at most limit, newest first.
	Versions(ctx context.Context, name string, limit int) ([]Experiment, error)
}
