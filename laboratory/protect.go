package laboratory

import (
	"context"

	"github.com/assaylab/assay"
)

// trip pauses, for good, the experiments that have passed a limit and make no trials since.
func (l *Laboratory) trip(ctx context.Context) {
	for _, e := range l.definitions() {
		limit := l.floor.Tripped(e.Name)
		if limit == "" || e.State != assay.StateRunning {
			continue
		}
		_, err := l.edit(ctx, e.Name, func(e *assay.Experiment) error {
			e.State, e.Tripped = assay.StatePaused, limit
			return nil
		})
		if err != nil && ctx.Err() == nil {
			l.log.Error("a pause cannot be kept; the experiment stays paused meanwhile", "experiment", e.Name, "error", err)
		}
	}
}
