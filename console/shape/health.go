package shape

import (
	"time"

	"github.com/assaylab/assay"
)

// Health is how the laboratory itself is.
type Health struct {
	Version   string            `json:"version"`
	Addresses map[string]string `json:"addresses,omitempty"`
	Outage    string            `json:"outage,omitempty"`    // why no trials are made
	NotReady  string            `json:"not_ready,omitempty"` // what keeps it from working
	*House
	Experiments []ExperimentHealth `json:"experiments"`
}

// House is what is known of the program and the machine that it runs on.
type House struct {
	Started time.Time         `json:"started"`
	Build   map[string]string `json:"build"` // "go", "revision", "time", "modified", as far as known
	Process Process           `json:"process"`
	Budgets Budgets           `json:"budgets"` // of all experiments together
	Store   StoreHealth       `json:"store"`
	Stream  *StreamHealth     `json:"stream,omitempty"` // nil of a laboratory alone
	Machine Machine           `json:"machine"`
}

// Process is what the program takes of the machine.
type Process struct {
	Goroutines int   `json:"goroutines"`
	HeapBytes  int64 `json:"heap_bytes"`
	HeapLimit  int64 `json:"heap_limit"` // 0: none
}

// Gauge is how much of a budget is in use.
type Gauge struct {
	Used  int64 `json:"used"`
	Limit int64 `json:"limit"` // 0: none
}

// Share is how much of the limit is in use, 0 without one.
func (g Gauge) Share() float64 {
	if g.Limit == 0 {
		return 0
	}
	return float64(g.Used) / float64(g.Limit)
}

// Budgets are what trials may cost, and what they cost now.
type Budgets struct {
	Calls   Gauge `json:"calls"`   // of candidates at once
	Waiting Gauge `json:"waiting"` // trials
	Bytes   Gauge `json:"bytes"`   // of bodies held
}

// StoreHealth is how the store is.
type StoreHealth struct {
	Kind     string    `json:"kind"`  // "sqlite" or "postgres"
	Bytes    *Gauge    `json:"bytes"` // that trials take; nil if it is not known
	Batches  int64     `json:"batches"`
	Trials   int64     `json:"trials"`   // written since the start
	Failures int64     `json:"failures"` // attempts to write that failed, each made again
	Last     time.Time `json:"last,omitzero"`
	TookMS   float64   `json:"took_ms"` // the last batch
}

// StreamHealth is how the stream between machines is.
type StreamHealth struct {
	Connected bool `json:"connected"`
}

// Machine is what this machine can do, as `assay doctor` has it.
type Machine struct {
	System   string    `json:"system"`
	Cores    int       `json:"cores"`
	MemoryMB int64     `json:"memory_mb"`
	Findings []Finding `json:"findings"`
}

// Finding is one thing that was looked at: its State is "good", "lacking" or "wrong".
type Finding struct {
	What  string `json:"what"`
	State string `json:"state"`
	Says  string `json:"says"`
	Hint  string `json:"hint,omitempty"`
}

// ExperimentHealth is what the trials of one experiment cost, and what was given up for it.
type ExperimentHealth struct {
	Name     string               `json:"name"`
	State    assay.State          `json:"state"`
	Tripped  string               `json:"tripped,omitempty"`
	Budgets  Budgets              `json:"budgets"`
	Allowed  int                  `json:"allowed"` // calls at once at this moment: the budget's, or fewer for the control's sake
	InFlight int64                `json:"in_flight"`
	Dropped  map[string]int64     `json:"dropped"`
	Overhead *Overhead            `json:"overhead,omitempty"`
	Breakers []assay.BreakerState `json:"breakers,omitempty"`
	LeftOut  map[string]int64     `json:"left_out"` // by candidate: requests for which its breaker was open
}

// ExperimentHealthOf reads it from a report.
func ExperimentHealthOf(r *assay.Report) ExperimentHealth {
	e, lane := &r.Experiment, &r.Lane
	h := ExperimentHealth{
		Name: e.Name, State: e.State, Tripped: e.Tripped, Allowed: lane.Limit, InFlight: r.Counts.InFlight(),
		Dropped: WithReasons(r.Counts.Dropped), Overhead: OverheadOf(lane.Overhead), Breakers: lane.Breakers, LeftOut: map[string]int64{},
		Budgets: Budgets{
			Calls:   Gauge{int64(lane.Calls), int64(e.Budget.Concurrency)},
			Waiting: Gauge{int64(lane.Waiting), int64(e.Budget.Queue)},
			Bytes:   Gauge{lane.Held, e.Budget.Memory},
		},
	}
	for _, c := range e.Candidates {
		h.LeftOut[c.Name] = r.Counts.LeftOut(c.Name)
	}
	return h
}

// Fewer tells whether fewer calls are allowed than the budget has, for the control's sake.
func (h ExperimentHealth) Fewer() bool { return int64(h.Allowed) < h.Budgets.Calls.Limit }
