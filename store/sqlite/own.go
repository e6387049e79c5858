package sqlite

import (
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/tables"
)

// ownRows is how many trials of one outcome go at once by an experiment's own limits, so that a limit that was
// lowered is reached in steps.
const ownRows = 20_000

// pruneOwn takes the trials that experiments' own limits have no room for, but for their ids, and tells how many.
func (t tx) pruneOwn(u *usage, now time.Time) (trials int64, err error) {
	cuts, err := tables.Cuts(t, now)
	if err != nil {
		return 0, err
	}
	for _, c := range cuts {
		subjects, err := tables.Subjects(t, assay.Query{Experiment: c.Experiment})
		if err != nil {
			return trials, err
		}
		for _, subject := range subjects {
			for _, outcome := range []assay.Outcome{assay.OutcomeMatch, assay.OutcomeMismatch} {
				n, err := t.pruneBefore(u, subject, outcome, c.Before)
				trials += n
				if err != nil {
					return trials, err
				}
			}
		}
	}
	return trials, nil
}

// marked are the oldest trials under a subject and an outcome, before a time.
const marked = `seq IN (SELECT seq FROM marks WHERE subject = ? AND outcome = ? AND time < ? ORDER BY time, seq LIMIT ?)`

func (t tx) pruneBefore(u *usage, subject int64, outcome assay.Outcome, before int64) (trials int64, err error) {
	which := []any{subject, outcome, before, ownRows}
	var last, bytes, matches int64
	row := t.QueryRowContext(t.ctx, `SELECT count(*), coalesce(max(seq), 0), coalesce(sum(size + bodies), 0), coalesce(sum(iif(outcome = 'match', bodies, 0)), 0)
		FROM trials WHERE `+marked, which...)
	if err := row.Scan(&trials, &last, &bytes, &matches); err != nil || trials == 0 {
		return 0, err
	}
	if err := t.freeSpace(`size + bodies`, marked, which...); err != nil {
		return 0, err
	}
	for _, query := range []string{
		`DELETE FROM bodies WHERE ` + marked,
		`UPDATE trials SET size = 0, bodies = 0, summary = x'' WHERE ` + marked,
		`DELETE FROM marks WHERE ` + marked,
	} {
		if err := t.Exec(query, which...); err != nil {
			return 0, err
		}
	}
	u.bytes -= bytes
	u.matches -= matches
	return trials, t.forget(last)
}
