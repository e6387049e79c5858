package assay

import (
	"context"
	"time"
)

// Rollout asks that a candidate take over from the control by steps, as long as it does well: first it
// must hold, then it serves a growing share of the requests. It never begins by itself in an experiment
// that has none.
type Rollout struct {
	Candidate string             `json:"candidate"`          // which arm takes over
	Canary    []float64          `json:"canary"`             // the shares of requests it serves, step by step, growing; the last is 1 if it is to be promoted
	By        string             `json:"by,omitempty"`       // "" by chance; "header:NAME", "cookie:NAME" or "query:NAME" keeps equal values with one arm
	Requests  int64              `json:"requests"`           // answers the candidate gives at each step, at least
	For       time.Duration      `json:"for"`                // a step lasts at least so long
	Within    time.Duration      `json:"within,omitempty"`   // what is not decided by then is rolled back; 0: it waits
	Errors    float64            `json:"errors"`             // by how much larger the share of its answers may be that are errors
	Latency   map[string]float64 `json:"latency,omitempty"`  // "p50", "p99" of its answers -> largest ratio to the control's
	Alias     string             `json:"alias,omitempty"`    // ARN of a Lambda alias whose weights are shifted, rather than the gateway's own
	Endpoint  string             `json:"endpoint,omitempty"` // of the alias, instead of AWS's own
}

// DefaultRollout is what a definition gets that names no more than a candidate.
var DefaultRollout = Rollout{Canary: []float64{0.01, 0.1, 0.5, 1}, Requests: 200, For: time.Minute, Errors: 0.01}

// Stage of a rollout.
type Stage string

// The stages. A rollout that was rolled back or paused goes on when somebody says so.
const (
	StageShadow     Stage = "shadow"      // the candidate runs beside and serves nothing: it has not been shown to hold
	StageCanary     Stage = "canary"      // it serves a share
	StagePromoted   Stage = "promoted"    // it serves everything
	StageRolledBack Stage = "rolled_back" // the control serves everything
	StagePaused     Stage = "paused"      // the shares stay as they are
)

// Standing is where a rollout is.
type Standing struct {
	Experiment string    `json:"experiment"`
	Candidate  string    `json:"candidate"`
	Since      int       `json:"since"` // the evidence it rests on; other evidence begins it anew
	Stage      Stage     `json:"stage"`
	Step       int       `json:"step"`   // index in Rollout.Canary, -1 before the first
	Weight     float64   `json:"weight"` // the share that the candidate serves
	Entered    time.Time `json:"entered"`
	Reason     string    `json:"reason"`         // why it is here
	Base       string    `json:"base,omitempty"` // the version an alias led to before

	Control Served   `json:"control"` // since it is here
	Canary  Served   `json:"canary"`
	Verdict *Verdict `json:"verdict,omitempty"` // on what was served, while it is canary
}

// Served is what an arm did for clients.
type Served struct {
	Requests int64   `json:"requests"`
	Errors   int64   `json:"errors"` // faults, and statuses of 500 and above
	Latency  Latency `json:"latency_ms"`
}

// Step is a line of a rollout's audit record: what changed, when, why, and on whose word.
type Step struct {
	Experiment string    `json:"experiment"`
	Version    int       `json:"version"` // of the definition
	Time       time.Time `json:"time"`
	From       Stage     `json:"from"`
	To         Stage     `json:"to"`
	FromWeight float64   `json:"from_weight"`
	Weight     float64   `json:"weight"`
	By         string    `json:"by"` // "assay", or "user"
	Reason     string    `json:"reason"`
	Verdict    *Verdict  `json:"verdict,omitempty"` // that it was decided by
}

// Rollouts keeps where rollouts are and how they came there.
type Rollouts interface {
	// Advance keeps a standing, and the step that led to it, in one.
	Advance(context.Context, Standing, Step) error
	// Standings returns the newest standing of every experiment that has one.
	Standings(context.Context) ([]Standing, error)
	// Steps returns an experiment's audit record, oldest first.
	Steps(ctx context.Context, experiment string) ([]Step, error)
}
