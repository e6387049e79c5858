package compare

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/assaylab/assay"
)

// status compares status codes: exactly, but for what counts as the same.
type status struct {
	class bool  // codes of one class do, such as 2xx
	exact []int // but for these
	same  []int // these do, too
}

func newStatus(spec assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
	var flaws []assay.Flaw
	for _, option := range []struct {
		name  string
		codes []int
	}{{"exact", spec.Exact}, {"same", spec.Same}} {
		for i, code := range option.codes {
			if code < 100 || code > 599 {
				flaws = append(flaws, assay.Flaw{
					Path: []string{option.name, strconv.Itoa(i)}, What: fmt.Sprintf("%d is not a status code", code), Hint: "choose 100 to 599",
				})
			}
		}
	}
	if len(spec.Exact) > 0 && !spec.Class {
		flaws = append(flaws, assay.Flaw{Path: []string{"exact"}, What: "every code is compared exactly", Hint: "it goes with class: true"})
	}
	return status{spec.Class, spec.Exact, spec.Same}, flaws
}

// Compare reports codes that differ; those that count as the same as ignored.
func (s status) Compare(control, other *assay.Observation) []assay.Difference {
	if control.Status == other.Status {
		return nil
	}
	return []assay.Difference{{
		Path: "status", Kind: assay.KindValue,
		Control: strconv.Itoa(control.Status), Candidate: strconv.Itoa(other.Status), Ignored: s.excuse(control.Status, other.Status),
	}}
}

func (s status) excuse(a, b int) string {
	switch {
	case slices.Contains(s.same, a) && slices.Contains(s.same, b):
		return "same"
	case s.class && a/100 == b/100 && !slices.Contains(s.exact, a) && !slices.Contains(s.exact, b):
		return fmt.Sprintf("class %dxx", a/100)
	}
	return ""
}
