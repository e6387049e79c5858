package compare

import "github.com/assaylab/assay"

// compareFaults tells whether one side alone faulted, or both did in other ways: the kind and the
// engine's type of the fault count, its message does not.
func compareFaults(control, other *assay.Fault) []assay.Difference {
	if control == nil && other == nil {
		return nil
	}
	if control != nil && other != nil && control.Kind == other.Kind && control.Type == other.Type {
		return nil
	}
	return []assay.Difference{{
		Path:      "fault",
		Kind:      assay.KindFault,
		Control:   showFault(control),
		Candidate: showFault(other),
		Detail:    faultMessage(control, other),
	}}
}

func showFault(f *assay.Fault) string {
	switch {
	case f == nil:
		return "none"
	case f.Type == "":
		return string(f.Kind)
	}
	return shorten(string(f.Kind) + " " + f.Type)
}

// faultMessage is the engine's word on the candidate's fault, or else on the control's.
func faultMessage(control, other *assay.Fault) string {
	if other != nil {
		return shorten(other.Message)
	}
	return shorten(control.Message)
}
