package sqlite

import (
	"context"
	"time"

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
	var gone pruned
	err = s.within(ctx, s.writer, "trials cannot be kept", func(tx tx) error {
		fresh, err := tx.insert(records)
		if err != nil {
			return err
		}
		marks, err := tables.Add(tx, fresh)
		if err != nil {
			return err
		}
		if err := tx.mark(marks); err != nil {
			return err
		}
		if gone, err = tx.makeRoom(fresh, s.limits()); err != nil {
			return err
		}
		if err := tx.refuse(b.Refusals); err != nil {
			return err
		}
		if err := tables.KeepStrata(tx, b.Strata); err != nil {
			return err
		}
		return tables.KeepLedgers(tx, b.Ledgers)
	})
	if err == nil {
		s.note(gone)
	}
	return err
}

func (s *Store) limits() limits {
	now := s.opt.Now()
	l := limits{bytes: s.opt.MaxBytes}
	if s.opt.MaxAge > 0 {
		l.oldest = now.Add(-s.opt.MaxAge).UnixMicro()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.looked) >= lookEvery {
		s.looked, l.own = now, now
	}
	return l
}

// lookEvery is how often it is looked what experiments' own limits have no room for.
const lookEvery = time.Second

// noteEvery is how often it is said what was pruned.
const noteEvery = time.Minute

// note says what was pruned since it was last said.
func (s *Store) note(p pruned) {
	if p.bytes == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone.trials += p.trials
	s.gone.bytes += p.bytes
	now := s.opt.Now()
	if now.Sub(s.noted) < noteEvery {
		return
	}
	s.opt.Log.Info("old trials made room: matches lose their bodies first, then the oldest trials go; counts stay",
		"file", s.path, "trials", s.gone.trials, "bytes", s.gone.bytes)
	s.noted, s.gone = now, pruned{}
}

// insert returns those records that were not kept before, with their place in the order.
func (t tx) insert(records []codec.Record) (fresh []codec.Record, err error) {
	trial, err := t.PrepareContext(t.ctx, `INSERT INTO trials (id, time, outcome, size, bodies, summary, experiment) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO NOTHING`)
	if err != nil {
		return nil, err
	}
	defer trial.Close()
	bodies, err := t.bodiesWriter()
	if err != nil {
		return nil, err
	}
	defer bodies.close()
	for _, r := range records {
		done, err := trial.ExecContext(t.ctx, r.Trial.ID, r.Trial.Time.UnixMicro(), r.Trial.Outcome(), r.Size(), r.Bodies.Len(), r.Summary, r.Trial.Experiment)
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
		if err := bodies.write(t.ctx, r.Seq, r.Bodies); err != nil {
			return nil, err
		}
		fresh = append(fresh, r)
	}
	return fresh, nil
}

// refuse counts offers of which nothing was kept before. Of them there is but the id, as of a trial that was pruned.
func (t tx) refuse(all []assay.Refusal) error {
	var fresh []assay.Refusal
	for _, r := range all {
		done, err := t.ExecContext(t.ctx, `INSERT INTO trials (id, time, outcome, size, bodies, summary) VALUES (?, ?, '', 0, 0, x'') ON CONFLICT (id) DO NOTHING`,
			r.ID, r.Time.UnixMicro())
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return err
		}
		if n > 0 {
			fresh = append(fresh, r)
		}
	}
	return tables.KeepRefusals(t, fresh)
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
