package assay

// Conclusion is what an experiment says of its hypothesis.
type Conclusion string

// The conclusions.
const (
	Holds        Conclusion = "holds"
	Refuted      Conclusion = "refuted"
	Inconclusive Conclusion = "inconclusive"
)

// Evidence is the numbers behind a verdict.
type Evidence struct {
	EValue           float64    `json:"e_value"`           // against "the candidate is within tolerance"; refutes at 1/alpha
	Alpha            float64    `json:"alpha"`             // the chance of a wrong verdict, however often one looks
	MismatchInterval [2]float64 `json:"mismatch_interval"` // of the share of trials that mismatch, true at every look together
	MismatchLimit    float64    `json:"mismatch_limit"`    // the share the hypothesis allows
	Checks           []Check    `json:"checks,omitempty"`  // one for each clause of the hypothesis
}

// Check is one clause of a hypothesis with what is known of it. Values are ratios to the reference
// for latency and cost, shares for mismatch.
type Check struct {
	Clause     string     `json:"clause"` // "mismatch <= 0.1%", "latency p99 <= 110%"
	Conclusion Conclusion `json:"outcome"`
	Interval   [2]float64 `json:"interval"`
	Reason     string     `json:"reason"`
}

// Verdict is a conclusion with its reason, its numbers and what would change it.
type Verdict struct {
	Outcome  Conclusion `json:"outcome"`
	Reason   string     `json:"reason"`
	Trials   int64      `json:"trials"`
	Evidence Evidence   `json:"evidence"`
	Change   string     `json:"change"` // what would change it, for people
}

// Report is all there is to say of an experiment at one moment.
type Report struct {
	Experiment Experiment
	Counts     Counts
	Verdicts   map[string]Verdict // by candidate
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
