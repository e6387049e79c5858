package laboratory

import (
	"context"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/replay"
)

// Record implements console.Traffic.
func (l *Laboratory) Record(ctx context.Context, name string, each func(*assay.Trial) error) (missed int64, err error) {
	recording, ok := l.floor.Record(name)
	if !ok {
		return 0, l.unknown(name)
	}
	defer recording.Close()
	for {
		select {
		case t, more := <-recording.Trials:
			if !more {
				return recording.Missed(), nil // the experiment has ended
			}
			if err := each(t); err != nil {
				return recording.Missed(), err
			}
		case <-ctx.Done():
			return recording.Missed(), nil
		}
	}
}

// Replay implements console.Traffic.
func (l *Laboratory) Replay(ctx context.Context, name string, how assay.Replay, next func() (*assay.Trial, error)) (assay.Replayed, error) {
	l.mu.Lock()
	x := l.inForce[name]
	l.mu.Unlock()
	if x == nil {
		return assay.Replayed{}, l.unknown(name)
	}
	l.log.Info("recorded requests come in", "experiment", name, "speed", how.Speed)
	source := replay.Source{Lane: x.lane, Control: x.arms.control, Timeout: x.def.Budget.Timeout, Replay: how}
	told, err := source.Run(ctx, next)
	l.log.Info("recorded requests are through", "experiment", name, "requests", told.Requests, "sampled", told.Sampled, "late", told.Late)
	return told, err
}
