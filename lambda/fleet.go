package lambda

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

// limits of a fleet.
type limits struct {
	environments int // of all functions together
	memoryMB     int // that their functions are configured with; one environment may always run
	perFunction  int // environments of a function without reserved concurrency
	queue        int // exchanges that wait for a function's environments
}

// fleet is all environments, and decides which exchange each serves, and when one starts and ends. It
// starts and waits for nothing itself: that is launch's and the environments' part. What holds whenever
// its lock is free:
//
//   - an exchange is with one environment, or waits in one pool, or has its answer;
//   - the environments that live, and the memory they are admitted with, are within the limits;
//   - a function with reserved concurrency executes no more than that at once;
//   - nobody waits beside an idle environment that may serve him.
type fleet struct {
	limits limits
	launch func(v *environment, first *exchange)
	create func(*pool) *environment

	mu           sync.Mutex // guards what follows and all in it
	functions    map[string]*function
	environments map[*environment]bool // those not ended yet
	live         int                   // of them, those that count
	memoryMB     int                   // that those are admitted with
	queued       int                   // exchanges that wait, in all pools
	closed       bool
}

// submit finds an environment for an exchange, or lets it wait for one, or answers it. While hurry is
// not nil, the caller should insist when it fires. The lock is held.
func (e *fleet) submit(p *pool, x *exchange) (hurry <-chan time.Time) {
	f := p.function
	switch {
	case e.closed:
		x.answer(closing())
		return nil
	case f.full():
		e.throttle(p, x, reasonReserved)
		return nil
	case len(p.waiting) >= e.limits.queue:
		e.throttle(p, x, reasonAccount)
		return nil
	}
	p.count(func(m *metrics) { m.invocations++ })
	switch {
	case p.current.broken != "":
		p.count(func(m *metrics) { m.errors++ })
		x.answer(failed(assay.FaultCrash, "Runtime.InvalidEntrypoint", p.current.broken))
		close(x.done)
	case len(p.idle) > 0 && f.mayExecute():
		p.give(x)
	case p.settling > len(p.waiting):
		e.enqueue(p, x)
		hurry = time.After(settleGrace)
	case !e.start(p, x):
		e.enqueue(p, x)
	}
	return hurry
}

func (e *fleet) throttle(p *pool, x *exchange, reason string) {
	p.count(func(m *metrics) { m.throttles++ })
	a := throttled(reason)
	a.memoryMB = p.current.MemoryMB
	x.answer(a)
}

func (e *fleet) enqueue(p *pool, x *exchange) {
	p.waiting = append(p.waiting, x)
	e.queued++
}

// dequeue takes the i-th exchange out of a pool's queue.
func (e *fleet) dequeue(p *pool, i int) *exchange {
	x := p.waiting[i]
	p.waiting = slices.Delete(p.waiting, i, i+1)
	e.queued--
	return x
}

// dismiss answers all that wait for an environment of a pool.
func (e *fleet) dismiss(p *pool, a answer) {
	for len(p.waiting) > 0 {
		e.dequeue(p, 0).answer(a)
	}
}

// insist ends an exchange's waiting for an environment to settle.
func (e *fleet) insist(p *pool, x *exchange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.Index(p.waiting, x); i >= 0 && e.start(p, x) {
		e.dequeue(p, i)
	}
}

// forget takes an exchange whose caller has gone out of the queue, and tells whether it was there.
func (e *fleet) forget(p *pool, x *exchange) (queued bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.Index(p.waiting, x)
	if i >= 0 {
		e.dequeue(p, i)
	}
	return i >= 0
}

// start starts an environment, for an exchange or to be kept, if the limits allow it or idle
// environments can make room.
func (e *fleet) start(p *pool, x *exchange) bool {
	f := p.function
	limit := e.limits.perFunction
	if f.reserved >= 0 {
		limit = f.reserved
	}
	if e.closed || x != nil && !f.mayExecute() || !e.makeRoom(p, limit, x != nil) {
		return false
	}
	v := e.create(p)
	v.memoryMB, v.kept = p.memory(), x == nil
	e.environments[v] = true
	e.live++
	e.memoryMB += v.memoryMB
	f.live++
	p.live++
	f.maxLive, p.maxLive = max(f.maxLive, f.live), max(p.maxLive, p.live)
	if v.kept {
		p.starting++
		if p.provisioned > 0 {
			v.initType = provisioned
		}
	} else {
		v.used = true
		p.count(func(m *metrics) { m.coldStarts++ })
	}
	e.launch(v, x)
	return true
}

// makeRoom tells whether one more environment of a pool is within the limits. With evict it retires idle
// environments until it is: those that nothing keeps first, longest idle first; of the function itself
// while that has as many as it may. It retires none if that would not be enough.
func (e *fleet) makeRoom(p *pool, limit int, evict bool) bool {
	live, used, own := e.live, e.memoryMB, p.function.live
	fits := func() bool {
		return live < e.limits.environments && (used+p.memory() <= e.limits.memoryMB || live == 0)
	}
	if own < limit && fits() {
		return true
	}
	if !evict {
		return false
	}
	var victims []*environment
	spare := e.spare()
	if own >= limit {
		slices.SortStableFunc(spare, func(a, b *environment) int { return foreign(a, p) - foreign(b, p) })
	}
	for _, v := range spare {
		if own >= limit && v.function != p.function {
			break
		}
		victims = append(victims, v)
		live, used = live-1, used-v.memoryMB
		if v.function == p.function {
			own--
		}
		if own < limit && fits() {
			break
		}
	}
	if own >= limit || !fits() {
		return false
	}
	for _, v := range victims {
		e.evict(v)
	}
	return true
}

// foreign is 1 for an environment of another function, else 0.
func foreign(v *environment, p *pool) int {
	if v.function == p.function {
		return 0
	}
	return 1
}

// spare lists the idle environments, those that nothing keeps first, longest idle first.
func (e *fleet) spare() (list []*environment) {
	var kept []*environment
	e.each(func(p *pool) {
		n := min(len(p.idle), max(p.live-p.wanted(), 0))
		list, kept = append(list, p.idle[:n]...), append(kept, p.idle[n:]...)
	})
	for _, l := range [][]*environment{list, kept} {
		slices.SortStableFunc(l, func(a, b *environment) int { return a.idleSince.Compare(b.idleSince) })
	}
	return append(list, kept...)
}

// evict retires an idle environment. It counts as gone at once, though processes that registered an
// extension have time to end.
func (e *fleet) evict(v *environment) {
	p := v.pool
	i := slices.Index(p.idle, v)
	p.idle = slices.Delete(p.idle, i, i+1)
	e.discount(v)
	close(v.retired)
}

// discount takes an environment out of the count of the living, once.
func (e *fleet) discount(v *environment) {
	if !v.discounted {
		v.discounted = true
		v.pool.live--
		v.function.live--
		e.live--
		e.memoryMB -= v.memoryMB
	}
}

// settle notes that an environment has answered; it will be free soon.
func (e *fleet) settle(v *environment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !v.settling {
		v.settling = true
		v.pool.settling++
	}
}

func (e *fleet) settled(v *environment) {
	if v.settling {
		v.settling = false
		v.pool.settling--
	}
}

// ready is called by an environment that was started to be kept and has initialized, or could not.
func (e *fleet) ready(v *environment, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v.kept = false
	v.pool.starting--
	v.pool.failed = ""
	if !ok {
		v.pool.failed = initFailed
	}
}

// free is called by an environment that can take another exchange: it gets one that waits, or becomes
// idle, or is told to end.
func (e *fleet) free(v *environment) (x *exchange, stay bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settled(v)
	p, f := v.pool, v.function
	switch {
	case e.closed || p.current.print != v.version.print || f.pools[p.current.number] != p:
		return nil, false
	case len(p.waiting) > 0 && (f.reserved < 0 || f.executing() <= f.reserved):
		v.used = true
		return e.dequeue(p, 0), true
	case e.starved(p):
		return nil, false
	}
	v.idleSince = time.Now()
	p.idle = append(p.idle, v)
	if e.queued > 0 {
		e.refill()
	}
	return nil, true
}

// shut lets the idle end and nobody new in. It tells whether it was the first to.
func (e *fleet) shut() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.closed = true
	e.each(func(p *pool) {
		e.dismiss(p, closing())
		p.retireIdle(0)
	})
	return true
}

// starved tells whether the engine is full and callers of another pool, without an environment, have
// nothing to wait for but one of this pool's.
func (e *fleet) starved(by *pool) bool {
	if e.queued == 0 {
		return false
	}
	for _, f := range e.functions {
		for _, p := range f.pools {
			if p != by && p.live == 0 && len(p.waiting) > 0 && !e.admits(p) {
				return true
			}
		}
	}
	return false
}

// admits tells whether one more environment of a pool is within the fleet's limits.
func (e *fleet) admits(p *pool) bool {
	return e.live < e.limits.environments && (e.memoryMB+p.memory() <= e.limits.memoryMB || e.live == 0)
}

// leave lets an idle environment end, unless it is to be kept or was given an exchange meanwhile.
func (e *fleet) leave(v *environment) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.Index(v.pool.idle, v)
	if i < 0 || v.pool.live <= v.pool.wanted() {
		return false
	}
	v.pool.idle = slices.Delete(v.pool.idle, i, i+1)
	return true
}

// ended is called by an environment that is no more. An exchange it was given and did not begin goes
// back to the queue's head, and callers that waited for room get it.
func (e *fleet) ended(v *environment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settled(v)
	e.discount(v)
	delete(e.environments, v)
	p := v.pool
	if i := slices.Index(p.idle, v); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
		if !v.used {
			p.failed = initFailed // it would end again
		}
	}
	if v.kept {
		v.kept = false
		p.starting--
	}
	select {
	case x := <-v.calls:
		p.waiting = slices.Insert(p.waiting, 0, x)
		e.queued++
	default:
	}
	switch {
	case e.closed:
		e.dismiss(p, closing())
	case p.function.pools[p.current.number] != p:
		e.dismiss(p, removed(p.function.name))
	}
	e.refill()
}

// initFailed is AWS's StatusReason of provisioned concurrency that cannot be had.
const initFailed = "FUNCTION_ERROR_INIT_FAILURE"

// refill gives callers that wait what there is for them, pools without any environment first, and then
// starts the environments that are to be kept.
func (e *fleet) refill() {
	for _, without := range []bool{true, false} {
		e.each(func(p *pool) {
			for len(p.waiting) > 0 && (p.live == 0) == without {
				if len(p.idle) > 0 && p.function.mayExecute() {
					p.give(e.dequeue(p, 0))
				} else if !e.start(p, p.waiting[0]) {
					return
				} else {
					e.dequeue(p, 0)
				}
			}
		})
	}
	e.each(func(p *pool) {
		for p.live < p.wanted() && p.failed == "" && p.current.broken == "" && e.start(p, nil) {
		}
	})
}

// each visits the pools by function and version.
func (e *fleet) each(do func(*pool)) {
	for _, name := range slices.Sorted(maps.Keys(e.functions)) {
		f := e.functions[name]
		for _, number := range slices.Sorted(maps.Keys(f.pools)) {
			do(f.pools[number])
		}
	}
}

// countCold counts the start of processes in an environment that has had some before.
func (e *fleet) countCold(p *pool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.count(func(m *metrics) { m.coldStarts++ })
}

// countError counts an invocation that failed.
func (e *fleet) countError(p *pool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.count(func(m *metrics) { m.errors++ })
}
