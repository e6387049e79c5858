package pages

import (
	"cmp"
	"slices"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// waterfall shows when each arm of a trial was called, and how long that took.
type waterfall struct {
	Rows []fallRow // in the order of their beginnings
	Span time.Duration
}

// fallRow is one arm's invocation.
type fallRow struct {
	*assay.Observation
	Name, Label string
	Begin       time.Duration // since the first arm was called
	Init, Run   bar           // what it waited for an environment's init, and the rest
}

// bar is a part of a line, in percent of its width.
type bar struct{ X, Width string }

// fallOf lays the calls of a trial out on one line of time. The control's comes first, since candidates are
// called when the client has its answer.
func fallOf(t *assay.Trial, titles map[string]string) waterfall {
	rows := []fallRow{{Observation: &t.Control, Name: "control", Label: labelOf(titles, t.Control.Arm)}}
	if t.Secondary != nil {
		rows = append(rows, fallRow{Observation: &t.Secondary.Observation, Name: "secondary", Label: againLabel})
	}
	for i := range t.Candidates {
		o := &t.Candidates[i].Observation
		rows = append(rows, fallRow{Observation: o, Name: o.Arm, Label: labelOf(titles, o.Arm)})
	}
	w := waterfall{Rows: rows}
	w.lay()
	return w
}

// lay places the bars.
func (w *waterfall) lay() {
	first := w.Rows[0].Started
	for _, r := range w.Rows[1:] {
		if r.Started.Before(first) && !r.Started.IsZero() {
			first = r.Started
		}
	}
	for i := range w.Rows {
		r := &w.Rows[i]
		r.Begin = max(r.Started.Sub(first), 0)
		w.Span = max(w.Span, r.Begin+r.Duration)
	}
	share := func(d time.Duration) float64 { return float64(d) / float64(max(w.Span, 1)) }
	for i := range w.Rows {
		r := &w.Rows[i]
		init := min(r.Observation.Init, r.Duration)
		r.Init = bar{position(share(r.Begin)), position(share(init))}
		r.Run = bar{position(share(r.Begin + init)), position(max(share(r.Duration-init), 0.003))}
	}
	slices.SortStableFunc(w.Rows, func(a, b fallRow) int { return cmp.Compare(a.Begin, b.Begin) })
}

// Inits tells whether an arm waited for an environment's init.
func (w waterfall) Inits() bool {
	return slices.ContainsFunc(w.Rows, func(r fallRow) bool { return r.Cold && r.Observation.Init > 0 })
}

// Began is when it was called, in milliseconds after the first call.
func (r fallRow) Began() string {
	if r.Begin == 0 {
		return "0"
	}
	return millis(shape.Milliseconds(r.Begin))
}

// Took is how long until its answer was there, in milliseconds.
func (r fallRow) Took() string { return millis(shape.Milliseconds(r.Duration)) }

// BilledMS is what an engine bills it for, in milliseconds.
func (r fallRow) BilledMS() string { return millis(shape.Milliseconds(r.Billed)) }

// PerMillion is what a million invocations like this one cost, for people.
func (r fallRow) PerMillion() string {
	if r.CostUSD == 0 {
		return unknown
	}
	return dollars(r.CostUSD * 1e6)
}
