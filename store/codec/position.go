package codec

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"math"

	"github.com/assaylab/assay"
)

// Position is a place in the order of trials: newest first, then last kept first.
type Position struct {
	Time int64 // microseconds since 1970
	Seq  int64
}

// NewestFirst orders positions as pages do.
func NewestFirst(a, b Position) int {
	return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.Seq, a.Seq))
}

// Cursor writes a position for callers to hand back.
func (p Position) Cursor() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.Time))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, uint64(p.Seq)))
}

// ParseCursor reads a position; "" is the one before all trials.
func ParseCursor(cursor string) (Position, error) {
	if cursor == "" {
		return Position{math.MaxInt64, math.MaxInt64}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) != 16 {
		return Position{}, &assay.Error{Code: assay.CodeInvalid, What: "the cursor is not one of ours", Hint: "take it from the page before, or leave it out for the first page"}
	}
	return Position{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

// The number of trials on a page.
const (
	defaultLimit = 50
	maxLimit     = 500
)

// Limit is the number of trials on a page for which so many were asked.
func Limit(asked int) int {
	if asked <= 0 {
		return defaultLimit
	}
	return min(asked, maxLimit)
}
