package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
	"github.com/assaylab/assay/store/tables"
)

var _ assay.Archives = (*Store)(nil)

// patient lets one transaction take as long as it does.
const patient = `SET LOCAL statement_timeout = 0`

// Export implements assay.Archives.
func (s *Store) Export(ctx context.Context, experiment string, each func(assay.Kept) error) error {
	return s.read(ctx, "the store cannot be exported", func(t tables.Tx) error {
		if err := t.Exec(patient); err != nil {
			return err
		}
		if err := tables.Export(t, experiment, each); err != nil {
			return err
		}
		return t.Query(func(row tables.Row) error {
			var summary, bodies []byte
			if err := row.Scan(&summary, &bodies); err != nil {
				return err
			}
			return tables.ExportTrial(summary, bodies, each)
		}, `SELECT summary, bodies FROM trials WHERE ? IN ('', experiment) ORDER BY time, seq`, experiment)
	})
}

// Import implements assay.Archives.
func (s *Store) Import(ctx context.Context, next func() (assay.Kept, error)) error {
	return s.within(ctx, pgx.TxOptions{}, "the export cannot be kept", func(t *tx) error {
		if err := t.Exec(patient); err != nil {
			return err
		}
		return tables.Import(t, next, func(trials []assay.Trial) (int, error) {
			records, err := codec.Encode(trials)
			if err != nil {
				return 0, err
			}
			if err := s.prepare(ctx, daysIn(records)); err != nil {
				return 0, err
			}
			t.lock(records, assay.Batch{})
			fresh, err := t.fresh(records)
			if err != nil || len(fresh) == 0 {
				return 0, err
			}
			marks, err := tables.Remember(t, fresh)
			if err != nil {
				return 0, err
			}
			return len(fresh), t.insert(fresh, marks)
		})
	})
}
