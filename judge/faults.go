package judge

import (
	"github.com/assaylab/assay"
)

// faulting judges the share of trials in which the candidate faults; with a secondary, by how much more
// often it does than the control called again.
func (m matter) faulting(c clause) finding {
	a := m.candidate
	t := tally{
		trials: a.Trials, mismatches: min(sum(a.Faults), a.Trials),
		paired: a.Paired, candidate: a.FaultOnly, secondary: a.SecondaryFaultOnly,
		pairs: m.experiment.Secondary, limit: c.limit, alpha: m.alpha(),
		leftOut: m.leftOut(), words: faulting,
	}
	f := t.seen().finding(c)
	if kinds := list(a.Faults); kinds != "" {
		f.Reason += ": " + kinds
	}
	if f.Conclusion == assay.Refuted {
		f.change = "fewer faults, or a higher share of them allowed, which begins the evidence anew"
	}
	return f
}
