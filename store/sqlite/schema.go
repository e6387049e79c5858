package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/tables"
)

// applicationID marks the file as Assay's (PRAGMA application_id): "Asay".
const applicationID = 0x41736179

//go:embed schema.sql
var schema string

//go:embed pairs.sql
var pairs string

//go:embed readings.sql
var readings string

//go:embed rollouts.sql
var rollouts string

//go:embed minutes.sql
var minutes string

//go:embed subjects.sql
var subjects string

//go:embed ledgers.sql
var ledgers string

//go:embed milestones.sql
var milestones string

//go:embed space.sql
var space string

//go:embed rest.sql
var rest string

//go:embed strata.sql
var strata string

//go:embed tens.sql
var tens string

// migrations make each version of the schema from the one before; the first makes version 1. The
// file's version is its PRAGMA user_version.
var migrations = []string{schema, pairs, readings, rollouts, minutes, subjects, ledgers, milestones, space, rest, strata, tens}

// withoutTens is the last version in which minutes were not put together.
const withoutTens = 11

// migrate brings the file's schema up to date, after making sure that the file is ours.
func (s *Store) migrate(ctx context.Context) error {
	begun, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	tx := tx{begun, ctx}
	defer tx.Rollback() // without effect once committed
	version, err := s.identify(ctx, begun)
	if err != nil || version == len(migrations) {
		return err
	}
	for _, m := range migrations[version:] {
		if _, err := tx.ExecContext(ctx, m); err != nil {
			return err
		}
	}
	if version <= withoutTens {
		if err := tables.RollUp(tx, ""); err != nil {
			return err
		}
	}
	mark := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(migrations))
	if _, err := tx.ExecContext(ctx, mark); err != nil {
		return err
	}
	return tx.Commit()
}

// identify returns the version of the file's schema, 0 if the file is empty.
func (s *Store) identify(ctx context.Context, tx *sql.Tx) (version int, err error) {
	var id, tables int
	row := tx.QueryRowContext(ctx, `SELECT
		(SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`)
	if err := row.Scan(&id, &version, &tables); err != nil {
		return 0, err
	}
	switch {
	case id == 0 && tables == 0:
		return 0, nil
	case id != applicationID:
		return 0, &assay.Error{
			Code: assay.CodeInvalid, Where: s.path,
			What: "the store's file is a SQLite database of another program",
			Hint: "name another file, or move this one away",
		}
	case version > len(migrations):
		return 0, &assay.Error{
			Code: assay.CodeInvalid, Where: s.path,
			What: fmt.Sprintf("the store was written by a newer Assay: its schema has version %d, this one knows up to %d", version, len(migrations)),
			Hint: "use that Assay, or another folder for the data",
		}
	}
	return version, nil
}
