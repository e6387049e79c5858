package assay

import "time"

// Function is code to be run by the embedded engine, in AWS's words.
type Function struct {
	Name        string            `json:"name"`
	Runtime     string            `json:"runtime"`           // "nodejs20.x", "python3.12", "provided.al2023"; "nodejs" and "python3" take whatever is installed
	Handler     string            `json:"handler,omitempty"` // "index.handler"; provided.* hands it through
	Code        string            `json:"code"`              // a folder, absolute once loaded
	Build       string            `json:"build,omitempty"`   // a shell command run in Code before deploying, for example "go build -o bootstrap ."
	MemoryMB    int               `json:"memory"`            // 128 to 10240
	Timeout     time.Duration     `json:"timeout"`           // up to 15 minutes
	Environment map[string]string `json:"environment,omitempty"`
	Concurrency int               `json:"concurrency,omitempty"` // environments at once; 0: the engine's default
	Standby     int               `json:"standby,omitempty"`     // environments that are initialized before anybody calls
	Layers      []string          `json:"layers,omitempty"`      // ARNs of layers' versions of the engine, at most 5, the last one on top
	TmpMB       int               `json:"tmp,omitempty"`         // the size of /tmp, 512 to 10240; 512 if 0
	Network     bool              `json:"network,omitempty"`     // it may reach what this machine reaches
	Source      string            `json:"source,omitempty"`      // the file it was defined in, "api" if in none
}

// LogQuery selects lines of a function's log.
type LogQuery struct {
	Stream string // a part of the log stream's name, which is date, version and environment; "" takes all
	Follow bool   // go on with lines as they come
}

// Deployment is a function as the engine runs it.
type Deployment struct {
	Function
	ARN          string    `json:"arn"`
	State        string    `json:"state"` // AWS's State: "Active", "Failed", "Pending"
	Reason       string    `json:"state_reason,omitempty"`
	Version      string    `json:"version"`     // "$LATEST"
	CodeSHA256   string    `json:"code_sha256"` // base64
	LastModified time.Time `json:"last_modified"`
	Environments int       `json:"environments"` // processes now
	Busy         int       `json:"busy"`
	Invocations  int64     `json:"invocations"` // since the engine started
	Errors       int64     `json:"errors"`
	Throttles    int64     `json:"throttles"`
	ColdStarts   int64     `json:"cold_starts"`
	Enforced     Enforced  `json:"enforced"`
	Metrics      []Metrics `json:"metrics"` // of each version that was invoked
}

// Metrics is what CloudWatch would count of a version, since the engine started.
type Metrics struct {
	Version      string        `json:"version"`
	Invocations  int64         `json:"invocations"` // without those throttled
	Errors       int64         `json:"errors"`
	Throttles    int64         `json:"throttles"`
	ColdStarts   int64         `json:"cold_starts"`
	Duration     time.Duration `json:"duration"` // of all that ran, in ns
	Billed       time.Duration `json:"billed"`
	Init         time.Duration `json:"init"`             // that callers waited for
	MaxMemoryMB  int           `json:"max_memory_mb"`    // the most that one environment used
	Environments int           `json:"environments"`     // now
	MaxAtOnce    int           `json:"max_environments"` // the most at once
}

// Inventory is all that the engine has of one function.
type Inventory struct {
	Versions     []FunctionVersion     `json:"versions"`     // $LATEST first, then the newest
	Aliases      []Alias               `json:"aliases"`      // by name
	Environments []FunctionEnvironment `json:"environments"` // oldest first
	Minutes      []FunctionMinute      `json:"minutes"`      // of the last hour in which it was invoked, oldest first
}

// FunctionVersion is one version of a function.
type FunctionVersion struct {
	Version      string        `json:"version"` // "$LATEST", or its number
	Description  string        `json:"description,omitempty"`
	Runtime      string        `json:"runtime"`
	MemoryMB     int           `json:"memory"`
	Timeout      time.Duration `json:"timeout"`
	CodeSHA256   string        `json:"code_sha256"` // base64
	CodeSize     int64         `json:"code_size"`   // bytes of the zip
	LastModified time.Time     `json:"last_modified"`
}

// Alias leads to a version, and may give a share of its invocations to another one.
type Alias struct {
	Name        string             `json:"name"`
	Version     string             `json:"version"`
	Description string             `json:"description,omitempty"`
	Weights     map[string]float64 `json:"weights,omitempty"` // of other versions: from 0 to 1
}

// The states of an environment.
const (
	EnvironmentStarting = "starting" // to be at the ready, not initialized yet
	EnvironmentIdle     = "idle"
	EnvironmentBusy     = "busy" // at work for a caller, its init included
)

// FunctionEnvironment is one execution environment that lives now.
type FunctionEnvironment struct {
	Stream      string    `json:"stream"` // the name of its log stream
	Version     string    `json:"version"`
	State       string    `json:"state"`
	Began       time.Time `json:"began"`
	IdleSince   time.Time `json:"idle_since,omitzero"`
	MemoryMB    int       `json:"memory_mb"`
	MaxMemoryMB int       `json:"max_memory_mb"` // at most so far; 0 before its first answer
}

// FunctionMinutes is how many minutes are known of a function.
const FunctionMinutes = 60

// FunctionMinute is what one minute counted.
type FunctionMinute struct {
	Time        time.Time     `json:"time"` // when it began
	Invocations int64         `json:"invocations"`
	Errors      int64         `json:"errors"`
	Throttles   int64         `json:"throttles"`
	ColdStarts  int64         `json:"cold_starts"`
	Ran         int64         `json:"ran"`      // invocations that ended
	Duration    time.Duration `json:"duration"` // of those, in ns
	Init        time.Duration `json:"init"`     // that callers waited for
	MaxMemoryMB int           `json:"max_memory_mb"`
}

// Enforced says what the machine lets the embedded engine hold functions to. Reasons says of each that
// is false why, by its name in JSON.
type Enforced struct {
	Memory  bool `json:"memory"`  // the limit, and the peak of all processes together
	CPU     bool `json:"cpu"`     // a share in proportion to memory
	Pids    bool `json:"pids"`    // a limit of processes
	Freeze  bool `json:"freeze"`  // nothing runs between invocations
	Mounts  bool `json:"mounts"`  // AWS's paths, read-only but for a sized /tmp
	Network bool `json:"network"` // no peer but the Runtime API, unless allowed
	User    bool `json:"user"`    // an unprivileged user of its own

	Reasons map[string]string `json:"reasons,omitempty"`
}

// Defaults of a function, as on AWS.
const (
	DefaultMemoryMB = 128
	DefaultTimeout  = 3 * time.Second
)

// The embedded engine's place in AWS's world.
const (
	EmbeddedRegion  = "us-east-1"
	EmbeddedAccount = "000000000000"
)

// MaxMemoryMB and MaxTimeout are AWS's limits of a function; MaxEnvironment that of its environment, in bytes.
const (
	MaxMemoryMB    = 10240
	MaxTimeout     = 15 * time.Minute
	MaxEnvironment = 4096
)
