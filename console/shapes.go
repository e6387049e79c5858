package console

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/assaylab/assay"
)

// dropReasons are shown even at zero, so that one sees what is counted.
var dropReasons = []string{"queue_full", "too_large", "breaker", "shutdown"}

// Experiment is an experiment in the API. Offered = Sampled + the sum of NotSampled, and
// Sampled = Trials + the sum of Dropped + InFlight.
type Experiment struct {
	Name       string           `json:"name"`
	Version    int              `json:"version"`
	Since      int              `json:"since"`
	Changed    time.Time        `json:"changed"`
	State      assay.State      `json:"state"`
	Outcome    assay.Conclusion `json:"outcome"`
	Path       string           `json:"path"`
	Methods    []string         `json:"methods,omitempty"`
	Sample     float64          `json:"sample"`
	SampleBy   string           `json:"sample_by,omitempty"`
	Requests   int64            `json:"requests"`
	Offered    int64            `json:"offered"`
	Sampled    int64            `json:"sampled"`
	NotSampled map[string]int64 `json:"not_sampled"`
	Trials     int64            `json:"trials"`
	InFlight   int64            `json:"in_flight"`
	Dropped    map[string]int64 `json:"dropped"`
	Arms       []Arm            `json:"arms"`
	Rollout    *assay.Standing  `json:"rollout,omitempty"`
	Tripped    string           `json:"tripped,omitempty"` // the limit of its protection that paused it: "overhead" or "errors"
	Lane       assay.LaneState  `json:"lane"`              // what it does at this moment
	Overhead   *Overhead        `json:"overhead,omitempty"`
}

// Overhead is by how much longer clients wait for sampled requests than for those held out, on average, as far
// as the last five to ten minutes tell. Bounds are left out until they are known.
type Overhead struct {
	Seconds  *float64    `json:"seconds,omitempty"`
	Interval *[2]float64 `json:"interval,omitempty"`
	Sampled  int64       `json:"sampled"`
	HeldOut  int64       `json:"held_out"`
	Errors   int64       `json:"errors"` // answers to either that were errors
}

func overheadShape(o *assay.Overhead) *Overhead {
	if o == nil {
		return nil
	}
	shape := &Overhead{Sampled: o.Sampled, HeldOut: o.HeldOut, Errors: o.Errors}
	if o.Sampled > 0 && o.HeldOut > 0 {
		shape.Seconds = &o.Seconds
	}
	if !math.IsInf(o.Interval[1], 0) {
		shape.Interval = &o.Interval
	}
	return shape
}

// Arm is an arm in the API; the control's second calls are an arm named "secondary". What is unknown
// yet is left out rather than given as zero.
type Arm struct {
	Name          string                    `json:"name"`
	Title         string                    `json:"title,omitempty"`
	Role          assay.Role                `json:"role"`
	Target        assay.Target              `json:"target"`
	Observations  int64                     `json:"observations"`
	Faults        map[assay.FaultKind]int64 `json:"faults"`
	Cold          int64                     `json:"cold"`
	LatencyMS     *assay.Latency            `json:"latency_ms,omitempty"`
	ColdLatencyMS *assay.Latency            `json:"cold_latency_ms,omitempty"` // of cold calls; latency_ms is of warm ones
	MaxMemoryMB   int                       `json:"max_memory_mb,omitempty"`
	USDPerMillion *float64                  `json:"usd_per_million,omitempty"`
	*Candidate
}

// Candidate is what the API tells of candidates alone. Numbers without bound in the verdict are given
// as the largest there is (math.MaxFloat64), since JSON has no infinity.
type Candidate struct {
	Trials     int64             `json:"trials"`
	Matches    int64             `json:"matches"`
	Mismatches int64             `json:"mismatches"`
	Ignored    int64             `json:"ignored"`
	Rare       *Rare             `json:"rare,omitempty"`
	LeftOut    int64             `json:"left_out"` // requests for which its breaker was open
	Paths      []assay.PathCount `json:"paths"`
	Verdict    assay.Verdict     `json:"verdict"`
}

// Rare counts the trials of a candidate that are made because their stratum is rare. Verdicts are made without.
type Rare struct {
	Trials     int64 `json:"trials"`
	Mismatches int64 `json:"mismatches"`
}

func rareShape(c *assay.Counts, candidate string) *Rare {
	a := c.Arm(assay.RoleRare, candidate)
	if a.Trials == 0 {
		return nil
	}
	return &Rare{a.Trials, a.Mismatches}
}

func experimentShape(r *assay.Report) Experiment {
	e, n := &r.Experiment, &r.Counts
	shape := Experiment{
		Name: e.Name, Version: e.Version, Since: e.Since, Changed: e.Changed, State: e.State, Outcome: r.Outcome(),
		Path: e.Path, Methods: e.Methods, Sample: e.Sample.Rate, SampleBy: e.Sample.By,
		Requests: n.Requests, Offered: n.Offered, Sampled: n.Sampled, NotSampled: maps.Clone(n.NotSampled),
		Trials: n.Trials, InFlight: n.InFlight(), Dropped: withReasons(n.Dropped), Rollout: r.Rollout,
		Tripped: e.Tripped, Lane: r.Lane, Overhead: overheadShape(r.Lane.Overhead),
	}
	if shape.NotSampled == nil {
		shape.NotSampled = map[string]int64{}
	}
	for _, a := range arms(r) {
		shape.Arms = append(shape.Arms, armShape(r, a))
	}
	return shape
}

func withReasons(dropped map[string]int64) map[string]int64 {
	all := make(map[string]int64, len(dropped)+len(dropReasons))
	for _, reason := range dropReasons {
		all[reason] = 0
	}
	maps.Copy(all, dropped)
	return all
}

// arm is one line of an experiment: what was defined beside what was counted.
type arm struct {
	assay.Arm
	assay.ArmCounts
}

// arms returns the control, the secondary if it was ever called, and the candidates, counted or not.
func arms(r *assay.Report) []arm {
	e := &r.Experiment
	all := []arm{{e.Control, r.Counts.Arm(assay.RoleControl, e.Control.Name)}}
	if s := r.Counts.Arm(assay.RoleSecondary, e.Control.Name); s.Observations > 0 {
		all = append(all, arm{e.Control, s})
	}
	for _, c := range e.Candidates {
		all = append(all, arm{c, r.Counts.Arm(assay.RoleCandidate, c.Name)})
	}
	return all
}

// name of the arm in the API: the secondary's function is the control, its role is its name.
func (a *arm) name() string {
	if a.Role == assay.RoleSecondary {
		return string(assay.RoleSecondary)
	}
	return a.Arm.Name
}

// perMillion is the cost of a million invocations in US dollars, as far as they had a price.
func (a *arm) perMillion() (usd float64, known bool) {
	if a.Priced == 0 {
		return 0, false
	}
	return a.CostUSD / float64(a.Priced) * 1e6, true
}

func armShape(r *assay.Report, a arm) Arm {
	shape := Arm{
		Name: a.name(), Title: a.Title, Role: a.Role, Target: a.Target, Observations: a.Observations,
		Faults: maps.Clone(a.Faults), Cold: a.Cold, MaxMemoryMB: a.MaxMemoryMB,
	}
	if shape.Faults == nil {
		shape.Faults = map[assay.FaultKind]int64{}
	}
	if a.Latency.P99 > 0 {
		shape.LatencyMS = &a.Latency
	}
	if a.ColdLatency.P99 > 0 {
		shape.ColdLatencyMS = &a.ColdLatency
	}
	if usd, known := a.perMillion(); known {
		shape.USDPerMillion = &usd
	}
	if a.Role == assay.RoleCandidate {
		shape.Candidate = &Candidate{
			Trials: a.Trials, Matches: a.Matches, Mismatches: a.Mismatches, Ignored: a.Ignored, LeftOut: r.Counts.LeftOut(a.Arm.Name), Rare: rareShape(&r.Counts, a.Arm.Name),
			Paths: append([]assay.PathCount{}, a.Paths...), Verdict: finiteVerdict(r.Verdicts[a.Arm.Name]),
		}
	}
	return shape
}

// finiteVerdict replaces what JSON cannot say, and calls what has no verdict yet inconclusive.
func finiteVerdict(v assay.Verdict) assay.Verdict {
	if v.Outcome == "" {
		v.Outcome = assay.Inconclusive
	}
	v.Evidence.EValue = finite(v.Evidence.EValue)
	v.Evidence.MismatchInterval = finitePair(v.Evidence.MismatchInterval)
	v.Evidence.Checks = slices.Clone(v.Evidence.Checks)
	for i := range v.Evidence.Checks {
		c := &v.Evidence.Checks[i]
		c.Interval, c.EValue = finitePair(c.Interval), finite(c.EValue)
	}
	return v
}

func finitePair(p [2]float64) [2]float64 { return [2]float64{finite(p[0]), finite(p[1])} }

func finite(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return min(max(x, -math.MaxFloat64), math.MaxFloat64)
}

// Trial is a trial in the API: the noun itself, with its outcome.
type Trial struct {
	*assay.Trial
	Outcome assay.Outcome `json:"outcome"`
}

func trialShape(t *assay.Trial) Trial { return Trial{t, t.Outcome()} }

// functionShape is a deployment in the API: the noun itself, but for the values of its environment,
// which tend to be secrets.
func functionShape(d assay.Deployment) assay.Deployment {
	d.Environment = maps.Clone(d.Environment)
	for name := range d.Environment {
		d.Environment[name] = "(hidden)"
	}
	return d
}

// Invocation is what a direct invocation of a function answers.
type Invocation struct {
	ID          string       `json:"id"`
	Payload     any          `json:"payload"` // JSON as it is, other text as a string
	Fault       *assay.Fault `json:"fault,omitempty"`
	Log         string       `json:"log,omitempty"` // its tail
	DurationMS  float64      `json:"duration_ms"`
	InitMS      float64      `json:"init_ms,omitempty"`
	BilledMS    float64      `json:"billed_ms"`
	Cold        bool         `json:"cold"`
	MemoryMB    int          `json:"memory_mb,omitempty"`
	MaxMemoryMB int          `json:"max_memory_mb,omitempty"`
	Version     string       `json:"version,omitempty"`
}
