package assay

import "time"

// DropBreaker counts the trials of which no candidate was called, because the breakers of all were open.
const DropBreaker = "breaker"

// Protect says what trials may never do to those they observe, and what is done before they could.
type Protect struct {
	// Breaker is how many faults in a row open a candidate's breaker; 10 if zero, never if -1.
	Breaker int `json:"breaker,omitempty"`
	// Overhead and Errors switch the experiment off once they are passed: by how much longer clients may wait for
	// sampled requests than for those held out, on average, and the share of their answers that may be errors.
	Overhead time.Duration `json:"overhead,omitempty"`
	Errors   *float64      `json:"errors,omitempty"`
}

// The limits that switch an experiment off.
const (
	SwitchOverhead = "overhead"
	SwitchErrors   = "errors"
)

// Overhead is what trials cost clients, as far as the requests of the last five to ten minutes tell: sampled ones
// against those held out. Interval is true at every look with a chance of 95 %, approximately; an end that is not
// bounded yet is infinite.
type Overhead struct {
	Sampled  int64
	HeldOut  int64
	Errors   int64 // answers to either that were errors
	Seconds  float64
	Interval [2]float64
}

// LaneState is what an experiment's lane does at one moment.
type LaneState struct {
	Limit    int            `json:"limit"`              // candidate calls allowed at once: the budget's, or fewer for the control's sake
	Calls    int            `json:"calls"`              // under way
	Waiting  int            `json:"waiting"`            // trials
	Held     int64          `json:"held"`               // bytes of bodies
	Strata   Strata         `json:"-"`                  // of this source
	Overhead *Overhead      `json:"-"`                  // nil: nothing is held out, and no limit set
	Breakers []BreakerState `json:"breakers,omitempty"` // in the definition's order
}

// BreakerState says whether a candidate is left out of trials because it faults. While it is, one call at a
// time probes it, after longer and longer waits.
type BreakerState struct {
	Arm    string    `json:"arm"`
	Open   bool      `json:"open"`
	Until  time.Time `json:"until,omitzero"` // when the next probe may be made
	Opened int64     `json:"opened"`         // how often, since the laboratory started
}

// LeftOut is the number of sampled requests for which a candidate was not called because its breaker was
// open: trials without it, and those that no candidate was left for.
func (c *Counts) LeftOut(candidate string) int64 {
	a := c.Arm(RoleCandidate, candidate)
	rare := c.Arm(RoleRare, candidate)
	return max(0, c.Trials-a.Trials-rare.Trials) + c.Dropped[DropBreaker]
}
