package tables

import (
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
)

// Shelf is a transaction that finds trials by their marks.
type Shelf interface {
	Tx
	// Marked returns the positions in each of some ranges, in any order.
	Marked([]Range) ([]codec.Position, error)
	// At reads the trials at positions, without bodies and logs, in their order.
	At([]codec.Position) ([]assay.Trial, error)
}

// Range is an ordered range of marks: the first so many after a position, of evidence that began with version Since or
// a later one (0: of all).
type Range struct {
	Subject int64
	Outcome assay.Outcome
	After   codec.Position
	Since   int
	Limit   int
}

// Find returns the trials that a query selects. An arm alone selects the trials it took part in. Array indexes in Path
// are folded. Times are ordered to the microsecond. Each subject and outcome has its own range, so what is read
// grows with their number and the limit, not with the store.
func Find(s Shelf, q assay.Query) (page assay.Page, err error) {
	after, err := codec.ParseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	limit := codec.Limit(q.Limit)
	ranges, err := rangesOf(s, q, after, limit+1)
	if err != nil {
		return page, err
	}
	found, err := s.Marked(ranges)
	if err != nil {
		return page, err
	}
	slices.SortFunc(found, codec.NewestFirst)
	if len(found) > limit {
		found = found[:limit]
		page.Next = found[limit-1].Cursor()
	}
	page.Trials, err = s.At(found)
	return page, err
}

func rangesOf(tx Tx, q assay.Query, after codec.Position, limit int) (all []Range, err error) {
	outcomes := []assay.Outcome{q.Outcome}
	if q.Outcome == "" {
		outcomes = []assay.Outcome{assay.OutcomeMatch, assay.OutcomeMismatch}
	}
	subjects, err := Subjects(tx, q)
	for _, subject := range subjects {
		for _, outcome := range outcomes {
			all = append(all, Range{subject, outcome, after, q.Since, limit})
		}
	}
	return all, err
}
