// Package suite holds the nouns of `assay test`, a test suite that is fanned out over functions, and
// the doors between its rooms. It does nothing itself.
//
//	runner.List -> []Test -> schedule.Queue -> Batch -> assay.Invoker(worker) -> Answer -> []Result -> report
//	tree.Snapshot -> base (a function's code, sent once) and delta (sent in an invocation's payload)
//	order.Detect -> sequences, each in a process of its own -> pairs that depend on order
//	contrast: pairs of results, of control and candidate -> tests to run again -> verdict
//	history.Load -> estimates for the queue; results -> history.Keep
//
// A worker is an execution environment of one fixed function per base. Its handler (runner/worker) lays
// the project out under /tmp, and keeps a runner's child process warm, which is given one test at a
// time. Each invocation carries a Batch and returns an Answer, so that the queue stays at the centre: no
// test waits behind a long one, and a stop is a stop. Engines are therefore no more than an
// assay.Invoker: the embedded engine, AWS Lambda, or a process of this machine.
//
// Rooms: suite/runner lists tests and holds the workers' programs; suite/tree takes snapshots of the
// project; suite/schedule (pure) decides who runs what; suite/dispatch hands batches to an Invoker and
// accounts for every test; suite/history keeps durations; suite/report (pure) writes results down.
package suite

import (
	"strings"
	"time"
)

// Test is one test as its runner lists it.
type Test struct {
	ID   string `json:"id"`   // unique in the suite; what the runner takes to run just this one
	File string `json:"file"` // relative to the project
	Line int    `json:"line,omitempty"`

	// Scope names what this test shares an expensive set-up with: tests of one scope are kept together
	// while that costs no time. "" for none.
	Scope string `json:"scope,omitempty"`
	// Whole says that the set-up is made anew for each batch, so that one batch should have all of the scope.
	Whole bool `json:"whole,omitempty"`

	// Alone says that the test shares no process with others.
	Alone bool `json:"alone,omitempty"`

	// Name and Class are how reports tell tests apart: JUnit's name and classname.
	Name  string `json:"name,omitempty"`
	Class string `json:"class,omitempty"`
}

// Status says how a test ended.
type Status string

// The statuses. Crash, Timeout and Lost are the suite's own: the test ended its process, did not end in
// time, or was planned and never reported. Flaky is a pass after a failure of the same code.
const (
	Pass    Status = "pass"
	Fail    Status = "fail"
	Error   Status = "error" // its set-up or tear-down failed
	Skip    Status = "skip"
	XFail   Status = "xfail" // failed, as expected
	XPass   Status = "xpass" // passed, not as expected
	Crash   Status = "crash"
	Timeout Status = "timeout"
	Lost    Status = "lost"
	Flaky   Status = "flaky"
)

// Bad tells whether a suite with such a test fails.
func (s Status) Bad() bool {
	switch s {
	case Fail, Error, Crash, Timeout, Lost:
		return true
	}
	return false
}

// Mark is a status as one letter: in a line of progress, and in what is kept of earlier runs.
func (s Status) Mark() string {
	switch s {
	case Pass:
		return "."
	case Skip:
		return "s"
	case XFail:
		return "x"
	case XPass:
		return "X"
	case Fail:
		return "F"
	case Flaky:
		return "R"
	}
	return "E"
}

// Result is what became of one test. Durations are in seconds, Start is in seconds since 1970 by the
// worker's clock.
type Result struct {
	ID       string  `json:"id"`
	Status   Status  `json:"status"`
	Start    float64 `json:"start"`
	Setup    float64 `json:"setup,omitempty"`
	Call     float64 `json:"call,omitempty"`
	Teardown float64 `json:"teardown,omitempty"`
	Message  string  `json:"message,omitempty"` // one line
	Detail   string  `json:"detail,omitempty"`  // the runner's own account of a failure
	Output   string  `json:"output,omitempty"`  // what the test wrote, cut beyond MaxOutput
	File     string  `json:"file,omitempty"`
	Line     int     `json:"line,omitempty"`

	// Quarantined says that its failure does not fail the run.
	Quarantined bool `json:"quarantined,omitempty"`

	// Worker is the environment that ran it. Attempts are the earlier results of a test that was run
	// again, oldest first.
	Worker   string   `json:"worker,omitempty"`
	Attempts []Result `json:"attempts,omitempty"`
}

// MaxOutput bounds what is kept of a test's output, in bytes: the first and the last half of it.
const MaxOutput = 64 << 10

// Fails tells whether a suite with this result fails.
func (r Result) Fails() bool { return r.Status.Bad() && !r.Quarantined }

// Duration is that of all phases.
func (r Result) Duration() time.Duration {
	return time.Duration((r.Setup + r.Call + r.Teardown) * float64(time.Second))
}

// End is when its last phase ended, in seconds since 1970.
func (r Result) End() float64 { return r.Start + r.Setup + r.Call + r.Teardown }

// Batch is what one invocation of a worker carries.
type Batch struct {
	Op     string   `json:"op"`     // "run"; "warm": get ready; "finish": tear down what is still set up
	Root   string   `json:"root"`   // hash of the project's snapshot
	Delta  string   `json:"delta"`  // base64 of a zip: what differs from the base; "" unless asked for
	Runner string   `json:"runner"` // which of the worker's programs
	Args   []string `json:"args,omitempty"`
	Tests  []string `json:"tests,omitempty"`
	Fresh  bool     `json:"fresh,omitempty"` // in a process that has run nothing before, and runs nothing after
	// Variables are of the runner's environment, beside those it has.
	Variables map[string]string `json:"variables,omitempty"`
	// Timeout is of one test, in seconds; 0 for none.
	Timeout float64 `json:"timeout,omitempty"`
	// Settings are the runner's own, as its listing gave them.
	Settings map[string]string `json:"settings,omitempty"`
}

// Answer is what an invocation returns.
type Answer struct {
	Worker  string   `json:"worker"`         // the environment, by an id of its own
	Need    bool     `json:"need,omitempty"` // it has not got the root: send the Delta
	Results []Result `json:"results,omitempty"`
	// Late are faults of scopes that were torn down after their last test had been reported.
	Late []Result `json:"late,omitempty"`
	// Broken says why no test of the batch could be run at all.
	Broken string `json:"broken,omitempty"`
}

// Listing is what a runner knows of a suite before anything has run.
type Listing struct {
	Tests  []Test  `json:"tests"`
	Errors []Fault `json:"errors,omitempty"` // why a part of the suite could not be listed
	// Partial says that the runner would run the rest all the same: each of the Errors is a result.
	Partial bool `json:"partial,omitempty"`
	// Output is what the runner itself printed, and Exit its exit code, for when there is nothing to run.
	Output   string            `json:"output,omitempty"`
	Exit     int               `json:"exit"`
	Settings map[string]string `json:"settings,omitempty"`
	// Files are what was built for the tests: places on this machine by slash-separated names in the project.
	Files map[string]string `json:"-"`
}

// Fault is why a file could not be listed.
type Fault struct {
	Where  string `json:"where"`
	Detail string `json:"detail"`
}

// Run is a whole run, for reports.
type Run struct {
	Name       string // of the project
	Runner     string
	Started    time.Time
	Wall       time.Duration // from the command's start to the last result
	Workers    int
	Planned    []Test
	Results    []Result // one for each planned test, in the order of the listing
	Upload     Upload
	CostUSD    float64
	History    map[string]Past // of tests that ran before
	Quarantine Quarantine
	Order      string // how tests were put in order, if not as usual
}

// Upload is what a run sent before it began.
type Upload struct {
	Files int   `json:"files"`
	Total int64 `json:"total"` // bytes of the project's files
	Sent  int64 `json:"sent"`  // bytes that travelled
	Base  bool  `json:"base"`  // a new base was sent
}

// Past is what is known of a test from earlier runs.
type Past struct {
	Mean  time.Duration // of late runs, weighted towards the latest
	Runs  int
	Fails int
	Flaky int // runs in which it passed after it had failed
	// Late is how the latest runs ended, as marks, the latest last; at most KeptMarks of them.
	Late     string
	Branches []Branch // all that it ran on, the one whose figures these are last
}

// KeptMarks is of how many runs of a test on a branch it is known how they ended.
const KeptMarks = 20

// Branch is how a test ended on one branch.
type Branch struct {
	Name               string
	Runs, Fails, Flaky int
	Late               string
}

// Quarantine is what a run says of the list of tests whose failures do not fail it.
type Quarantine struct {
	List   List
	Ready  List // what has passed often enough to leave the list
	Unused List // what names no test
}

// Merge joins what several invocations said of one test: the last status counts, and a pass after a
// failure is flaky.
func Merge(earlier []Result, last Result) Result {
	last.Attempts = earlier
	for _, e := range earlier {
		if e.Status.Bad() && last.Status == Pass {
			last.Status = Flaky
		}
	}
	return last
}

// FirstLine is the first line of a text that is not empty, without space around it.
func FirstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}
