package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/process"
)

func getFunctions(ctx context.Context, p *process.Process, c *client, output string) error {
	data, err := c.read(ctx, "/functions")
	if err != nil {
		return err
	}
	return print(p.Stdout, output, data, func(w io.Writer) error {
		var list struct{ Functions []assay.Deployment }
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		var lines [][]string
		for _, f := range list.Functions {
			lines = append(lines, []string{
				f.Name, f.Runtime, fmt.Sprintf("%d MB", f.MemoryMB), f.Timeout.String(), f.State, fmt.Sprint(f.Environments),
				fmt.Sprint(f.Invocations), fmt.Sprint(f.Errors), fmt.Sprint(f.Throttles), fmt.Sprint(f.ColdStarts),
			})
		}
		return process.Rows(w, "NAME RUNTIME MEMORY TIMEOUT STATE ENVIRONMENTS INVOCATIONS ERRORS THROTTLES COLD", lines)
	})
}

func describeFunction(w io.Writer, data []byte) error {
	var f assay.Deployment
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	for _, line := range [][2]string{
		{"name", f.Name}, {"arn", f.ARN}, {"state", strings.TrimSpace(f.State + " " + f.Reason)}, {"runtime", f.Runtime}, {"handler", dash(f.Handler)},
		{"code", codeOf(f)}, {"code sha256", f.CodeSHA256}, {"memory", fmt.Sprintf("%d MB", f.MemoryMB)}, {"timeout", f.Timeout.String()},
		{"environments", fmt.Sprintf("%d, %d busy", f.Environments, f.Busy)},
		{"invocations", fmt.Sprintf("%d, %d errors, %d throttles, %d cold", f.Invocations, f.Errors, f.Throttles, f.ColdStarts)},
		{"enforced", enforced(f.Enforced)},
	} {
		if _, err := fmt.Fprintf(w, "%-13s %s\n", line[0], line[1]); err != nil {
			return err
		}
	}
	return nil
}

// codeOf says where a function's code came from.
func codeOf(f assay.Deployment) string {
	if f.Code == "" {
		return "(uploaded)"
	}
	return f.Code
}

// enforced says what functions are held to: all, or all but what is named with its reason.
func enforced(e assay.Enforced) string {
	if len(e.Reasons) == 0 {
		return "memory, cpu, pids, freeze, mounts, network, user"
	}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(e.Reasons)) {
		missing = append(missing, name+" ("+e.Reasons[name]+")")
	}
	return "all but " + strings.Join(missing, ", ")
}

func invokeCommand(p *process.Process, c *client) *cobra.Command {
	var payload string
	var log bool
	cmd := &cobra.Command{
		Use: "invoke FUNCTION", Short: "Invoke a function once; its answer goes to standard output", Args: cobra.ExactArgs(1),
		Long: "Invoke a function of the embedded engine once. The payload is JSON, @FILE, or - for standard input.\n" +
			"The exit code is 1 when the function failed.",
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := readPayload(p, payload)
			if err != nil {
				return err
			}
			_, name := kindOf(args[0])
			return invoke(cmd.Context(), p, c, name, body, log)
		},
	}
	cmd.Flags().StringVarP(&payload, "payload", "p", "{}", "the event")
	cmd.Flags().BoolVar(&log, "log", false, "print the tail of the function's log to standard error")
	return cmd
}

func readPayload(p *process.Process, payload string) ([]byte, error) {
	body := []byte(payload)
	var err error
	if payload == "-" {
		body, err = io.ReadAll(p.Stdin)
	} else if file, ok := strings.CutPrefix(payload, "@"); ok {
		body, err = os.ReadFile(p.Absolute(file))
	}
	if err != nil {
		return nil, process.Invalid("the payload cannot be read: "+err.Error(), "give JSON, @FILE, or - for standard input")
	}
	if !json.Valid(body) {
		return nil, process.Invalid("the payload is not JSON", `quote it for the shell, for example -p '{"number": 20.5}'`)
	}
	return body, nil
}

func invoke(ctx context.Context, p *process.Process, c *client, name string, body []byte, log bool) error {
	var answer struct {
		shape.Invocation
		Payload json.RawMessage `json:"payload"` // as the function wrote it
	}
	if err := c.call(ctx, http.MethodPost, functionPath(name)+"/invocations", body, &answer); err != nil {
		return err
	}
	if log {
		fmt.Fprint(p.Stderr, answer.Log)
	}
	if len(answer.Payload) > 0 {
		fmt.Fprintln(p.Stdout, string(answer.Payload))
	}
	if answer.Fault != nil {
		fmt.Fprintf(p.Stderr, "assay: the function failed: %s: %s\n  hint: `assay logs %s` shows its log\n", answer.Fault.Kind, answer.Fault.Message, name)
		return process.Exit(process.Refuted)
	}
	return nil
}

func logsCommand(p *process.Process, c *client) *cobra.Command {
	var follow bool
	var part string
	cmd := &cobra.Command{
		Use: "logs FUNCTION", Short: "Print a function's log", Args: cobra.ExactArgs(1),
		Long: "Print the last lines of a function's log: NAME for all of it, NAME:QUALIFIER for a version's or an alias's.",
		RunE: func(cmd *cobra.Command, args []string) error {
			_, name := kindOf(args[0])
			query := url.Values{"stream": {part}}
			if follow {
				query.Set("follow", "true")
			}
			path := functionPath(name) + "/logs?" + query.Encode()
			stream, err := c.open(cmd.Context(), http.MethodGet, path, nil)
			if err != nil {
				return err
			}
			defer stream.Close()
			// AWS's logs keep a traceback in one record with carriage returns; a terminal would overwrite them.
			_, err = io.Copy(newlines{p.Stdout}, stream)
			return err
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as the function writes")
	cmd.Flags().StringVar(&part, "stream", "", "only log streams with this in their names, for example a date or an environment's id")
	return cmd
}

// newlines writes carriage returns as ends of lines.
type newlines struct{ io.Writer }

func (n newlines) Write(p []byte) (int, error) {
	_, err := n.Writer.Write(bytes.ReplaceAll(p, []byte{'\r'}, []byte{'\n'}))
	return len(p), err
}
