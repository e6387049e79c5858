// Package judge says whether a hypothesis holds. In come an experiment and what was counted of it, out
// goes a verdict for each candidate; it is pure, so the same counts give the same verdict for ever.
//
// A hypothesis has clauses: one on mismatches, and one for each limit on latency and cost. A verdict is
// refuted as soon as one clause is, and holds when all do. It may be looked at after every trial: under a
// true hypothesis "refuted" comes up, ever, with probability alpha at most, and so does "holds" under a
// false one. To that end alpha is divided evenly among the candidates and among the clauses of each
// (Bonferroni). The clause on mismatches supposes nothing of how trials depend on those before. That on
// latency supposes that the answers of an arm are alike and independent; drift that candidate and secondary
// share mostly cancels. A time-out counts there as long as was waited, to refute, and as endless, to hold. That
// on cost is an approximation, good from some hundred observations on, of which hardly any lacks a price.
package judge

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

const (
	// defaultAlpha applies when the hypothesis has none that is a probability.
	defaultAlpha = 0.05
	// tuned is the number of observations for which the mixtures of package stats are tuned.
	tuned = 100
)

// Judge returns the verdict on each candidate, by name. Where an e-value or the end of an interval is
// infinite it is math.MaxFloat64, since JSON has no infinity.
func Judge(e assay.Experiment, c assay.Counts) map[string]assay.Verdict {
	verdicts := make(map[string]assay.Verdict, len(e.Candidates))
	for _, arm := range e.Candidates {
		verdicts[arm.Name] = newMatter(e, c, arm.Name).verdict(unseen(c))
	}
	return verdicts
}

// matter is one candidate under its hypothesis, with all that is known of it.
type matter struct {
	hypothesis    assay.Hypothesis // its alpha is that of the whole experiment
	shares        float64          // into which alpha is divided, one for each clause of each candidate
	secondaryRate float64          // share of trials that call the control again
	control       assay.ArmCounts
	secondary     assay.ArmCounts
	candidate     assay.ArmCounts
}

func newMatter(e assay.Experiment, c assay.Counts, candidate string) matter {
	h := e.Hypothesis
	if !(h.Alpha > 0 && h.Alpha < 1) {
		h.Alpha = defaultAlpha
	}
	clauses := 1 + len(h.Latency)
	if h.Cost != nil {
		clauses++
	}
	return matter{
		hypothesis:    h,
		shares:        float64(clauses * len(e.Candidates)),
		secondaryRate: e.Secondary,
		control:       c.Arm(assay.RoleControl, ""),
		secondary:     c.Arm(assay.RoleSecondary, ""),
		candidate:     c.Arm(assay.RoleCandidate, candidate),
	}
}

// alpha is the chance of a wrong conclusion that each clause may take.
func (m matter) alpha() float64 { return m.hypothesis.Alpha / m.shares }

// finding is what is concluded of one clause, and what would change it.
type finding struct {
	assay.Check
	change string
}

func (m matter) verdict(unseen string) assay.Verdict {
	t := m.tally()
	low, high := stats.BernoulliInterval(t.mismatches, t.trials, t.alpha, tuned)
	findings := m.findings(t)
	v := assay.Verdict{
		Outcome: outcome(findings),
		Trials:  m.candidate.Trials,
		Evidence: assay.Evidence{
			EValue:           finite(t.eValue() / m.shares),
			Alpha:            m.hypothesis.Alpha,
			MismatchInterval: [2]float64{low, high},
			MismatchLimit:    m.hypothesis.Mismatch,
		},
	}
	var reasons, changes []string
	for _, f := range findings {
		v.Evidence.Checks = append(v.Evidence.Checks, f.Check)
		if f.Conclusion == v.Outcome {
			reasons = append(reasons, f.Reason)
			changes = append(changes, f.change)
		}
	}
	if v.Trials == 0 {
		reasons = []string{noTrials}
	}
	v.Reason = strings.Join(reasons, "; ") + unseen
	v.Change = strings.Join(slices.Compact(changes), "; ")
	return v
}

func (m matter) findings(t tally) []finding {
	all := []finding{m.mismatch(t)}
	for _, name := range slices.Sorted(maps.Keys(m.hypothesis.Latency)) {
		all = append(all, m.latency(name, m.hypothesis.Latency[name]))
	}
	if m.hypothesis.Cost != nil {
		all = append(all, m.cost(*m.hypothesis.Cost))
	}
	return all
}

func outcome(findings []finding) assay.Conclusion {
	whole := assay.Holds
	for _, f := range findings {
		switch f.Conclusion {
		case assay.Refuted:
			return assay.Refuted
		case assay.Inconclusive:
			whole = assay.Inconclusive
		}
	}
	return whole
}

// finite replaces what JSON cannot carry.
func finite(x float64) float64 {
	return min(max(x, -math.MaxFloat64), math.MaxFloat64)
}
