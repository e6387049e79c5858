package trial

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/assaylab/assay"
)

// firstMatches is how many matches are kept with their bodies before only a share of them is.
const firstMatches = 20

// try makes one trial: calls the arms, compares, redacts, keeps. Whatever happens, the ticket ends.
func (l *Lane) try(t *task) {
	defer func() {
		if r := recover(); r != nil {
			l.floor.opt.Log.Error("a trial panicked: please report this",
				append([]any{"experiment", l.name, "panic", r, "stack", string(debug.Stack())}, t.inv.Trace.Attributes()...)...)
			t.ticket.drop(DropPanic)
		}
	}()
	made, reason := l.make(t)
	if reason != "" {
		t.ticket.drop(reason)
		return
	}
	keeping := kept{trial: made, ticket: t.ticket, span: l.span(t.inv, "keep", assay.SpanInternal)}
	if !l.floor.keeper.keep(keeping) {
		endSpans([]kept{keeping})
		t.ticket.drop(DropShutdown)
	}
}

// make calls the secondary and the candidates in random order, so that none is always first. A candidate
// whose breaker is open is left out; a trial of none is none.
func (l *Lane) make(t *task) (made *assay.Trial, refused string) {
	g := t.ticket.gen
	if g.guards.closedToAll(l.floor.opt.Now()) {
		return nil, DropBreaker
	}
	e := &g.plan.Experiment
	made = &assay.Trial{
		ID: t.inv.ID, Experiment: e.Name, Version: e.Version, Since: e.Since, Time: t.inv.Received,
		Invocation: *t.inv, Control: *t.control, Rare: t.ticket.rare,
	}
	if t.ticket.brought != nil {
		made.Version = t.ticket.brought.version
	}
	g.ledger.begin(made.Time)
	calls := l.calls(g, t.ticket.rare)
	for _, i := range l.shuffle(len(calls)) {
		if refused := l.observe(t, &calls[i]); refused != "" {
			return nil, refused
		}
	}
	if t.ticket.bytes.Load() > heavy {
		l.floor.heavy.Lock()
		defer l.floor.heavy.Unlock()
	}
	comparing := l.span(t.inv, "compare", assay.SpanInternal)
	refused = l.compare(g.plan, t, calls, made)
	if comparing != nil {
		comparing.Note("assay.outcome", string(made.Outcome()))
	}
	l.finish(comparing, nil)
	if refused != "" {
		return nil, refused
	}
	if len(made.Candidates) == 0 && len(e.Candidates) > 0 {
		return nil, DropBreaker
	}
	l.reduce(g.plan, made)
	if !t.ticket.hold(madeWeight(made)) {
		return nil, DropMemory
	}
	return made, ""
}

// heavy is the size in bytes above which trials are compared and redacted one at a time.
const heavy = 1 << 20

// room is what one call may hold of an answer, within the trial's budget. Who answers may ask for more after
// nobody waits for it any longer.
type room struct {
	ticket *ticket

	mu    sync.Mutex
	taken int
	full  bool
}

// more asks for n more bytes.
func (r *room) more(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full {
		return false
	}
	r.taken += n
	r.full = !r.ticket.charge(n)
	return !r.full
}

// holds settles what was taken with what the answer came to. There is no more room then.
func (r *room) holds(size int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	fits := !r.full && r.ticket.charge(size-r.taken)
	r.full = true
	return fits
}

// observe makes one call, unless its arm is left out.
func (l *Lane) observe(t *task, c *call) (refused string) {
	admitted, ok := c.guard.begin(l.floor.opt.Now())
	if !ok {
		return ""
	}
	end := unknown
	defer func() { l.tell(c.guard, c.guard.end(admitted, l.floor.opt.Now(), end)) }()
	r := &room{ticket: t.ticket}
	inv, span := l.follow(t.inv, c)
	obs := l.call(c.invoker, inv, &t.ticket.gen.plan.Experiment, r.more)
	l.finish(span, &obs)
	switch {
	case l.floor.ctx.Err() != nil:
		return DropShutdown // what ended with the laboratory says nothing of the arm
	case !r.holds(observationWeight(&obs)):
		return DropMemory
	}
	if end = answered; failed(t.control, &obs) {
		end = faulted
	}
	if throttles(&obs) {
		l.throttled()
	}
	obs.Arm, obs.Role = c.arm, c.role
	c.observation = &obs
	return ""
}

// compare puts what was observed into the trial, in the definition's order, with the differences.
func (l *Lane) compare(p *Plan, t *task, calls []call, made *assay.Trial) (refused string) {
	comparator := assay.ComparatorFor(p.Comparator, t.inv)
	for _, c := range calls {
		if c.observation == nil {
			continue
		}
		found, refused := l.differences(comparator, t.control, l.comparable(p, t.control, c.observation))
		if refused != "" {
			return refused
		}
		compared := assay.Comparison{Observation: *c.observation, Differences: found}
		if c.role == assay.RoleSecondary {
			made.Secondary = &compared
			continue
		}
		made.Candidates = append(made.Candidates, compared)
	}
	return ""
}

// differences holds what comparing takes against what all experiments together may hold: the values of a document take
// many times its bytes.
func (l *Lane) differences(c assay.Comparator, control, other *assay.Observation) (found []assay.Difference, refused string) {
	weight := assay.WeightOf(c, control, other)
	if !addWithin(&l.floor.held, weight, l.floor.opt.Memory) {
		return nil, DropMemory
	}
	defer l.floor.held.Add(-weight)
	if found = c.Compare(control, other); undecided(found) {
		return nil, DropCompare
	}
	return found, ""
}

// undecided tells whether a comparator could not compare.
func undecided(found []assay.Difference) bool {
	return slices.ContainsFunc(found, func(d assay.Difference) bool { return d.Kind == assay.KindFailed })
}

// comparable is an observation as it is compared with the control's. A recorded control is redacted, so the
// other is as well: a keyed hash of equal secrets is equal.
func (l *Lane) comparable(p *Plan, control, other *assay.Observation) *assay.Observation {
	if !control.Recorded {
		return other
	}
	o := *other
	o.Header, o.Body = decoded(o.Header, o.Body, l.floor.opt.Decode)
	return p.Redactor.Observation(&o)
}

// call is one call to make, and what came of it.
type call struct {
	arm         string
	function    string // of the embedded engine; "": it is none
	role        assay.Role
	invoker     assay.Invoker
	guard       *guard             // nil: never left out
	observation *assay.Observation // nil: it was not made
}

func (l *Lane) calls(g *generation, rare bool) []call {
	e := &g.plan.Experiment
	calls := make([]call, 0, len(e.Candidates)+1)
	for i, arm := range e.Candidates {
		calls = append(calls, call{arm: arm.Name, function: arm.Target.Function, role: assay.RoleCandidate, invoker: g.plan.Candidates[i], guard: g.guards[i]})
	}
	if !rare && e.Secondary > 0 && l.draw() < e.Secondary {
		calls = append(calls, call{arm: e.Control.Name, function: e.Control.Target.Function, role: assay.RoleSecondary, invoker: g.plan.Control})
	}
	return calls
}

// call invokes one arm within the budget's time. An arm that overruns it has timed out, whatever its
// invoker calls that; one whose engine could not even try has a transport fault.
func (l *Lane) call(to assay.Invoker, inv *assay.Invocation, e *assay.Experiment, room func(int) bool) assay.Observation {
	ctx, cancel := context.WithTimeout(l.floor.ctx, e.Budget.Timeout)
	defer cancel()
	ctx = assay.WithRoom(ctx, room)
	started := l.floor.opt.Now()
	obs, err := to.Invoke(ctx, inv)
	if err != nil {
		obs = &assay.Observation{
			Started: started, Duration: l.floor.opt.Now().Sub(started),
			Fault: &assay.Fault{Kind: assay.FaultTransport, Message: err.Error()},
		}
	}
	o := *obs
	if o.Fault != nil && ctx.Err() == context.DeadlineExceeded {
		o.Fault = &assay.Fault{Kind: assay.FaultTimeout, Type: o.Fault.Type, Message: fmt.Sprintf("no answer within %s", e.Budget.Timeout)}
	}
	return o
}

// reduce leaves in the trial what may and should be kept: no secrets, and bodies only of mismatches
// and of some matches.
func (l *Lane) reduce(p *Plan, made *assay.Trial) {
	made.Bodies = made.Outcome() == assay.OutcomeMismatch || l.keepMatch()
	recorded := l.taps.any()
	if !made.Bodies && !recorded {
		withoutBodies(made)
	}
	decodeBodies(made, l.floor.opt.Decode)
	p.Redactor.Trial(made)
	if recorded {
		l.taps.give(made)
		if !made.Bodies {
			withoutBodies(made)
		}
	}
}

func (l *Lane) keepMatch() bool {
	return l.matches.Add(1) <= firstMatches || l.draw() < l.floor.opt.KeepMatches
}

// observations calls f with each observation of a trial; changes go into the trial.
func observations(t *assay.Trial, f func(*assay.Observation)) {
	f(&t.Control)
	if t.Secondary != nil {
		f(&t.Secondary.Observation)
	}
	for i := range t.Candidates {
		f(&t.Candidates[i].Observation)
	}
}

func withoutBodies(t *assay.Trial) {
	if t.Invocation.Request != nil {
		r := *t.Invocation.Request
		r.Body = nil
		t.Invocation.Request = &r
	}
	t.Invocation.Payload = nil
	observations(t, func(o *assay.Observation) { o.Body, o.Log = nil, nil })
}

// withheld stands for a body that cannot be looked into, and so cannot be redacted.
const withheld = "[withheld: its content encoding cannot be undone]"

// decodeBodies undoes content encodings, so that bodies can be read and redacted.
func decodeBodies(t *assay.Trial, decode func(*assay.Observation) ([]byte, error)) {
	if r := t.Invocation.Request; r != nil {
		plain := *r
		plain.Header, plain.Body = decoded(r.Header, r.Body, decode)
		t.Invocation.Request = &plain
	}
	observations(t, func(o *assay.Observation) { o.Header, o.Body = decoded(o.Header, o.Body, decode) })
}

func decoded(h assay.Header, body []byte, decode func(*assay.Observation) ([]byte, error)) (assay.Header, []byte) {
	if decode == nil || h.Get("Content-Encoding") == "" || len(body) == 0 {
		return h, body
	}
	plain, err := decode(&assay.Observation{Header: h, Body: body})
	if err != nil {
		return h, []byte(withheld)
	}
	h = h.Clone()
	h.Set("Assay-Content-Encoding-Undone", h.Get("Content-Encoding"))
	delete(h, "Content-Encoding")
	return h, plain
}
