package cli

import (
	"math"
	"os"
	"runtime/debug"

	"github.com/spf13/pflag"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/trial"
)

// limits bound what the trials of all experiments together may cost.
type limits struct {
	memory      string
	concurrency int
	queue       int
}

func (l *limits) flags(f *pflag.FlagSet) {
	f.StringVar(&l.memory, "memory", "128MB", "bodies held for the trials of all experiments")
	f.IntVar(&l.concurrency, "concurrency", 256, "candidate calls of all experiments at once")
	f.IntVar(&l.queue, "queue", 10_000, "trials of all experiments waiting")
}

// into checks the limits and sets them.
func (l *limits) into(o *trial.Options) error {
	memory, err := config.ParseSize(l.memory)
	for _, flag := range []struct {
		name  string
		value int64
	}{{"--memory", memory}, {"--concurrency", int64(l.concurrency)}, {"--queue", int64(l.queue)}} {
		if err != nil || flag.value <= 0 {
			return &assay.Error{
				Code: assay.CodeInvalid, What: "the limit allows nothing, or cannot be read", Where: flag.name,
				Hint: "for example --memory 128MB --concurrency 256 --queue 10000", Err: err,
			}
		}
	}
	o.Memory, o.Concurrency, o.Queue = memory, l.concurrency, l.queue
	relaxCollector(memory)
	return nil
}

// besides is what a laboratory needs beside the bodies it holds.
const besides = 40 << 20

// relaxCollector lets the heap grow before it is collected: with the few megabytes a laboratory holds, the
// collector otherwise runs a hundred times a second. It may not grow beyond what bodies may take and a little.
// GOGC and GOMEMLIMIT in the environment win.
func relaxCollector(memory int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" && memory < math.MaxInt64-besides {
		debug.SetMemoryLimit(memory + besides)
	}
}
