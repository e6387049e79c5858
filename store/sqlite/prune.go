package sqlite

import (
	"errors"
	"fmt"
	"time"

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

// pruned is what had to go.
type pruned struct {
	trials int64
	bytes  int64 // of trials and bodies
}

// makeRoom books what was just inserted, and prunes what is too much or too old.
func (t tx) makeRoom(fresh []codec.Record, l limits) (p pruned, err error) {
	var u usage
	row := t.QueryRowContext(t.ctx, `SELECT bytes, matches, bodies_to, trials_to FROM usage`)
	if err := row.Scan(&u.bytes, &u.matches, &u.bodiesTo, &u.trialsTo); err != nil {
		return p, err
	}
	u.add(fresh)
	if err := tables.AddSpace(t, fresh); err != nil {
		return p, err
	}
	full := u
	rows := pruneRows + 2*len(fresh)
	if err := t.pruneBodies(&u, min(u.bytes-l.bytes, u.matches-l.bytes/matchShare), rows); err != nil {
		return p, err
	}
	to, freed, err := t.advance(`SELECT seq, size + bodies FROM trials WHERE seq > ? ORDER BY seq LIMIT ?`, u.trialsTo, u.bytes-l.bytes, rows)
	if err != nil {
		return p, err
	}
	if err := t.pruneTrials(&u, to, freed); err != nil {
		return p, err
	}
	if to, freed, err = t.old(u.trialsTo, l.oldest, rows); err != nil {
		return p, err
	}
	if err := t.pruneTrials(&u, to, freed); err != nil {
		return p, err
	}
	p = pruned{u.trialsTo - full.trialsTo, full.bytes - u.bytes}
	if !l.own.IsZero() {
		n, err := t.pruneOwn(&u, l.own)
		if err != nil {
			return p, err
		}
		p = pruned{p.trials + n, full.bytes - u.bytes}
	}
	if p.bytes > 0 {
		err = t.compact(rows)
	}
	return p, errors.Join(err, t.Exec(`UPDATE usage SET bytes = ?, matches = ?, bodies_to = ?, trials_to = ?`, u.bytes, u.matches, u.bodiesTo, u.trialsTo))
}

// limits are how much may be kept.
type limits struct {
	bytes  int64
	oldest int64     // microseconds since 1970: what is older goes; 0 for no limit
	own    time.Time // when experiments' own limits are looked at; zero for not now
}

// old returns the last seq of the trials after one that are too old, and their bytes. A trial that came late goes
// with those around it.
func (t tx) old(after, oldest int64, rows int) (to, freed int64, err error) {
	to = after
	if oldest == 0 {
		return to, 0, nil
	}
	young := false
	err = t.Query(func(row tables.Row) error {
		var seq, time, bytes int64
		if err := row.Scan(&seq, &time, &bytes); err != nil {
			return err
		}
		if young = young || time >= oldest; !young {
			to, freed = seq, freed+bytes
		}
		return nil
	}, `SELECT seq, time, size + bodies FROM trials WHERE seq > ? ORDER BY seq LIMIT ?`, after, rows)
	return to, freed, err
}

// spare is the share of the file, one page in so many, that may be free for what comes next.
const spare = 8

// compact gives some of the pages back that are free beyond what is spare. Files that an older Assay made keep them.
func (t tx) compact(most int) error {
	var pages, free int
	err := t.QueryRowContext(t.ctx, `SELECT (SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM pragma_freelist_count)`).Scan(&pages, &free)
	if err != nil || free <= pages/spare {
		return err
	}
	return t.Query(func(tables.Row) error { return nil }, fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, min(most, free-pages/spare)))
}

func (u *usage) add(fresh []codec.Record) {
	for i := range fresh {
		r := &fresh[i]
		u.bytes += int64(r.Size() + r.Bodies.Len())
		if r.Trial.Outcome() == assay.OutcomeMatch {
			u.matches += int64(r.Bodies.Len())
		}
	}
}

// pruneBodies takes the bodies of the oldest matches until excess bytes are free.
func (t tx) pruneBodies(u *usage, excess int64, rows int) error {
	to, freed, err := t.advance(`SELECT seq, iif(outcome = 'match', bodies, 0) FROM trials WHERE seq > ? ORDER BY seq LIMIT ?`, u.bodiesTo, excess, rows)
	if err != nil || to == u.bodiesTo {
		return err
	}
	if err := t.freeSpace(`bodies`, `seq > ? AND seq <= ? AND outcome = 'match'`, u.bodiesTo, to); err != nil {
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

// pruneTrials takes all but the ids of the oldest trials up to one, which have so many bytes.
func (t tx) pruneTrials(u *usage, to, freed int64) error {
	if to == u.trialsTo {
		return nil
	}
	var matches int64
	row := t.QueryRowContext(t.ctx, `SELECT coalesce(sum(bodies), 0) FROM trials WHERE seq > ? AND seq <= ? AND outcome = 'match'`, u.trialsTo, to)
	if err := row.Scan(&matches); err != nil {
		return err
	}
	if err := t.freeSpace(`size + bodies`, `seq > ? AND seq <= ?`, u.trialsTo, to); err != nil {
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
	return t.forget(to)
}

// forget takes the ids of trials that went long before the one that did last.
func (t tx) forget(last int64) error {
	return t.Exec(`DELETE FROM trials WHERE summary = x'' AND seq <= ?`, last-remembered)
}

// freeSpace books what goes of trials, by experiment and minute.
func (t tx) freeSpace(bytes, which string, args ...any) error {
	type freed struct {
		experiment    string
		minute, bytes int64
	}
	var all []freed
	err := t.Query(func(row tables.Row) error {
		var f freed
		err := row.Scan(&f.experiment, &f.minute, &f.bytes)
		all = append(all, f)
		return err
	}, `SELECT experiment, time / 60000000, sum(`+bytes+`) FROM trials WHERE summary <> x'' AND `+which+` GROUP BY 1, 2`, args...)
	if err != nil {
		return err
	}
	for _, f := range all {
		if err := tables.FreeSpace(t, f.experiment, f.minute, f.bytes); err != nil {
			return err
		}
	}
	return nil
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
