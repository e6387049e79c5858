package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/notify"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/serve"
)

func notifyCommand(p *process.Process) *cobra.Command {
	cmd := &cobra.Command{Use: "notify", Short: "Tell people of events", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var files []string
	test := &cobra.Command{
		Use: "test -f FILE", Short: "Tell every channel of `notify:` that this is a test", Args: cobra.NoArgs,
		Long: "Send one event to every channel that the files name under `notify:`, whatever it wants to be told of, and say how that went.\n" +
			"No running laboratory is needed. Secrets are taken from where the file says, in this environment.",
		RunE: func(cmd *cobra.Command, _ []string) error { return tryChannels(cmd.Context(), p, files) },
	}
	test.Flags().StringArrayVarP(&files, "file", "f", []string{"assay.yaml"}, "definition file or folder; may be repeated")
	cmd.AddCommand(test)
	return cmd
}

func tryChannels(ctx context.Context, p *process.Process, files []string) error {
	doc, err := serve.Load(p, files)
	if err != nil {
		return err
	}
	if len(doc.Notify) == 0 {
		return process.Invalid("the files name nobody to tell", "write a list under `notify:`")
	}
	var failed []error
	for i, c := range doc.Notify {
		now := time.Now()
		said := "told"
		if err := notify.Send(ctx, c, notify.Sample(now), p.Env, now); err != nil {
			said = "failed"
			failed = append(failed, &assay.Error{
				Code: assay.CodeUnreachable, What: "a channel could not be told: " + whatOf(err),
				Where: fmt.Sprintf("notify, item %d (%s)", i+1, c.Kind), Hint: hintOf(err),
			})
		}
		fmt.Fprintf(p.Stdout, "%s\t%s\n", c.Kind, said)
	}
	return errors.Join(failed...)
}

// whatOf is what an error says, without the advice that hintOf gives.
func whatOf(err error) string {
	e := (*assay.Error)(nil)
	if !errors.As(err, &e) {
		return err.Error()
	}
	return strings.TrimSuffix(e.What+" ("+e.Where+")", " ()")
}

// hintOf is what an error itself advises.
func hintOf(err error) string {
	if e := (*assay.Error)(nil); errors.As(err, &e) && e.Hint != "" {
		return e.Hint
	}
	return "check the address, and the secret"
}
