package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/tables"
)

//go:embed schema.sql
var schema string

//go:embed milestones.sql
var milestones string

//go:embed space.sql
var space string

//go:embed strata.sql
var strata string

//go:embed tens.sql
var tens string

// migrations make each version of the schema from the one before; the first makes version 1.
var migrations = []string{schema, milestones, space, strata, tens}

// withoutTens is the last version in which minutes were not put together.
const withoutTens = 4

// migrate brings the schema up to date. One laboratory at a time does; the others wait and find it done.
func (s *Store) migrate(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('assay'), hashtext('schema'))`); err != nil {
			return err
		}
		if err := makeSchema(ctx, tx); err != nil {
			return err
		}
		version, err := s.version(ctx, tx)
		if err != nil || version == len(migrations) {
			return err
		}
		for _, m := range migrations[version:] {
			if _, err := tx.Exec(ctx, m); err != nil {
				return err
			}
		}
		if version <= withoutTens {
			if err := rollUp(ctx, tx); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `UPDATE assay_version SET version = $1`, len(migrations))
		return err
	})
}

func rollUp(ctx context.Context, begun pgx.Tx) error {
	t := &tx{begun, ctx, new(pgx.Batch)}
	return errors.Join(tables.RollUp(t, ""), t.flush())
}

// makeSchema makes the schema that the search path names first, unless it is there.
func makeSchema(ctx context.Context, tx pgx.Tx) error {
	var current *string
	var path string
	if err := tx.QueryRow(ctx, `SELECT current_schema(), current_setting('search_path')`).Scan(&current, &path); err != nil || current != nil {
		return err
	}
	first, _, _ := strings.Cut(path, ",")
	_, err := tx.Exec(ctx, `CREATE SCHEMA `+pgx.Identifier{strings.Trim(strings.TrimSpace(first), `"`)}.Sanitize())
	return err
}

// version is that of the schema there is, 0 for none.
func (s *Store) version(ctx context.Context, tx pgx.Tx) (version int, err error) {
	if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS assay_version AS SELECT 0 AS version`); err != nil {
		return 0, err
	}
	if err := tx.QueryRow(ctx, `SELECT version FROM assay_version`).Scan(&version); err != nil {
		return 0, err
	}
	if version > len(migrations) {
		return 0, &assay.Error{
			Code: assay.CodeInvalid, Where: s.where,
			What: fmt.Sprintf("the store was written by a newer Assay: its schema has version %d, this one knows up to %d", version, len(migrations)),
			Hint: "use that Assay, or another database",
		}
	}
	return version, nil
}

// partitioned are the tables that have a partition for each day.
var partitioned = []string{"trials", "marks"}

const microsPerDay = int64(24 * time.Hour / time.Microsecond)

// dayOf is the day since 1970 of a time in microseconds.
func dayOf(micro int64) int64 {
	day := micro / microsPerDay
	if micro < day*microsPerDay {
		day--
	}
	return day
}

// partition names that of a table for a day.
func partition(table string, day int64) string {
	return table + "_" + time.UnixMicro(day*microsPerDay).UTC().Format("20060102")
}

// prepare makes the partitions of days that have none. They are made aside and then attached, which keeps
// nobody from reading or writing the others.
func (s *Store) prepare(ctx context.Context, days map[int64]bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for day := range days {
		if s.days[day] {
			continue
		}
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return makePartitions(ctx, tx, day) })
		if err != nil {
			return err
		}
		s.days[day] = true
	}
	return nil
}

func makePartitions(ctx context.Context, tx pgx.Tx, day int64) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('assay'), hashtext('schema'))`); err != nil {
		return err
	}
	for _, table := range partitioned {
		name := partition(table, day)
		var there bool
		if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil {
			return err
		}
		if there {
			continue
		}
		_, err := tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %[1]s (LIKE %[2]s INCLUDING ALL);
			ALTER TABLE %[2]s ATTACH PARTITION %[1]s FOR VALUES FROM (%[3]d) TO (%[4]d)`, name, table, day*microsPerDay, (day+1)*microsPerDay))
		if err != nil {
			return err
		}
	}
	return nil
}

// forget drops what is known of partitions: another laboratory dropped one.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.days)
}
