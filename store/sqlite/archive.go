package sqlite

import (
	"context"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
	"github.com/assaylab/assay/store/tables"
)

var _ assay.Archives = (*Store)(nil)

// Export implements assay.Archives.
func (s *Store) Export(ctx context.Context, experiment string, each func(assay.Kept) error) error {
	return s.read(ctx, "the store cannot be exported", func(t tables.Tx) error {
		if err := tables.Export(t, experiment, each); err != nil {
			return err
		}
		return t.Query(func(row tables.Row) error {
			var seq int64
			var size int
			var summary, bodies []byte
			err := row.Scan(&seq, &size, &summary, &bodies)
			if err == nil {
				bodies, err = whole(t, seq, bodies, size)
			}
			if err != nil {
				return err
			}
			return tables.ExportTrial(summary, bodies, each)
		}, `SELECT seq, bodies, summary, data FROM trials LEFT JOIN bodies USING (seq)
			WHERE summary <> x'' AND ? IN ('', CAST(summary AS TEXT) ->> '$.experiment') ORDER BY seq`, experiment)
	})
}

// Import implements assay.Archives. Nobody else writes meanwhile.
func (s *Store) Import(ctx context.Context, next func() (assay.Kept, error)) error {
	return s.within(ctx, s.writer, "the export cannot be kept", func(t tx) error {
		return tables.Import(t, next, func(trials []assay.Trial) (int, error) {
			records, err := codec.Encode(trials)
			if err != nil {
				return 0, err
			}
			fresh, err := t.insert(records)
			if err != nil {
				return 0, err
			}
			marks, err := tables.Remember(t, fresh)
			if err != nil {
				return 0, err
			}
			if err := t.mark(marks); err != nil {
				return 0, err
			}
			_, err = t.makeRoom(fresh, s.limits())
			return len(fresh), err
		})
	})
}
