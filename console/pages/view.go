package pages

import (
	"cmp"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// experimentView is an experiment as the pages show it.
type experimentView struct {
	assay.Experiment
	Counts  assay.Counts
	Outcome assay.Conclusion
	Arms    []armView
	Dropped []reasonCount // what was dropped, most first
	// NotSampled is what was not chosen to become trials, likewise.
	NotSampled []reasonCount
	Lane       assay.LaneState

	Overhead *shape.Overhead
}

type reasonCount struct {
	Reason string
	Count  int64
}

// armView is one arm's line.
type armView struct {
	shape.Counted
	Label     string // for people
	Where     string // what runs there, as far as known
	Verdict   assay.Verdict
	Candidate bool
	Faulted   []reasonCount
	Bar       intervalBar
}

// deployed finds the embedded function a target names.
type deployed map[string]assay.Deployment

func (p *Pages) deployed() deployed {
	all := deployed{}
	for _, d := range p.opt.Functions.Deployments() {
		all[d.Name] = d
	}
	return all
}

// where says in a few words what serves a target.
func (d deployed) where(t assay.Target) string {
	name := functionName(t)
	switch fn, here := d[name]; {
	case here && embedded(t):
		return fn.Runtime + " · " + strconv.Itoa(fn.MemoryMB) + " MB"
	case t.Function != "":
		return t.Function
	case t.ARN != "":
		return "Lambda " + name
	default:
		if u, err := url.Parse(t.URL); err == nil {
			return u.Host + u.Path
		}
		return t.URL
	}
}

func embedded(t assay.Target) bool {
	return t.Function != "" || strings.Contains(t.ARN, ":"+assay.EmbeddedAccount+":")
}

// functionName is the name within "name:qualifier" or "arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER".
func functionName(t assay.Target) string {
	name := t.Function
	if _, after, ok := strings.Cut(t.ARN, ":function:"); ok {
		name = after
	}
	name, _, _ = strings.Cut(name, ":")
	return name
}

func viewExperiment(r *assay.Report, fns deployed) experimentView {
	v := experimentView{Experiment: r.Experiment, Counts: r.Counts, Outcome: r.Outcome(), Dropped: ranked(r.Counts.Dropped), Lane: r.Lane,
		NotSampled: ranked(r.Counts.NotSampled), Overhead: shape.OverheadOf(r.Lane.Overhead)}
	for _, a := range shape.ArmsOf(r) {
		v.Arms = append(v.Arms, viewArm(r, a, fns))
	}
	return v
}

func viewArm(r *assay.Report, a shape.Counted, fns deployed) armView {
	v := armView{Counted: a, Label: a.Title, Where: fns.where(a.Target), Faulted: ranked(a.Faults)}
	switch a.Role {
	case assay.RoleSecondary:
		v.Label = "Control, called again"
	case assay.RoleCandidate:
		v.Candidate = true
		v.Verdict = shape.VerdictOf(r.Verdicts[a.Arm.Name])
		v.Bar = barOf(&a, &v.Verdict.Evidence)
	}
	if v.Label == "" {
		v.Label = a.Name()
	}
	return v
}

// ranked lists what is not zero, most first.
func ranked[K ~string](counts map[K]int64) []reasonCount {
	var list []reasonCount
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		if counts[k] != 0 {
			list = append(list, reasonCount{strings.ReplaceAll(string(k), "_", " "), counts[k]})
		}
	}
	slices.SortStableFunc(list, func(a, b reasonCount) int { return cmp.Compare(b.Count, a.Count) })
	return list
}

func sum(list []reasonCount) (n int64) {
	for _, c := range list {
		n += c.Count
	}
	return n
}

// Drops is how many sampled requests did not become trials.
func (v *experimentView) Drops() int64 { return sum(v.Dropped) }

// Candidates are the arms that are asked whether they hold.
func (v *experimentView) Candidates() []armView {
	return slices.DeleteFunc(slices.Clone(v.Arms), func(a armView) bool { return !a.Candidate })
}

// Faults is how many invocations failed.
func (v *armView) Faults() int64 { return sum(v.Faulted) }

// MatchShare is the share of trials that matched.
func (v *armView) MatchShare() float64 {
	if v.Trials == 0 {
		return 0
	}
	return float64(v.Matches) / float64(v.Trials)
}

// Cost of a million invocations, for people.
func (v *armView) Cost() string {
	usd, known := v.PerMillion()
	if !known {
		return unknown
	}
	return dollars(usd)
}

// intervalBar places the share of mismatches and what is allowed on one axis. Positions are in
// percent of its width.
type intervalBar struct {
	Low, High, Limit, Point string
	Width                   string
	Ticks                   []tick
	Known                   bool
}

type tick struct{ At, Label string }

// barOf draws on a cube-root axis: zero has a place on it, and 0.1% can still be told from 1%.
func barOf(a *shape.Counted, e *assay.Evidence) intervalBar {
	low, high := axis(e.MismatchInterval[0]), axis(e.MismatchInterval[1])
	bar := intervalBar{
		Low: position(low), High: position(high), Width: position(max(high-low, 0.004)),
		Limit: position(axis(e.MismatchLimit)), Known: a.Trials > 0,
	}
	if a.Trials > 0 {
		bar.Point = position(axis(float64(a.Mismatches) / float64(a.Trials)))
	}
	for _, share := range []float64{0, 0.001, 0.01, 0.1, 0.5, 1} {
		bar.Ticks = append(bar.Ticks, tick{position(axis(share)), percent(share)})
	}
	return bar
}

func axis(share float64) float64 { return math.Cbrt(min(max(share, 0), 1)) }

func position(x float64) string { return strconv.FormatFloat(x*100, 'f', 2, 64) + "%" }

// compared says what an arm's number is beside the control's, as a ratio.
func compared(own, control float64) string {
	if own <= 0 || control <= 0 {
		return ""
	}
	return strconv.FormatFloat(own/control, 'f', 2, 64) + "×"
}

// MemoryRatio is the most memory used, beside what the control used.
func (v *experimentView) MemoryRatio(a armView) string {
	return compared(float64(a.MaxMemoryMB), float64(v.Arms[0].MaxMemoryMB))
}

// CostRatio is the cost of an invocation beside that of the control's.
func (v *experimentView) CostRatio(a armView) string {
	own, _ := a.PerMillion()
	control, _ := v.Arms[0].PerMillion()
	return compared(own, control)
}
