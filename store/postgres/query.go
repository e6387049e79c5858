package postgres

import (
	"context"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
	"github.com/assaylab/assay/store/tables"
)

// Trials implements assay.Store.
func (s *Store) Trials(ctx context.Context, q assay.Query) (page assay.Page, err error) {
	err = s.within(ctx, reading, "trials cannot be read", func(t *tx) error {
		page, err = tables.Find(t, q)
		return err
	})
	return page, err
}

// sinceThen narrows a search to a version's evidence and what came after. The first condition alone bounds
// what is read; the other leaves out late trials of the evidence before.
const sinceThen = `
	AND time >= (SELECT min(first) FROM evidence JOIN subjects USING (experiment) WHERE subject = ? AND since >= ?)
	AND since >= ?`

// Marked implements tables.Shelf, in one round trip.
func (t *tx) Marked(ranges []tables.Range) (found []codec.Position, err error) {
	for _, r := range ranges {
		narrow, versions := "", []any(nil)
		if r.Since > 0 {
			narrow, versions = sinceThen, []any{r.Subject, r.Since, r.Since}
		}
		args := slices.Concat([]any{r.Subject, string(r.Outcome), r.After.Time, r.After.Time, r.After.Seq}, versions, []any{r.Limit})
		t.ask(func(row tables.Row) error {
			var p codec.Position
			err := row.Scan(&p.Time, &p.Seq)
			found = append(found, p)
			return err
		}, `SELECT time, seq FROM marks WHERE subject = ? AND outcome = ? AND time <= ? AND (time, seq) < (?, ?)`+narrow+`
			ORDER BY time DESC, seq DESC LIMIT ?`, args...)
	}
	err = t.flush()
	return found, err
}

// At implements tables.Shelf.
func (t *tx) At(found []codec.Position) ([]assay.Trial, error) {
	trials := make([]assay.Trial, 0, len(found))
	if len(found) == 0 {
		return trials, nil
	}
	times, seqs := make([]int64, len(found)), make([]int64, len(found))
	for i, p := range found {
		times[i], seqs[i] = p.Time, p.Seq
	}
	err := t.Query(func(row tables.Row) error {
		var summary []byte
		var bodies bool
		if err := row.Scan(&summary, &bodies); err != nil {
			return err
		}
		trial, err := codec.Decode(summary)
		if err != nil {
			return err
		}
		trial.Bodies = bodies && trial.Bodies
		trials = append(trials, *trial)
		return nil
	}, `SELECT summary, bodies IS NOT NULL FROM unnest(?::bigint[], ?::bigint[]) WITH ORDINALITY AS place (at, number, nth)
		JOIN trials ON time = at AND seq = number WHERE time BETWEEN ? AND ? ORDER BY nth`, times, seqs, times[len(times)-1], times[0])
	return trials, err
}

// Trial implements assay.Store.
func (s *Store) Trial(ctx context.Context, id string) (found *assay.Trial, err error) {
	err = s.read(ctx, "the trial cannot be read", func(t tables.Tx) error {
		found = nil
		return t.Query(func(row tables.Row) error {
			var summary, bodies []byte
			if err := row.Scan(&summary, &bodies); err != nil {
				return err
			}
			found, err = codec.Join(summary, bodies)
			return err
		}, `SELECT summary, bodies FROM ids JOIN trials USING (time, id) WHERE id = ?`, id)
	})
	if err == nil && found == nil {
		err = codec.NotFound(id)
	}
	return found, err
}
