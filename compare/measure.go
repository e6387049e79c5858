package compare

import (
	"fmt"
	"math"
	"strconv"

	"github.com/assaylab/assay"
)

// measure compares what one call took: the candidate's may be ratio times the control's, and plus more.
// It is the one kind of comparator for which it matters which side is the control.
type measure struct {
	path        string
	unit        string
	ratio, plus float64
	of          func(*assay.Observation) float64 // 0: not known
}

func newMeasure(spec assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
	m := measure{path: spec.Kind, ratio: spec.Ratio, plus: spec.Plus}
	switch spec.Kind {
	case assay.CompareLatency:
		m.unit, m.of = "ms", func(o *assay.Observation) float64 { return o.Duration.Seconds() * 1000 }
	case assay.CompareMemory:
		m.unit, m.of = "MB", func(o *assay.Observation) float64 { return float64(o.MaxMemoryMB) }
	case assay.CompareCost:
		m.unit, m.of = "USD", func(o *assay.Observation) float64 { return o.CostUSD }
	}
	if !(m.ratio >= 0) || math.IsInf(m.ratio, 0) || !(m.plus >= 0) || math.IsInf(m.plus, 0) || m.ratio == 0 && m.plus == 0 {
		return nil, []assay.Flaw{{
			What: fmt.Sprintf("%s has no limit", spec.Kind),
			Hint: "say how much more than the control's it may be: {ratio: 150%}, {plus: 20ms}, or both",
		}}
	}
	if m.ratio == 0 {
		m.ratio = 1
	}
	return m, nil
}

// Compare is silent where a measure says nothing: it is not known on both sides, one alone was cold, or
// the call failed.
func (m measure) Compare(control, other *assay.Observation) []assay.Difference {
	a, b := m.of(control), m.of(other)
	if a <= 0 || b <= 0 || control.Cold != other.Cold || control.Fault != nil || other.Fault != nil || b <= a*m.ratio+m.plus {
		return nil
	}
	return []assay.Difference{{
		Path: m.path, Kind: assay.KindLimit, Control: m.show(a), Candidate: m.show(b),
		Detail: fmt.Sprintf("%.0f %% of the control's, at most %s", b/a*100, m.show(a*m.ratio+m.plus)),
	}}
}

func (m measure) show(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) + " " + m.unit }
