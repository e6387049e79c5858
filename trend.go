package assay

import (
	"context"
	"time"
)

// Minute is what became of the calls of one arm whose requests came in within one minute, for trends, or within
// CoarseMinutes of them. Latency
// is of warm calls that answered or timed out, as in ArmCounts.
type Minute struct {
	Time         time.Time `json:"time"` // when it began
	Role         Role      `json:"role"`
	Arm          string    `json:"arm"`
	Observations int64     `json:"observations"`
	Cold         int64     `json:"cold"`
	Faults       int64     `json:"faults"`
	Mismatches   int64     `json:"mismatches"` // of candidates, and of the secondary: its noise
	Timed        int64     `json:"timed"`      // calls in the latency
	MeanMS       float64   `json:"mean_ms"`
	LatencyMS    Latency   `json:"latency_ms"`
}

// MaxMinutes is how many of the latest minutes are known of an experiment's evidence: a week.
const MaxMinutes = 7 * 24 * 60

// A trend of more than FineMinutes, a day, is told in steps of CoarseMinutes, which begin at whole ones since 1970.
const (
	FineMinutes   = 24 * 60
	CoarseMinutes = 10
)

// StepOf is how many minutes each step is of a trend over so many.
func StepOf(minutes int) int {
	if minutes > FineMinutes {
		return CoarseMinutes
	}
	return 1
}

// Trends is what a Store also implements when it knows how things went over time.
type Trends interface {
	// Trend returns the minutes in which something was observed, of the last so many up to the latest of these, in
	// order of time, role and arm; see StepOf. They outlive the trials.
	Trend(ctx context.Context, experiment string, since, minutes int) ([]Minute, error)
}

// Milestone is how far a candidate had come when its trials had grown by a tenth since the one before.
type Milestone struct {
	Time       time.Time `json:"time"` // of the last of the trials
	Arm        string    `json:"arm"`
	Trials     int64     `json:"trials"`
	Mismatches int64     `json:"mismatches"` // of these
}

// Waypoint is a milestone with what was known there of the share of trials that mismatch.
type Waypoint struct {
	Milestone
	Interval [2]float64 `json:"interval"` // as Evidence.MismatchInterval
}

// Courses is what a Store also implements when it knows how candidates came to where they are.
type Courses interface {
	// Course returns the milestones of each candidate, by arm and number of trials. They outlive the trials,
	// and do not depend on how these were batched.
	Course(ctx context.Context, experiment string, since int) ([]Milestone, error)
}
