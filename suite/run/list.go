package run

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/schedule"
)

// collect lists the tests of this shard, in the order in which they are to run.
func (t *testRun) collect(ctx context.Context) (err error) {
	if t.listing, err = t.kind.List(ctx, t.place, t.args); err != nil {
		return err
	}
	if t.tests, err = t.sharded(); err != nil {
		return err
	}
	t.workers = max(1, min(t.count(t.tasks(t.tests)), len(t.tests)))
	if t.options.Engine != "aws" { // its workers come when they are called
		t.workers = min(t.workers, t.crew)
	}
	return t.arrange()
}

// sharded is the part of the suite that --shard names.
func (t *testRun) sharded() ([]suite.Test, error) {
	if t.options.Shard == "" {
		return t.listing.Tests, nil
	}
	var i, n int
	if _, err := fmt.Sscanf(t.options.Shard, "%d/%d", &i, &n); err != nil || i < 1 || i > n || fmt.Sprintf("%d/%d", i, n) != t.options.Shard {
		return nil, process.Invalid(fmt.Sprintf("--shard %q", t.options.Shard), "write I/N, such as 1/4")
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
	switch t.options.GroupBy {
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
