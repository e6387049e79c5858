package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assaylab/assay"
)

// cold compares a quantile of the candidate's cold calls with that of all cold calls of the control, its
// second ones included. Cold calls are rare and seldom come in pairs; so each side has an interval of its own,
// which supposes that an arm's cold calls are alike and independent.
func (m matter) cold(c clause) finding {
	f := undecided(c)
	name := strings.TrimPrefix(c.name, "cold ")
	q, ok := quantile(name)
	if !ok {
		f.Reason = fmt.Sprintf("cold: %q is not a quantile such as p99", name)
		f.change = "name a quantile such as p50, p90 or p99"
		return f
	}
	ours, theirs := coldTimes(m.candidate), coldTimes(m.control, m.secondary)
	if ours.unknown(q) || theirs.unknown(q) {
		f.Reason = fmt.Sprintf("%s cannot be known: %s of %s cold calls of the candidate and %s of %s of the control "+
			"faulted before they answered or timed out", c.name, number(ours.lost), number(ours.calls), number(theirs.lost), number(theirs.calls))
		f.change = "fewer such faults, or a lower quantile"
		return f
	}
	if n, ref, least := ours.timed(), theirs.timed(), bounded(q, m.alpha()/2); min(n, ref) < least {
		f.Reason = fmt.Sprintf("%s needs %s cold starts of candidate and control, and has %s and %s", c.name, number(least), number(n), number(ref))
		f.change = fmt.Sprintf("%s more cold starts", number(least-min(n, ref)))
		return f
	}
	f.compare(q, c.limit, m.alpha(), ours, theirs)
	p, refP := ours.point(q), theirs.point(q)
	f.Reason = fmt.Sprintf("cold %s is %s of the control's (%s; %s ms against %s ms), %s", name, ratio(p/refP),
		within(f.Interval), short(p), short(refP), against(f.Conclusion, c.limit))
	if f.Conclusion == assay.Inconclusive && ours.cut+theirs.cut > 0 {
		f.Reason += fmt.Sprintf("; it is not known how long %s of the candidate and %s of the control would have taken",
			count(ours.cut, "time-out"), count(theirs.cut, "time-out"))
	}
	return f
}

// coldTimes puts the cold calls of some arms together.
func coldTimes(arms ...assay.ArmCounts) (t times) {
	for _, a := range arms {
		timed := total(a.ColdLatency.Buckets)
		calls := max(timed, a.Cold)
		t.calls, t.lost = t.calls+calls, t.lost+calls-timed
		t.cut += min(a.Faults[assay.FaultTimeout], timed)
		t.buckets = append(t.buckets, a.ColdLatency.Buckets...)
	}
	slices.SortStableFunc(t.buckets, func(a, b assay.Bucket) int { return cmp.Compare(a.Value, b.Value) })
	return t
}
