package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/dispatch"
	"github.com/assaylab/assay/suite/history"
	"github.com/assaylab/assay/suite/quarantine"
	"github.com/assaylab/assay/suite/report"
)

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
		if !r.Fails() {
			continue
		}
		if names := t.missing(r.Message + "\n" + r.Detail + "\n" + r.Output); len(names) > 0 {
			r.Message += " (left out of the package, by .gitignore, .assayignore or as a link out of the project: " + strings.Join(names, ", ") + ")"
		}
	}
}

// review looks at the quarantine. What names no test says little where a part of the suite has run.
func (t *testRun) review(run suite.Run) suite.Quarantine {
	q := quarantine.Review(t.excused, run.Results, t.past, t.options.Passes)
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
	}{{t.options.JUnit, report.JUnit}, {t.options.Lines, report.Lines}, {t.options.TAP, report.TAP}, {t.options.Timeline, t.timeline}} {
		if f.file == "" || f.file == "-" {
			continue
		}
		if err := writeFile(t.process.Absolute(f.file), func(w io.Writer) error { return f.write(w, run) }); err != nil {
			return err
		}
	}
	if t.options.GitHub {
		fmt.Fprintln(t.process.Stdout)
		if err := report.GitHub(t.process.Stdout, run); err != nil {
			return err
		}
	}
	fmt.Fprintln(t.process.Stdout)
	if t.options.Timeline == "-" {
		if err := t.timeline(t.process.Stdout, run); err != nil {
			return err
		}
	}
	return report.Summary(t.process.Stdout, run, t.options.Slowest)
}

// timeline draws the run: as a picture into files named .svg, and as text elsewhere.
func (t *testRun) timeline(w io.Writer, run suite.Run) error {
	const most = 40 // workers
	if strings.HasSuffix(t.options.Timeline, ".svg") {
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
