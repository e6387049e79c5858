package assay

import (
	"maps"
	"slices"
	"time"
)

// Kind says in what way two observations disagree at a path.
type Kind string

// The kinds of difference.
const (
	KindValue     Kind = "value"     // another value of the same type
	KindType      Kind = "type"      // another type
	KindMissing   Kind = "missing"   // the control has it, the candidate has not
	KindExtra     Kind = "extra"     // the candidate has it, the control has not
	KindLength    Kind = "length"    // an array of another length
	KindSize      Kind = "size"      // an image of another width or height
	KindPixels    Kind = "pixels"    // an image with other pixels
	KindMalformed Kind = "malformed" // one or both cannot be decoded as what they should be
	KindFault     Kind = "fault"     // one faulted, or both did in other ways
	KindTruncated Kind = "truncated" // the body was not seen whole
	KindLimit     Kind = "limit"     // it took more than was allowed for
	KindFailed    Kind = "failed"    // the comparator failed: nothing is known of the two
)

// Difference is one path at which two observations disagree, and how.
//
// Paths name the part first: "status", "header:content-type", "body" and "body:$.items[0].price"
// (RFC 9535 below the colon), "trailer:grpc-status", "header:set-cookie:session.expires", "fault", "latency".
// They do not depend on which side is the control: items of an array that have moved are [*].
type Difference struct {
	Path      string `json:"path"`
	Kind      Kind   `json:"kind"`
	Control   string `json:"control,omitempty"`   // a short rendering of what the control has there
	Candidate string `json:"candidate,omitempty"` // and of what the candidate has
	Detail    string `json:"detail,omitempty"`    // what else helps, for example "12 of 84100 pixels"
	Ignored   string `json:"ignored,omitempty"`   // the rule that excuses it, for example "ignore $.requestId"; "" if none does
}

// Outcome of one candidate in one trial.
type Outcome string

// The outcomes of a comparison. An ignored difference alone leaves it a match.
const (
	OutcomeMatch    Outcome = "match"
	OutcomeMismatch Outcome = "mismatch"
)

// Comparison is how one observation compares with the control's.
type Comparison struct {
	Observation Observation  `json:"observation"`
	Differences []Difference `json:"differences,omitempty"`
}

// Outcome is mismatch when a difference is not excused by a rule.
func (c *Comparison) Outcome() Outcome {
	for i := range c.Differences {
		if c.Differences[i].Ignored == "" {
			return OutcomeMismatch
		}
	}
	return OutcomeMatch
}

// Trial is one invocation with the observations of all arms and their differences.
type Trial struct {
	ID         string       `json:"id"` // the invocation's id; keeping the same id twice counts once
	Experiment string       `json:"experiment"`
	Version    int          `json:"version"` // the definition it was made under
	Since      int          `json:"since"`   // the first version whose evidence it belongs to
	Time       time.Time    `json:"time"`
	Invocation Invocation   `json:"invocation"`
	Control    Observation  `json:"control"`
	Secondary  *Comparison  `json:"secondary,omitempty"`
	Candidates []Comparison `json:"candidates"`
	Rare       bool         `json:"rare,omitempty"` // made because its stratum is rare: verdicts are made without it
	Bodies     bool         `json:"bodies"`         // false: a match whose bodies were not kept
}

// Outcome is mismatch when a candidate's is.
func (t *Trial) Outcome() Outcome {
	for i := range t.Candidates {
		if t.Candidates[i].Outcome() == OutcomeMismatch {
			return OutcomeMismatch
		}
	}
	return OutcomeMatch
}

// Ledger counts what became of the requests of one experiment, apart from the trials kept, as one source
// saw it: a laboratory, or one machine of many. Offered = Sampled + the sum of NotSampled; of all sources
// together, Sampled = trials kept + the sum of Dropped + in flight. No number ever falls.
type Ledger struct {
	Experiment string           `json:"experiment"`
	Since      int              `json:"since"`
	Source     string           `json:"source,omitempty"` // "" of a laboratory alone, and of a sum
	Requests   int64            `json:"requests"`
	Offered    int64            `json:"offered"`
	Sampled    int64            `json:"sampled"`
	NotSampled map[string]int64 `json:"not_sampled"` // by reason: "chance", "unsafe", "paused"
	Dropped    map[string]int64 `json:"dropped"`     // by reason: "queue_full", "too_large", …
	// Handed counts the sampled trials that a crash of the source cannot lose any more: they are in the store,
	// or in the stream.
	Handed int64 `json:"handed"`
}

// SourceWorkers is the source that offers are dropped by which others had handed over.
const SourceWorkers = "workers"

// Unsettled is the number of trials that the source sampled and has neither dropped nor handed over: what is
// lost if it is killed.
func (l *Ledger) Unsettled() int64 { return l.Sampled - l.Handed - total(l.Dropped) }

// Latest is what two states of one source's ledger, in any order, say together: of each number the greater.
func (l Ledger) Latest(o Ledger) Ledger {
	return l.join(o, func(a, b int64) int64 { return max(a, b) })
}

// Plus adds up the ledgers of two sources.
func (l Ledger) Plus(o Ledger) Ledger {
	return l.join(o, func(a, b int64) int64 { return a + b })
}

func (l Ledger) join(o Ledger, f func(a, b int64) int64) Ledger {
	l.Requests, l.Offered, l.Sampled, l.Handed = f(l.Requests, o.Requests), f(l.Offered, o.Offered), f(l.Sampled, o.Sampled), f(l.Handed, o.Handed)
	l.NotSampled, l.Dropped = joined(l.NotSampled, o.NotSampled, f), joined(l.Dropped, o.Dropped, f)
	return l
}

func joined(a, b map[string]int64, f func(a, b int64) int64) map[string]int64 {
	all := make(map[string]int64, max(len(a), len(b)))
	maps.Copy(all, a)
	for reason, n := range b {
		all[reason] = f(all[reason], n)
	}
	return all
}

func total(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// Bucket is one bar of a histogram: Count values near Value.
type Bucket struct {
	Value float64 `json:"value"`
	Count int64   `json:"count"`
}

// Latency is a distribution of durations in milliseconds, to 1 % of the value. A time-out counts as long as
// was waited for it, so that a quantile among time-outs is one from below.
type Latency struct {
	P50     float64  `json:"p50"`
	P90     float64  `json:"p90"`
	P99     float64  `json:"p99"`
	Buckets []Bucket `json:"-"` // ascending
}

// PathCount counts the trials that differ at a path. Discordant pairs, on trials with a secondary,
// are those in which exactly one of candidate and secondary differs from the control there.
type PathCount struct {
	Path          string `json:"path"` // array indexes folded to [*]
	Kind          Kind   `json:"kind"`
	Mismatches    int64  `json:"mismatches"`
	Ignored       int64  `json:"ignored"`
	Noise         int64  `json:"noise"` // trials in which the secondary differed from the control there
	CandidateOnly int64  `json:"candidate_only"`
	SecondaryOnly int64  `json:"secondary_only"`
}

// Measure is what of warm calls is compared, in blocks of pairs, between a candidate and the secondary.
type Measure string

// The measures.
const (
	MeasureP50      Measure = "p50" // quantiles of the latency
	MeasureP90      Measure = "p90"
	MeasureP95      Measure = "p95"
	MeasureP99      Measure = "p99"
	MeasureCost     Measure = "cost"     // the mean, since a bill is a sum
	MeasureMemory   Measure = "memory"   // the median of the memory used at most
	MeasureHeadroom Measure = "headroom" // likewise, as a share of what is configured
)

// Measures are all of them.
var Measures = []Measure{MeasureP50, MeasureP90, MeasureP95, MeasureP99, MeasureCost, MeasureMemory, MeasureHeadroom}

// Quantile is the quantile that a block of the measure comes to; 0 for one that comes to the mean.
func (m Measure) Quantile() float64 {
	switch m {
	case MeasureP90:
		return .9
	case MeasureP95:
		return .95
	case MeasureP99:
		return .99
	case MeasureCost:
		return 0
	}
	return .5
}

// Of is the measure of one observation, 0 if it has none. A time-out counts as long as was waited for it;
// what faulted otherwise has no latency.
func (m Measure) Of(o *Observation) float64 {
	switch m {
	case MeasureCost:
		return o.CostUSD
	case MeasureMemory:
		return float64(o.MaxMemoryMB)
	case MeasureHeadroom:
		if o.MemoryMB == 0 {
			return 0
		}
		return float64(o.MaxMemoryMB) / float64(o.MemoryMB)
	}
	if !o.Timed() {
		return 0
	}
	return float64(o.Duration) / float64(time.Millisecond)
}

// Blocks is what pairs of warm calls, of a candidate and the secondary in the same trial, show of a measure.
// Pairs come in the order in which trials were kept; so many in a row make a block, and its difference is the
// candidate's logarithmic quantile (or mean) less the secondary's. Differences never change once made: the
// same trials in the same order give the same, however they were batched.
type Blocks struct {
	Pairs       int64     // that both had the measure
	Differences []float64 // of whole blocks; see package stats on how many blocks each stands for
}

// ArmCounts is what is known of one arm. Durations are of warm invocations that answered or timed out. Those
// that faulted in other ways have none; they are Observations - Cold less the Count of all Latency.Buckets.
type ArmCounts struct {
	Name         string
	Role         Role
	Observations int64
	Faults       map[FaultKind]int64
	Cold         int64
	Latency      Latency
	ColdLatency  Latency // of cold invocations, likewise; never mixed into the warm ones
	MaxMemoryMB  int
	CostUSD      float64 // in all
	CostSquares  float64 // the sum of the squares of the observations' costs, in USD²
	Priced       int64   // observations that had a cost

	// Of candidates alone.
	Trials     int64
	Matches    int64
	Mismatches int64
	Ignored    int64 // matches with a difference that a rule excuses
	Paths      []PathCount

	ColdTrials     int64 // of the trials, those in which the candidate's call was cold
	ColdMismatches int64

	// Of candidates, over the trials that had a secondary.
	Paired        int64
	CandidateOnly int64 // the candidate mismatched and the secondary did not
	SecondaryOnly int64 // the reverse
	Both          int64 // both did

	FaultOnly          int64 // the candidate faulted and the secondary did not
	SecondaryFaultOnly int64 // the reverse
	WarmPairs          int64 // both calls were warm
	Blocks             map[Measure]Blocks
}

// Counts is everything counted of one experiment since its evidence began.
type Counts struct {
	Ledger           // of all sources together
	Sources []Ledger // of which it is the sum
	Trials  int64    // kept
	First   time.Time
	Last    time.Time
	Strata  []TrafficStratum // of all sources together, the most frequent first
	Arms    []ArmCounts      // control, secondary if any, candidates in the definition's order

	SourceStrata []Strata // of which Strata are the sum
}

// StrataOf returns what one source has counted of the parts of the traffic.
func (c *Counts) StrataOf(source string) []TrafficStratum {
	for _, s := range c.SourceStrata {
		if s.Source == source {
			return s.Parts
		}
	}
	return nil
}

// SetStrata replaces what sources have counted of the parts of the traffic, and with it the sum.
func (c *Counts) SetStrata(all []Strata) { c.SourceStrata, c.Strata = all, sumStrata(all) }

// WithStrata puts what a source has counted by now in the place of what was kept.
func (c *Counts) WithStrata(now Strata) {
	others := slices.DeleteFunc(slices.Clone(c.SourceStrata), func(s Strata) bool { return s.Source == now.Source })
	c.SetStrata(append(others, now))
}

// RareTrials is how many of the trials are rare ones, which verdicts leave out.
func (c *Counts) RareTrials() (n int64) {
	for i := range c.Arms {
		if a := &c.Arms[i]; a.Role == RoleRare {
			n = max(n, a.Trials)
		}
	}
	return n
}

// Of returns the ledger of one source, empty if it has counted nothing yet.
func (c *Counts) Of(source string) Ledger {
	for _, l := range c.Sources {
		if l.Source == source {
			return l
		}
	}
	return Ledger{Experiment: c.Experiment, Since: c.Since, Source: source}
}

// SetSources replaces the ledgers, and with them their sum.
func (c *Counts) SetSources(all []Ledger) {
	c.Sources = all
	c.Ledger = Ledger{Experiment: c.Experiment, Since: c.Since}
	for _, l := range all {
		c.Ledger = c.Ledger.Plus(l)
	}
}

// With puts the present ledger of a source in the place of the one that was kept.
func (c *Counts) With(now Ledger) {
	others := slices.DeleteFunc(slices.Clone(c.Sources), func(l Ledger) bool { return l.Source == now.Source })
	c.SetSources(append(others, now))
}

// Arm returns the counts of the arm of that name and role, zero if there are none yet.
func (c *Counts) Arm(role Role, name string) ArmCounts {
	for _, a := range c.Arms {
		if a.Role == role && (role != RoleCandidate && role != RoleRare || a.Name == name) {
			return a
		}
	}
	return ArmCounts{Name: name, Role: role}
}

// InFlight is the number of trials sampled and neither kept nor dropped yet.
func (c *Counts) InFlight() int64 {
	return c.Sampled - c.Trials - total(c.Dropped)
}
