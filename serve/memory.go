package serve

import (
	"context"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// What a laboratory uses beside the bodies that its budgets let it hold: with headroom, the program's own pages and
// the store's the whole stays within the budgets and 64 MB. Each connection takes some more.
const (
	headroom      = 12 << 20
	perConnection = 20 << 10
)

// How much the heap may grow, in percent of what it holds, before it is collected. Under traffic the collector
// would otherwise run a hundred times a second, with the few megabytes a laboratory holds; where there is none, it is
// better small. GOGC in the environment wins.
const (
	growthBusy = 400
	growthIdle = 100
)

func relaxCollector(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// heapLimit has the collector run earlier where the heap would exceed what budgets and connections allow: bodies
// that nobody holds any more would otherwise be counted five times over. GOMEMLIMIT in the environment wins.
type heapLimit struct {
	budgets, now atomic.Int64
	quiet        bool // there is no traffic; follow's alone
}

// allow sets what the budgets allow to be held.
func (h *heapLimit) allow(budgets int64) {
	h.budgets.Store(budgets)
	h.set(0)
}

func (h *heapLimit) set(connections int64) {
	limit := h.budgets.Load() + headroom + connections*perConnection
	if os.Getenv("GOMEMLIMIT") == "" && h.now.Swap(limit) != limit {
		debug.SetMemoryLimit(limit)
	}
}

// rest has the collector keep the heap small as long as there is no traffic.
func (h *heapLimit) rest(quiet bool) {
	if quiet == h.quiet {
		return
	}
	h.quiet = quiet
	if quiet {
		relaxCollector(growthIdle)
	} else {
		relaxCollector(growthBusy)
	}
}

// follow allows for the connections that are open, of which some bring traffic, until ctx ends.
func (h *heapLimit) follow(ctx context.Context, open func() (all, traffic int64)) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		all, traffic := open()
		h.set(all)
		h.rest(traffic == 0)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
