// Package overhead says what trials cost the clients. In come the times of requests that became trials and of
// others, chosen by chance, that were held out; out go the difference with its bounds, the share of errors, and
// whether a limit is passed. It is pure: whoever holds a watch locks it.
package overhead

import (
	"math"
	"time"

	"github.com/assaylab/assay/stats"
)

const (
	// period is after how long what was seen is forgotten, at the latest after twice that.
	period = 5 * time.Minute
	// enough is how many requests of a kind the bounds need, which are true for large numbers.
	enough = 100
	// tuned is for how many requests of a kind the bounds are sharpest.
	tuned = 1000
	// alpha is the chance that the bounds are wrong within a period, alarm that a limit is taken for passed.
	alpha, alarm = 0.05, 1e-4
)

// Limits of what may be seen; zero and nil ones are none.
type Limits struct {
	Overhead time.Duration
	Errors   *float64 // share of answers that are errors
}

// Watch looks at an experiment's requests. Its zero value has seen none.
type Watch struct {
	began    time.Time
	now, old window
}

// window is what was seen in a period.
type window struct{ sampled, heldOut group }

// group is the requests of one kind. Times are in seconds.
type group struct {
	n, errors    int64
	sum, squares float64
}

// Sampled takes in a request that became a trial, or was dropped on the way.
func (w *Watch) Sampled(now time.Time, took time.Duration, failed bool) {
	w.at(now).sampled.add(took, failed)
}

// HeldOut takes in a request that would have become a trial, and was left alone.
func (w *Watch) HeldOut(now time.Time, took time.Duration, failed bool) {
	w.at(now).heldOut.add(took, failed)
}

func (w *Watch) at(now time.Time) *window {
	switch age := now.Sub(w.began); {
	case age >= 2*period:
		w.old, w.now, w.began = window{}, window{}, now
	case age >= period:
		w.old, w.now, w.began = w.now, window{}, now
	}
	return &w.now
}

func (g *group) add(took time.Duration, failed bool) {
	s := took.Seconds()
	g.n, g.sum, g.squares = g.n+1, g.sum+s, g.squares+s*s
	if failed {
		g.errors++
	}
}

func (g group) plus(o group) group {
	return group{g.n + o.n, g.errors + o.errors, g.sum + o.sum, g.squares + o.squares}
}

// Seen is what a watch has to say. Seconds are by how much longer sampled requests took on average; the
// interval is not bounded until there are enough of both kinds.
type Seen struct {
	Sampled, HeldOut int64
	Errors           int64 // of both
	Seconds          float64
	Interval         [2]float64
}

// Seen returns what was seen in the last five to ten minutes.
func (w *Watch) Seen() Seen {
	sampled, heldOut := w.groups()
	s := Seen{Sampled: sampled.n, HeldOut: heldOut.n, Errors: sampled.errors + heldOut.errors}
	s.Seconds, s.Interval = difference(sampled, heldOut, alpha)
	return s
}

func (w *Watch) groups() (sampled, heldOut group) {
	return w.now.sampled.plus(w.old.sampled), w.now.heldOut.plus(w.old.heldOut)
}

// difference bounds a difference of means by two confidence sequences, so that it may be looked at all the time.
func difference(a, b group, alpha float64) (mean float64, interval [2]float64) {
	if min(a.n, b.n) == 0 {
		return 0, [2]float64{math.Inf(-1), math.Inf(1)}
	}
	ours, mine := a.bounded(alpha / 2)
	theirs, other := b.bounded(alpha / 2)
	mean = ours - theirs
	return mean, [2]float64{mean - mine - other, mean + mine + other}
}

func (g group) bounded(alpha float64) (mean, margin float64) {
	mean, sd := stats.MeanDeviation(float64(g.n), g.sum, g.squares)
	if g.n < enough {
		return mean, math.Inf(1)
	}
	return mean, stats.AsymptoticMargin(float64(g.n), sd, 1/stats.NormalMixtureRho(tuned, alpha), alpha)
}

// The limits that can be passed.
const (
	Overhead = "overhead"
	Errors   = "errors"
)

// Passed names a limit that is passed beyond doubt, "" if none is.
func (w *Watch) Passed(l Limits) string {
	sampled, heldOut := w.groups()
	if l.Overhead > 0 {
		if _, interval := difference(sampled, heldOut, alarm); interval[0] > l.Overhead.Seconds() {
			return Overhead
		}
	}
	if all := sampled.plus(heldOut); l.Errors != nil && stats.BernoulliEValue(all.errors, all.n, *l.Errors) >= 1/alarm {
		return Errors
	}
	return ""
}
