package run

import "time"

// Options are the flags of `assay test`, with their defaults in the command line. Files and folders may be relative to
// the process's.
type Options struct {
	// What is run.
	Runner   string   // name; "" for the one that the project's files show
	Command  string   // of the shell, in which {tests} stands for ids: a runner of the user's own
	List     string   // of the shell, which prints the ids of all tests
	Outcomes string   // where Command's outcomes are: exit, tap or junit:FILE
	Shard    string   // I/N; "" for all tests
	Alone    []string // tests that share no process with others: patterns, or @FILE
	GroupBy  string   // auto, class, file or none
	Sequence []string // only these tests, in one process, in this order
	Shuffle  string   // seed, or random; "" to leave the order to the schedule

	// Where it is run.
	Engine   string  // embedded, aws or local
	Region   string  // of aws
	Role     string  // ARN, of aws
	Workers  string  // a number, or auto
	Worth    float64 // of an hour of waiting, in US dollars
	MemoryMB int     // of a worker
	TmpMB    int     // of a worker's /tmp
	Network  bool    // workers of the embedded engine may use this machine's
	Data     string  // folder of histories and of the embedded engine's state

	// How it is run.
	Timeout time.Duration // of one test; 0 for none
	Retries int           // of failed tests
	MaxFail int           // failures that end the run; 0 for none
	Copies  bool          // of stragglers

	// What is asked of it, if not just the outcomes.
	Plan       bool     // what it would take
	Detect     bool     // which tests depend on their order
	Candidates []string // settings that the suite is run with as well, to be judged
	Rounds     int      // of each candidate, at least
	Slower     string   // percentage that candidates' tests may be slower by

	// What is told.
	JUnit, Lines, TAP string // files; "" for none
	GitHub            bool   // annotations
	Timeline          string // file; - for the console
	Slowest           int    // tests listed
	Quarantine        string // file of tests whose failures fail nothing
	Passes            int    // in a row, after which a test may leave the quarantine
}
