// Package breaker says when to leave a failing candidate alone. In come the ends of its calls and the time;
// out goes whether to call it now. It is pure: time is handed in, and whoever holds a breaker locks it.
package breaker

import (
	"math/bits"
	"time"
)

// A breaker opens after Run faults in a row, or when half of the last window calls faulted.
const (
	DefaultRun = 10
	window     = 64
)

// It stays open for firstWait, twice as long after each probe that faulted, lastWait at most. After as many
// probes in a row as closes that did not fault it closes.
const (
	firstWait = time.Second
	lastWait  = time.Minute
	closes    = 3
)

// Breaker guards one candidate. The zero value is closed, and opens after DefaultRun faults in a row.
type Breaker struct {
	Run int // faults in a row that open it; DefaultRun if zero, never if negative

	faults  uint64 // of the last calls, the newest in the lowest bit
	calls   int    // that faults tells of, window at most
	open    bool
	probing bool
	passed  int // probes in a row that did not fault
	wait    time.Duration
	until   time.Time
	opened  int64
}

// Allows tells whether Begin would let a call be made.
func (b *Breaker) Allows(now time.Time) bool {
	return !b.open || !b.probing && !now.Before(b.until)
}

// Call is one call that a breaker let be made.
type Call struct{ probe bool }

// Begin tells whether a call may be made. Each that may is ended by End or Cancel.
func (b *Breaker) Begin(now time.Time) (c Call, ok bool) {
	if !b.Allows(now) {
		return Call{}, false
	}
	b.probing = b.open
	return Call{probe: b.open}, true
}

// End says how a call went, and tells whether that opened or closed the breaker. Of calls that began before
// it opened nothing is learned once it has.
func (b *Breaker) End(c Call, now time.Time, fault bool) (changed bool) {
	switch {
	case c.probe:
		return b.probed(now, fault)
	case b.open:
		return false
	}
	b.note(fault)
	if !b.tripped() {
		return false
	}
	b.open, b.wait, b.until = true, firstWait, now.Add(firstWait)
	b.opened++
	return true
}

// Cancel ends a call that says nothing of the candidate.
func (b *Breaker) Cancel(c Call) {
	if c.probe {
		b.probing = false
	}
}

func (b *Breaker) probed(now time.Time, fault bool) (closed bool) {
	b.probing = false
	if fault {
		b.passed, b.wait = 0, min(2*b.wait, lastWait)
		b.until = now.Add(b.wait)
		return false
	}
	if b.passed++; b.passed < closes {
		return false
	}
	*b = Breaker{Run: b.Run, opened: b.opened}
	return true
}

func (b *Breaker) note(fault bool) {
	b.faults <<= 1
	if fault {
		b.faults |= 1
	}
	b.calls = min(b.calls+1, window)
}

func (b *Breaker) tripped() bool {
	run := b.Run
	if run == 0 {
		run = DefaultRun
	}
	switch {
	case run < 0:
		return false
	case min(bits.TrailingZeros64(^b.faults), b.calls) >= run:
		return true
	}
	return b.calls == window && bits.OnesCount64(b.faults) >= window/2
}

// Open tells whether the candidate is left out, and until when at least.
func (b *Breaker) Open() (open bool, until time.Time) { return b.open, b.until }

// Opened is how often the breaker opened.
func (b *Breaker) Opened() int64 { return b.opened }
