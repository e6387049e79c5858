package lambda

import (
	"slices"
	"time"

	"github.com/assaylab/assay"
)

// metrics counts what CloudWatch counts, of a function or one of its versions, since the engine
// started.
type metrics struct {
	invocations, errors, throttles, coldStarts int64

	duration    time.Duration // of all invocations that ran
	billed      time.Duration
	initialized time.Duration // inits that callers waited for
	ran         int64         // invocations that ran to an answer
	maxMemoryMB int           // the most that an environment used
	maxLive     int           // the most environments at once
}

// count counts for a pool and its function.
func (p *pool) count(add func(*metrics)) {
	add(&p.metrics)
	add(&p.function.metrics)
	add(p.function.hour.at(time.Now()))
}

// hour is what a function's last minutes counted, each in its place modulo the length.
type hour [assay.FunctionMinutes]minute

// minute is one of them.
type minute struct {
	began time.Time
	metrics
}

// at is the minute that a time is in.
func (h *hour) at(now time.Time) *metrics {
	began := now.Truncate(time.Minute)
	m := &h[began.Unix()/60%int64(len(h))]
	if !m.began.Equal(began) {
		*m = minute{began: began}
	}
	return &m.metrics
}

// since lists the minutes that counted something, oldest first.
func (h *hour) since(from time.Time) (all []assay.FunctionMinute) {
	for _, m := range h {
		if m.began.After(from) {
			all = append(all, assay.FunctionMinute{
				Time: m.began, Invocations: m.invocations, Errors: m.errors, Throttles: m.throttles, ColdStarts: m.coldStarts,
				Ran: m.ran, Duration: m.duration, Init: m.initialized, MaxMemoryMB: m.maxMemoryMB,
			})
		}
	}
	slices.SortFunc(all, func(a, b assay.FunctionMinute) int { return a.Time.Compare(b.Time) })
	return all
}

// observe counts what an invocation took.
func (e *fleet) observe(p *pool, r Report) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.count(func(m *metrics) {
		m.ran++
		m.duration += r.Duration
		m.billed += r.Billed
		m.initialized += r.Init
		m.maxMemoryMB = max(m.maxMemoryMB, r.MaxMemoryMB)
	})
}
