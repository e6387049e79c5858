package serve

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/machine"
	"github.com/assaylab/assay/store/sqlite"
)

// watchman tells the console how the house is.
type watchman struct {
	h       *house
	started time.Time
	build   map[string]string

	mu     sync.Mutex
	looked time.Time // at the machine
	found  shape.Machine
}

// lookAgain is how old what is known of the machine may be: to find runtimes starts them.
const lookAgain = time.Minute

func newWatchman(h *house) *watchman { return &watchman{h: h, started: time.Now(), build: builtFrom()} }

// builtFrom is what the program remembers of its making.
func builtFrom() map[string]string {
	build := map[string]string{"go": runtime.Version()}
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return build
	}
	for _, s := range info.Settings {
		if name, ok := strings.CutPrefix(s.Key, "vcs."); ok && s.Value != "" {
			build[name] = s.Value
		}
	}
	return build
}

func (w *watchman) house(ctx context.Context) (shape.House, error) {
	load := w.h.floor.Load()
	found, err := w.machine(ctx)
	house := shape.House{
		Started: w.started, Build: w.build, Process: ownProcess(), Machine: found,
		Budgets: shape.Budgets{
			Calls:   shape.Gauge{Used: int64(load.Calls), Limit: int64(load.AtOnce)},
			Waiting: shape.Gauge{Used: load.Waiting, Limit: int64(load.Queue)},
			Bytes:   shape.Gauge{Used: load.Held, Limit: load.Memory},
		},
		Store: shape.StoreHealth{
			Kind: w.h.opt.storeKind(), Batches: load.Written.Batches, Trials: load.Written.Trials, Failures: load.Written.Failures,
			Last: load.Written.Last, TookMS: shape.Milliseconds(load.Written.Took), Bytes: w.kept(ctx),
		},
	}
	if w.h.line != nil {
		house.Stream = &shape.StreamHealth{Connected: w.h.line.Connected()}
	}
	return house, err
}

// kept is what trials take of the store; nil while it cannot be asked.
func (w *watchman) kept(ctx context.Context) *shape.Gauge {
	store, ok := w.h.store.(assay.Measured)
	if !ok {
		return nil
	}
	bytes, err := store.KeptBytes(ctx)
	if err != nil {
		return nil
	}
	limit := int64(w.h.opt.keep.size)
	if limit == 0 && w.h.opt.storeKind() == "sqlite" {
		limit = sqlite.DefaultMaxBytes
	}
	return &shape.Gauge{Used: bytes, Limit: limit}
}

// storeKind is the engine that keeps trials.
func (o *upOptions) storeKind() string {
	if strings.HasPrefix(o.store, "postgres") {
		return "postgres"
	}
	return "sqlite"
}

// machine looks at the machine, now and then.
func (w *watchman) machine(ctx context.Context) (shape.Machine, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.looked) < lookAgain {
		return w.found, nil
	}
	known := w.h.engine.Enforced()
	r, err := machine.Examine(ctx, w.h.opt.data, &known)
	if err != nil {
		return w.found, err
	}
	w.found = shape.Machine{System: r.System, Cores: r.Cores, MemoryMB: r.MemoryMB}
	for _, f := range r.Findings {
		w.found.Findings = append(w.found.Findings, shape.Finding(f))
	}
	w.looked = time.Now()
	return w.found, nil
}

// ownProcess is what the program takes.
func ownProcess() shape.Process {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	p := shape.Process{Goroutines: runtime.NumGoroutine(), HeapBytes: int64(sample[0].Value.Uint64())}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		p.HeapLimit = limit
	}
	return p
}
