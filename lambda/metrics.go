package lambda

import (
	"time"
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
