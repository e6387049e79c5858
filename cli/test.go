package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/dispatch"
	"github.com/assaylab/assay/suite/history"
	"github.com/assaylab/assay/suite/quarantine"
	"github.com/assaylab/assay/suite/report"
	"github.com/assaylab/assay/suite/runner"
	"github.com/assaylab/assay/suite/schedule"
)

// testOptions are the flags of `assay test`.
type testOptions struct {
	workers    string
	worth      float64
	engine     string
	region     string
	role       string
	runner     string
	command    string
	list       string
	outcomes   string
	data       string
	memory     int
	tmp        int
	network    bool
	plan       bool
	junit      string
	lines      string
	tap        string
	github     bool
	shard      string
	retries    int
	timeout    time.Duration
	maxFail    int
	groupBy    string
	slowest    int
	timeline   string
	copies     bool
	alone      []string
	shuffle    string
	detect     bool
	candidates []string
	rounds     int
	slower     string
	quarantine string
	passes     int
	sequence   []string
}

func testCommand(p *process.Process) *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use: "test [-- RUNNER ARGS]", Short: "Run a project's test suite on many workers, longest tests first",
		Long: "Find the project's test runner, list its tests, and run them on workers: functions of the embedded engine.\n" +
			"Tests are handed out one after another, longest first by what they took before. What was\n" +
			"sent once is not sent again. Prints and exits as the runner would: 0 passed, 1 failed.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTests(cmd.Context(), p, o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.workers, "workers", "auto", "number of workers; auto: as many as shorten the run by more than they cost")
	f.Float64Var(&o.worth, "worth", 60, "what an hour of waiting is worth, in US dollars: --workers auto weighs it against AWS's prices")
	f.StringVar(&o.engine, "engine", "embedded", "embedded: isolated functions on this machine; aws: AWS Lambda, with the settings of AWS's tools; local: plain processes in the project's folder")
	f.StringVar(&o.region, "region", "", "region, for --engine aws")
	f.StringVar(&o.role, "role", "", "ARN of the workers' role, for --engine aws")
	f.StringVar(&o.runner, "runner", "", "test runner: "+strings.Join(runner.Names(), ", ")+" (default: by the project's files)")
	f.StringVar(&o.command, "command", "", "run the tests with this shell command, in which {tests} stands for their ids; --list says which there are")
	f.StringVar(&o.list, "list", "", "the shell command that prints the ids of all tests, one a line")
	f.StringVar(&o.outcomes, "outcomes", "exit", "where --command's outcomes are: exit (one test at a time), tap, or junit:FILE")
	f.StringVar(&o.data, "data", ".assay", "folder for what earlier runs took, and the embedded engine's state")
	f.IntVar(&o.memory, "memory", 1769, "memory of a worker in MB, which decides its share of the processor: 1769 is one core")
	f.IntVar(&o.tmp, "tmp", 2048, "size of a worker's /tmp in MB, where the project is laid out")
	f.BoolVar(&o.network, "network", false, "workers of the embedded engine may reach what this machine reaches")
	f.BoolVar(&o.plan, "plan", false, "only tell what the run would take and cost")
	f.StringVar(&o.junit, "junit", "", "write JUnit XML to this file")
	f.StringVar(&o.lines, "json", "", "write each result as a line of JSON to this file")
	f.StringVar(&o.tap, "tap", "", "write TAP to this file")
	f.BoolVar(&o.github, "github", false, "print a GitHub annotation for each test that failed")
	f.StringVar(&o.shard, "shard", "", "I/N: run the I-th of N parts that take the same time")
	f.IntVar(&o.retries, "retries", 0, "run failed tests again, up to so often; those that pass then are reported as flaky")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "of one test; 0 for none")
	f.IntVar(&o.maxFail, "maxfail", 0, "stop after so many failures; 0: never (the runner's own flag counts as well)")
	f.StringVar(&o.groupBy, "group-by", "auto", "keep tests together that share a set-up: auto (as the runner tells), class, file or none")
	f.IntVar(&o.slowest, "slowest", 0, "list so many of the slowest tests")
	f.StringVar(&o.timeline, "timeline", "", "draw what each worker ran when: into a file, as a picture if it is named .svg; - for text on the console")
	f.BoolVar(&o.copies, "stragglers", true, "give tests that take much longer than before to an idle worker as well; the first answer counts")
	f.StringArrayVar(&o.alone, "alone", nil, "tests that share no process with others: an id or what it begins with, * for any text, or @FILE with one a line")
	f.StringVar(&o.shuffle, "shuffle", "", "run tests in an order that this number decides, one process a worker; random: choose a number")
	f.StringArrayVar(&o.candidates, "candidate", nil, "put the suite with other settings beside the suite as it is, and judge: runtime=, memory=, ref=, dir=, env=NAME=VALUE, with commas between")
	f.IntVar(&o.rounds, "rounds", 3, "with --candidate: so often all tests run on each; those in doubt run more often")
	f.StringVar(&o.slower, "slower", "10%", "with --candidate: how much longer tests may take")
	f.BoolVar(&o.detect, "detect-order", false, "find the tests that depend on the order they run in, and on which others they do")
	f.StringArrayVar(&o.sequence, "sequence", nil, "run only this test, and those that more of these flags name, in their order, in one process")
	f.StringVar(&o.quarantine, "quarantine", "", "file of tests, one a line, whose failures are reported and do not fail the run")
	f.IntVar(&o.passes, "quarantine-passes", 10, "runs in a row that a test in quarantine passes before it is named as ready to leave")
	return cmd
}

// testRun is one run of `assay test`.
type testRun struct {
	process    *process.Process
	options    testOptions
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

// runTests runs the suite of the working directory.
func runTests(ctx context.Context, p *process.Process, o testOptions, args []string) error {
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
	case t.options.plan:
		return t.predict()
	case t.options.detect:
		return t.detectOrder(ctx)
	case len(t.options.candidates) > 0:
		return t.contrast(ctx)
	}
	outcome, upload, err := t.execute(ctx)
	if err != nil {
		return err
	}
	return t.conclude(ctx, outcome, upload)
}

// newTestRun begins a run. End it.
func newTestRun(p *process.Process, o testOptions, args []string) (*testRun, error) {
	scratch, err := os.MkdirTemp("", "assay-test-")
	return &testRun{process: p, options: o, began: time.Now(), data: p.Absolute(o.data), args: args, scratch: scratch}, err
}

// prepare finds the runner, opens the engine, and lists the tests.
func (t *testRun) prepare(ctx context.Context) error {
	if err := t.find(); err != nil {
		return err
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

// find finds the runner and its place, and checks the flags.
func (t *testRun) find() (err error) {
	if !slices.Contains([]string{"embedded", "aws", "local"}, t.options.engine) {
		return process.Invalid(fmt.Sprintf("--engine %q is unknown", t.options.engine), "use embedded, aws or local")
	}
	if !slices.Contains([]string{"auto", "class", "file", "none"}, t.options.groupBy) {
		return process.Invalid(fmt.Sprintf("--group-by %q is unknown", t.options.groupBy), "use auto, class, file or none")
	}
	if _, err := workersWanted(t.options.workers); err != nil {
		return err
	}
	if t.kind, err = t.runner(); err != nil {
		return err
	}
	t.place.Dir, t.place.Python = t.process.Dir, t.python
	if t.python == "" {
		t.place.Python, err = python(t.process)
	}
	return err
}

// runner is the one that was asked for, or that the project's files show.
func (t *testRun) runner() (runner.Kind, error) {
	switch o := t.options; {
	case o.command != "" || o.list != "" || o.runner == "command":
		return runner.Command{List: o.list, Run: o.command, Outcomes: o.outcomes}.Kind()
	case o.runner != "":
		return runner.Named(o.runner)
	}
	k, also, err := runner.Find(t.process.Dir)
	if len(also) > 0 {
		fmt.Fprintf(t.process.Stderr, "assay: these are the tests of %s; --runner chooses %s\n", k.Name, strings.Join(also, " or "))
	}
	return k, err
}

// workersWanted reads --workers; 0 for auto.
func workersWanted(text string) (int, error) {
	if text == "auto" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1000 {
		return 0, process.Invalid(fmt.Sprintf("--workers %q", text), "use auto or a number from 1 to 1000")
	}
	return n, nil
}

// python is the interpreter of the project: of its virtual environment, or the one on the PATH.
func python(p *process.Process) (string, error) {
	var places []string
	if active, ok := p.Env("VIRTUAL_ENV"); ok && active != "" {
		places = append(places, active)
	}
	for _, place := range append(places, filepath.Join(p.Dir, ".venv"), filepath.Join(p.Dir, "venv")) {
		if file := filepath.Join(place, "bin", "python"); exists(file) {
			return file, nil
		}
	}
	path, _ := p.Env("PATH")
	for _, dir := range filepath.SplitList(path) {
		if file := filepath.Join(dir, "python3"); exists(file) {
			return file, nil
		}
	}
	return "", process.Invalid("python3 is not installed: the workers' programs are written in it", "the Debian package python3 brings it")
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

// collect lists the tests of this shard, in the order in which they are to run.
func (t *testRun) collect(ctx context.Context) (err error) {
	if t.listing, err = t.kind.List(ctx, t.place, t.args); err != nil {
		return err
	}
	if t.tests, err = t.sharded(); err != nil {
		return err
	}
	t.workers = max(1, min(t.count(t.tasks(t.tests)), len(t.tests)))
	if t.options.engine != "aws" { // its workers come when they are called
		t.workers = min(t.workers, t.crew)
	}
	return t.arrange()
}

// sharded is the part of the suite that --shard names.
func (t *testRun) sharded() ([]suite.Test, error) {
	if t.options.shard == "" {
		return t.listing.Tests, nil
	}
	var i, n int
	if _, err := fmt.Sscanf(t.options.shard, "%d/%d", &i, &n); err != nil || i < 1 || i > n || fmt.Sprintf("%d/%d", i, n) != t.options.shard {
		return nil, process.Invalid(fmt.Sprintf("--shard %q", t.options.shard), "write I/N, such as 1/4")
	}
	var part []suite.Test
	for _, at := range schedule.Shard(t.tasks(t.listing.Tests), i-1, n) {
		part = append(part, t.listing.Tests[at])
	}
	return part, nil
}

// tasks are tests as the schedule sees them.
func (t *testRun) tasks(tests []suite.Test) []schedule.Task {
	tasks := make([]schedule.Task, len(tests))
	for i, test := range tests {
		past, known := t.past[test.ID]
		tasks[i] = schedule.Task{Estimate: past.Mean, Known: known, Scope: t.scope(test), Whole: test.Whole, Process: t.own[test.ID]}
	}
	return tasks
}

// scope is what a test is kept together by.
func (t *testRun) scope(test suite.Test) string {
	switch t.options.groupBy {
	case "file":
		return test.File
	case "class":
		return test.Class
	case "none":
		return ""
	}
	return test.Scope
}

// nothing ends a run that has nothing to run: it says what the runner said, with its exit code.
func (t *testRun) nothing() error {
	fmt.Fprint(t.process.Stdout, t.listing.Output)
	for _, e := range t.listing.Errors {
		if !strings.Contains(t.listing.Output, e.Where) {
			fmt.Fprintf(t.process.Stdout, "ERROR %s\n%s\n", e.Where, e.Detail)
		}
	}
	if len(t.listing.Errors) > 0 {
		return process.Exit(cmp.Or(t.listing.Exit, process.Refuted))
	}
	fmt.Fprintf(t.process.Stderr, "assay: %s finds no tests\n", t.kind.Name)
	return process.Exit(cmp.Or(t.listing.Exit, process.Usage)) // a run without tests must not pass
}

// unlisted adds what could not be listed to the results, where the runner runs the rest all the same.
func (t *testRun) unlisted(tests []suite.Test, results []suite.Result) ([]suite.Test, []suite.Result) {
	for _, e := range t.listing.Errors {
		tests = append(tests, suite.Test{ID: e.Where, Name: e.Where})
		results = append(results, suite.Result{ID: e.Where, Status: suite.Error, Message: suite.FirstLine(e.Detail), Detail: e.Detail})
	}
	return tests, results
}

// explain tells of tests that miss a file that was left out of the package.
func (t *testRun) explain(results []suite.Result) {
	for i := range results {
		r := &results[i]
		if names := t.missing(r.Message + "\n" + r.Detail + "\n" + r.Output); r.Fails() && len(names) > 0 {
			r.Message += " (left out of the package by .gitignore or .assayignore: " + strings.Join(names, ", ") + ")"
		}
	}
}

// conclude keeps what was learned, reports, and gives the exit code.
func (t *testRun) conclude(ctx context.Context, out dispatch.Outcome, upload suite.Upload) error {
	upload.Sent += out.Sent
	planned, results := t.unlisted(slices.Clip(t.tests), out.Results)
	t.explain(results)
	run := suite.Run{
		Name: filepath.Base(t.process.Dir), Runner: t.kind.Name, Started: t.began, Wall: time.Since(t.began), Workers: t.workers,
		Planned: planned, Results: results, Upload: upload, CostUSD: out.CostUSD, History: t.past, Order: t.order,
	}
	run.Quarantine = t.review(run)
	if err := errors.Join(t.keep(context.WithoutCancel(ctx), run), t.write(run)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return process.Exit(process.Interrupted)
	}
	if slices.ContainsFunc(run.Results, func(r suite.Result) bool { return r.Fails() }) {
		return process.Exit(process.Refuted)
	}
	return nil
}

// review looks at the quarantine. What names no test says little where a part of the suite has run.
func (t *testRun) review(run suite.Run) suite.Quarantine {
	q := quarantine.Review(t.excused, run.Results, t.past, t.options.passes)
	if len(t.args) > 0 || len(t.tests) < len(t.listing.Tests) {
		q.Unused = nil
	}
	return q
}

func (t *testRun) keep(ctx context.Context, run suite.Run) error {
	h, err := history.Open(filepath.Join(t.data, "suite", "history.db"))
	if err != nil {
		return err
	}
	defer h.Close()
	return h.Keep(ctx, t.key, run)
}

// write writes the reports.
func (t *testRun) write(run suite.Run) error {
	for _, f := range []struct {
		file  string
		write func(io.Writer, suite.Run) error
	}{{t.options.junit, report.JUnit}, {t.options.lines, report.Lines}, {t.options.tap, report.TAP}, {t.options.timeline, t.timeline}} {
		if f.file == "" || f.file == "-" {
			continue
		}
		if err := writeFile(t.process.Absolute(f.file), func(w io.Writer) error { return f.write(w, run) }); err != nil {
			return err
		}
	}
	if t.options.github {
		fmt.Fprintln(t.process.Stdout)
		if err := report.GitHub(t.process.Stdout, run); err != nil {
			return err
		}
	}
	fmt.Fprintln(t.process.Stdout)
	if t.options.timeline == "-" {
		if err := t.timeline(t.process.Stdout, run); err != nil {
			return err
		}
	}
	return report.Summary(t.process.Stdout, run, t.options.slowest)
}

// timeline draws the run: as a picture into files named .svg, and as text elsewhere.
func (t *testRun) timeline(w io.Writer, run suite.Run) error {
	const most = 40 // workers
	if strings.HasSuffix(t.options.timeline, ".svg") {
		return report.Timeline(w, run)
	}
	return report.Rows(w, run, min(process.Columns(w), 160), most)
}

func writeFile(file string, write func(io.Writer) error) error {
	f, err := os.Create(file)
	if err != nil {
		return &assay.Error{Code: assay.CodeInvalid, What: "a report cannot be written: " + err.Error(), Where: file, Err: err}
	}
	return errors.Join(write(f), f.Close())
}

// maxFail is how many failures end the run: the runner's own setting, or the flag.
func (t *testRun) maxFail() int {
	n, _ := strconv.Atoi(t.listing.Settings["maxfail"])
	if t.options.maxFail > 0 {
		return t.options.maxFail
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
	how.Retries, how.MaxFail, how.Copies, how.Report = t.options.retries, t.maxFail(), t.options.copies, shown.report
	how.Excused = func(id string) bool { return t.excused.Find(id) >= 0 }
	if t.options.engine != "local" {
		how.Fallback = t.fallback
	}
	out, err := dispatch.Run(ctx, tests, how)
	if err != nil {
		if names := t.missing(err.Error()); len(names) > 0 {
			fmt.Fprintf(t.process.Stderr, "assay: left out of the package by .gitignore or .assayignore: %s\n", strings.Join(names, ", "))
		}
	}
	return out, e.upload, err
}

// dispatching is how tests are run on an engine, whatever for.
func (t *testRun) dispatching(e *testEngine) dispatch.Options {
	return dispatch.Options{
		Invoker: e, Workers: t.workers, Crew: e.crew, Delta: e.delta, Past: t.past, Scopes: true,
		Batch:   suite.Batch{Variables: t.variables, Root: e.root, Runner: t.kind.Name, Args: t.args, Timeout: t.options.timeout.Seconds(), Settings: t.listing.Settings},
		Process: func(test suite.Test) string { return t.own[test.ID] },
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
