package judge

import (
	"fmt"
	"maps"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// Served says whether the answers that a canary gave to clients are as good as those the control gave to the
// others meanwhile: whether the share of errors is not much larger, and each quantile of latency within its
// ratio. Chance decided which arm served a request, so both saw the same traffic; each side has an interval
// of its own, which supposes that an arm's answers are alike and independent. It may be looked at after every
// answer: "refuted" under a canary that is as good, and "holds" under one that is not, each come up, ever,
// with probability alpha at most, which is that of the clauses together.
func Served(plan assay.Rollout, control, canary assay.Served, weight float64) assay.Verdict {
	alpha := defaultAlpha / float64(1+len(plan.Latency))
	findings := []finding{servedErrors(plan.Errors, control, canary, alpha)}
	for _, name := range slices.Sorted(maps.Keys(plan.Latency)) {
		findings = append(findings, servedLatency(name, plan.Latency[name], control, canary, alpha))
	}
	v := assay.Verdict{
		Outcome: outcome(findings), Trials: canary.Requests,
		Evidence: assay.Evidence{Alpha: defaultAlpha},
		Assumed:  []string{"chance decides who serves a request, and the answers of an arm are alike and independent"},
	}
	matter{}.explain(&v, findings)
	switch {
	case weight >= 1:
		v.Outcome, v.Reason = assay.Inconclusive, "the control serves nothing to compare with"
	case canary.Requests == 0:
		v.Reason = "no answers yet"
	}
	steady(&v)
	return v
}

// servedErrors bounds by how much larger the canary's share of errors is.
func servedErrors(most float64, control, canary assay.Served, alpha float64) finding {
	f := finding{Check: assay.Check{Clause: "errors <= +" + limit(most), Conclusion: assay.Inconclusive}}
	low, high := stats.BernoulliInterval(canary.Errors, canary.Requests, alpha/2, tuned)
	refLow, refHigh := stats.BernoulliInterval(control.Errors, control.Requests, alpha/2, tuned)
	f.Interval = [2]float64{low - refHigh, high - refLow}
	switch {
	case f.Interval[0] > most:
		f.Conclusion = assay.Refuted
	case f.Interval[1] <= most:
		f.Conclusion = assay.Holds
	}
	f.change = "more answers, until the interval lies on one side of " + spaced(most)
	f.Reason = fmt.Sprintf("%s of %s answers are errors, against %s of %s of the control: an excess %s, %s",
		number(canary.Errors), number(canary.Requests), number(control.Errors), number(control.Requests),
		between(f.Interval[0], f.Interval[1], share), against(f.Conclusion, most))
	return f
}

// servedLatency bounds the ratio of a quantile.
func servedLatency(name string, most float64, control, canary assay.Served, alpha float64) finding {
	f := undecided(clause{name: "latency " + name, limit: most})
	q, ok := quantile(name)
	if !ok {
		f.Reason = fmt.Sprintf("latency: %q is not a quantile such as p99", name)
		return f
	}
	ours, theirs := answerTimes(canary), answerTimes(control)
	if n, ref, least := ours.timed(), theirs.timed(), bounded(q, alpha/2); min(n, ref) < least {
		f.Reason = fmt.Sprintf("%s needs %s answers of each, and has %s and %s", f.Clause, number(least), number(n), number(ref))
		f.change = fmt.Sprintf("%s more answers", number(least-min(n, ref)))
		return f
	}
	f.compare(q, most, alpha, ours, theirs)
	f.Reason = fmt.Sprintf("%s is %s of the control's (%s; %s ms against %s ms), %s", name, ratio(ours.point(q)/theirs.point(q)),
		within(f.Interval), short(ours.point(q)), short(theirs.point(q)), against(f.Conclusion, most))
	return f
}

func answerTimes(s assay.Served) times {
	return times{buckets: s.Latency.Buckets, calls: total(s.Latency.Buckets)}
}
