package trial

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/trial/limiter"
)

// generation is a plan in force with the ledger its offers are counted in. It is swapped as a whole.
type generation struct {
	plan   *Plan
	ledger *ledger
	guards guards
	watch  *watch
}

// Lane is one experiment's way from offers to trials: a bounded queue, and as many workers as the
// budget allows, which exist only while there is work.
type Lane struct {
	name    string
	floor   *Floor
	current atomic.Pointer[generation]
	held    atomic.Int64 // bytes of bodies
	taps    taps
	dice    dice

	past     []*generation // earlier questions, newest first; the floor's mutex guards them
	matches  atomic.Int64  // since the start
	shutdown atomic.Int64  // trials dropped because the laboratory ended

	mu      sync.Mutex
	random  *rand.Rand // of trials under way
	limiter limiter.Limiter
	queue   []*task
	workers int
	shutFor string // why no more offers are taken; "" while they are
}

// task is an offer that was taken.
type task struct {
	ticket  *ticket
	inv     *assay.Invocation
	control *assay.Observation
}

func newLane(f *Floor, name string) *Lane {
	return &Lane{name: name, floor: f, random: rand.New(rand.NewPCG(f.opt.Seed, hash64(name))), dice: dice{random: rand.New(rand.NewPCG(f.opt.Seed, hash64("sample of "+name)))}}
}

// Choose implements assay.Lane.
func (l *Lane) Choose(r *assay.Request) assay.Ticket {
	g := l.current.Load()
	reason := l.refuse(g, r)
	stratum := keyOf(r)
	if reason == notChosen && g.plan.Experiment.Sample.Rare > 0 {
		t := &ticket{lane: l, gen: g, stratum: stratum, provisional: true}
		t.undecided.Store(true)
		return t
	}
	if reason != "" {
		g.ledger.strata.count(stratum, func(s *assay.TrafficStratum) { s.Requests++ })
	}
	l.chosen(g, reason)
	switch {
	case reason == notHeldOut:
		return &heldOut{g}
	case reason != "":
		return nil
	case g.guards.closedToAll(l.floor.opt.Now()):
		l.book(g.ledger, DropBreaker, 1) // before anything is copied for it
		return nil
	}
	return &ticket{lane: l, gen: g, stratum: stratum}
}

// Pass counts a request that came in and is not offered: the gateway let a canary serve it.
func (l *Lane) Pass() {
	g := l.current.Load()
	g.ledger.choose(notControl)
	l.floor.keeper.touch(g.ledger)
}

// refuse says why a request does not become a trial, "" if it does.
func (l *Lane) refuse(g *generation, r *assay.Request) string {
	e := &g.plan.Experiment
	switch {
	case e.State == assay.StatePaused || g.watch.tripped.Load() != nil:
		return notPaused
	case r.Header.Get(assay.TrialHeader) != "":
		return notLoop
	case !e.Unsafe && !assay.SafeMethod(r.Method):
		return notSafe
	case g.ledger.done(e.Until, l.floor.opt.Now()):
		return notDone
	case l.floor.keeper.outage.Load() != nil:
		return notStore
	case !l.sampled(e, r):
		return notChosen
	case e.Holdout > 0 && l.dice.throw() < e.Holdout:
		return notHeldOut
	}
	return ""
}

func (l *Lane) sampled(e *assay.Experiment, r *assay.Request) bool {
	if e.Sample.Rate >= 1 {
		return true
	}
	if u, ok := Key(e.Name, e.Sample.By, r); ok {
		return u < e.Sample.Rate
	}
	return l.dice.throw() < e.Sample.Rate
}

func (l *Lane) draw() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.random.Float64()
}

func (l *Lane) shuffle(n int) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.random.Perm(n)
}

// take has a task done: here, or on other machines.
func (l *Lane) take(t *task) (refused string) {
	if l.floor.opt.Carrier != nil {
		return l.carry(t)
	}
	return l.put(t)
}

// put takes a task: to a new worker, or into the queue, or not at all.
func (l *Lane) put(t *task) (refused string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.shutFor != "":
		return l.shutFor
	case l.workers < l.limit() && l.floor.places.take(l):
		l.queue = append(l.queue, t)
		l.start(l.head())
	case t.ticket.brought != nil: // who brings them bounds how many
		l.floor.waiting.Add(1)
		l.queue = append(l.queue, t)
	case len(l.queue) >= t.ticket.gen.plan.Experiment.Budget.Queue || !l.floor.wait():
		return DropQueueFull
	default:
		l.queue = append(l.queue, t)
	}
	return ""
}

// start lets one more worker begin, that has a place.
func (l *Lane) start(t *task) {
	l.workers++
	l.floor.work.Add(1)
	go l.floor.worker(l, t)
}

// dequeue takes the task that has waited longest, and lets more workers begin if more may again.
func (l *Lane) dequeue() *task {
	l.floor.waiting.Add(-1)
	t := l.head()
	for len(l.queue) > 0 && l.workers < l.limit() && l.floor.places.take(l) {
		l.floor.waiting.Add(-1)
		l.start(l.head())
	}
	return t
}

// limit is how many calls the lane may make at once now: what its budget allows, or less for the control's sake.
func (l *Lane) limit() int {
	l.limiter.Most = l.current.Load().plan.Experiment.Budget.Concurrency
	return l.limiter.Limit(l.floor.opt.Now())
}

func (l *Lane) head() *task {
	t := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	return t
}

// next gives a worker its next task, or nil and the worker leaves: there is none, or fewer may work now.
func (l *Lane) next() *task {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 || l.workers > l.limit() {
		l.workers--
		return nil
	}
	return l.dequeue()
}

// enter takes in a worker that has a place, with the task it gets; nil if there is none for it.
func (l *Lane) enter() *task {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 || l.workers >= l.limit() {
		return nil
	}
	l.workers++
	t := l.dequeue()
	if len(l.queue) > 0 {
		l.floor.places.wait(l)
	}
	return t
}

// leave lets a worker go, to another lane. What waits here does so for its place from now on.
func (l *Lane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.workers--
	if len(l.queue) > 0 {
		l.floor.places.wait(l)
	}
}

// shut refuses new offers from now on; what waits goes on.
func (l *Lane) shut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shutFor == "" {
		l.shutFor = DropShutdown
	}
}

// end refuses new offers and drops what waits.
func (l *Lane) end(reason string) {
	l.mu.Lock()
	l.shutFor = reason
	waiting := l.queue
	l.queue = nil
	l.floor.waiting.Add(-int64(len(waiting)))
	l.mu.Unlock()
	for _, t := range waiting {
		t.ticket.drop(reason)
	}
	l.taps.end()
}

// abandon books the trials whose sources have not ended them yet, when all else has.
func (l *Lane) abandon() {
	ledger := l.current.Load().ledger
	if n := ledger.inFlight(); n > 0 {
		l.book(ledger, DropShutdown, n)
	}
}

func (l *Lane) book(to *ledger, reason string, n int64) {
	if reason == DropShutdown {
		l.shutdown.Add(n)
	}
	to.drop(reason, n)
	l.floor.keeper.touch(to)
}

// controlTook learns how long the control took to serve a client.
func (l *Lane) controlTook(control *assay.Observation) {
	if control.Recorded {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limiter.Control(l.floor.opt.Now(), control.Duration)
}

// throttled learns that a candidate asks to be called less.
func (l *Lane) throttled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limiter.Throttled(l.floor.opt.Now())
}

// state is what the lane does at this moment.
func (l *Lane) state() (s assay.LaneState) {
	s.Held = l.held.Load()
	l.mu.Lock()
	s.Calls, s.Waiting, s.Limit = l.workers, len(l.queue), l.limit()
	l.mu.Unlock()
	now := l.current.Load()
	s.Overhead, s.Strata = now.watch.state(), now.ledger.parts(now.ledger.strata.list())
	for _, g := range now.guards {
		s.Breakers = append(s.Breakers, g.state())
	}
	return s
}

// ticket implements assay.Ticket: it is its source's until it is offered or dropped, and one worker's
// from then on.
type ticket struct {
	lane    *Lane
	gen     *generation
	brought *brought     // of an offer that was sampled elsewhere; nil of one made here
	bytes   atomic.Int64 // reserved
	handed  atomic.Bool  // the source has offered or dropped it

	stratum     assay.StratumKey
	counted     atomic.Bool // in its stratum
	provisional bool        // chance did not choose it, and its stratum may be rare
	undecided   atomic.Bool // whether that is so
	rare        bool        // it is
	ended       atomic.Bool // kept, or counted as dropped
}

// MaxBody implements assay.Bounded.
func (t *ticket) MaxBody() int64 { return t.gen.plan.Experiment.Budget.Body }

// Reserve implements assay.Ticket.
func (t *ticket) Reserve(n, size int) bool {
	switch {
	case t.handed.Load():
		return false
	case int64(size) > t.gen.plan.Experiment.Budget.Body:
		t.Drop(DropTooLarge)
	case !t.charge(n):
		t.Drop(DropMemory)
	}
	if t.ended.Load() { // now, or by another goroutine meanwhile
		t.release()
		return false
	}
	return true
}

// hold counts so many bytes in all as held for the trial from now on; false when that is over a budget.
func (t *ticket) hold(size int) bool { return t.charge(size - int(t.bytes.Load())) }

// charge counts n bytes more as held for the trial; false when that would be over a budget.
func (t *ticket) charge(n int) bool {
	size := int64(n)
	if !addWithin(&t.lane.held, size, t.gen.plan.Experiment.Budget.Memory) {
		return false
	}
	if !addWithin(&t.lane.floor.held, size, t.lane.floor.opt.Memory) {
		t.lane.held.Add(-size)
		return false
	}
	t.bytes.Add(size)
	return true
}

// addWithin adds to a sum, unless that takes it beyond a limit.
func addWithin(sum *atomic.Int64, n, limit int64) bool {
	for {
		now := sum.Load()
		if n > 0 && now+n > limit {
			return false
		}
		if sum.CompareAndSwap(now, now+n) {
			return true
		}
	}
}

// Offer implements assay.Ticket.
func (t *ticket) Offer(inv *assay.Invocation, control *assay.Observation) {
	t.Decide(control.Status)
	if !t.handed.CompareAndSwap(false, true) {
		return
	}
	t.sampled(classOf(control.Status))
	t.lane.controlTook(control)
	if reason := t.offer(inv, control); reason != "" {
		t.drop(reason)
	}
}

func (t *ticket) offer(inv *assay.Invocation, control *assay.Observation) (refused string) {
	switch {
	case unreached(control):
		return DropControl
	case !t.hold(weight(inv, control)): // bodies were reserved, and the rest is known now
		return DropMemory
	}
	return t.lane.take(&task{ticket: t, inv: inv, control: control})
}

// unreached tells whether the control's function had no say in its answer. Its own failures are behaviour
// to compare with; these are not.
func unreached(control *assay.Observation) bool {
	if control.Fault == nil {
		return false
	}
	switch control.Fault.Kind {
	case assay.FaultTransport, assay.FaultThrottle, assay.FaultCanceled:
		return true
	}
	return false
}

// Drop implements assay.Ticket.
func (t *ticket) Drop(reason string) {
	if t.handed.CompareAndSwap(false, true) {
		t.drop(reason)
	}
}

// drop ends the ticket of a trial that will not be kept. Whoever brought it counts it.
func (t *ticket) drop(reason string) {
	if t.brought != nil {
		if t.end() {
			t.brought.end <- reason
		}
		return
	}
	if t.giveUp() {
		return
	}
	t.sampled(classUnknown)
	if t.end() {
		if t.rare {
			t.gen.ledger.setApart(-1)
		}
		t.lane.book(t.gen.ledger, reason, 1)
	}
}

// keep ends the ticket of a trial that is in the store.
func (t *ticket) keep() {
	switch {
	case !t.end():
	case t.brought != nil:
		t.brought.end <- ""
	default:
		t.gen.ledger.hand(1)
	}
}

// end gives back what the ticket reserved; false if it had ended before.
func (t *ticket) end() bool {
	if !t.ended.CompareAndSwap(false, true) {
		return false
	}
	t.release()
	return true
}

func (t *ticket) release() {
	bytes := t.bytes.Swap(0)
	t.lane.held.Add(-bytes)
	t.lane.floor.held.Add(-bytes)
}
