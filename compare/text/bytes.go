package text

import (
	"fmt"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/report"
)

// Bytes is the format of all that no other takes.
func Bytes() format.Format {
	return format.Format{
		Name: "bytes", Media: []string{"*/*"}, Build: format.Plainly(compareBytes),
		Guess: func([]byte) bool { return true },
	}
}

// compareBytes describes where two bodies that differ begin to do so.
func compareBytes(control, other []byte) []assay.Difference {
	at := report.CommonPrefix(control, other)
	return []assay.Difference{{
		Path:      "body",
		Kind:      assay.KindValue,
		Control:   report.ShowBytes(control[at:]),
		Candidate: report.ShowBytes(other[at:]),
		Detail:    fmt.Sprintf("%d and %d bytes, first differing at offset %d", len(control), len(other), at),
	}}
}
