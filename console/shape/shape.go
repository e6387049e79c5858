// Package shape is the vocabulary of the console: in come reports, and what its callers wrote; out go the
// values of the JSON API, and what is to be done. Pure.
package shape

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/noise"
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

// Candidates are the arms that have a verdict.
func (e *Experiment) Candidates() []Arm {
	return slices.DeleteFunc(slices.Clone(e.Arms), func(a Arm) bool { return a.Candidate == nil })
}

// DroppedInAll is how many sampled requests were dropped, for whatever reason.
func (e *Experiment) DroppedInAll() (n int64) {
	for _, d := range e.Dropped {
		n += d
	}
	return n
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

// OverheadOf is nil of what is not measured.
func OverheadOf(o *assay.Overhead) *Overhead {
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

func rareOf(c *assay.Counts, candidate string) *Rare {
	a := c.Arm(assay.RoleRare, candidate)
	if a.Trials == 0 {
		return nil
	}
	return &Rare{a.Trials, a.Mismatches}
}

// ExperimentOf is a report in the API.
func ExperimentOf(r *assay.Report) Experiment {
	e, n := &r.Experiment, &r.Counts
	shape := Experiment{
		Name: e.Name, Version: e.Version, Since: e.Since, Changed: e.Changed, State: e.State, Outcome: r.Outcome(),
		Path: e.Path, Methods: e.Methods, Sample: e.Sample.Rate, SampleBy: e.Sample.By,
		Requests: n.Requests, Offered: n.Offered, Sampled: n.Sampled, NotSampled: maps.Clone(n.NotSampled),
		Trials: n.Trials, InFlight: n.InFlight(), Dropped: WithReasons(n.Dropped), Rollout: r.Rollout,
		Tripped: e.Tripped, Lane: r.Lane, Overhead: OverheadOf(r.Lane.Overhead),
	}
	if shape.NotSampled == nil {
		shape.NotSampled = map[string]int64{}
	}
	for _, a := range ArmsOf(r) {
		shape.Arms = append(shape.Arms, armOf(r, a))
	}
	return shape
}

// WithReasons counts the reasons that are always shown, too.
func WithReasons(dropped map[string]int64) map[string]int64 {
	all := make(map[string]int64, len(dropped)+len(dropReasons))
	for _, reason := range dropReasons {
		all[reason] = 0
	}
	maps.Copy(all, dropped)
	return all
}

// Counted is one arm of an experiment: what was defined beside what was counted.
type Counted struct {
	assay.Arm
	assay.ArmCounts
}

// ArmsOf returns the control, the secondary if it was ever called, and the candidates, counted or not.
func ArmsOf(r *assay.Report) []Counted {
	e := &r.Experiment
	all := []Counted{{e.Control, r.Counts.Arm(assay.RoleControl, e.Control.Name)}}
	if s := r.Counts.Arm(assay.RoleSecondary, e.Control.Name); s.Observations > 0 {
		all = append(all, Counted{e.Control, s})
	}
	for _, c := range e.Candidates {
		all = append(all, Counted{c, r.Counts.Arm(assay.RoleCandidate, c.Name)})
	}
	return all
}

// Name of the arm in the API: the secondary's function is the control, its role is its name.
func (a *Counted) Name() string {
	if a.Role == assay.RoleSecondary {
		return string(assay.RoleSecondary)
	}
	return a.Arm.Name
}

// PerMillion is the cost of a million invocations in US dollars, as far as they had a price.
func (a *Counted) PerMillion() (usd float64, known bool) {
	if a.Priced == 0 {
		return 0, false
	}
	return a.CostUSD / float64(a.Priced) * 1e6, true
}

func armOf(r *assay.Report, a Counted) Arm {
	shape := Arm{
		Name: a.Name(), Title: a.Title, Role: a.Role, Target: a.Target, Observations: a.Observations,
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
	if usd, known := a.PerMillion(); known {
		shape.USDPerMillion = &usd
	}
	if a.Role == assay.RoleCandidate {
		shape.Candidate = &Candidate{
			Trials: a.Trials, Matches: a.Matches, Mismatches: a.Mismatches, Ignored: a.Ignored, LeftOut: r.Counts.LeftOut(a.Arm.Name), Rare: rareOf(&r.Counts, a.Arm.Name),
			Paths: append([]assay.PathCount{}, a.Paths...), Verdict: VerdictOf(r.Verdicts[a.Arm.Name]),
		}
	}
	return shape
}

// VerdictOf replaces what JSON cannot say, and calls what has no verdict yet inconclusive.
func VerdictOf(v assay.Verdict) assay.Verdict {
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

// TrialOf is a trial in the API.
func TrialOf(t *assay.Trial) Trial { return Trial{t, t.Outcome()} }

// DeploymentOf is a deployment in the API: the noun itself, but for the values of its environment,
// which tend to be secrets.
func DeploymentOf(d assay.Deployment) assay.Deployment {
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

// InvocationOf is what a direct invocation answers.
func InvocationOf(id string, o *assay.Observation) Invocation {
	shape := Invocation{
		ID: id, Fault: o.Fault, Log: string(o.Log), Cold: o.Cold,
		DurationMS: Milliseconds(o.Duration), InitMS: Milliseconds(o.Init), BilledMS: Milliseconds(o.Billed),
		MemoryMB: o.MemoryMB, MaxMemoryMB: o.MaxMemoryMB, Version: o.Version,
	}
	switch {
	case json.Valid(o.Body):
		shape.Payload = json.RawMessage(o.Body)
	case len(o.Body) > 0:
		shape.Payload = string(o.Body)
	}
	return shape
}

// Milliseconds is how many a duration has.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Rules is what the API tells of an experiment's rules.
type Rules struct {
	Rules    []noise.Status   `json:"rules"`
	Proposed []noise.Proposal `json:"proposed"`
	// Blind says that no masking alarm can ring: without secondaries nobody knows the control's own noise.
	Blind bool `json:"blind"`
}

// RulesOf is an experiment's rules in the API.
func RulesOf(e *assay.Experiment, inForce []noise.Status, proposed []noise.Proposal) Rules {
	return Rules{append([]noise.Status{}, inForce...), append([]noise.Proposal{}, proposed...), e.Secondary == 0}
}
