package trial

import (
	"sync"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/trial/breaker"
)

// guard leaves a failing candidate out for a while. All workers of a lane share it. The nil guard lets
// everything through.
type guard struct {
	arm string

	mu      sync.Mutex
	breaker breaker.Breaker
}

// guards are those of a lane's candidates, in the definition's order.
type guards []*guard

func newGuards(e *assay.Experiment) guards {
	all := make(guards, len(e.Candidates))
	for i, arm := range e.Candidates {
		all[i] = &guard{arm: arm.Name}
	}
	return all.set(e.Protect)
}

// set takes over what a definition says of breakers.
func (all guards) set(p assay.Protect) guards {
	for _, g := range all {
		g.mu.Lock()
		g.breaker.Run = p.Breaker
		g.mu.Unlock()
	}
	return all
}

// closedToAll tells whether there are candidates, and none of them may be called now.
func (all guards) closedToAll(now time.Time) bool {
	for _, g := range all {
		if g.allows(now) {
			return false
		}
	}
	return len(all) > 0
}

func (g *guard) allows(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.breaker.Allows(now)
}

func (g *guard) begin(now time.Time) (c breaker.Call, ok bool) {
	if g == nil {
		return c, true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.breaker.Begin(now)
}

// ending is what the end of a call says of its arm.
type ending int

const (
	unknown ending = iota // nothing
	answered
	faulted
)

// end takes in how a call went, and tells whether that opened or closed the breaker.
func (g *guard) end(c breaker.Call, now time.Time, how ending) (changed bool) {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if how == unknown {
		g.breaker.Cancel(c)
		return false
	}
	return g.breaker.End(c, now, how == faulted)
}

// failed tells whether an answer is a reason to leave a candidate alone: it faulted, or it says that it is
// overloaded, and the control's does not.
func failed(control, candidate *assay.Observation) bool {
	return candidate.Fault != nil && control.Fault == nil || overloaded(candidate.Status) && !overloaded(control.Status)
}

// overloaded tells whether a status asks to be called less: AWS throttles with 429.
func overloaded(status int) bool {
	switch status {
	case 429, 502, 503, 504:
		return true
	}
	return false
}

// throttles tells whether a candidate asks to be called less.
func throttles(o *assay.Observation) bool {
	return o.Fault != nil && o.Fault.Kind == assay.FaultThrottle || o.Status == 429
}

// tell logs that a candidate's breaker opened, or closed.
func (l *Lane) tell(g *guard, changed bool) {
	if !changed {
		return
	}
	if s := g.state(); s.Open {
		l.floor.opt.Log.Warn("a candidate faults: its trials are left out, but for one now and then", "experiment", l.name, "candidate", s.Arm)
		return
	}
	l.floor.opt.Log.Info("a candidate answers again: it is called for every trial", "experiment", l.name, "candidate", g.arm)
}

func (g *guard) state() assay.BreakerState {
	g.mu.Lock()
	defer g.mu.Unlock()
	open, until := g.breaker.Open()
	return assay.BreakerState{Arm: g.arm, Open: open, Until: until, Opened: g.breaker.Opened()}
}
