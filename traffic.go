package assay

import "time"

// Where an experiment's requests come from.
const (
	TrafficLive     = ""         // clients, by way of the gateway
	TrafficRecorded = "recorded" // recordings alone: nothing is routed to it
)

// Replay says how recorded requests are made again.
type Replay struct {
	Speed       float64 `json:"speed"`              // 1: at the pace they came; 2: twice as fast; 0: as fast as Concurrency allows
	Concurrency int     `json:"concurrency"`        // requests under way at once; 64 if zero
	Recorded    bool    `json:"recorded,omitempty"` // the control's answers are those of the recording; it is not called
	Header      Header  `json:"header,omitempty"`   // set on each request: credentials, of which a recording has hashes alone
}

// Replayed is what became of recorded requests. Requests = Sampled + NotSampled + Late + Unanswered.
type Replayed struct {
	Requests   int64         `json:"requests"`
	Sampled    int64         `json:"sampled"`     // became trials, or were dropped as the experiment's ledger tells
	NotSampled int64         `json:"not_sampled"` // refused by the experiment: sampling, paused, unsafe methods
	Late       int64         `json:"late"`        // left out: at their time, as many were under way as are allowed
	Unanswered int64         `json:"unanswered"`  // left out: the recording has no answer of the control
	Hashed     int64         `json:"hashed"`      // of all: those with hashes in place of secrets, which arms may refuse
	Lag        time.Duration `json:"lag"`         // the most that one went out after its time
	Took       time.Duration `json:"took"`
}
