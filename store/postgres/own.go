package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/tables"
)

// stepMicros is how much of an experiment's past goes in one transaction, which holds the experiment's lock.
const stepMicros = int64(time.Hour / time.Microsecond)

// pruneOwn takes the trials that experiments' own limits have no room for. Their ids go as those of days that went.
func (s *Store) pruneOwn(ctx context.Context) error {
	var cuts []tables.Cut
	err := s.read(ctx, "the limits cannot be read", func(t tables.Tx) (err error) {
		cuts, err = tables.Cuts(t, s.opt.Now())
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range cuts {
		var gone int64
		for from := c.From; from < c.Before; from += stepMicros {
			n, err := s.take(ctx, c.Experiment, from, min(from+stepMicros, c.Before))
			if gone += n; err != nil {
				return err
			}
		}
		if gone > 0 {
			s.opt.Log.Info("trials of an experiment were pruned by its own limits, their counts stay", "experiment", c.Experiment, "trials", gone, "before", time.UnixMicro(c.Before).UTC())
		}
	}
	return nil
}

// take deletes the trials of an experiment from one time to another.
func (s *Store) take(ctx context.Context, experiment string, from, to int64) (gone int64, err error) {
	err = s.within(ctx, pgx.TxOptions{}, "trials cannot be pruned", func(t *tx) error {
		t.lock(nil, assay.Batch{Ledgers: []assay.Ledger{{Experiment: experiment}}})
		t.Exec(`DELETE FROM marks USING subjects WHERE marks.subject = subjects.subject AND subjects.experiment = ? AND time >= ? AND time < ?`, experiment, from, to)
		t.ask(func(row tables.Row) error { return row.Scan(&gone) }, `WITH gone AS (DELETE FROM trials WHERE experiment = ? AND time >= ? AND time < ? RETURNING 1)
			SELECT count(*) FROM gone`, experiment, from, to)
		t.Exec(`DELETE FROM space WHERE experiment = ? AND minute >= ? AND minute < ?`, experiment, from/tables.MicrosPerMinute, to/tables.MicrosPerMinute)
		return t.Exec(`DELETE FROM ids WHERE time >= ? AND time < ? AND NOT EXISTS (SELECT 1 FROM trials WHERE trials.time = ids.time AND trials.id = ids.id)`,
			from-remembered, to-remembered)
	})
	return gone, err
}
