package serve

import (
	"strconv"

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
	f.StringVar(&l.memory, "memory", strconv.Itoa(trial.DefaultMemory>>20)+"MB", "bodies held for the trials of all experiments")
	f.IntVar(&l.concurrency, "concurrency", trial.DefaultConcurrency, "candidate calls of all experiments at once")
	f.IntVar(&l.queue, "queue", trial.DefaultQueue, "trials of all experiments waiting")
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
				Hint: "for example --memory 256MB --concurrency 256 --queue 10000", Err: err,
			}
		}
	}
	o.Memory, o.Concurrency, o.Queue = memory, l.concurrency, l.queue
	return nil
}
