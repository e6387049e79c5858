// Package judge says whether a hypothesis holds. In come an experiment and what was counted of it, out
// goes a verdict for each candidate; it is pure, so the same counts give the same verdict for ever.
//
// A hypothesis has clauses: one on mismatches, and one for each limit on faults, latency, cost and memory
// and each guard-rail. A verdict is refuted as soon as one clause is, and holds when all do. It may be looked
// at after every trial: under a true hypothesis "refuted" comes up, ever, with probability alpha at most, and
// so does "holds" under a false one. clauses.go spends alpha.
//
// Mismatches and faults are judged by e-values that suppose nothing of how trials depend on those before
// (mismatch.go). Warm latency, cost and memory are judged by betting on blocks of pairs, which suppose that a
// candidate and the secondary of the same trial could be exchanged if they were alike (blocks.go). What
// neither covers, cold calls and costs without a secondary, supposes more and says so (cold.go, bill.go).
// docs/evidence.md has the methods, their sources, and what they were measured to reach.
package judge

import (
	"math"
	"slices"
	"strconv"
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
	matters := make([]matter, len(e.Candidates))
	for i, arm := range e.Candidates {
		matters[i] = newMatter(e, c, arm.Name)
	}
	discover(matters)
	verdicts := make(map[string]assay.Verdict, len(e.Candidates))
	for _, m := range matters {
		verdicts[m.candidate.Name] = m.verdict()
	}
	return verdicts
}

// matter is one candidate under its hypothesis, with all that is known of it.
type matter struct {
	experiment assay.Experiment
	counts     assay.Counts
	hypothesis assay.Hypothesis // its alpha is that of the whole experiment
	clauses    []clause
	shares     float64 // into which alpha is divided, one for each clause of each candidate
	control    assay.ArmCounts
	secondary  assay.ArmCounts
	candidate  assay.ArmCounts
	beyond     []assay.PathEvidence // see discover
}

func newMatter(e assay.Experiment, c assay.Counts, candidate string) matter {
	h := e.Hypothesis
	if !(h.Alpha > 0 && h.Alpha < 1) {
		h.Alpha = defaultAlpha
	}
	all := clauses(h)
	return matter{
		experiment: e,
		counts:     c,
		hypothesis: h,
		clauses:    all,
		shares:     float64(len(all) * len(e.Candidates)),
		control:    c.Arm(assay.RoleControl, ""),
		secondary:  c.Arm(assay.RoleSecondary, ""),
		candidate:  c.Arm(assay.RoleCandidate, candidate),
	}
}

// finding is what is concluded of one clause, and what would change it.
type finding struct {
	assay.Check
	change string
	more   int64 // trials that would decide it, about; 0 if that is not known
	adrift bool  // if they go on as they did they will refute it
}

func (m matter) verdict() assay.Verdict {
	t := m.tally()
	low, high := stats.BernoulliInterval(t.mismatches, t.trials, t.alpha, tuned)
	findings := m.findings()
	v := assay.Verdict{
		Outcome: outcome(findings),
		Trials:  m.candidate.Trials,
		Evidence: assay.Evidence{
			EValue:           t.eValue() / m.shares,
			Alpha:            m.hypothesis.Alpha,
			MismatchInterval: [2]float64{low, high},
			MismatchLimit:    m.hypothesis.Mismatch,
			Paths:            m.beyond,
		},
		Assumed: m.assumed(),
		NotSeen: m.notSeen(),
		Strata:  m.strata(),
	}
	m.explain(&v, findings)
	steady(&v)
	return v
}

// explain puts into words what the findings come to.
func (m matter) explain(v *assay.Verdict, findings []finding) {
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
	v.Reason = strings.Join(reasons, "; ") + m.uneven() + m.ended(v.Outcome) + m.unseen()
	v.Change = strings.Join(slices.Compact(changes), "; ")
	if v.Outcome == assay.Inconclusive {
		v.Needs = needs(v.Trials, findings)
	}
}

func (m matter) findings() []finding {
	all := make([]finding, len(m.clauses))
	for i, c := range m.clauses {
		all[i] = c.find(m, c)
		all[i].Guard = c.guard
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

// needs is what the clauses that are not decided need: the least of those that are on the way to be
// refuted, or else the most of all.
func needs(trials int64, findings []finding) *assay.Needs {
	var most, least int64
	for _, f := range findings {
		switch {
		case f.Conclusion != assay.Inconclusive:
		case f.adrift && f.more > 0 && (least == 0 || f.more < least):
			least = f.more
		case f.more == 0:
			most = math.MaxInt64
		default:
			most = max(most, f.more)
		}
	}
	if least > 0 {
		most = least
	}
	if most == 0 || most == math.MaxInt64 {
		return nil
	}
	return &assay.Needs{Trials: trials + most, More: most}
}

// steady makes the numbers of a verdict finite, and leaves out the digits in which processors may differ.
func steady(v *assay.Verdict) {
	e := &v.Evidence
	numbers := []*float64{&e.EValue, &e.MismatchInterval[0], &e.MismatchInterval[1]}
	for i := range e.Checks {
		c := &e.Checks[i]
		numbers = append(numbers, &c.Interval[0], &c.Interval[1], &c.EValue)
		if c.Estimate != nil {
			numbers = append(numbers, c.Estimate)
		}
		if a := c.Asymptotic; a != nil {
			numbers = append(numbers, &a.Interval[0], &a.Interval[1], &a.EValue)
		}
	}
	for i := range e.Paths {
		numbers = append(numbers, &e.Paths[i].EValue)
	}
	for i := range v.Strata {
		numbers = append(numbers, &v.Strata[i].Interval[0], &v.Strata[i].Interval[1])
	}
	for _, n := range numbers {
		*n = rounded(finite(*n))
	}
}

// rounded keeps ten significant digits.
func rounded(x float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 10, 64), 64)
	if err != nil {
		return x // math.MaxFloat64 would round beyond itself
	}
	return short
}

// finite replaces what JSON cannot carry.
func finite(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return min(max(x, -math.MaxFloat64), math.MaxFloat64)
}
