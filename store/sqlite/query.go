package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/assaylab/assay"
)

// The number of trials on a page.
const (
	defaultLimit = 50
	maxLimit     = 500
)

// position is a place in the order of trials: newest first, then last kept first.
type position struct {
	time, seq int64
}

func newestFirst(a, b position) int {
	return cmp.Or(cmp.Compare(b.time, a.time), cmp.Compare(b.seq, a.seq))
}

// cursor writes a position for callers to hand back.
func (p position) cursor() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.time))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, uint64(p.seq)))
}

func parseCursor(cursor string) (position, error) {
	if cursor == "" {
		return position{math.MaxInt64, math.MaxInt64}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) != 16 {
		return position{}, &assay.Error{Code: assay.CodeInvalid, What: "the cursor is not one of ours", Hint: "take it from the page before, or leave it out for the first page"}
	}
	return position{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

// Trials implements assay.Store. An arm alone selects the trials it took part in. Array indexes in
// Path are folded. Times are ordered to the microsecond.
func (s *Store) Trials(ctx context.Context, q assay.Query) (page assay.Page, err error) {
	after, err := parseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	limit := min(q.Limit, maxLimit)
	if limit <= 0 {
		limit = defaultLimit
	}
	err = s.read(ctx, "trials cannot be read", func(tx *sql.Tx) error {
		page = assay.Page{}
		found, err := find(ctx, tx, q, after, limit+1)
		if err != nil {
			return err
		}
		if len(found) > limit {
			found = found[:limit]
			page.Next = found[limit-1].cursor()
		}
		page.Trials, err = load(ctx, tx, found)
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
func find(ctx context.Context, tx *sql.Tx, q assay.Query, after position, limit int) ([]position, error) {
	outcomes := []assay.Outcome{q.Outcome}
	if q.Outcome == "" {
		outcomes = []assay.Outcome{assay.OutcomeMatch, assay.OutcomeMismatch}
	}
	subjects, err := subjectsOf(ctx, tx, q)
	if err != nil {
		return nil, err
	}
	narrow, versions := "", []any{}
	if q.Since > 0 {
		narrow, versions = sinceThen, []any{q.Since, q.Since}
	}
	var found []position
	for _, subject := range subjects {
		for _, outcome := range outcomes {
			args := slices.Concat([]any{subject, outcome, after.time, after.seq}, versions, []any{limit})
			err := scan(ctx, tx, func(rows *sql.Rows) error {
				var p position
				err := rows.Scan(&p.time, &p.seq)
				found = append(found, p)
				return err
			}, `SELECT time, seq FROM marks WHERE subject = ? AND outcome = ? AND (time, seq) < (?, ?)`+narrow+`
				ORDER BY time DESC, seq DESC LIMIT ?`, args...)
			if err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(found, newestFirst)
	return found[:min(len(found), limit)], nil
}

// subjectsOf returns the numbers of the subjects that a query is about: one, or one for each
// experiment if it names none.
func subjectsOf(ctx context.Context, tx *sql.Tx, q assay.Query) (subjects []int64, err error) {
	err = scan(ctx, tx, func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		subjects = append(subjects, n)
		return err
	}, `SELECT subject FROM subjects WHERE arm = ? AND path = ? AND ? IN ('', experiment)`, q.Arm, assay.FoldPath(q.Path), q.Experiment)
	return subjects, err
}

func load(ctx context.Context, tx *sql.Tx, found []position) ([]assay.Trial, error) {
	get, err := tx.PrepareContext(ctx, `SELECT summary, bodies FROM trials WHERE seq = ?`)
	if err != nil {
		return nil, err
	}
	defer get.Close()
	trials := make([]assay.Trial, 0, len(found))
	for _, p := range found {
		var summary []byte
		var bodies int64
		if err := get.QueryRowContext(ctx, p.seq).Scan(&summary, &bodies); err != nil {
			return nil, err
		}
		t, err := decode(summary)
		if err != nil {
			return nil, err
		}
		t.Bodies = bodies > 0 && t.Bodies
		trials = append(trials, *t)
	}
	return trials, nil
}

// Trial implements assay.Store.
func (s *Store) Trial(ctx context.Context, id string) (t *assay.Trial, err error) {
	err = s.read(ctx, "the trial cannot be read", func(tx *sql.Tx) error {
		var summary, bodies []byte
		row := tx.QueryRowContext(ctx, `SELECT summary, data FROM trials LEFT JOIN bodies USING (seq) WHERE id = ? AND summary <> x''`, id)
		if err := row.Scan(&summary, &bodies); errors.Is(err, sql.ErrNoRows) {
			return &assay.Error{
				Code: assay.CodeNotFound, What: "there is no trial " + id,
				Hint: "the oldest trials go when the store is full; their counts stay",
			}
		} else if err != nil {
			return err
		}
		if t, err = decode(summary); err != nil {
			return err
		}
		if t.Bodies = t.Bodies && bodies != nil; bodies == nil {
			return nil
		}
		return unpack(t, bodies)
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}
