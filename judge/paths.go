package judge

import (
	"cmp"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// maxListed bounds the paths listed of one candidate.
const maxListed = 50

// discover finds the paths at which candidates differ too often: with a secondary, more often than the
// control from itself; without one, more often than the hypothesis allows. Of those found, of all candidates
// together, a share alpha at most is expected to be found by mistake (e-BH).
func discover(all []matter) {
	type found struct {
		matter *matter
		path   assay.PathEvidence
	}
	var family []found
	var evalues []float64
	for i := range all {
		m := &all[i]
		for _, p := range m.candidate.Paths {
			e := m.pathEValue(p)
			family = append(family, found{m, assay.PathEvidence{Path: p.Path, Kind: p.Kind, EValue: e}})
			evalues = append(evalues, e)
		}
	}
	if len(family) == 0 {
		return
	}
	for i, rejected := range stats.EBH(evalues, all[0].hypothesis.Alpha) {
		if rejected {
			family[i].matter.beyond = append(family[i].matter.beyond, family[i].path)
		}
	}
	for i := range all {
		slices.SortFunc(all[i].beyond, func(a, b assay.PathEvidence) int {
			return cmp.Or(cmp.Compare(b.EValue, a.EValue), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
		})
		all[i].beyond = all[i].beyond[:min(len(all[i].beyond), maxListed)]
	}
}

func (m matter) pathEValue(p assay.PathCount) float64 {
	if t := m.tally(); t.noisy() {
		return stats.PairedEValue(p.CandidateOnly, p.SecondaryOnly, t.paired, 0)
	}
	return stats.BernoulliEValue(p.Mismatches, m.candidate.Trials, m.hypothesis.Mismatch)
}

// path is the one with most mismatches, among those that differ beyond noise if noise is known.
func (m matter) path(t tally) string {
	most := assay.PathCount{}
	for _, p := range m.candidate.Paths {
		if t.noisy() && !m.found(p) {
			continue
		}
		if p.Mismatches > most.Mismatches || p.Mismatches == most.Mismatches && p.Mismatches > 0 && p.Path < most.Path {
			most = p
		}
	}
	return most.Path
}

func (m matter) found(p assay.PathCount) bool {
	return slices.ContainsFunc(m.beyond, func(e assay.PathEvidence) bool { return e.Path == p.Path && e.Kind == p.Kind })
}
