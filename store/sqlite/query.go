package sqlite

import (
	"context"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
	"github.com/assaylab/assay/store/tables"
)

// Trials implements assay.Store. An arm alone selects the trials it took part in. Array indexes in
// Path are folded. Times are ordered to the microsecond.
func (s *Store) Trials(ctx context.Context, q assay.Query) (page assay.Page, err error) {
	after, err := codec.ParseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	limit := codec.Limit(q.Limit)
	err = s.within(ctx, s.reader, "trials cannot be read", func(tx tx) error {
		page = assay.Page{}
		found, err := tx.find(q, after, limit+1)
		if err != nil {
			return err
		}
		if len(found) > limit {
			found = found[:limit]
			page.Next = found[limit-1].Cursor()
		}
		page.Trials, err = tx.load(found)
		return err
	})
	return page, err
}

// sinceThen narrows a search of marks to a version's evidence and what came after. The first condition
// alone bounds what is read; the other leaves out late trials of the evidence before.
const sinceThen = `
	AND time >= (SELECT min(first) FROM evidence JOIN subjects USING (experiment) WHERE subject = marks.subject AND since >= ?)
	AND (SELECT CAST(summary AS TEXT) ->> '$.since' FROM trials WHERE trials.seq = marks.seq) >= ?`

// find returns the first positions after one that a query selects. Each subject and outcome has its
// own ordered index range, so what is read grows with their number and the limit, not with the store.
func (t tx) find(q assay.Query, after codec.Position, limit int) ([]codec.Position, error) {
	outcomes := []assay.Outcome{q.Outcome}
	if q.Outcome == "" {
		outcomes = []assay.Outcome{assay.OutcomeMatch, assay.OutcomeMismatch}
	}
	subjects, err := tables.Subjects(t, q)
	if err != nil {
		return nil, err
	}
	narrow, versions := "", []any{}
	if q.Since > 0 {
		narrow, versions = sinceThen, []any{q.Since, q.Since}
	}
	var found []codec.Position
	for _, subject := range subjects {
		for _, outcome := range outcomes {
			args := slices.Concat([]any{subject, outcome, after.Time, after.Seq}, versions, []any{limit})
			err := t.Query(func(row tables.Row) error {
				var p codec.Position
				err := row.Scan(&p.Time, &p.Seq)
				found = append(found, p)
				return err
			}, `SELECT time, seq FROM marks WHERE subject = ? AND outcome = ? AND (time, seq) < (?, ?)`+narrow+`
				ORDER BY time DESC, seq DESC LIMIT ?`, args...)
			if err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(found, codec.NewestFirst)
	return found[:min(len(found), limit)], nil
}

func (t tx) load(found []codec.Position) ([]assay.Trial, error) {
	get, err := t.PrepareContext(t.ctx, `SELECT summary, bodies FROM trials WHERE seq = ?`)
	if err != nil {
		return nil, err
	}
	defer get.Close()
	trials := make([]assay.Trial, 0, len(found))
	for _, p := range found {
		var summary []byte
		var bodies int64
		if err := get.QueryRowContext(t.ctx, p.Seq).Scan(&summary, &bodies); err != nil {
			return nil, err
		}
		trial, err := codec.Decode(summary)
		if err != nil {
			return nil, err
		}
		trial.Bodies = bodies > 0 && trial.Bodies
		trials = append(trials, *trial)
	}
	return trials, nil
}

// Trial implements assay.Store.
func (s *Store) Trial(ctx context.Context, id string) (found *assay.Trial, err error) {
	err = s.read(ctx, "the trial cannot be read", func(t tables.Tx) error {
		found = nil
		return t.Query(func(row tables.Row) error {
			var seq int64
			var size int
			var summary, bodies []byte
			if err := row.Scan(&seq, &size, &summary, &bodies); err != nil {
				return err
			}
			if bodies, err = whole(t, seq, bodies, size); err != nil {
				return err
			}
			found, err = codec.Join(summary, bodies)
			return err
		}, `SELECT seq, bodies, summary, data FROM trials LEFT JOIN bodies USING (seq) WHERE id = ? AND summary <> x''`, id)
	})
	if err == nil && found == nil {
		err = codec.NotFound(id)
	}
	return found, err
}
