package compare

import (
	"fmt"

	"github.com/assaylab/assay"
)

func bytesFormat() Format {
	return Format{
		Name: "bytes", Media: []string{"*/*"}, Build: plainly(compareBytes),
		Guess: func([]byte) bool { return true },
	}
}

// compareBytes describes where two bodies that differ begin to do so.
func compareBytes(control, other []byte) []assay.Difference {
	at := commonPrefix(control, other)
	return []assay.Difference{{
		Path:      "body",
		Kind:      assay.KindValue,
		Control:   showBytes(control[at:]),
		Candidate: showBytes(other[at:]),
		Detail:    fmt.Sprintf("%d and %d bytes, first differing at offset %d", len(control), len(other), at),
	}}
}

// showBytes renders the first bytes in hexadecimal, "" at the end of a body.
func showBytes(b []byte) string {
	const most = 16
	if len(b) > most {
		return fmt.Sprintf("% x%s", b[:most], ellipsis)
	}
	return fmt.Sprintf("% x", b)
}
