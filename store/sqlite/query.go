package sqlite

import (
	"context"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
	"github.com/assaylab/assay/store/tables"
)

// Trials implements assay.Store.
func (s *Store) Trials(ctx context.Context, q assay.Query) (page assay.Page, err error) {
	err = s.within(ctx, s.reader, "trials cannot be read", func(t tx) error {
		page, err = tables.Find(t, q)
		return err
	})
	return page, err
}

// sinceThen narrows a search of marks to a version's evidence and what came after. The first condition
// alone bounds what is read; the other leaves out late trials of the evidence before.
const sinceThen = `
	AND time >= (SELECT min(first) FROM evidence JOIN subjects USING (experiment) WHERE subject = marks.subject AND since >= ?)
	AND (SELECT CAST(summary AS TEXT) ->> '$.since' FROM trials WHERE trials.seq = marks.seq) >= ?`

// Marked implements tables.Shelf.
func (t tx) Marked(ranges []tables.Range) (found []codec.Position, err error) {
	for _, r := range ranges {
		narrow, versions := "", []any{}
		if r.Since > 0 {
			narrow, versions = sinceThen, []any{r.Since, r.Since}
		}
		args := slices.Concat([]any{r.Subject, r.Outcome, r.After.Time, r.After.Seq}, versions, []any{r.Limit})
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
	return found, nil
}

// At implements tables.Shelf.
func (t tx) At(found []codec.Position) ([]assay.Trial, error) {
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
