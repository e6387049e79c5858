package dispatch

import (
	"context"
	"errors"
	"sync"

	"github.com/assaylab/assay/suite"
)

// Sequences runs each sequence of tests once, in their order, in a process that has run nothing else,
// o.Workers of them at a time. Results are those of the tests of each; what a sequence's process did not
// come to is Lost.
func Sequences(ctx context.Context, all [][]suite.Test, o Options) ([][]suite.Result, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	results, faults := make([][]suite.Result, len(all)), make([]error, len(all))
	slots := make(chan struct{}, max(o.Workers, 1))
	o.Workers, o.Once, o.Copies = 1, true, false
	o.Process = func(suite.Test) string { return "sequence" }
	var runs sync.WaitGroup
	for i, tests := range all {
		slots <- struct{}{}
		runs.Go(func() {
			defer func() { <-slots }()
			out, err := Run(ctx, tests, o)
			if results[i], faults[i] = out.Results, err; err != nil {
				stop() // the engine is gone
			}
		})
	}
	runs.Wait()
	return results, errors.Join(faults...)
}
