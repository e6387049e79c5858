package assay

import "time"

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
)

// Difference is one path at which two observations disagree, and how.
//
// Paths name the part first: "status", "header:content-type", "body" and "body:$.items[0].price"
// (RFC 9535 below the colon), "trailer:grpc-status", "fault".
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
	Bodies     bool         `json:"bodies"` // false: a match whose bodies were not kept
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

// Ledger counts what became of the requests of one experiment, apart from the trials kept.
// Offered = Sampled + the sum of NotSampled; Sampled = trials kept + the sum of Dropped + in flight.
type Ledger struct {
	Experiment string           `json:"experiment"`
	Since      int              `json:"since"`
	Requests   int64            `json:"requests"`
	Offered    int64            `json:"offered"`
	Sampled    int64            `json:"sampled"`
	NotSampled map[string]int64 `json:"not_sampled"` // by reason: "chance", "unsafe", "paused"
	Dropped    map[string]int64 `json:"dropped"`     // by reason: "queue_full", "too_large", …
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

// ArmCounts is what is known of one arm. Durations are of warm invocations that answered or timed out. Those
// that faulted in other ways have none; they are Observations - Cold less the Count of all Latency.Buckets.
type ArmCounts struct {
	Name         string
	Role         Role
	Observations int64
	Faults       map[FaultKind]int64
	Cold         int64
	Latency      Latency
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

	// Of candidates, over the trials that had a secondary.
	Paired        int64
	CandidateOnly int64 // the candidate mismatched and the secondary did not
	SecondaryOnly int64 // the reverse
	Both          int64 // both did
}

// Counts is everything counted of one experiment since its evidence began.
type Counts struct {
	Ledger
	Trials int64 // kept
	First  time.Time
	Last   time.Time
	Arms   []ArmCounts // control, secondary if any, candidates in the definition's order
}

// Arm returns the counts of the arm of that name and role, zero if there are none yet.
func (c *Counts) Arm(role Role, name string) ArmCounts {
	for _, a := range c.Arms {
		if a.Role == role && (role != RoleCandidate || a.Name == name) {
			return a
		}
	}
	return ArmCounts{Name: name, Role: role}
}

// InFlight is the number of trials sampled and neither kept nor dropped yet.
func (c *Counts) InFlight() int64 {
	n := c.Sampled - c.Trials
	for _, d := range c.Dropped {
		n -= d
	}
	return n
}
