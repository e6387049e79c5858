package sqlite

import (
	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
	"github.com/assaylab/assay/store/tables"
)

const (
	// matchShare is the part of the limit, one in so many, that the bodies of matches are left with
	// when the store is full: mismatches say more, but the latest matches are worth a look.
	matchShare = 8
	// remembered is how many ids of pruned trials are known still, so that a trial that is delivered
	// again late does not count twice.
	remembered = 250_000
	// pruneRows is how many trials are looked at in one batch beside twice those it brought, so that a
	// store whose limit was lowered gets there in steps.
	pruneRows = 1000
)

// usage is the row of table usage.
type usage struct {
	bytes, matches     int64
	bodiesTo, trialsTo int64
}

// makeRoom books what was just inserted and prunes what is too much.
func (t tx) makeRoom(fresh []codec.Record, maxBytes int64, full func()) error {
	var u usage
	row := t.QueryRowContext(t.ctx, `SELECT bytes, matches, bodies_to, trials_to FROM usage`)
	if err := row.Scan(&u.bytes, &u.matches, &u.bodiesTo, &u.trialsTo); err != nil {
		return err
	}
	u.add(fresh)
	if u.bytes > maxBytes {
		full()
		rows := pruneRows + 2*len(fresh)
		if err := t.pruneBodies(&u, min(u.bytes-maxBytes, u.matches-maxBytes/matchShare), rows); err != nil {
			return err
		}
		if err := t.pruneTrials(&u, u.bytes-maxBytes, rows); err != nil {
			return err
		}
	}
	return t.Exec(`UPDATE usage SET bytes = ?, matches = ?, bodies_to = ?, trials_to = ?`, u.bytes, u.matches, u.bodiesTo, u.trialsTo)
}

func (u *usage) add(fresh []codec.Record) {
	for i := range fresh {
		r := &fresh[i]
		u.bytes += int64(r.Size() + len(r.Bodies))
		if r.Trial.Outcome() == assay.OutcomeMatch {
			u.matches += int64(len(r.Bodies))
		}
	}
}

// pruneBodies takes the bodies of the oldest matches until excess bytes are free.
func (t tx) pruneBodies(u *usage, excess int64, rows int) error {
	to, freed, err := t.advance(`SELECT seq, iif(outcome = 'match', bodies, 0) FROM trials WHERE seq > ? ORDER BY seq LIMIT ?`, u.bodiesTo, excess, rows)
	if err != nil || to == u.bodiesTo {
		return err
	}
	if err := t.Exec(`DELETE FROM bodies WHERE seq IN (SELECT seq FROM trials WHERE seq > ? AND seq <= ? AND outcome = 'match')`, u.bodiesTo, to); err != nil {
		return err
	}
	if err := t.Exec(`UPDATE trials SET bodies = 0 WHERE seq > ? AND seq <= ? AND outcome = 'match'`, u.bodiesTo, to); err != nil {
		return err
	}
	u.bodiesTo = to
	u.bytes -= freed
	u.matches -= freed
	return nil
}

// pruneTrials takes all but the ids of the oldest trials until excess bytes are free.
func (t tx) pruneTrials(u *usage, excess int64, rows int) error {
	to, freed, err := t.advance(`SELECT seq, size + bodies FROM trials WHERE seq > ? ORDER BY seq LIMIT ?`, u.trialsTo, excess, rows)
	if err != nil || to == u.trialsTo {
		return err
	}
	var matches int64
	row := t.QueryRowContext(t.ctx, `SELECT coalesce(sum(bodies), 0) FROM trials WHERE seq > ? AND seq <= ? AND outcome = 'match'`, u.trialsTo, to)
	if err := row.Scan(&matches); err != nil {
		return err
	}
	for _, query := range []string{
		`DELETE FROM bodies WHERE seq > ? AND seq <= ?`,
		`DELETE FROM marks WHERE seq > ? AND seq <= ?`,
		`UPDATE trials SET size = 0, bodies = 0, summary = x'' WHERE seq > ? AND seq <= ?`,
	} {
		if err := t.Exec(query, u.trialsTo, to); err != nil {
			return err
		}
	}
	u.trialsTo, u.bodiesTo = to, max(u.bodiesTo, to)
	u.bytes -= freed
	u.matches -= matches
	return t.Exec(`DELETE FROM trials WHERE seq <= ?`, to-remembered)
}

// advance walks rows of seq and bytes that begin after a seq until they make up excess, and returns
// the last seq and their bytes.
func (t tx) advance(query string, after, excess int64, limit int) (to, freed int64, err error) {
	to = after
	if excess <= 0 {
		return to, 0, nil
	}
	err = t.Query(func(row tables.Row) error {
		if freed >= excess {
			return nil
		}
		var bytes int64
		err := row.Scan(&to, &bytes)
		freed += bytes
		return err
	}, query, after, limit)
	return to, freed, err
}
