package rollout

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// Split decides for each request who serves it, and counts how that went. It is safe for concurrent use.
type Split struct {
	opt    SplitOptions
	weight atomic.Uint64 // the bits of a float64

	mu     sync.Mutex
	counts [2]*tally // control, canary
}

// SplitOptions of a Split: Canary and Random, or Version.
type SplitOptions struct {
	Canary assay.Invoker
	Random *rand.Rand // used by one goroutine at a time
	// Key maps the requests that belong together to one number in [0,1), false if there is nothing to go
	// by: then, and if Key is nil, chance decides.
	Key func(*assay.Request) (float64, bool)
	// Passed, if not nil, is told of each request that the canary is to serve.
	Passed func()
	// Version, of a Lambda function, is the canary where AWS or the engine split by an alias. The
	// control is called then, and what executed tells who answered.
	Version string
}

// NewSplit returns a Split that lets the control serve everything.
func NewSplit(opt SplitOptions) *Split {
	return &Split{opt: opt, counts: newTallies()}
}

// tally is what one arm served.
type tally struct {
	requests, errors int64
	latency          *stats.Sketch
}

func newTallies() [2]*tally {
	return [2]*tally{{latency: stats.NewSketch()}, {latency: stats.NewSketch()}}
}

// Weigh sets the share of requests that the canary serves and begins to count anew. Raising it takes no
// client away from the canary that Key had given it.
func (s *Split) Weigh(weight float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.weight.Store(math.Float64bits(weight))
	s.counts = newTallies()
}

// use lets another invoker be the canary.
func (s *Split) use(canary assay.Invoker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Canary = canary
}

// Weight is the share of requests that the canary serves.
func (s *Split) Weight() float64 { return math.Float64frombits(s.weight.Load()) }

// Choose returns the canary if it is to serve the request, or nil for the control. Served is to be called
// with what the client was given, and tells whether that was the control's answer. An answer to a request of
// an earlier share is not counted any more.
func (s *Split) Choose(r *assay.Request) (canary assay.Invoker, served func(*assay.Observation) (control bool)) {
	s.mu.Lock()
	counts := s.counts
	chosen := s.opt.Version == "" && s.chosen(r)
	if chosen {
		canary = s.opt.Canary
	}
	s.mu.Unlock()
	if chosen && s.opt.Passed != nil {
		s.opt.Passed()
	}
	return canary, func(o *assay.Observation) (control bool) {
		control = !chosen && (s.opt.Version == "" || o.Version != s.opt.Version)
		s.mu.Lock()
		defer s.mu.Unlock()
		if control {
			counts[0].add(o)
		} else {
			counts[1].add(o)
		}
		return control
	}
}

func (s *Split) chosen(r *assay.Request) bool {
	weight := s.Weight()
	if weight <= 0 || weight >= 1 {
		return weight >= 1
	}
	if s.opt.Key != nil {
		if u, ok := s.opt.Key(r); ok {
			return u < weight
		}
	}
	return s.opt.Random.Float64() < weight
}

// add counts an answer. One that the client did not wait for says nothing of the arm.
func (t *tally) add(o *assay.Observation) {
	failed := o.Fault != nil || o.Status >= 500
	if failed && o.Fault != nil && o.Fault.Kind == assay.FaultCanceled {
		return
	}
	t.requests++
	if failed {
		t.errors++
	}
	t.latency.Add(float64(o.Duration) / float64(time.Millisecond))
}

// Served is what control and canary served since the share was last set.
func (s *Split) Served() (control, canary assay.Served) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[0].served(), s.counts[1].served()
}

func (t *tally) served() assay.Served {
	l := assay.Latency{P50: t.latency.Quantile(0.5), P90: t.latency.Quantile(0.9), P99: t.latency.Quantile(0.99)}
	t.latency.Each(func(value float64, count int64) {
		l.Buckets = append(l.Buckets, assay.Bucket{Value: value, Count: count})
	})
	return assay.Served{Requests: t.requests, Errors: t.errors, Latency: l}
}
