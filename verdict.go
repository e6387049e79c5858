package assay

// Conclusion is what an experiment says of its hypothesis.
type Conclusion string

// The conclusions.
const (
	Holds        Conclusion = "holds"
	Refuted      Conclusion = "refuted"
	Inconclusive Conclusion = "inconclusive"
)

// Effect says which way a candidate differs from its reference, whatever the hypothesis allows.
type Effect string

// The effects; "" is not known yet.
const (
	Better     Effect = "better"
	Worse      Effect = "worse"
	Equivalent Effect = "equivalent" // the interval lies within the smallest change that matters
)

// Evidence is the numbers behind a verdict.
type Evidence struct {
	EValue           float64        `json:"e_value"`           // against "the candidate is within tolerance"; refutes at 1/alpha
	Alpha            float64        `json:"alpha"`             // the chance of a wrong verdict, however often one looks
	MismatchInterval [2]float64     `json:"mismatch_interval"` // of the share of trials that mismatch, true at every look together
	MismatchLimit    float64        `json:"mismatch_limit"`    // the share the hypothesis allows
	Checks           []Check        `json:"checks,omitempty"`  // one for each clause of the hypothesis
	Paths            []PathEvidence `json:"paths,omitempty"`   // where it differs beyond what noise or the limit explains
}

// PathEvidence is a path at which a candidate differs too often. Of all that are listed, of all candidates
// together, a share alpha at most is expected to be there by mistake.
type PathEvidence struct {
	Path   string  `json:"path"`
	Kind   Kind    `json:"kind"`
	EValue float64 `json:"e_value"`
}

// Check is one clause of a hypothesis with what is known of it. Values are ratios to the reference
// for latency, cost and memory, shares for mismatch and faults.
type Check struct {
	Clause     string      `json:"clause"` // "mismatch <= 0.1%", "latency p99 <= 110%"
	Guard      bool        `json:"guard,omitempty"`
	Conclusion Conclusion  `json:"outcome"`
	Interval   [2]float64  `json:"interval"`
	Reason     string      `json:"reason"`
	Estimate   *float64    `json:"estimate,omitempty"`   // the best guess, without any promise
	Effect     Effect      `json:"effect,omitempty"`     // of ratios
	Delta      float64     `json:"delta,omitempty"`      // the smallest change that matters to Effect
	EValue     float64     `json:"e_value,omitempty"`    // against "within the limit", of ratios in blocks
	Pairs      int64       `json:"pairs,omitempty"`      // of warm calls compared
	Blocks     int         `json:"blocks,omitempty"`     // differences that these made
	Asymptotic *Asymptotic `json:"asymptotic,omitempty"` // of a ratio in blocks: true only approximately
}

// Asymptotic is what a central limit theorem that is uniform in time says of a ratio.
type Asymptotic struct {
	Interval [2]float64 `json:"interval"`
	EValue   float64    `json:"e_value"` // against "exactly the limit"
}

// Needs is how many trials it takes, as far as can be estimated: before the first from the hypothesis
// alone, later from how those so far went.
type Needs struct {
	Trials int64 `json:"trials"` // in all
	More   int64 `json:"more"`   // beyond those there are
}

// Stratum is a part of the trials that is looked at apart.
type Stratum struct {
	Name       string     `json:"name"` // "warm" or "cold", by the candidate's call
	Trials     int64      `json:"trials"`
	Mismatches int64      `json:"mismatches"`
	Interval   [2]float64 `json:"interval"` // of the share that mismatch
}

// Verdict is a conclusion with its reason, its numbers and what would change it. The same trials, kept in
// the same order, give the same verdict to the byte, whenever it is asked for.
type Verdict struct {
	Outcome  Conclusion `json:"outcome"`
	Reason   string     `json:"reason"`
	Trials   int64      `json:"trials"`
	Evidence Evidence   `json:"evidence"`
	Change   string     `json:"change"`             // what would change it, for people
	Needs    *Needs     `json:"needs,omitempty"`    // nil once decided, and where nothing can be estimated
	Assumed  []string   `json:"assumed,omitempty"`  // what it supposes
	NotSeen  []string   `json:"not_seen,omitempty"` // what it does not speak for
	Strata   []Stratum  `json:"strata,omitempty"`
}

// Report is all there is to say of an experiment at one moment.
type Report struct {
	Experiment Experiment
	Counts     Counts
	Verdicts   map[string]Verdict // by candidate
	Rollout    *Standing          // nil: the control serves everything
	Lane       LaneState
}

// Outcome of the whole experiment: refuted if a candidate is, holds if there are some and all do.
func (r *Report) Outcome() Conclusion {
	if len(r.Experiment.Candidates) == 0 {
		return Inconclusive
	}
	whole := Holds
	for _, a := range r.Experiment.Candidates {
		switch v := r.Verdicts[a.Name]; v.Outcome {
		case Refuted:
			return Refuted
		case Holds:
		default:
			whole = Inconclusive
		}
	}
	return whole
}
