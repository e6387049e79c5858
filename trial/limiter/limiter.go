// Package limiter says how many calls of candidates there may be at once without slowing the control. In come
// how long the control took and when; out goes a number of calls. It is pure: whoever holds a limiter locks it.
//
// What slows a control is mostly its clients, so a rise of its latency alone says nothing of candidates. The
// limiter makes an experiment of it: time is cut into windows, of which one of every two allows half the
// calls, and the control's latencies in both are compared. Which comes first follows the Thue-Morse sequence,
// so that nothing periodic in the traffic takes sides.
package limiter

import (
	"math/bits"
	"slices"
	"time"
)

const (
	window  = 100 * time.Millisecond
	samples = 32 // of a window, the first
	enough  = 8  // without which a window says nothing

	memory   = 0.2 // weight of the last pair of windows in the average
	pairs    = 5   // that an average needs
	harm     = 0.2 // by so much slower the control may be with all calls than with half of them
	slack    = 200 * time.Microsecond
	throttle = time.Second // at least between two reactions to throttles
)

// Limiter allows up to Most calls at once. Its zero value allows none: set Most.
type Limiter struct {
	Most int

	limit     int // 0: Most
	number    int64
	took      []time.Duration
	other     time.Duration // the median of the first window of the pair; 0: none
	slower    float64       // average of how much slower, as a share
	by        time.Duration // and in absolute terms
	count     int
	throttled time.Time
}

// Limit is how many calls there may be at once now.
func (l *Limiter) Limit(now time.Time) int {
	if few(windowOf(now)) {
		return l.half()
	}
	return l.all()
}

func (l *Limiter) all() int {
	if l.limit == 0 || l.limit > l.Most {
		return l.Most
	}
	return l.limit
}

func (l *Limiter) half() int { return max(1, l.all()/2) }

func windowOf(now time.Time) int64 { return now.UnixNano() / int64(window) }

// few tells whether a window allows half the calls. Of windows 2n and 2n+1 one does.
func few(number int64) bool { return bits.OnesCount64(uint64(number))%2 == 1 }

// Control takes in how long the control took to serve a client.
func (l *Limiter) Control(now time.Time, took time.Duration) {
	if n := windowOf(now); n != l.number {
		l.close(n)
	}
	if len(l.took) < samples {
		l.took = append(l.took, took)
	}
}

// Throttled takes in that a candidate asked to be called less.
func (l *Limiter) Throttled(now time.Time) {
	if now.Sub(l.throttled) >= throttle {
		l.limit, l.throttled = l.half(), now
		l.forget()
	}
}

// close ends the present window, and perhaps its pair, and begins window n.
func (l *Limiter) close(n int64) {
	median := time.Duration(0)
	if len(l.took) >= enough {
		slices.Sort(l.took)
		median = l.took[len(l.took)/2]
	}
	switch second := l.number%2 == 1; {
	case second && median > 0 && l.other > 0:
		l.compare(median, l.other, few(l.number))
		l.other = 0
	case second:
		l.other = 0
	default:
		l.other = median
	}
	if n/2 != l.number/2 {
		l.other = 0
	}
	l.number, l.took = n, l.took[:0]
}

// compare takes in a pair of windows and acts on what the last of them come to.
func (l *Limiter) compare(second, first time.Duration, secondFew bool) {
	many, few := second, first
	if secondFew {
		many, few = first, second
	}
	l.slower += memory * (float64(many-few)/float64(few) - l.slower)
	l.by += time.Duration(memory * float64(many-few-l.by))
	if l.count++; l.count < pairs {
		return
	}
	switch {
	case l.slower > harm && l.by > slack:
		l.limit = l.half()
		l.forget()
	case l.slower < harm/2:
		l.limit = min(l.Most, l.all()+1)
	}
}

// forget begins the average anew, since it was of another number of calls.
func (l *Limiter) forget() { l.slower, l.by, l.count = 0, 0, 0 }
