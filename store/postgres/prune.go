package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/assaylab/assay/store/tables"
)

const (
	// pruneEvery is how often it is looked for what is too old or too much.
	pruneEvery = time.Minute
	// remembered is how long after a day went the ids of its trials are known still, so that a trial that is
	// delivered again late does not count twice.
	remembered = 7 * microsPerDay
)

// prune drops the days that are too old or too much, now and then, and what experiments' own limits have no room
// for. What fails is tried again the next time.
func (s *Store) prune(ctx context.Context) {
	if !s.due() {
		return
	}
	err := s.pruneOwn(ctx)
	if err == nil && (s.opt.MaxBytes > 0 || s.opt.MaxAge > 0) {
		err = s.dropDays(ctx)
	}
	if err != nil {
		s.opt.Log.Warn("old trials could not be pruned; it is tried again", "error", s.fail("trials cannot be pruned", err))
	}
}

func (s *Store) due() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	if now.Sub(s.pruned) < pruneEvery {
		return false
	}
	s.pruned = now
	return true
}

// day is the partitions of one day, and what they take with their indexes.
type day struct {
	number int64
	bytes  int64
}

func (s *Store) dropDays(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var first bool // of the laboratories that want to
		err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtext('assay'), hashtext(current_schema() || '/prune'))`).Scan(&first)
		if err != nil || !first {
			return err
		}
		days, err := daysOf(ctx, tx)
		if err != nil {
			return err
		}
		gone := s.tooMuch(days)
		for _, d := range gone {
			for _, table := range partitioned {
				if _, err := tx.Exec(ctx, `DROP TABLE IF EXISTS `+partition(table, d.number)); err != nil {
					return err
				}
			}
			first, next := d.number*microsPerDay/tables.MicrosPerMinute, (d.number+1)*microsPerDay/tables.MicrosPerMinute
			if _, err := tx.Exec(ctx, `DELETE FROM space WHERE minute >= $1 AND minute < $2`, first, next); err != nil {
				return err
			}
			s.opt.Log.Info("trials were pruned: a day of them went, their counts stay", "day", time.UnixMicro(d.number*microsPerDay).UTC().Format(time.DateOnly), "bytes", d.bytes)
		}
		if len(gone) == 0 {
			return nil
		}
		s.forget()
		_, err = tx.Exec(ctx, `DELETE FROM ids WHERE time < $1`, (gone[len(gone)-1].number+1)*microsPerDay-remembered)
		return err
	})
}

// tooMuch returns those of days, oldest first, that have to go. The newest never has.
func (s *Store) tooMuch(days []day) []day {
	var total int64
	for _, d := range days {
		total += d.bytes
	}
	n := 0
	for n < len(days)-1 {
		old := s.opt.MaxAge > 0 && (days[n].number+1)*microsPerDay < s.opt.Now().Add(-s.opt.MaxAge).UnixMicro()
		if !old && (s.opt.MaxBytes <= 0 || total <= s.opt.MaxBytes) {
			break
		}
		total -= days[n].bytes
		n++
	}
	return days[:n]
}

// daysOf lists the days that have partitions, oldest first.
func daysOf(ctx context.Context, tx pgx.Tx) (days []day, err error) {
	rows, err := tx.Query(ctx, `SELECT right(child.relname, 8), sum(pg_total_relation_size(child.oid))::bigint
		FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid JOIN pg_class AS parent ON parent.oid = inhparent
		WHERE parent.oid IN ('trials'::regclass, 'marks'::regclass) GROUP BY 1 ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var d day
		if err := rows.Scan(&name, &d.bytes); err != nil {
			return nil, err
		}
		at, err := time.Parse("20060102", name)
		if err != nil {
			return nil, fmt.Errorf("a partition's name: %w", err)
		}
		d.number = dayOf(at.UnixMicro())
		days = append(days, d)
	}
	return days, rows.Err()
}
