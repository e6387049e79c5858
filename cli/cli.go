// Package cli is the command line: the tree of commands, those that ask a running laboratory, and those that need none.
// In come arguments, environment, files and signals; out come output and an exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/serve"
)

// Main runs the process it is called in, until the command ends or a signal ends it.
func Main() int {
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "assay: the working directory cannot be read:", err)
		return process.Usage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, &process.Process{
		Args: os.Args[1:], Env: os.LookupEnv, Dir: dir,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}

// Run runs one command and returns its exit code. The end of ctx is the user's interrupt.
func Run(ctx context.Context, p *process.Process) int {
	cmd := root(p)
	cmd.SetArgs(p.Args)
	cmd.SetIn(p.Stdin)
	cmd.SetOut(p.Stdout)
	cmd.SetErr(p.Stderr)
	ran, err := cmd.ExecuteContextC(ctx)
	var code process.Exit
	switch {
	case err == nil:
		return process.OK
	case errors.As(err, &code):
		return int(code)
	case ctx.Err() != nil:
		return process.Interrupted
	}
	process.Complain(p.Stderr, err)
	if !errors.As(err, new(*assay.Error)) {
		fmt.Fprintf(p.Stderr, "  hint: it is used as `%s`; `%s --help` tells more\n", ran.UseLine(), ran.CommandPath())
	}
	return process.CodeOf(err)
}

func root(p *process.Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "assay COMMAND",
		Short: "A laboratory for serverless functions",
		Long: "Assay puts a candidate beside the control that runs now, on the same work, and answers\n" +
			"holds, refuted or inconclusive, with evidence.",
		Version: process.Version(), SilenceUsage: true, SilenceErrors: true,
	}
	cmd.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	cmd.Flags().Bool("version", false, "print the version")
	c := &client{process: p}
	cmd.PersistentFlags().StringVar(&c.address, "console", "", "address of the running laboratory's console (default $ASSAY_CONSOLE or "+serve.DefaultConsole+")")
	cmd.PersistentFlags().StringVar(&c.token, "token", "", "token of the console and the AWS address (default $ASSAY_TOKEN)")
	c.consoleFlags(cmd.PersistentFlags())
	grouped(cmd, "The laboratory:",
		serve.UpCommand(p, &c.address, &c.token), applyCommand(p, c), getCommand(p, c), describeCommand(p, c), deleteCommand(p, c),
		topCommand(p, c), doctorCommand(p, c), notifyCommand(p), serve.WorkCommand(p, &c.address), exportCommand(p, c), importCommand(p, c))
	grouped(cmd, "Experiments:",
		verdictCommand(p, c), trialsCommand(p, c), pauseCommand(p, c), resumeCommand(p, c), rampCommand(p, c),
		recordCommand(p, c), replayCommand(p, c), rolloutCommand(p, c))
	grouped(cmd, "What differs:", clustersCommand(p, c), rulesCommand(p, c), driftCommand(p, c), reproduceCommand(p, c))
	grouped(cmd, "Functions:", deployCommand(p, c), invokeCommand(p, c), logsCommand(p, c))
	grouped(cmd, "Test suites:", testCommand(p))
	cmd.AddCommand(schemaCommand(p), manCommand(p), versionCommand(p), readPDFCommand(p))
	completeNames(c, cmd)
	return cmd
}

// grouped adds commands that `assay --help` lists under a title of their own.
func grouped(cmd *cobra.Command, title string, commands ...*cobra.Command) {
	cmd.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID = title
	}
	cmd.AddCommand(commands...)
}

func versionCommand(p *process.Process) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.Stdout, "assay", process.Version())
			return err
		},
	}
}
