package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/contrast"
	"github.com/assaylab/assay/suite/dispatch"
	"github.com/assaylab/assay/suite/tree"
)

// enlist makes a run of each candidate's settings, so that what is wrong with these is said at once.
func (t *testRun) enlist(ctx context.Context) error {
	if len(t.options.Candidates) == 0 {
		return nil
	}
	if _, err := t.contrasting(); err != nil {
		return err
	}
	t.halved = t.options.Engine != "local"
	for _, settings := range t.options.Candidates {
		c, err := t.candidate(ctx, settings)
		if err != nil {
			return err
		}
		t.candidates = append(t.candidates, c)
	}
	return nil
}

// contrast puts the suite beside itself with each candidate's settings, and judges each.
func (t *testRun) contrast(ctx context.Context) error {
	options, err := t.contrasting()
	if err != nil {
		return err
	}
	var all []contrasted
	for i, c := range t.candidates {
		r, err := t.beside(ctx, c, options)
		if err != nil {
			return err
		}
		all = append(all, contrasted{t.options.Candidates[i], r})
		if t.options.Lines != "-" {
			fmt.Fprintf(t.process.Stdout, "candidate %s\n\n", t.options.Candidates[i])
			if err := r.Table(t.process.Stdout); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return process.Exit(process.Interrupted)
		}
	}
	return t.judged(all)
}

// contrasted is a candidate and what came out, for machines.
type contrasted struct {
	Candidate string `json:"candidate"`
	contrast.Report
}

// judged writes the reports, and gives the exit code of the worst verdict.
func (t *testRun) judged(all []contrasted) error {
	write := func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	var err error
	switch t.options.Lines {
	case "":
	case "-":
		err = write(t.process.Stdout)
	default:
		err = writeFile(t.process.Absolute(t.options.Lines), write)
	}
	has := func(c assay.Conclusion) bool {
		return slices.ContainsFunc(all, func(one contrasted) bool { return one.Verdict.Outcome == c })
	}
	switch {
	case err != nil:
		return err
	case has(assay.Refuted):
		return process.Exit(process.Refuted)
	case has(assay.Inconclusive):
		return process.Exit(process.Inconclusive)
	}
	return nil
}

// contrasting reads the flags of a contrast.
func (t *testRun) contrasting() (contrast.Options, error) {
	const most = 25 // rounds of tests in doubt: enough to prove one of many thousands
	o := contrast.Options{Alpha: .05, Rounds: t.options.Rounds, Most: max(most, t.options.Rounds)}
	text, isPercent := strings.CutSuffix(t.options.Slower, "%")
	share, err := strconv.ParseFloat(text, 64)
	if err != nil || !isPercent || share <= 0 || share > 1000 {
		return o, process.Invalid(fmt.Sprintf("--slower %q", t.options.Slower), "write a percentage, such as 10%")
	}
	if o.Margin = share / 100; o.Rounds < 1 || o.Rounds > 1000 {
		return o, process.Invalid(fmt.Sprintf("--rounds %d", o.Rounds), "write a number from 1 to 1000")
	}
	return o, nil
}

// candidate is a run with the settings of one, to be prepared.
func (t *testRun) candidate(ctx context.Context, settings string) (*testRun, error) {
	process := *t.process
	c, err := newTestRun(&process, t.options, t.args)
	if err != nil {
		return nil, err
	}
	c.data, c.python, c.variables = filepath.Join(t.data, "candidate"), t.place.Python, map[string]string{}
	c.options.Runner, c.options.Candidates, c.halved = t.kind.Name, nil, t.halved
	for _, setting := range strings.Split(settings, ",") {
		if err := c.set(ctx, setting); err != nil {
			c.end()
			return nil, err
		}
	}
	return c, nil
}

// set changes one setting of a candidate.
func (t *testRun) set(ctx context.Context, setting string) (err error) {
	key, value, _ := strings.Cut(setting, "=")
	switch key {
	case "runtime":
		t.python, err = interpreter(t.process, value)
	case "memory":
		t.options.MemoryMB, err = strconv.Atoi(strings.TrimSuffix(value, "MB"))
		if err != nil || t.options.MemoryMB < 128 || t.options.MemoryMB > 10240 {
			return process.Invalid(fmt.Sprintf("--candidate %q", setting), "memory is a number of MB from 128 to 10240")
		}
		if t.options.Engine == "local" {
			return process.Invalid("plain processes have no memory of their own", "leave --engine local out")
		}
	case "ref":
		t.process.Dir, err = tree.Checkout(ctx, t.process.Dir, value, t.scratch)
	case "dir":
		dir := t.process.Absolute(value)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return process.Invalid(fmt.Sprintf("--candidate %q: there is no such folder", setting), "name the folder of another copy of the project")
		}
		t.process.Dir = dir
	case "env":
		name, value, found := strings.Cut(value, "=")
		if !found || name == "" {
			return process.Invalid(fmt.Sprintf("--candidate %q", setting), "write env=NAME=VALUE")
		}
		t.variables[name] = value
	default:
		return process.Invalid(fmt.Sprintf("--candidate: %q is unknown", setting), "use runtime=, memory=, ref=, dir= or env=, with commas between")
	}
	return err
}

// interpreter finds the Python of a runtime: a name on the PATH, a virtual environment, or a program.
func interpreter(p *process.Process, runtime string) (string, error) {
	if strings.Contains(runtime, "/") || exists(p.Absolute(filepath.Join(runtime, "bin", "python"))) {
		file := p.Absolute(runtime)
		if inside := filepath.Join(file, "bin", "python"); exists(inside) {
			return inside, nil
		}
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			return file, nil
		}
	}
	path, _ := p.Env("PATH")
	for _, dir := range filepath.SplitList(path) {
		if file := filepath.Join(dir, runtime); strings.HasPrefix(runtime, "py") && exists(file) {
			return file, nil
		}
	}
	return "", process.Invalid(fmt.Sprintf("there is no runtime %q", runtime), "name an interpreter on the PATH, such as python3.13, or a virtual environment that has the project's packages")
}

// beside runs the suite on both arms until the verdict is as clear as it will be.
func (t *testRun) beside(ctx context.Context, c *testRun, o contrast.Options) (contrast.Report, error) {
	if err := c.prepare(ctx); err != nil {
		return contrast.Report{}, err
	}
	if len(c.listing.Errors) > 0 && len(t.listing.Errors) == 0 {
		e := c.listing.Errors[0]
		return contrast.Unlisted(e.Where, e.Detail, len(c.listing.Errors)), nil
	}
	control, candidate := byID(t.tests), byID(c.tests)
	var ids []string
	for _, test := range t.tests {
		if _, both := candidate[test.ID]; both {
			ids = append(ids, test.ID)
		}
	}
	k := contrast.New(ids, o)
	k.OnlyControl, k.OnlyCandidate = without(t.tests, candidate), without(c.tests, control)
	arms := [2]*testArm{{run: t, tests: control}, {run: c, tests: candidate}}
	defer arms[0].finish(context.WithoutCancel(ctx))
	defer arms[1].finish(context.WithoutCancel(ctx))
	for next := k.Next(); len(next) > 0 && ctx.Err() == nil; next = k.Next() {
		t.show(fmt.Sprintf("round %d: %d tests on both", k.Round(), len(next)))
		if err := t.round(ctx, arms, pick(ids, next), k.Round()); err != nil {
			return contrast.Report{}, err
		}
		k.Add(arms[0].results, arms[1].results)
	}
	t.show("")
	return k.Report(), nil
}

func byID(tests []suite.Test) map[string]suite.Test {
	all := map[string]suite.Test{}
	for _, test := range tests {
		all[test.ID] = test
	}
	return all
}

// without are the tests that another arm has not got.
func without(tests []suite.Test, other map[string]suite.Test) (ids []string) {
	for _, test := range tests {
		if _, there := other[test.ID]; !there {
			ids = append(ids, test.ID)
		}
	}
	return ids
}

func pick(ids []string, which []int) []string {
	some := make([]string, len(which))
	for i, at := range which {
		some[i] = ids[at]
	}
	return some
}

// testArm is one side of a contrast.
type testArm struct {
	run     *testRun
	tests   map[string]suite.Test
	results []suite.Result // of the last round
	workers []string       // of all rounds
}

// round runs tests on both arms: at the same time, so that what disturbs the machine disturbs both. Plain
// processes share the project's folder: there one arm waits for the other, each first in turn.
func (t *testRun) round(ctx context.Context, arms [2]*testArm, ids []string, n int) error {
	if t.options.Engine == "local" {
		first, second := arms[n%2], arms[(n+1)%2]
		return errors.Join(first.once(ctx, ids), second.once(ctx, ids))
	}
	var errs [2]error
	var both sync.WaitGroup
	for i, a := range arms {
		both.Go(func() { errs[i] = a.once(ctx, ids) })
	}
	both.Wait()
	return errors.Join(errs[:]...)
}

// once runs tests on one arm, each once, and learns what they take.
func (a *testArm) once(ctx context.Context, ids []string) error {
	e, err := a.run.engine()
	if err != nil {
		return err
	}
	tests := make([]suite.Test, len(ids))
	for i, id := range ids {
		tests[i] = a.tests[id]
		tests[i].Scope = a.run.scope(tests[i])
	}
	how := a.run.dispatching(e)
	how.Keep = true
	out, err := dispatch.Run(ctx, tests, how)
	a.results, a.workers = out.Results, slices.Compact(slices.Sorted(slices.Values(append(a.workers, out.Workers...))))
	for _, r := range out.Results {
		if d := r.Duration(); r.Status != suite.Lost && d > 0 {
			a.run.past[r.ID] = suite.Past{Mean: d.Round(time.Microsecond), Runs: 1}
		}
	}
	return err
}

// finish has the workers tear down what is still set up.
func (a *testArm) finish(ctx context.Context) {
	if e, err := a.run.engine(); err == nil {
		dispatch.Finish(ctx, a.workers, a.run.dispatching(e))
	}
}

// show tells people who watch how far it is.
func (t *testRun) show(text string) {
	if process.Terminal(t.process.Stderr) {
		fmt.Fprintf(t.process.Stderr, "\r\x1b[K%s\r", text)
	}
}
