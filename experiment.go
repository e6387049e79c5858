package assay

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

// State of an experiment.
type State string

// The states. A deleted experiment's record stays, so that a later one of its name does not inherit
// its evidence.
const (
	StateRunning State = "running"
	StatePaused  State = "paused"  // clients are served, nothing is sampled
	StateDone    State = "done"    // Until was reached
	StateDeleted State = "deleted" // not routed any more
)

// Target is where an arm's function lives; exactly one of URL, ARN and Function is set.
type Target struct {
	URL          string `json:"url,omitempty"`          // any HTTP service: scheme, host and a path to put in front
	ARN          string `json:"arn,omitempty"`          // AWS Lambda; account 000000000000 is the embedded engine
	Function     string `json:"function,omitempty"`     // the embedded engine: a name, or name:qualifier
	Endpoint     string `json:"endpoint,omitempty"`     // instead of AWS's own, for ARN
	Architecture string `json:"architecture,omitempty"` // of an ARN, for its price: "x86_64" (default) or "arm64"
	Event        string `json:"event,omitempty"`        // the event's format for functions: "v2" (default), "v1", "url" or "alb"
	TLS          TLS    `json:"tls,omitzero"`           // for a URL of https
	Revision     string `json:"revision,omitempty"`     // of an embedded function: its code and configuration when this version began
}

// TLS is how a service's address is called over TLS. Empty fields take the system's authorities, show no
// certificate, and expect the service's to be for the host of its URL.
type TLS struct {
	CA   string `json:"ca,omitempty"`   // file of the authorities of the service's certificate, in PEM
	Cert string `json:"cert,omitempty"` // file of the certificate to show it
	Key  string `json:"key,omitempty"`  // file of that certificate's key
	Name string `json:"name,omitempty"` // what the service's certificate is for
}

// Version is the published version of a Lambda function that the target names, "" if it names none.
func (t Target) Version() string {
	name := t.Function
	if name == "" {
		_, name, _ = strings.Cut(t.ARN, ":function:")
	}
	_, qualifier, _ := strings.Cut(name, ":")
	if qualifier == "" || strings.Trim(qualifier, "0123456789") != "" {
		return ""
	}
	return qualifier
}

// Arm is one version that serves invocations.
type Arm struct {
	Name   string `json:"name"`            // "control", or the candidate's key
	Title  string `json:"title,omitempty"` // for people
	Target Target `json:"target"`
}

// Sample says which requests become trials.
type Sample struct {
	Rate float64 `json:"rate"`           // 0 to 1, in steps of 0.00001
	Rare int     `json:"rare,omitempty"` // so many trials at least of each stratum, beside those that verdicts are made of
	By   string  `json:"by,omitempty"`   // "" by chance; "header:NAME", "cookie:NAME" or "query:NAME" keeps equal values together
}

// Budget limits what trials may cost. Zero fields take the defaults.
type Budget struct {
	Concurrency int           `json:"concurrency"` // candidate calls at once
	Queue       int           `json:"queue"`       // trials waiting
	Memory      int64         `json:"memory"`      // bytes of bodies held
	Timeout     time.Duration `json:"timeout"`     // of one candidate call, body included
	Body        int64         `json:"body"`        // bytes of one body
}

// DefaultBudget is what a definition gets that names none.
var DefaultBudget = Budget{Concurrency: 16, Queue: 1000, Memory: 64 << 20, Timeout: 10 * time.Second, Body: 6 << 20}

// The kinds of ComparatorSpec.
const (
	CompareStatus  = "statuscode"
	CompareHeaders = "headers"
	CompareBody    = "body"
	CompareFault   = "fault"
	CompareLatency = "latency"
	CompareMemory  = "memory"
	CompareCost    = "cost"

	// Of the user's own.
	CompareExpression = "expression"
	CompareCommand    = "command"
	CompareWasm       = "wasm"
)

// ComparatorSpec names a comparator and its options. Faults are always compared.
type ComparatorSpec struct {
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"` // of comparators of the user's own, of which there may be several

	// Of several specs of one kind the first that fits an answer compares it. Path is of requests, as in
	// Experiment; Type is of bodies, media types in which "*" stands for any run of characters but "/".
	// Empty ones fit all.
	Path string   `json:"path,omitempty"`
	Type []string `json:"type,omitempty"`

	// Of status codes: Class lets codes of one class (2xx) count as the same, but for those in Exact; Same are
	// codes that count as one another.
	Class bool  `json:"class,omitempty"`
	Exact []int `json:"exact,omitempty"`
	Same  []int `json:"same,omitempty"`

	// Of faults: what must be the same, "kind", "type" (the default: kind and type) or "message" (and the
	// message, but for ids in it).
	By string `json:"by,omitempty"`

	// Of latency, memory and cost: the candidate's may be Ratio times the control's (1 if zero), and Plus
	// more, in ms, MB or USD.
	Ratio float64 `json:"ratio,omitempty"`
	Plus  float64 `json:"plus,omitempty"`

	// Of headers: the fields to compare, or, when Except is given, all but those. The options of JSON that
	// are here, too, take fields, or parts of a Set-Cookie ("set-cookie:session.expires"), instead of paths.
	Only   []string `json:"only,omitempty"`
	Except []string `json:"except,omitempty"`

	// Of text: space around it, the case of letters, and how much space there is within, may not matter
	// ("ignore"); nor may a share of edits of its characters.
	Trim       bool    `json:"trim,omitempty"`
	Case       string  `json:"case,omitempty"`
	Whitespace string  `json:"whitespace,omitempty"`
	Edits      float64 `json:"edits,omitempty"`

	// Of pictures: how far apart they may be within blocks of 8 by 8 pixels, as a share; and whether they are
	// compared as on white paper ("ignore").
	Perceptual float64 `json:"perceptual,omitempty"`
	Alpha      string  `json:"alpha,omitempty"`

	// Of Protocol Buffers: the file of a descriptor set, absolute once loaded, and a message's full name in it.
	Descriptor string `json:"descriptor,omitempty"`
	Message    string `json:"message,omitempty"`

	// Of expressions: what is true where two observations agree.
	Expect string `json:"expect,omitempty"`

	// Of commands and WebAssembly modules: the folder or file of code, and what one comparison may take
	// (DefaultCompareTimeout and DefaultCompareMemoryMB if zero). Run is the command's words: a program of
	// this machine, or "./NAME" in the folder. Revision is of the code when this version began,
	// or of the descriptor sets.
	Code     string        `json:"code,omitempty"`
	Run      []string      `json:"run,omitempty"`
	Timeout  time.Duration `json:"timeout,omitempty"`
	MemoryMB int           `json:"memory,omitempty"`
	Revision string        `json:"revision,omitempty"`

	// As is the format in which a body, or a string within one, is compared; "" for what the content
	// type says.
	As string `json:"as,omitempty"`

	// Of JSON; the paths are RFC 9535 JSONPath. What Ignore, Subset, NFC and the tolerances excuse is still
	// reported, as ignored. Of Unordered, Key and Align one may be about an array.
	Ignore    []string                  `json:"ignore,omitempty"`
	Subset    []string                  `json:"subset,omitempty"`    // where the candidate may have more members and items, at any depth
	Tolerance map[string]float64        `json:"tolerance,omitempty"` // largest absolute difference between numbers
	Relative  map[string]float64        `json:"relative,omitempty"`  // largest difference as a share of the larger number
	Dates     map[string]time.Duration  `json:"dates,omitempty"`     // largest difference between moments
	NFC       []string                  `json:"nfc,omitempty"`       // strings that are equal when composed alike (Unicode's normal form C)
	Unordered []string                  `json:"unordered,omitempty"` // arrays whose order does not matter
	Key       map[string]string         `json:"key,omitempty"`       // arrays whose items are matched by the value at a path within each
	Align     []string                  `json:"align,omitempty"`     // arrays in which items may be inserted and left out
	Within    map[string]ComparatorSpec `json:"within,omitempty"`    // strings to be compared as contents of a format of their own
}

// What a comparison by the user's own code may take unless the definition says otherwise, and at most.
const (
	DefaultCompareTimeout  = 2 * time.Second
	MaxCompareTimeout      = 10 * time.Second
	DefaultCompareMemoryMB = 128
)

// selectors are the fields of a ComparatorSpec that say what it is for, rather than how to compare.
var selectors = []string{"kind", "name", "path", "type", "as", "revision"}

// Options are the names, in JSON, of the options that are given, in the order of the fields.
func (c ComparatorSpec) Options() []string {
	var given []string
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		name := optionName(v.Type().Field(i))
		if !v.Field(i).IsZero() && !slices.Contains(selectors, name) {
			given = append(given, name)
		}
	}
	return given
}

// With is c without the options that are not named.
func (c ComparatorSpec) With(options []string) ComparatorSpec {
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		name := optionName(v.Type().Field(i))
		if !slices.Contains(options, name) && !slices.Contains(selectors, name) {
			v.Field(i).SetZero()
		}
	}
	return c
}

func optionName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// Hypothesis is what is claimed of every candidate. A nil limit claims nothing.
type Hypothesis struct {
	Mismatch float64            `json:"mismatch"`          // largest share of trials that mismatch, 0 to 1
	Faults   *float64           `json:"faults,omitempty"`  // largest share of trials in which the candidate faults
	Latency  map[string]float64 `json:"latency,omitempty"` // "p50", "p90", "p95", "p99" of warm calls -> largest ratio to the secondary's
	Cold     map[string]float64 `json:"cold,omitempty"`    // the same of cold calls, against all cold calls of the control
	Cost     *float64           `json:"cost,omitempty"`    // largest ratio of cost to the control's
	Memory   *float64           `json:"memory,omitempty"`  // largest ratio of memory used to the secondary's
	Guard    map[string]float64 `json:"guard,omitempty"`   // guard-rail -> how much worse it may be; see Guards
	Delta    map[string]float64 `json:"delta,omitempty"`   // "latency", "cost", "memory" -> the smallest change that matters; see Deltas
	Alpha    float64            `json:"alpha"`             // chance of a wrong verdict allowed, 0.05 by default
}

// Guards are the guard-rails and how much worse than the control a candidate may be on each before it is
// inferior, unless the hypothesis says otherwise: a share of trials for errors, a ratio for the others.
// Memory stands for the head-room below what is configured.
var Guards = map[string]float64{"errors": 0.01, "p99": 0.10, "cost": 0.02, "memory": 0.10}

// Deltas are the smallest changes that matter, unless the hypothesis says otherwise: what lies within them
// is equivalent.
var Deltas = map[string]float64{"latency": 0.03, "cost": 0.02, "memory": 0.03}

// Until ends an experiment by itself; zero fields do not.
type Until struct {
	Trials int64         `json:"trials,omitempty"` // that verdicts are made of: rare ones are beside them
	For    time.Duration `json:"for,omitempty"`    // from its first trial
}

// Keep limits what is kept of an experiment's trials, beside what limits the whole store; zero fields do not. Counts,
// verdicts and clusters stay.
type Keep struct {
	Size int64         `json:"size,omitempty"` // bytes of trials with their bodies: beyond it the oldest go
	For  time.Duration `json:"for,omitempty"`
}

// Experiment is a named question: arms, comparators, hypothesis, and how trials are made.
type Experiment struct {
	Name    string    `json:"name"`
	Version int       `json:"version"` // counts every change, from 1
	Since   int       `json:"since"`   // the version with which the present evidence began
	State   State     `json:"state"`
	Tripped string    `json:"tripped,omitempty"` // the limit of Protect that paused it; "" if a person did, or it runs
	Changed time.Time `json:"changed"`           // when this version began
	Source  string    `json:"source,omitempty"`  // the file it was defined in, "api" if in none
	Digest  string    `json:"digest,omitempty"`  // of the definition as its source had it, before live changes

	Traffic string   `json:"traffic,omitempty"` // TrafficLive or TrafficRecorded
	Path    string   `json:"path"`              // "/a/{id}/b" or "/a/*"; a segment {…} matches any one, a last * the rest; "" with recorded traffic
	Methods []string `json:"methods,omitempty"` // routed here; empty: all
	Unsafe  bool     `json:"unsafe,omitempty"`  // trials of methods other than GET, HEAD, OPTIONS and TRACE as well

	Sample      Sample           `json:"sample"`
	Secondary   float64          `json:"secondary"` // share of trials that call the control again
	Budget      Budget           `json:"budget"`
	Holdout     float64          `json:"holdout,omitempty"` // share of the requests chosen to become trials that are left alone, to compare with
	Protect     Protect          `json:"protect,omitzero"`
	Control     Arm              `json:"control"`
	Candidates  []Arm            `json:"candidates"`
	Comparators []ComparatorSpec `json:"comparators"`
	Rules       []Rule           `json:"rules,omitempty"`  // what else is excused, in the order in which they are asked
	Redact      []string         `json:"redact,omitempty"` // "header:NAME", "query:NAME" or JSONPath into bodies, beside the defaults
	Hypothesis  Hypothesis       `json:"hypothesis"`
	Until       Until            `json:"until"`
	Keep        Keep             `json:"keep,omitzero"`
	Rollout     *Rollout         `json:"rollout,omitempty"` // nil: the candidates stay beside
}

// SameEvidence tells whether trials of e and of o answer the same question: then a change from one to
// the other goes on counting. Sampling, budgets, names for people, redaction, when to end and what is kept may
// differ, and the share of secondaries, but not whether there are any: that decides what mismatches are held against.
func (e *Experiment) SameEvidence(o *Experiment) bool {
	return reflect.DeepEqual(e.question(), o.question())
}

// question is the part of an experiment that its evidence depends on.
func (e *Experiment) question() Experiment {
	q := Experiment{
		Traffic: e.Traffic, Path: e.Path, Methods: e.Methods, Unsafe: e.Unsafe,
		Control: Arm{Target: e.Control.Target}, Comparators: e.Comparators,
		Hypothesis: e.Hypothesis,
		Budget:     Budget{Timeout: e.Budget.Timeout, Body: e.Budget.Body}, // they decide what is a fault
	}
	if e.Secondary > 0 {
		q.Secondary = 1
	}
	for _, r := range e.Rules { // whoever answers for them
		q.Rules = append(q.Rules, Rule{Path: r.Path, Class: r.Class, Within: r.Within, Expires: r.Expires.UTC()})
	}
	for _, c := range e.Candidates {
		q.Candidates = append(q.Candidates, Arm{Name: c.Name, Target: c.Target})
	}
	return q
}

// Patch is a change to a running experiment that leaves its question alone.
type Patch struct {
	Sample *Sample `json:"sample,omitempty"`
	State  *State  `json:"state,omitempty"` // "running" or "paused"
	// Rollout is an order to its rollout: "pause", "resume", "rollback" or "promote". It comes alone.
	Rollout string `json:"rollout,omitempty"`
}

// Change says what applying a definition did.
type Change struct {
	Kind    string `json:"kind"` // "experiment" or "function"
	Name    string `json:"name"`
	Action  string `json:"action"` // "created", "configured", "unchanged", "deleted"
	Version int    `json:"version,omitempty"`
}

// Preview is what a definition would change, if it were applied.
type Preview struct {
	Change
	Anew bool `json:"anew"` // it would begin new evidence
}

// Revision is one version of an experiment's definition.
type Revision struct {
	Version    int       `json:"version"`
	Since      int       `json:"since"`
	Changed    time.Time `json:"changed"`
	State      State     `json:"state"`
	Definition string    `json:"definition"` // YAML
}

// MinRate is the finest step of a sampling rate: 0.001 %.
const MinRate = 0.00001
