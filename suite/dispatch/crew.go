package dispatch

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
)

// Crew is workers that get ready before there is anything for them to run: environments start, and import
// their runner, while tests are still listed and the package is prepared.
type Crew struct {
	ready []chan struct{} // by slot; closed when its worker is ready, or could not be had
	stop  context.CancelFunc
	calls sync.WaitGroup

	delta int64 // bytes, of each call
	mu    sync.Mutex
	made  int // calls that were answered
	cost  float64
}

// Muster has n workers of an engine prepare for batches like this one, which has no tests yet. What goes wrong
// with one shows when it is given some. Dismiss it in the end.
func Muster(ctx context.Context, engine assay.Invoker, b suite.Batch, n int) *Crew {
	ctx, stop := context.WithCancel(ctx)
	c := &Crew{ready: make([]chan struct{}, n), stop: stop}
	b.Op = "warm"
	payload, err := json.Marshal(b)
	if err != nil {
		panic(err) // it is made of strings
	}
	c.delta = int64(len(b.Delta))
	for i := range c.ready {
		c.ready[i] = make(chan struct{})
		c.calls.Go(func() {
			defer close(c.ready[i])
			o, err := engine.Invoke(ctx, &assay.Invocation{Payload: payload})
			if err == nil {
				c.count(o)
			}
		})
	}
	return c
}

func (c *Crew) count(o *assay.Observation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made, c.cost = c.made+1, c.cost+o.CostUSD
}

// wait returns when the worker of a slot is ready. There may be none: a slot of no crew is ready at once.
func (c *Crew) wait(ctx context.Context, slot int) {
	if c == nil || slot >= len(c.ready) {
		return
	}
	select {
	case <-c.ready[slot]:
	case <-ctx.Done():
	}
}

func (c *Crew) size() int {
	if c == nil {
		return 0
	}
	return len(c.ready)
}

// spent adds what getting ready has cost so far.
func (c *Crew) spent(on *Outcome) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	on.Calls, on.CostUSD, on.Sent = on.Calls+c.made, on.CostUSD+c.cost, on.Sent+int64(c.made)*c.delta
}

// Dismiss ends what is still under way, and waits.
func (c *Crew) Dismiss() {
	c.stop()
	c.calls.Wait()
}
