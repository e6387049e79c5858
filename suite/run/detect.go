package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/dispatch"
	"github.com/assaylab/assay/suite/order"
)

// shuffles is how many shuffled orders --detect-order looks at, beside the listing's and its reverse.
const shuffles = 3

// detection is a search for tests that depend on their order.
type detection struct {
	*testRun
	how  dispatch.Options
	said map[string]string // by test: what it last failed with
	ran  int               // tests
}

// detectOrder finds the tests that depend on their order, and tells which others they depend on.
func (t *testRun) detectOrder(ctx context.Context) error {
	seed := uint64(1)
	if t.options.Shuffle != "" {
		var err error
		if seed, err = t.seed(); err != nil {
			return err
		}
	}
	e, err := t.engine()
	if err != nil {
		return err
	}
	d := &detection{testRun: t, how: t.dispatching(e), said: map[string]string{}}
	ids, groups := t.names()
	findings, err := order.Detect(order.Looks(ids, groups, seed, shuffles), func(all []order.Sequence) ([][]order.Outcome, error) {
		return d.run(ctx, all)
	})
	d.show("")
	if ctx.Err() != nil {
		return process.Exit(process.Interrupted)
	}
	if err != nil {
		return err
	}
	return d.tell(findings)
}

// run runs sequences.
func (d *detection) run(ctx context.Context, all []order.Sequence) ([][]order.Outcome, error) {
	tests, n := make([][]suite.Test, len(all)), 0
	for i, s := range all {
		for _, at := range s {
			tests[i] = append(tests[i], d.tests[at])
		}
		n += len(s)
	}
	d.show(fmt.Sprintf("%d tests have run, %d more in %d orders", d.ran, n, len(all)))
	results, err := dispatch.Sequences(ctx, tests, d.how)
	if err := errors.Join(err, ctx.Err()); err != nil {
		return nil, err
	}
	d.ran += n
	outcomes := make([][]order.Outcome, len(all))
	for i, sequence := range results {
		for _, r := range sequence {
			outcomes[i] = append(outcomes[i], d.outcome(r))
		}
	}
	return outcomes, nil
}

func (d *detection) outcome(r suite.Result) order.Outcome {
	switch {
	case r.Status == suite.Lost:
		return order.Unknown
	case r.Status.Bad():
		d.said[r.ID] = suite.FirstLine(r.Message)
		return order.Bad
	}
	return order.Good
}

// dependence is what was found of a test, for machines.
type dependence struct {
	ID      string     `json:"id"`
	Kind    order.Kind `json:"kind"`
	Others  []string   `json:"others,omitempty"`
	Message string     `json:"message,omitempty"`
	Fails   string     `json:"fails,omitempty"`  // the command that shows it fail
	Passes  string     `json:"passes,omitempty"` // and pass
}

// tell reports what was found. The exit code is that of a failed run if there is anything.
func (d *detection) tell(findings []order.Finding) error {
	var all []dependence
	for _, f := range findings {
		one := d.dependence(f)
		one.print(d.process.Stdout)
		all = append(all, one)
	}
	if d.options.Lines != "" {
		write := func(w io.Writer) (err error) {
			for e := json.NewEncoder(w); len(all) > 0 && err == nil; all = all[1:] {
				err = e.Encode(all[0])
			}
			return err
		}
		if err := writeFile(d.process.Absolute(d.options.Lines), write); err != nil {
			return err
		}
	}
	fmt.Fprintf(d.process.Stdout, "%d tests in %d orders, %d runs of tests in all: %s\n", len(d.tests), shuffles+2, d.ran, inAll(findings))
	if len(findings) > 0 {
		return process.Exit(process.Refuted)
	}
	return nil
}

func (d *detection) dependence(f order.Finding) dependence {
	out := dependence{ID: d.tests[f.Test].ID, Kind: f.Kind}
	out.Message = d.said[out.ID]
	var with []string
	for _, i := range f.Others {
		out.Others = append(out.Others, d.tests[i].ID)
		with = append(with, "--sequence", d.tests[i].ID)
	}
	alone := d.command("--sequence", out.ID)
	after := d.command(append(with, "--sequence", out.ID)...)
	switch f.Kind {
	case order.Victim:
		out.Fails, out.Passes = after, alone
	case order.Brittle:
		out.Fails, out.Passes = alone, after
	default:
		out.Fails = alone
	}
	return out
}

// print tells a finding to people.
func (o dependence) print(w io.Writer) {
	fmt.Fprintf(w, "%s %s\n", strings.ToUpper(string(o.Kind)), o.ID)
	switch others := strings.Join(o.Others, " and "); o.Kind {
	case order.Victim:
		fmt.Fprintf(w, "  fails after %s in one process, and passes without: that one pollutes it\n", others)
	case order.Brittle:
		fmt.Fprintf(w, "  fails unless %s ran before it in its process: that one sets what it needs\n", others)
	case order.Flaky:
		fmt.Fprintf(w, "  fails at times, and at other times not in the same order\n")
	case order.Broken:
		fmt.Fprintf(w, "  fails in each order\n")
	}
	if o.Message != "" {
		fmt.Fprintf(w, "  it says  %s\n", o.Message)
	}
	fmt.Fprintf(w, "  fails:   %s\n", o.Fails)
	if o.Passes != "" {
		fmt.Fprintf(w, "  passes:  %s\n", o.Passes)
	}
	fmt.Fprintln(w)
}

// inAll counts findings.
func inAll(all []order.Finding) string {
	if len(all) == 0 {
		return "none failed in any of them"
	}
	n := map[order.Kind]int{}
	for _, f := range all {
		n[f.Kind]++
	}
	return fmt.Sprintf("%d depend on others, %d are flaky, %d fail in each", n[order.Victim]+n[order.Brittle], n[order.Flaky], n[order.Broken])
}
