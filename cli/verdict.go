package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/ci"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/process"
)

// verdictOptions are the flags of `assay verdict`.
type verdictOptions struct {
	wait                              time.Duration
	output                            string
	junit, sarif, summary, definition string // files
}

func verdictCommand(p *process.Process, c *client) *cobra.Command {
	var o verdictOptions
	cmd := &cobra.Command{
		Use: "verdict NAME", Short: "Print the verdict; the exit code is 0 if it holds, 1 if refuted, 3 if inconclusive", Args: cobra.ExactArgs(1),
		Long: "Print the verdict; the exit code is 0 if it holds, 1 if refuted, 3 if inconclusive: made for CI.\n" +
			"In GitHub Actions the page of the run gets a summary ($GITHUB_STEP_SUMMARY), and the definition annotations.",
		Example: "  assay verdict rounding --wait 5m --junit verdict.xml --sarif verdict.sarif -f assay.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			_, name := kindOf(args[0])
			o.summary = c.process.Setting(o.summary, "GITHUB_STEP_SUMMARY", "")
			return verdict(cmd.Context(), p, c, name, o)
		},
	}
	f := cmd.Flags()
	f.DurationVar(&o.wait, "wait", 0, "wait as long for every candidate to be decided")
	f.StringVar(&o.junit, "junit", "", "write the claims as JUnit XML to this file")
	f.StringVar(&o.sarif, "sarif", "", "write what differs as SARIF to this file, for code scanning")
	f.StringVar(&o.summary, "summary", "", "add a summary in Markdown to this file (default $GITHUB_STEP_SUMMARY)")
	f.StringVarP(&o.definition, "file", "f", "assay.yaml", "definition file that findings are shown at")
	f.StringVarP(&o.output, "output", "o", "table", "table, json or yaml")
	return cmd
}

// pollEvery is how often --wait looks again.
const pollEvery = 500 * time.Millisecond

func verdict(ctx context.Context, p *process.Process, c *client, name string, o verdictOptions) error {
	deadline := time.Now().Add(o.wait)
	bar := counting(p, "%d trials", 0)
	defer bar.Finish()
	for {
		data, err := c.read(ctx, experimentPath(name))
		if err != nil {
			return err
		}
		var e shape.Experiment
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		if left := time.Until(deadline); !undecided(&e) || left <= 0 {
			bar.Finish()
			if err := print(p.Stdout, o.output, data, func(w io.Writer) error { return verdictTable(w, &e) }); err != nil {
				return err
			}
			if err := o.report(p, &e); err != nil {
				return err
			}
			return exitOf(e.Outcome)
		}
		bar.what = awaited(&e)
		bar.at(e.Trials)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// awaited says what --wait waits for.
func awaited(e *shape.Experiment) string {
	var more int64
	for _, a := range e.Candidates() {
		if n := a.Verdict.Needs; n != nil {
			more = max(more, n.More)
		}
	}
	if more == 0 {
		return "%d trials"
	}
	return fmt.Sprintf("%%d trials, about %d more needed", more)
}

func undecided(e *shape.Experiment) bool {
	return slices.ContainsFunc(e.Candidates(), func(a shape.Arm) bool {
		return a.Verdict.Outcome == assay.Inconclusive
	})
}

func verdictTable(w io.Writer, e *shape.Experiment) error {
	fmt.Fprintf(w, "%s: %s (%d trials of %d requests)\n\n", e.Name, e.Outcome, e.Trials, e.Requests)
	if err := armTable(w, e); err != nil {
		return err
	}
	printVerdicts(w, e)
	return nil
}

// exitOf maps an outcome to its exit code, as an error that says nothing more.
func exitOf(outcome assay.Conclusion) error {
	switch outcome {
	case assay.Holds:
		return nil
	case assay.Refuted:
		return process.Exit(process.Refuted)
	}
	return process.Exit(process.Inconclusive)
}

// report writes the verdict where CI looks for it.
func (o *verdictOptions) report(p *process.Process, e *shape.Experiment) error {
	for _, r := range []struct {
		path  string
		flags int
		write func(io.Writer) error
	}{
		{o.junit, os.O_TRUNC, func(w io.Writer) error { return ci.JUnit(w, e, time.Now()) }},
		{o.sarif, os.O_TRUNC, func(w io.Writer) error { return ci.SARIF(w, e, process.Version(), o.places(p, e.Name)) }},
		{o.summary, os.O_APPEND, func(w io.Writer) error { return ci.Markdown(w, e) }},
	} {
		if r.path == "" {
			continue
		}
		if err := writeReport(p.Absolute(r.path), r.flags, r.write); err != nil {
			return &assay.Error{Code: assay.CodeInvalid, What: "the report cannot be written: " + err.Error(), Where: r.path, Err: err}
		}
	}
	if in, _ := p.Env("GITHUB_ACTIONS"); in == "true" {
		return ci.Annotations(p.Stderr, e, o.places(p, e.Name)) // GitHub reads both streams; this one leaves JSON alone
	}
	return nil
}

// writeReport writes a file: anew, or after what other steps of a run wrote.
func writeReport(path string, flags int, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|flags, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// places finds candidates in the definition file: at line 1 where they, or the file, are not to be found.
func (o *verdictOptions) places(p *process.Process, experiment string) func(candidate string) ci.Place {
	text, _ := os.ReadFile(p.Absolute(o.definition)) // a laboratory's definitions may have come from elsewhere
	return func(candidate string) ci.Place {
		return ci.Place{File: o.definition, Line: config.Line(text, "experiments", experiment, "candidates", candidate)}
	}
}
