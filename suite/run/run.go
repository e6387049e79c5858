// Package run is one run of `assay test`: it knows the rooms of suites and the engines, and wires them. In come flags, a
// project's folder and its runner's arguments; out come outcomes, reports and an exit code.
package run

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/dispatch"
	"github.com/assaylab/assay/suite/history"
	"github.com/assaylab/assay/suite/runner"
	"github.com/assaylab/assay/suite/schedule"
)

// testRun is one run of `assay test`.
type testRun struct {
	process    *process.Process
	options    Options
	began      time.Time
	kind       runner.Kind
	place      runner.Place
	data       string
	key        history.Key
	past       map[string]suite.Past
	listing    suite.Listing
	built      map[string]string // Listing.Files, if there were any before the engine was opened
	tests      []suite.Test      // those of this shard
	own        map[string]string // by test: the process that it is run in; none for any
	crew       int               // workers that are started
	workers    int               // of them that are used
	scratch    string
	args       []string          // the runner's
	candidates []*testRun        // to be put beside this one
	halved     bool              // the machine is shared by two arms
	python     string            // that of a candidate
	variables  map[string]string // of the environment, likewise
	excused    suite.List        // by --quarantine
	order      string            // how tests were put in order, if not as usual
	begun      starting
}

// Tests runs the suite of the process's folder, by its runner's arguments. What comes out is printed; an error that
// is a process.Exit says so, and the exit code: that of the runner, where it has one.
func Tests(ctx context.Context, p *process.Process, o Options, args []string) error {
	t, err := newTestRun(p, o, args)
	if err != nil {
		return err
	}
	defer t.end()
	if err := t.prepare(ctx); err != nil {
		return err
	}
	switch {
	case len(t.listing.Errors) > 0 && !t.listing.Partial || len(t.listing.Tests) == 0:
		return t.nothing()
	case t.options.Plan:
		return t.predict()
	case t.options.Detect:
		return t.detectOrder(ctx)
	case len(t.options.Candidates) > 0:
		return t.contrast(ctx)
	}
	outcome, upload, err := t.execute(ctx)
	if err != nil {
		return err
	}
	return t.conclude(ctx, outcome, upload)
}

// newTestRun begins a run. End it.
func newTestRun(p *process.Process, o Options, args []string) (*testRun, error) {
	scratch, err := os.MkdirTemp("", "assay-test-")
	return &testRun{process: p, options: o, began: time.Now(), data: p.Absolute(o.Data), args: args, scratch: scratch}, err
}

// prepare finds the runner, opens the engine, and lists the tests.
func (t *testRun) prepare(ctx context.Context) error {
	if err := t.find(); err != nil {
		return err
	}
	if err := process.DataFolder(t.data); err != nil {
		return &assay.Error{Code: assay.CodeInvalid, What: "the data folder cannot be made", Where: t.data, Hint: "choose another with --data", Err: err}
	}
	if err := t.enlist(ctx); err != nil {
		return err
	}
	if err := t.open(ctx); err != nil {
		return err
	}
	if !t.kind.Builds() {
		t.start(ctx)
		return t.collect(ctx)
	}
	err := t.collect(ctx) // which builds what workers need
	if err == nil {
		t.built = t.listing.Files
		t.start(ctx)
	}
	return err
}

// end stops what was started, and takes away what was laid out.
func (t *testRun) end() {
	if t.begun.done != nil {
		t.stop()
	}
	for _, c := range t.candidates {
		c.end()
	}
	os.RemoveAll(t.scratch)
}

// open lays the workers' programs out, reads what tests took before, and by that how many workers to start.
func (t *testRun) open(ctx context.Context) (err error) {
	t.place.Worker = filepath.Join(t.scratch, "worker")
	if err := os.CopyFS(t.place.Worker, runner.Files()); err != nil {
		return err
	}
	t.place.Build, t.place.Env = filepath.Join(t.scratch, "build"), t.process.Environ()
	for name, value := range t.variables {
		t.place.Env = append(t.place.Env, name+"="+value)
	}
	h, err := history.Open(filepath.Join(t.data, "suite", "history.db"))
	if err != nil {
		return err
	}
	defer h.Close()
	t.key = history.Key{Project: filepath.Base(t.process.Dir), Branch: history.Branch(t.process.Dir)}
	if t.past, err = h.Load(ctx, t.key); err != nil {
		return err
	}
	known := make([]schedule.Task, 0, len(t.past))
	for _, past := range t.past {
		known = append(known, schedule.Task{Estimate: past.Mean, Known: true})
	}
	t.crew = t.count(known)
	return nil
}

// maxFail is how many failures end the run: the runner's own setting, or the flag.
func (t *testRun) maxFail() int {
	n, _ := strconv.Atoi(t.listing.Settings["maxfail"])
	if t.options.MaxFail > 0 {
		return t.options.MaxFail
	}
	if n == math.MaxInt {
		return 0
	}
	return n
}

// execute runs the tests on the engine.
func (t *testRun) execute(ctx context.Context) (dispatch.Outcome, suite.Upload, error) {
	e, err := t.engine()
	if err != nil {
		return dispatch.Outcome{}, suite.Upload{}, err
	}
	tests := slices.Clone(t.tests)
	for i := range tests {
		tests[i].Scope = t.scope(tests[i])
	}
	shown := newLive(t.process, len(tests))
	defer shown.close()
	how := t.dispatching(e)
	how.Retries, how.MaxFail, how.Copies, how.Report = t.options.Retries, t.maxFail(), t.options.Copies, shown.report
	how.Excused = func(id string) bool { return t.excused.Find(id) >= 0 }
	if t.options.Engine != "local" {
		how.Fallback = t.fallback
	}
	out, err := dispatch.Run(ctx, tests, how)
	if err != nil {
		if names := t.missing(err.Error()); len(names) > 0 {
			fmt.Fprintf(t.process.Stderr, "assay: left out of the package, by .gitignore, .assayignore or as a link out of the project: %s\n", strings.Join(names, ", "))
		}
	}
	return out, e.upload, err
}

// dispatching is how tests are run on an engine, whatever for.
func (t *testRun) dispatching(e *testEngine) dispatch.Options {
	return dispatch.Options{
		Invoker: e, Workers: t.workers, Crew: e.crew, Delta: e.delta, Past: t.past, Scopes: true,
		Batch:   suite.Batch{Variables: t.variables, Root: e.root, Runner: t.kind.Name, Args: t.args, Timeout: t.options.Timeout.Seconds(), Settings: t.listing.Settings},
		Process: func(test suite.Test) string { return t.own[test.ID] },
	}
}
