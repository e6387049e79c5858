package sqlite

import (
	"context"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
	"github.com/assaylab/assay/store/tables"
)

// Keep implements assay.Store. Strings that are not UTF-8 are kept with U+FFFD for what is not; bodies
// and logs are kept as they are. A trial is known again for as long as it is found, and for
// another 250,000 trials after that.
func (s *Store) Keep(ctx context.Context, b assay.Batch) error {
	records, err := codec.Encode(b.Trials)
	if err != nil {
		return err
	}
	return s.within(ctx, s.writer, "trials cannot be kept", func(tx tx) error {
		if err := tx.keepTrials(records, s.maxBytes, s.noteFull); err != nil {
			return err
		}
		return tables.KeepLedgers(tx, b.Ledgers)
	})
}

func (s *Store) noteFull() {
	s.full.Do(func() {
		s.log.Warn("the store is full: the oldest trials make room, the counts stay", "file", s.path, "bytes", s.maxBytes)
	})
}

func (t tx) keepTrials(records []codec.Record, maxBytes int64, full func()) error {
	fresh, err := t.insert(records)
	if err != nil || len(fresh) == 0 {
		return err
	}
	marks, err := tables.Add(t, fresh)
	if err != nil {
		return err
	}
	if err := t.mark(marks); err != nil {
		return err
	}
	return t.makeRoom(fresh, maxBytes, full)
}

// insert returns those records that were not kept before, with their place in the order.
func (t tx) insert(records []codec.Record) (fresh []codec.Record, err error) {
	trial, err := t.PrepareContext(t.ctx, `INSERT INTO trials (id, time, outcome, size, bodies, summary) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO NOTHING`)
	if err != nil {
		return nil, err
	}
	defer trial.Close()
	bodies, err := t.PrepareContext(t.ctx, `INSERT INTO bodies (seq, data) VALUES (?, ?)`)
	if err != nil {
		return nil, err
	}
	defer bodies.Close()
	for _, r := range records {
		done, err := trial.ExecContext(t.ctx, r.Trial.ID, r.Trial.Time.UnixMicro(), r.Trial.Outcome(), r.Size(), len(r.Bodies), r.Summary)
		if err != nil {
			return nil, err
		}
		if n, err := done.RowsAffected(); err != nil {
			return nil, err
		} else if n == 0 {
			continue // kept before
		}
		if r.Seq, err = done.LastInsertId(); err != nil {
			return nil, err
		}
		if r.Bodies != nil {
			if _, err := bodies.ExecContext(t.ctx, r.Seq, r.Bodies); err != nil {
				return nil, err
			}
		}
		fresh = append(fresh, r)
	}
	return fresh, nil
}

func (t tx) mark(marks []tables.Mark) error {
	insert, err := t.PrepareContext(t.ctx, `INSERT INTO marks (subject, outcome, time, seq) VALUES (?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, m := range marks {
		if _, err := insert.ExecContext(t.ctx, m.Subject, m.Outcome, m.Time, m.Seq); err != nil {
			return err
		}
	}
	return nil
}
