package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// assumed lists what a verdict on these clauses supposes, for people.
func (m matter) assumed() []string {
	h := m.hypothesis
	all := []string{fmt.Sprintf("a wrong verdict may come up with a chance of %s%s; looking often changes nothing",
		spaced(h.Alpha), shared(int64(m.shares)))}
	if s := m.experiment.Sample; s.Rate < 1 {
		all = append(all, fmt.Sprintf("the requests sampled (%s) stand for the others", spaced(s.Rate)))
	}
	if m.experiment.Secondary > 0 {
		all = append(all, "the control differs from itself as often when it is called aside as when it serves clients")
	}
	for _, c := range m.clauses {
		if words := m.supposed(c); words != "" && !slices.Contains(all, words) {
			all = append(all, words)
		}
	}
	return all
}

// shared says how many claims have the chance of a wrong verdict in common: nothing for one.
func shared(claims int64) string {
	if claims == 1 {
		return ""
	}
	return fmt.Sprintf(", which %d claims share", claims)
}

func (m matter) supposed(c clause) string {
	switch {
	case c.name == "mismatch" || c.name == "faults" || c.name == "guard errors":
		return ""
	case strings.HasPrefix(c.name, "cold "):
		return "the cold starts of an arm are alike and independent of one another"
	case m.experiment.Secondary > 0:
		return "candidate and secondary, called in random order by the same lane, could be exchanged if they were alike; a time-out counts as long as was waited"
	case c.name == "cost" || c.name == "guard cost":
		return "what the control costs while it serves clients can be compared with what a candidate costs aside; its interval is an approximation"
	}
	return ""
}

// notSeen lists what the trials do not speak for, for people.
func (m matter) notSeen() []string {
	c, a := m.counts, m.candidate
	var all []string
	add := func(n int64, format string, args ...any) {
		if n > 0 {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(sum(c.NotSampled), "%s of %s requests were not sampled (%s)", number(sum(c.NotSampled)), number(c.Offered), list(c.NotSampled))
	add(sum(c.Dropped), "%s of %s sampled requests were dropped (%s)", number(sum(c.Dropped)), number(c.Sampled), list(c.Dropped))
	add(m.leftOut(), "%s of the candidate left out while its breaker was open: for it to hold they count as mismatches", count(m.leftOut(), "call"))
	add(c.InFlight(), "%s in flight", count(c.InFlight(), "trial"))
	all = append(all, m.unseenStrata()...)
	if m.experiment.Secondary > 0 {
		add(a.Trials-a.Paired, "%s without a call of the secondary: they say nothing of noise", count(a.Trials-a.Paired, "trial"))
		add(a.Paired-a.WarmPairs, "%s in which one side was cold: they say nothing of warm latency", count(a.Paired-a.WarmPairs, "pair"))
	}
	if a.Trials > 0 && a.ColdTrials == 0 {
		all = append(all, "no cold start of the candidate")
	}
	if a.Trials > 0 && a.ColdTrials == a.Trials {
		all = append(all, "no warm call of the candidate")
	}
	return all
}

// mostStrata is how many strata are named that the trials do not speak for.
const mostStrata = 5

// unseenStrata names the parts of the traffic of which there are no trials, the most frequent first.
func (m matter) unseenStrata() []string {
	seen := map[assay.StratumKey]bool{} // without their class
	for _, s := range m.counts.Strata {
		key := s.StratumKey
		key.Class = ""
		seen[key] = seen[key] || s.Trials > 0
	}
	var unseen []string
	for _, s := range m.counts.Strata {
		if s.Trials == 0 && (s.Class != "" || !seen[s.StratumKey]) {
			unseen = append(unseen, fmt.Sprintf("no trial of %s (%s since the evidence began)", s.StratumKey, count(s.Requests, "request")))
		}
	}
	if more := len(unseen) - mostStrata; more > 0 {
		unseen = append(unseen[:mostStrata], fmt.Sprintf("no trial of %s", count(int64(more), "further part")))
	}
	return unseen
}

// leftOut counts the requests for which the candidate's breaker was open.
func (m matter) leftOut() int64 { return m.counts.LeftOut(m.candidate.Name) }

// strata looks at the trials in which the candidate was warm and at those in which it was cold apart.
func (m matter) strata() []assay.Stratum {
	a := m.candidate
	if a.Trials == 0 {
		return nil
	}
	return []assay.Stratum{
		m.stratum("warm", a.Trials-a.ColdTrials, a.Mismatches-a.ColdMismatches),
		m.stratum("cold", a.ColdTrials, a.ColdMismatches),
	}
}

func (m matter) stratum(name string, trials, mismatches int64) assay.Stratum {
	low, high := stats.BernoulliInterval(mismatches, trials, m.alpha()/2, tuned)
	return assay.Stratum{Name: name, Trials: trials, Mismatches: mismatches, Interval: [2]float64{low, high}}
}

// uneven says, as a part of a reason, that cold calls mismatch more often than warm ones, or the reverse, once
// both intervals are apart.
func (m matter) uneven() string {
	s := m.strata()
	if s == nil {
		return ""
	}
	warm, cold := s[0], s[1]
	switch {
	case cold.Interval[0] > warm.Interval[1]:
		return fmt.Sprintf("; cold calls mismatch more often: %s of %s, against %s of %s warm ones",
			number(cold.Mismatches), number(cold.Trials), number(warm.Mismatches), number(warm.Trials))
	case warm.Interval[0] > cold.Interval[1]:
		return fmt.Sprintf("; warm calls mismatch more often: %s of %s, against %s of %s cold ones",
			number(warm.Mismatches), number(warm.Trials), number(cold.Mismatches), number(cold.Trials))
	}
	return ""
}

// ended says that the trials an experiment was given are used up and decided nothing.
func (m matter) ended(c assay.Conclusion) string {
	most := m.experiment.Until.Trials
	if c != assay.Inconclusive || most == 0 || m.counts.Trials-m.counts.RareTrials() < most {
		return ""
	}
	return fmt.Sprintf("; the %s it was given are used up: the control stays", count(most, "trial"))
}
