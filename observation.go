package assay

import "time"

// Role says what an arm does in a trial.
type Role string

// The roles. A secondary is a second call of the control, made to learn how often the control
// disagrees with itself.
const (
	RoleControl   Role = "control"
	RoleSecondary Role = "secondary"
	RoleCandidate Role = "candidate"
	RoleRare      Role = "rare" // a candidate, in trials that are made because their stratum is rare
)

// FaultKind says how an arm failed to answer.
type FaultKind string

// The kinds of fault. Each is an outcome that counts, never a gap in the data.
const (
	FaultTimeout   FaultKind = "timeout"   // no whole answer in time
	FaultCrash     FaultKind = "crash"     // the function's process ended
	FaultThrottle  FaultKind = "throttle"  // the engine refused for want of capacity (AWS: 429)
	FaultTransport FaultKind = "transport" // the engine or service could not be reached, or broke off
	FaultFunction  FaultKind = "function"  // the handler returned an error
	FaultCanceled  FaultKind = "canceled"  // the caller went away before the answer was whole
)

// Fault is how an arm failed. Type and Message are the engine's own words, for example
// "Runtime.ExitError" and "RequestId: … Error: Runtime exited with error: exit status 1".
type Fault struct {
	Kind    FaultKind `json:"kind"`
	Type    string    `json:"type,omitempty"`
	Message string    `json:"message,omitempty"`
}

// Observation is what happened when one arm served one invocation. It is not changed once made.
type Observation struct {
	Arm      string        `json:"arm"`
	Role     Role          `json:"role,omitempty"`
	Recorded bool          `json:"recorded,omitempty"` // it was made earlier and comes from a recording, redacted
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration"` // from the call to the last byte of the answer, in ns

	Status   int    `json:"status,omitempty"`
	Header   Header `json:"header,omitempty"`
	Trailer  Header `json:"trailer,omitempty"`
	Body     []byte `json:"body,omitempty"`
	BodySize int64  `json:"body_size"` // bytes of the whole body, also when Body was not kept

	// Fault is nil when the arm answered. A function may both fault and have a status: the one its
	// caller was given.
	Fault *Fault `json:"fault,omitempty"`

	// What the engine tells of the invocation; zero where it does not.
	Cold        bool          `json:"cold,omitempty"` // it waited for a sandbox's init
	Init        time.Duration `json:"init,omitempty"`
	Billed      time.Duration `json:"billed,omitempty"`
	MemoryMB    int           `json:"memory_mb,omitempty"`     // configured
	MaxMemoryMB int           `json:"max_memory_mb,omitempty"` // used at most
	CostUSD     float64       `json:"cost_usd,omitempty"`
	Version     string        `json:"version,omitempty"` // the version that ran
	Log         []byte        `json:"log,omitempty"`     // the tail of the function's log
}

// Timed tells whether the duration says how long an answer took, or how long one was waited for at least.
func (o *Observation) Timed() bool { return o.Fault == nil || o.Fault.Kind == FaultTimeout }
