package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/rollout"
)

func rolloutCommand(p *process.Process, c *client) *cobra.Command {
	var output *string
	cmd := &cobra.Command{
		Use: "rollout NAME [ORDER]", Short: "Show where a rollout is and how it came there, or change it", Args: cobra.RangeArgs(1, 2),
		Long: "Show where the rollout of an experiment is and its audit record. An order changes it: pause, resume,\n" +
			"rollback (the control serves everything at once) or promote (the candidate does, whatever is known of it).",
		ValidArgs: []string{"pause", "resume", "rollback", "promote"},
		RunE: func(cmd *cobra.Command, args []string) error {
			_, name := kindOf(args[0])
			if len(args) == 2 {
				body, err := json.Marshal(assay.Patch{Rollout: args[1]})
				if err != nil {
					return err
				}
				if err := c.call(cmd.Context(), http.MethodPatch, experimentPath(name), body, nil); err != nil {
					return err
				}
			}
			return showRollout(cmd.Context(), p, c, name, *output)
		},
	}
	output = outputFlag(cmd)
	return cmd
}

func showRollout(ctx context.Context, p *process.Process, c *client, name, output string) error {
	data, err := c.read(ctx, experimentPath(name)+"/rollout")
	if err != nil {
		return err
	}
	return print(p.Stdout, output, data, func(w io.Writer) error {
		var r console.Rollout
		if err := json.Unmarshal(data, &r); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %s, %s serves %s\n  %s\n", name, strings.ReplaceAll(string(r.Stage), "_", " "), r.Candidate, rollout.Percent(r.Weight), r.Reason)
		if r.Verdict != nil {
			fmt.Fprintf(w, "  what it served: %s, %s\n", r.Verdict.Outcome, r.Verdict.Reason)
		}
		if len(r.Steps) == 0 {
			return nil
		}
		fmt.Fprintln(w)
		var lines [][]string
		for _, s := range r.Steps {
			lines = append(lines, []string{s.Time.Format(time.RFC3339), string(s.From), string(s.To), rollout.Percent(s.Weight), s.By, s.Reason})
		}
		return process.Rows(w, "TIME FROM TO SHARE BY REASON", lines)
	})
}
