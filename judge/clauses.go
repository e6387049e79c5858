package judge

import (
	"maps"
	"slices"

	"github.com/assaylab/assay"
)

// clause is one claim that a hypothesis makes of every candidate: that what it names is within a limit.
type clause struct {
	name  string // "latency p99"
	limit float64
	guard bool
	find  func(matter, clause) finding
}

// clauses lists the claims of a hypothesis, always in the same order.
func clauses(h assay.Hypothesis) []clause {
	all := []clause{{"mismatch", h.Mismatch, false, matter.mismatch}}
	if h.Faults != nil {
		all = append(all, clause{"faults", *h.Faults, false, matter.faulting})
	}
	for _, q := range slices.Sorted(maps.Keys(h.Latency)) {
		all = append(all, clause{"latency " + q, h.Latency[q], false, inBlocks(assay.Measure(q))})
	}
	for _, q := range slices.Sorted(maps.Keys(h.Cold)) {
		all = append(all, clause{"cold " + q, h.Cold[q], false, matter.cold})
	}
	if h.Cost != nil {
		all = append(all, clause{"cost", *h.Cost, false, matter.cost})
	}
	if h.Memory != nil {
		all = append(all, clause{"memory", *h.Memory, false, inBlocks(assay.MeasureMemory)})
	}
	for _, rail := range slices.Sorted(maps.Keys(h.Guard)) {
		all = append(all, guardRail(rail, h.Guard[rail]))
	}
	return all
}

// guardRail claims that a candidate is not worse than the control by more than a margin.
func guardRail(rail string, margin float64) clause {
	c := clause{"guard " + rail, 1 + margin, true, matter.unknown}
	switch rail {
	case "errors":
		c.limit, c.find = margin, matter.faulting
	case "p99":
		c.find = inBlocks(assay.MeasureP99)
	case "cost":
		c.find = matter.cost
	case "memory":
		c.find = inBlocks(assay.MeasureHeadroom)
	}
	return c
}

// unknown is the finding on a clause that nothing is known to measure by. Definitions are checked before.
func (m matter) unknown(c clause) finding {
	f := undecided(c)
	f.Reason = c.name + " is nothing that can be measured"
	f.change = "leave it out"
	return f
}

// alpha is the chance of a wrong conclusion that one clause of one candidate may take. This is the one place
// where alpha is spent: it is divided evenly among the clauses and the candidates (Bonferroni), so that all of
// an experiment's conclusions together are wrong with the chance alpha at most. "refuted", "holds" and an
// effect are different mistakes, and each may take it. Paths are searched with an alpha of their own, which
// bounds the share of wrong ones and decides no verdict: see discover.
func (m matter) alpha() float64 { return m.hypothesis.Alpha / m.shares }
