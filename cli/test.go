package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite/run"
	"github.com/assaylab/assay/suite/runner"
)

func testCommand(p *process.Process) *cobra.Command {
	var o run.Options
	cmd := &cobra.Command{
		Use: "test [-- RUNNER ARGS]", Short: "Run a project's test suite on many workers, longest tests first",
		Long: "Find the project's test runner, list its tests, and run them on workers: functions of the embedded engine.\n" +
			"Tests are handed out one after another, longest first by what they took before. What was\n" +
			"sent once is not sent again. Prints and exits as the runner would: 0 passed, 1 failed.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return run.Tests(cmd.Context(), p, o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Workers, "workers", "auto", "number of workers; auto: as many as shorten the run by more than they cost")
	f.Float64Var(&o.Worth, "worth", 60, "what an hour of waiting is worth, in US dollars: --workers auto weighs it against AWS's prices")
	f.StringVar(&o.Engine, "engine", "embedded", "embedded: isolated functions on this machine; aws: AWS Lambda, with the settings of AWS's tools; local: plain processes in the project's folder")
	f.StringVar(&o.Region, "region", "", "region, for --engine aws")
	f.StringVar(&o.Role, "role", "", "ARN of the workers' role, for --engine aws")
	f.StringVar(&o.Runner, "runner", "", "test runner: "+strings.Join(runner.Names(), ", ")+" (default: by the project's files)")
	f.StringVar(&o.Command, "command", "", "run the tests with this shell command, in which {tests} stands for their ids; --list says which there are")
	f.StringVar(&o.List, "list", "", "the shell command that prints the ids of all tests, one a line")
	f.StringVar(&o.Outcomes, "outcomes", "exit", "where --command's outcomes are: exit (one test at a time), tap, or junit:FILE")
	f.StringVar(&o.Data, "data", ".assay", "folder for what earlier runs took, and the embedded engine's state")
	f.IntVar(&o.MemoryMB, "memory", 1769, "memory of a worker in MB, which decides its share of the processor: 1769 is one core")
	f.IntVar(&o.TmpMB, "tmp", 2048, "size of a worker's /tmp in MB, where the project is laid out")
	f.BoolVar(&o.Network, "network", false, "workers of the embedded engine may reach what this machine reaches")
	f.BoolVar(&o.Plan, "plan", false, "only tell what the run would take and cost")
	f.StringVar(&o.JUnit, "junit", "", "write JUnit XML to this file")
	f.StringVar(&o.Lines, "json", "", "write each result as a line of JSON to this file")
	f.StringVar(&o.TAP, "tap", "", "write TAP to this file")
	f.BoolVar(&o.GitHub, "github", false, "print a GitHub annotation for each test that failed")
	f.StringVar(&o.Shard, "shard", "", "I/N: run the I-th of N parts that take the same time")
	f.IntVar(&o.Retries, "retries", 0, "run failed tests again, up to so often; those that pass then are reported as flaky")
	f.DurationVar(&o.Timeout, "timeout", 5*time.Minute, "of one test; 0 for none")
	f.IntVar(&o.MaxFail, "maxfail", 0, "stop after so many failures; 0: never (the runner's own flag counts as well)")
	f.StringVar(&o.GroupBy, "group-by", "auto", "keep tests together that share a set-up: auto (as the runner tells), class, file or none")
	f.IntVar(&o.Slowest, "slowest", 0, "list so many of the slowest tests")
	f.StringVar(&o.Timeline, "timeline", "", "draw what each worker ran when: into a file, as a picture if it is named .svg; - for text on the console")
	f.BoolVar(&o.Copies, "stragglers", true, "give tests that take much longer than before to an idle worker as well; the first answer counts")
	f.StringArrayVar(&o.Alone, "alone", nil, "tests that share no process with others: an id or what it begins with, * for any text, or @FILE with one a line")
	f.StringVar(&o.Shuffle, "shuffle", "", "run tests in an order that this number decides, one process a worker; random: choose a number")
	f.StringArrayVar(&o.Candidates, "candidate", nil, "put the suite with other settings beside the suite as it is, and judge: runtime=, memory=, ref=, dir=, env=NAME=VALUE, with commas between")
	f.IntVar(&o.Rounds, "rounds", 3, "with --candidate: so often all tests run on each; those in doubt run more often")
	f.StringVar(&o.Slower, "slower", "10%", "with --candidate: how much longer tests may take")
	f.BoolVar(&o.Detect, "detect-order", false, "find the tests that depend on the order they run in, and on which others they do")
	f.StringArrayVar(&o.Sequence, "sequence", nil, "run only this test, and those that more of these flags name, in their order, in one process")
	f.StringVar(&o.Quarantine, "quarantine", "", "file of tests, one a line, whose failures are reported and do not fail the run")
	f.IntVar(&o.Passes, "quarantine-passes", 10, "runs in a row that a test in quarantine passes before it is named as ready to leave")
	return cmd
}
