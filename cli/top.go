package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/top"
)

func topCommand(p *process.Process, c *client) *cobra.Command {
	var every time.Duration
	var once bool
	cmd := &cobra.Command{
		Use: "top", Short: "Watch experiments live, and pause, resume or ramp them by a key", Args: cobra.NoArgs,
		Long: "Watch the experiments of a running laboratory in the terminal: traffic, what is dropped, latency and verdicts.\n" +
			"Where nobody watches (a pipe), or with --once, one screen is printed.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every <= 0 {
				return process.Invalid("--every must be longer than nothing", "write for example --every 1s")
			}
			o := top.Options{
				Laboratory: remote{c}, Title: "assay top " + c.base(), Every: every, Now: time.Now,
				In: p.Stdin, Out: p.Stdout, Env: os.Environ(),
			}
			if once || !process.Terminal(p.Stdout) {
				screen, err := top.Once(cmd.Context(), o)
				if err == nil {
					_, err = fmt.Fprintln(p.Stdout, screen)
				}
				return err
			}
			if err := top.Run(cmd.Context(), o); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		},
	}
	cmd.Flags().DurationVar(&every, "every", time.Second, "time between two looks")
	cmd.Flags().BoolVar(&once, "once", false, "print one screen and end")
	return cmd
}

// remote is a running laboratory, by its API.
type remote struct{ *client }

func (r remote) Experiments(ctx context.Context) ([]shape.Experiment, error) {
	var list struct{ Experiments []shape.Experiment }
	err := r.call(ctx, http.MethodGet, "/experiments", nil, &list)
	return list.Experiments, err
}

func (r remote) Order(ctx context.Context, experiment, order string, share float64) error {
	body := fmt.Sprintf(`{"sample": %q}`, percent(share))
	switch order {
	case "pause":
		body = fmt.Sprintf(`{"state": %q}`, assay.StatePaused)
	case "resume":
		body = fmt.Sprintf(`{"state": %q}`, assay.StateRunning)
	}
	return r.call(ctx, http.MethodPatch, experimentPath(experiment), []byte(body), nil)
}
