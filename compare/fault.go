package compare

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/report"
)

// What of two faults must be the same.
const (
	faultKind    = "kind"
	faultType    = "type"    // and the kind
	faultMessage = "message" // and the kind and the type
)

// faults compares how arms failed.
type faults struct{ by string }

func newFaults(spec assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
	by := cmp.Or(spec.By, faultType)
	if !slices.Contains([]string{faultKind, faultType, faultMessage}, by) {
		return nil, []assay.Flaw{{
			Path: []string{"by"}, What: fmt.Sprintf("faults cannot be compared by %q", by), Hint: "choose among kind, type and message",
		}}
	}
	return faults{by}, nil
}

// Compare tells whether one side alone faulted, or both did in other ways.
func (f faults) Compare(a, b *assay.Observation) []assay.Difference {
	control, other := a.Fault, b.Fault
	if control == nil && other == nil || control != nil && other != nil && f.same(*control, *other) {
		return nil
	}
	return []assay.Difference{{
		Path:      "fault",
		Kind:      assay.KindFault,
		Control:   showFault(control),
		Candidate: showFault(other),
		Detail:    showMessage(control, other),
	}}
}

func (f faults) same(a, b assay.Fault) bool {
	switch {
	case a.Kind != b.Kind:
		return false
	case f.by == faultKind:
		return true
	case a.Type != b.Type:
		return false
	}
	return f.by == faultType || withoutIDs(a.Message) == withoutIDs(b.Message)
}

// ids are what no two messages of engines have in common: UUIDs, and hexadecimal numbers as long as an id.
var ids = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|\b(0x[0-9a-fA-F]+|[0-9a-fA-F]{16,})\b`)

func withoutIDs(message string) string { return ids.ReplaceAllLiteralString(message, "*") }

func showFault(f *assay.Fault) string {
	switch {
	case f == nil:
		return "none"
	case f.Type == "":
		return string(f.Kind)
	}
	return report.Shorten(string(f.Kind) + " " + f.Type)
}

// showMessage is the engine's word on the candidate's fault, or else on the control's.
func showMessage(control, other *assay.Fault) string {
	if other != nil {
		return report.Shorten(other.Message)
	}
	return report.Shorten(control.Message)
}
