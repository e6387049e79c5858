package compare

import (
	"strconv"

	"github.com/assaylab/assay"
)

// newStatus compares status codes, exactly.
func newStatus(assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
	return comparatorFunc(compareStatus), nil
}

func compareStatus(control, other *assay.Observation) []assay.Difference {
	if control.Status == other.Status {
		return nil
	}
	return []assay.Difference{{
		Path:      "status",
		Kind:      assay.KindValue,
		Control:   strconv.Itoa(control.Status),
		Candidate: strconv.Itoa(other.Status),
	}}
}
