package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/laboratory"
	"github.com/assaylab/assay/process"
)

// dropped is the number of trials dropped, for whatever reason.
func applyCommand(p *process.Process, c *client) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Put the definitions of a file or folder into force", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return apply(cmd.Context(), p, c, file) },
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "definition file or folder; - reads standard input")
	cmd.MarkFlagRequired("file")
	return cmd
}

// apply checks the definitions here, where their files are, and sends them with the paths of code
// made absolute.
func apply(ctx context.Context, p *process.Process, c *client, file string) error {
	doc, err := readDefinitions(p, file)
	if err != nil {
		return err
	}
	body, err := config.Render(doc)
	if err != nil {
		return err
	}
	var answer struct{ Changes []assay.Change }
	if err := c.call(ctx, http.MethodPost, "/apply", body, &answer); err != nil {
		var refused *assay.Error
		if errors.As(err, &refused) && strings.HasPrefix(refused.Where, laboratory.SentName+":") {
			refused.Where = file // a place in what was sent means nothing to whoever wrote the file
		}
		return err
	}
	for _, change := range answer.Changes {
		fmt.Fprintf(p.Stdout, "%s/%s %s\n", change.Kind, change.Name, change.Action)
	}
	return nil
}

func readDefinitions(p *process.Process, file string) (config.Document, error) {
	opt := config.Options{LookupEnv: p.Env, Dir: p.Dir}
	if file != "-" {
		return config.Load([]string{p.Absolute(file)}, opt)
	}
	data, err := io.ReadAll(p.Stdin)
	if err != nil {
		return config.Document{}, err
	}
	return config.Parse("standard input", data, opt)
}

func getCommand(p *process.Process, c *client) *cobra.Command {
	var output *string
	cmd := &cobra.Command{
		Use: "get [experiments|functions|routes]", Short: "List experiments, functions, or routes of functions", Args: cobra.MaximumNArgs(1),
		ValidArgs: []string{"experiments", "functions", "routes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := "experiments"
			if len(args) > 0 {
				kind = args[0]
			}
			switch strings.TrimSuffix(kind, "s") {
			case "experiment":
				return getExperiments(cmd.Context(), p, c, *output)
			case "function":
				return getFunctions(cmd.Context(), p, c, *output)
			case "route":
				return getRoutes(cmd.Context(), p, c, *output)
			}
			return process.Invalid("there is no kind "+strconv.Quote(kind), "use experiments, functions or routes")
		},
	}
	output = outputFlag(cmd)
	return cmd
}

func getExperiments(ctx context.Context, p *process.Process, c *client, output string) error {
	data, err := c.read(ctx, "/experiments")
	if err != nil {
		return err
	}
	return print(p.Stdout, output, data, func(w io.Writer) error {
		var list struct{ Experiments []shape.Experiment }
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		var lines [][]string
		for _, e := range list.Experiments {
			lines = append(lines, []string{
				e.Name, string(e.State), strconv.Itoa(e.Version), percent(e.Sample), fmt.Sprint(e.Requests),
				fmt.Sprint(e.Trials), fmt.Sprint(e.DroppedInAll()), fmt.Sprint(len(e.Candidates())), string(e.Outcome),
			})
		}
		return process.Rows(w, "NAME STATE VERSION SAMPLE REQUESTS TRIALS DROPPED CANDIDATES VERDICT", lines)
	})
}

func describeCommand(p *process.Process, c *client) *cobra.Command {
	var output *string
	cmd := &cobra.Command{
		Use: "describe NAME", Short: "Tell all about an experiment or a function", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return describe(cmd.Context(), p, c, args[0], *output) },
	}
	output = outputFlag(cmd)
	return cmd
}

// describe looks for an experiment of that name first; function/NAME means the function.
func describe(ctx context.Context, p *process.Process, c *client, name, output string) error {
	kind, bare := kindOf(name)
	if kind != "function" {
		data, err := c.read(ctx, experimentPath(bare))
		if err == nil {
			return print(p.Stdout, output, data, func(w io.Writer) error { return describeExperiment(ctx, w, c, bare, data) })
		}
		if kind == "experiment" || !notFound(err) {
			return err
		}
	}
	data, err := c.read(ctx, functionPath(bare))
	if notFound(err) && kind == "" {
		return unknownName(bare)
	}
	if err != nil {
		return err
	}
	return print(p.Stdout, output, data, func(w io.Writer) error { return describeFunction(w, data) })
}

// kindOf splits "function/NAME" and "experiment/NAME"; a bare name is of any kind.
func kindOf(name string) (kind, bare string) {
	if before, after, ok := strings.Cut(name, "/"); ok {
		return before, after
	}
	return "", name
}

func notFound(err error) bool {
	e, ok := err.(*assay.Error)
	return ok && e.Code == assay.CodeNotFound
}

func unknownName(name string) error {
	return &assay.Error{
		Code: assay.CodeNotFound, What: "there is no experiment and no function " + strconv.Quote(name),
		Hint: "`assay get experiments` and `assay get functions` list them",
	}
}

func describeExperiment(ctx context.Context, w io.Writer, c *client, name string, data []byte) error {
	var e shape.Experiment
	if err := json.Unmarshal(data, &e); err != nil {
		return err
	}
	definition, err := c.read(ctx, experimentPath(name)+"/definition")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s, version %d, sampling %s\n", e.Name, e.State, e.Version, percent(e.Sample))
	fmt.Fprintf(w, "%d requests, %d sampled, %d trials, %d in flight, %d dropped%s\n\n",
		e.Requests, e.Sampled, e.Trials, e.InFlight, e.DroppedInAll(), reasons(e.Dropped))
	if err := armTable(w, &e); err != nil {
		return err
	}
	printLane(w, &e)
	printVerdicts(w, &e)
	_, err = fmt.Fprintf(w, "\n%s", definition)
	return err
}

// printLane tells what the lane does to protect those it observes, if anything.
func printLane(w io.Writer, e *shape.Experiment) {
	if e.Tripped != "" {
		fmt.Fprintf(w, "\nit has paused itself: the limit `protect: %s` was passed; `assay resume %s` resumes it\n", e.Tripped, e.Name)
	}
	if o := e.Overhead; o != nil && o.Interval != nil {
		fmt.Fprintf(w, "\noverhead %+.3g ms on average (%+.3g to %+.3g), from %d sampled requests and %d held out\n",
			1000**o.Seconds, 1000*o.Interval[0], 1000*o.Interval[1], o.Sampled, o.HeldOut)
	}
	if lines := heldBack(e); len(lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(lines, "\n"))
	}
}

// heldBack tells of calls that breakers kept from candidates, and of breakers that are open.
func heldBack(e *shape.Experiment) (lines []string) {
	for _, a := range e.Arms {
		if a.Candidate != nil && a.LeftOut > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d calls left out while its breaker was open", a.Name, a.LeftOut))
		}
	}
	for _, b := range e.Lane.Breakers {
		if b.Open {
			lines = append(lines, fmt.Sprintf("%s: the breaker is open; the next probe may be made at %s", b.Arm, b.Until.Format(time.TimeOnly)))
		}
	}
	return lines
}

func reasons[K ~string](m map[K]int64) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if m[k] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func armTable(w io.Writer, e *shape.Experiment) error {
	var lines [][]string
	for _, a := range e.Arms {
		match := "-"
		if a.Candidate != nil && a.Trials > 0 {
			match = percent(float64(a.Matches) / float64(a.Trials))
		}
		p50, p99 := "-", "-"
		if a.LatencyMS != nil {
			p50, p99 = fmt.Sprintf("%.1f ms", a.LatencyMS.P50), fmt.Sprintf("%.1f ms", a.LatencyMS.P99)
		}
		cost := "-"
		if a.USDPerMillion != nil {
			cost = fmt.Sprintf("$%.2f", *a.USDPerMillion)
		}
		memory := "-"
		if a.MaxMemoryMB > 0 {
			memory = fmt.Sprintf("%d MB", a.MaxMemoryMB)
		}
		lines = append(lines, []string{
			a.Name, string(a.Role), fmt.Sprint(a.Observations), match, dash(strings.Trim(reasons(a.Faults), " ()")), p50, p99, memory, cost,
		})
	}
	return process.Rows(w, "ARM ROLE OBSERVATIONS MATCH FAULTS P50 P99 MEMORY USD/MILLION", lines)
}

func printVerdicts(w io.Writer, e *shape.Experiment) {
	if len(e.Candidates()) == 0 {
		fmt.Fprint(w, "\nThe experiment has no candidate, so there is nothing to judge: add one under candidates.\n")
	}
	for _, a := range e.Candidates() {
		title := a.Name
		if a.Title != "" {
			title += " (" + a.Title + ")"
		}
		v := a.Verdict
		fmt.Fprintf(w, "\n%s: %s\n  %s\n", title, v.Outcome, v.Reason)
		printChecks(w, v.Evidence.Checks)
		if v.Change != "" {
			fmt.Fprintf(w, "  what would change it: %s\n", v.Change)
		}
		if v.Needs != nil {
			fmt.Fprintf(w, "  trials needed: about %d in all, %d more\n", v.Needs.Trials, v.Needs.More)
		}
		printLines(w, "assumed", v.Assumed)
		printLines(w, "not seen", v.NotSeen)
	}
}

// printChecks lists the claims of a hypothesis that has several.
func printChecks(w io.Writer, checks []assay.Check) {
	if len(checks) < 2 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, c := range checks {
		estimate := "-"
		if c.Estimate != nil {
			estimate = short(*c.Estimate)
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s to %s\t%s\n", c.Clause, c.Conclusion, estimate, short(c.Interval[0]), short(c.Interval[1]), c.Effect)
	}
	t.Flush()
}

// short renders a share or ratio in per cent.
func short(x float64) string {
	if x >= 1e6 {
		return "any"
	}
	return strconv.FormatFloat(100*x, 'g', 3, 64) + "%"
}

func printLines(w io.Writer, what string, lines []string) {
	for _, l := range lines {
		fmt.Fprintf(w, "  %s: %s\n", what, l)
	}
}

func deleteCommand(p *process.Process, c *client) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "End an experiment, or remove a function", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, name := kindOf(args[0])
			if kind != "function" {
				err := c.call(cmd.Context(), http.MethodDelete, experimentPath(name), nil, nil)
				if err == nil {
					fmt.Fprintf(p.Stdout, "experiment/%s deleted\n", name)
				}
				if kind == "experiment" || !notFound(err) {
					return err
				}
			}
			err := c.call(cmd.Context(), http.MethodDelete, functionPath(name), nil, nil)
			if notFound(err) && kind == "" {
				return unknownName(name)
			}
			if err == nil {
				fmt.Fprintf(p.Stdout, "function/%s deleted\n", name)
			}
			return err
		},
	}
}

func pauseCommand(p *process.Process, c *client) *cobra.Command {
	return patchCommand(p, c, "pause NAME", "Stop sampling; clients go on being served", cobra.ExactArgs(1),
		func([]string) any { return map[string]any{"state": assay.StatePaused} })
}

func resumeCommand(p *process.Process, c *client) *cobra.Command {
	return patchCommand(p, c, "resume NAME", "Go on sampling", cobra.ExactArgs(1),
		func([]string) any { return map[string]any{"state": assay.StateRunning} })
}

func rampCommand(p *process.Process, c *client) *cobra.Command {
	return patchCommand(p, c, "ramp NAME SHARE", "Change the share of requests that become trials, for example to 25%", cobra.ExactArgs(2),
		func(args []string) any { return map[string]any{"sample": args[1]} })
}

func patchCommand(p *process.Process, c *client, use, short string, args cobra.PositionalArgs, patch func([]string) any) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := json.Marshal(patch(args))
			if err != nil {
				return err
			}
			_, name := kindOf(args[0])
			var e shape.Experiment
			if err := c.call(cmd.Context(), http.MethodPatch, experimentPath(name), body, &e); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.Stdout, "experiment/%s is %s, sampling %s (version %d)\n", e.Name, e.State, percent(e.Sample), e.Version)
			return err
		},
	}
}

func trialsCommand(p *process.Process, c *client) *cobra.Command {
	var mismatch bool
	var path, candidate string
	var limit int
	var output *string
	cmd := &cobra.Command{
		Use: "trials NAME", Short: "List an experiment's trials, newest first", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, name := kindOf(args[0])
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			if mismatch {
				q.Set("outcome", string(assay.OutcomeMismatch))
			}
			if path != "" {
				q.Set("path", path)
			}
			if candidate != "" {
				q.Set("candidate", candidate)
			}
			return trials(cmd.Context(), p, c, experimentPath(name)+"/trials?"+q.Encode(), *output)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&mismatch, "mismatch", false, "only trials in which a candidate mismatched")
	f.StringVar(&path, "path", "", "only trials that differ at this path, for example body:$.total")
	f.StringVar(&candidate, "candidate", "", "only trials of this candidate")
	f.IntVar(&limit, "limit", 20, "at most this many, 500 at most")
	output = outputFlag(cmd)
	return cmd
}

func trials(ctx context.Context, p *process.Process, c *client, path, output string) error {
	data, err := c.read(ctx, path)
	if err != nil {
		return err
	}
	return print(p.Stdout, output, data, func(w io.Writer) error {
		var page struct {
			Trials []assay.Trial
			Next   string
		}
		if err := json.Unmarshal(data, &page); err != nil {
			return err
		}
		var lines [][]string
		for i := range page.Trials {
			t := &page.Trials[i]
			lines = append(lines, []string{t.Time.Format(time.RFC3339), t.ID, strconv.Itoa(t.Version), requestLine(&t.Invocation), string(t.Outcome()), firstDifference(t)})
		}
		return process.Rows(w, "TIME ID VERSION REQUEST OUTCOME FIRST-DIFFERENCE", lines)
	})
}

func requestLine(inv *assay.Invocation) string {
	if inv.Request == nil {
		return "invoke"
	}
	line := inv.Request.Method + " " + inv.Request.Path
	if inv.Request.Query != "" {
		line += "?" + inv.Request.Query
	}
	return line
}

func firstDifference(t *assay.Trial) string {
	for i := range t.Candidates {
		for _, d := range t.Candidates[i].Differences {
			if d.Ignored == "" {
				return fmt.Sprintf("%s: %s: %s -> %s", t.Candidates[i].Observation.Arm, placeText(d.Path, d.Kind), dash(d.Control), dash(d.Candidate))
			}
		}
	}
	return "-"
}

func schemaCommand(p *process.Process) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of definition files", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := p.Stdout.Write(config.Schema())
			return err
		},
	}
}
