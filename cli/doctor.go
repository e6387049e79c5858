package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/machine"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/serve"
)

// examination is what `assay doctor` found.
type examination struct {
	Version string `json:"version"`
	*machine.Report
}

func doctorCommand(p *process.Process, c *client) *cobra.Command {
	var data string
	var output *string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Tell what this machine can do for a laboratory, and what it lacks", Args: cobra.NoArgs,
		Long: "Look at this machine as `assay up` would find it: what sandboxes enforce, which runtimes and tools are\n" +
			"there, whether the addresses are free and the data folder can be used. Exit 1 if a laboratory could not run.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := examine(cmd.Context(), c, p.Absolute(data))
			if err != nil {
				return err
			}
			text, err := json.Marshal(found)
			if err == nil {
				err = print(p.Stdout, *output, text, found.table)
			}
			if err == nil && slices.ContainsFunc(found.Findings, func(f machine.Finding) bool { return f.State == machine.Wrong }) {
				return process.Exit(process.Refuted)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", ".assay", "folder of the store and the engine")
	output = outputFlag(cmd)
	return cmd
}

func examine(ctx context.Context, c *client, data string) (*examination, error) {
	found, err := machine.Examine(ctx, data, nil)
	if err != nil {
		return nil, err
	}
	e := &examination{process.Version(), found}
	e.laboratory(ctx, c)
	return e, nil
}

// laboratory looks for one that runs, and else whether one could have the addresses.
func (e *examination) laboratory(ctx context.Context, c *client) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var running struct {
		Version   string            `json:"version"`
		Addresses map[string]string `json:"addresses"`
	}
	err := c.call(ctx, http.MethodGet, "/version", nil, &running)
	if err == nil {
		says := "runs, version " + running.Version
		for _, name := range slices.Sorted(maps.Keys(running.Addresses)) {
			says += ", " + name + " " + running.Addresses[name]
		}
		e.Add("laboratory", machine.Good, says, "")
		return
	}
	e.Add("laboratory", machine.Good, "none runs", "`assay up` starts one")
	for _, a := range [][2]string{{"--gateway", "127.0.0.1:8080"}, {"--aws", "127.0.0.1:4566"}, {"--console", serve.DefaultConsole}} {
		l, err := net.Listen("tcp", a[1])
		if err == nil {
			l.Close()
			e.Add("address "+a[1], machine.Good, "free", "")
			continue
		}
		says, hint := err.Error(), ""
		if at := (*assay.Error)(nil); errors.As(serve.ListenError(a[0], a[1], err), &at) {
			says, hint = at.What, at.Hint
		}
		e.Add("address "+a[1], machine.Wrong, says, hint)
	}
}

func (e *examination) table(w io.Writer) error {
	fmt.Fprintf(w, "assay %s, %s, %d cores, %d MB\n\n", e.Version, e.System, e.Cores, e.MemoryMB)
	var lines [][]string
	for _, f := range e.Findings {
		lines = append(lines, []string{f.State, f.What, f.Says})
	}
	if err := process.Rows(w, "STATE WHAT SAYS", lines); err != nil {
		return err
	}
	for _, f := range e.Findings {
		if f.State != machine.Good {
			fmt.Fprintf(w, "\n%s: %s\n", f.What, f.Hint)
		}
	}
	return nil
}
