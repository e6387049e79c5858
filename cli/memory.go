package cli

import (
	"os"
	"runtime/debug"
)

// headroom is what a laboratory uses beside the bodies that its budgets let it hold. With it and the program's own
// pages the whole stays within the budgets and 64 MB.
const headroom = 32 << 20

// relaxCollector lets the heap grow before it is collected: with the few megabytes a laboratory holds,
// the collector otherwise runs a hundred times a second. GOGC in the environment wins.
func relaxCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// limitMemory has the collector run earlier where the heap would exceed what the budgets allow to be held: bodies
// that nobody holds any more would otherwise be counted five times over. GOMEMLIMIT in the environment wins.
func limitMemory(budgets int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(budgets + headroom)
	}
}
