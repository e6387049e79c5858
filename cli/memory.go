package cli

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

// relaxCollector lets the heap grow before it is collected: with the few megabytes a laboratory holds,
// the collector otherwise runs a hundred times a second. GOGC in the environment wins.
func relaxCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// heapLimit has the collector run earlier where the heap would exceed what budgets and connections allow: bodies
// that nobody holds any more would otherwise be counted five times over. GOMEMLIMIT in the environment wins.
type heapLimit struct {
	budgets, now atomic.Int64
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

// follow allows for the connections that are open, until ctx ends.
func (h *heapLimit) follow(ctx context.Context, open func() int64) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		h.set(open())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
