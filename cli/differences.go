package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/drift"
	"github.com/assaylab/assay/export"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/reading"
	"github.com/assaylab/assay/whatif"
)

// list reads what a call answers and prints it as asked.
func list(ctx context.Context, p *process.Process, c *client, path, output string, into any, table func(io.Writer) error) error {
	data, err := c.read(ctx, path)
	if err != nil {
		return err
	}
	return print(p.Stdout, output, data, func(w io.Writer) error {
		if err := json.Unmarshal(data, into); err != nil {
			return err
		}
		return table(w)
	})
}

func rulesCommand(p *process.Process, c *client) *cobra.Command {
	var output *string
	cmd := &cobra.Command{
		Use: "rules NAME", Short: "List the rules that excuse differences, and those that the control's noise suggests", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all shape.Rules
			_, name := kindOf(args[0])
			return list(cmd.Context(), p, c, experimentPath(name)+"/rules", *output, &all, func(w io.Writer) error { return rulesTable(w, name, &all) })
		},
	}
	output = outputFlag(cmd)
	cmd.AddCommand(acceptRuleCommand(p, c), rejectRuleCommand(p, c), removeRuleCommand(p, c))
	return cmd
}

func rulesTable(w io.Writer, name string, all *shape.Rules) error {
	var lines [][]string
	for _, s := range all.Rules {
		class, path, owner, expires := "-", s.Text, "-", "-"
		if s.Rule != nil {
			class, path, owner, expires = string(s.Rule.Class)+within(s.Rule), s.Rule.Path, s.Rule.Owner, s.Rule.Expires.Format(time.DateOnly)
		}
		lines = append(lines, []string{dash(s.ID), class, path, s.State, owner, strconv.FormatInt(s.Hits, 10), expires, alarms(len(s.Alarms))})
	}
	if err := process.Rows(w, "ID CLASS PATH STATE OWNER HITS EXPIRES ALARMS", lines); err != nil {
		return err
	}
	for _, s := range all.Rules {
		for _, a := range s.Alarms {
			fmt.Fprintf(w, "\nalarm: %s, candidate %s: %s\n", s.Text, a.Candidate, a.What)
		}
	}
	if all.Blind && len(all.Rules) > 0 {
		fmt.Fprintln(w, "\nThe experiment has no secondary: what rules hide cannot be held against the control's own noise.")
	}
	if len(all.Proposed) == 0 {
		return nil
	}
	lines = nil
	for _, r := range all.Proposed {
		lines = append(lines, []string{r.Name, string(r.Class) + within(&r.Rule), r.Path, strconv.Itoa(r.Pairs), r.Examples[0][0] + " -> " + r.Examples[0][1]})
	}
	fmt.Fprintln(w, "\nProposed, from what the control shows of itself:")
	if err := process.Rows(w, "ID CLASS PATH PAIRS EXAMPLE", lines); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nassay rules accept %s %s --owner YOU --expires %s\n", name, all.Proposed[0].Name, "YYYY-MM-DD")
	return err
}

func alarms(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// within is how far apart a rule lets values be, for people.
func within(r *assay.Rule) string {
	if r.Within == 0 {
		return ""
	}
	return fmt.Sprintf("<=%g%s", r.Within, r.Class.Unit())
}

func acceptRuleCommand(p *process.Process, c *client) *cobra.Command {
	var owner, expires, path, class string
	var distance float64
	cmd := &cobra.Command{
		Use: "accept NAME [ID]", Short: "Let a proposed rule excuse differences, or one of your own (--path and --class); new evidence begins", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			terms := map[string]any{"owner": owner, "expires": expires}
			switch {
			case len(args) == 2:
				terms["id"] = args[1]
			case path == "" || class == "":
				return process.Invalid("nothing says which rule", "name the id of a proposed one, or give --path and --class")
			default:
				terms["path"], terms["class"] = path, class
			}
			if cmd.Flags().Changed("within") {
				terms["within"] = distance
			}
			return changeRule(cmd.Context(), p, c, http.MethodPost, args[0], "", terms, "accepted: the experiment begins new evidence")
		},
	}
	f := cmd.Flags()
	f.StringVar(&owner, "owner", "", "who answers for the rule")
	f.StringVar(&expires, "expires", "", "the day from which it excuses nothing, for example 2027-01-31")
	f.StringVar(&path, "path", "", "of a rule of your own, for example body:$.id")
	f.StringVar(&class, "class", "", "of a rule of your own, for example uuid")
	f.Float64Var(&distance, "within", 0, "how far apart values may be: seconds for times, the values' own unit for numbers")
	for _, name := range []string{"owner", "expires"} {
		_ = cmd.MarkFlagRequired(name) // it exists
	}
	return cmd
}

func rejectRuleCommand(p *process.Process, c *client) *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use: "reject NAME ID", Short: "Propose a rule no more", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeRule(cmd.Context(), p, c, http.MethodPatch, args[0], args[1], map[string]any{"state": assay.StateRejected, "by": by}, "rejected")
		},
	}
	cmd.Flags().StringVar(&by, "by", userName(p), "who says so")
	return cmd
}

func removeRuleCommand(p *process.Process, c *client) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME ID", Short: "Excuse nothing by a rule any more; new evidence begins", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeRule(cmd.Context(), p, c, http.MethodDelete, args[0], args[1], nil, "removed: the experiment begins new evidence")
		},
	}
}

// userName is what the environment calls whoever is at the keyboard.
func userName(p *process.Process) string {
	if name, ok := p.Env("USER"); ok && name != "" {
		return name
	}
	return "somebody"
}

func changeRule(ctx context.Context, p *process.Process, c *client, method, experiment, id string, change map[string]any, done string) error {
	_, name := kindOf(experiment)
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	path := experimentPath(name) + "/rules"
	if id != "" {
		path += "/" + url.PathEscape(id)
	}
	if err := c.call(ctx, method, path, body, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Stdout, "rule "+done)
	return err
}

// statesOfClusters are those that somebody can say a cluster is in.
var statesOfClusters = []string{string(assay.ClusterOpen), string(assay.ClusterAccepted), string(assay.ClusterFixed)}

func clustersCommand(p *process.Process, c *client) *cobra.Command {
	var output *string
	var state, by, candidate string
	cmd := &cobra.Command{
		Use: "clusters NAME [ID --state STATE]", Short: "List mismatches by what they have in common, or say what is thought of some", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, name := kindOf(args[0])
			path := experimentPath(name) + "/clusters"
			switch {
			case (len(args) == 2) != (state != ""):
				return process.Invalid("an id and --state go together", "for example: assay clusters "+name+" ID --state accepted")
			case state != "" && !slices.Contains(statesOfClusters, state):
				return process.Invalid(fmt.Sprintf("--state %q is unknown", state), "use "+strings.Join(statesOfClusters, ", "))
			case len(args) == 2:
				body, err := json.Marshal(map[string]any{"state": state, "by": by, "candidate": candidate})
				if err != nil {
					return err
				}
				if err := c.call(cmd.Context(), http.MethodPatch, path+"/"+url.PathEscape(args[1]), body, nil); err != nil {
					return err
				}
				_, err = fmt.Fprintf(p.Stdout, "cluster %s is %s\n", args[1], state)
				return err
			}
			var all struct{ Clusters []shape.Cluster }
			return list(cmd.Context(), p, c, path, *output, &all, func(w io.Writer) error { return clusterTable(w, all.Clusters) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&state, "state", "", "open, accepted or fixed")
	f.StringVar(&by, "by", userName(p), "who says so")
	f.StringVar(&candidate, "candidate", "", "of this candidate alone")
	output = outputFlag(cmd)
	return cmd
}

func clusterTable(w io.Writer, clusters []shape.Cluster) error {
	var lines [][]string
	for _, k := range clusters {
		state := string(k.State)
		switch {
		case k.Returns == 1:
			state += " (came back)"
		case k.Returns > 1:
			state += fmt.Sprintf(" (came back %d times)", k.Returns)
		}
		candidate := k.Arm
		if k.Removed {
			candidate += " (removed)"
		}
		lines = append(lines, []string{
			k.ID, candidate, state, strconv.FormatInt(k.Count, 10), k.First.Format(time.RFC3339), k.Last.Format(time.RFC3339),
			strings.TrimSpace(k.Signature.Route + " " + statusText(k.Signature.Statuses[0]) + "/" + statusText(k.Signature.Statuses[1])), placesText(k.Signature.Places), k.Example,
		})
	}
	return process.Rows(w, "ID CANDIDATE STATE TRIALS FIRST LAST ROUTE DIFFERS EXAMPLE", lines)
}

// statusText is a status code; an arm that gave no answer has none.
func statusText(code int) string {
	if code == 0 {
		return "-"
	}
	return strconv.Itoa(code)
}

// placeText says where and how two answers differ. A fault is its own place.
func placeText(path string, kind assay.Kind) string {
	if path == string(kind) {
		return path
	}
	return strings.TrimSpace(path + " " + string(kind))
}

func placesText(places []assay.Place) string {
	var all []string
	for _, p := range places {
		text := placeText(p.Path, p.Kind)
		if p.Control != "" || p.Candidate != "" {
			text += " (" + dash(p.Control) + " -> " + dash(p.Candidate) + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func driftCommand(p *process.Process, c *client) *cobra.Command {
	var output *string
	var limit int
	var all bool
	cmd := &cobra.Command{
		Use: "drift NAME", Short: "Tell which JSON fields appeared, vanished or changed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, name := kindOf(args[0])
			var found struct{ Candidates []drift.Report }
			return list(cmd.Context(), p, c, experimentPath(name)+"/drift?"+span(limit, all), *output, &found, func(w io.Writer) error { return driftTable(w, found.Candidates) })
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 200, "look at so many of the newest trials")
	cmd.Flags().BoolVar(&all, "all", false, "look at trials of earlier versions as well")
	output = outputFlag(cmd)
	return cmd
}

// span is the part of a query that says which trials are looked at.
func span(limit int, all bool) string {
	return url.Values{"limit": {strconv.Itoa(limit)}, "all": {strconv.FormatBool(all)}}.Encode()
}

func driftTable(w io.Writer, candidates []drift.Report) error {
	for _, r := range candidates {
		fmt.Fprintf(w, "%s: %d pairs of JSON answers, %d of other kinds, %d trials without bodies\n", r.Candidate, r.Compared, r.Skipped, r.Bare)
		var lines [][]string
		for _, d := range r.Drifts {
			lines = append(lines, []string{d.Path, d.Kind, dash(d.Control), dash(d.Candidate)})
		}
		if len(lines) == 0 {
			fmt.Fprintln(w, "  the shapes are the same")
			continue
		}
		if err := process.Rows(w, "FIELD DRIFT CONTROL CANDIDATE", lines); err != nil {
			return err
		}
	}
	return nil
}

// replayRules compares the kept trials again under the comparators and rules of a file.
func replayRules(ctx context.Context, p *process.Process, c *client, name string, o replayOptions) error {
	rules, err := readInput(p, o.rules)
	if err != nil {
		return err
	}
	answer, err := c.open(ctx, http.MethodPost, experimentPath(name)+"/replay?"+span(o.limit, o.all), rules)
	if err != nil {
		var e *assay.Error
		if errors.As(err, &e) && strings.HasPrefix(e.Where, "rules:") {
			e.Where = o.rules + strings.TrimPrefix(e.Where, "rules")
		}
		return err
	}
	defer answer.Close()
	data, err := io.ReadAll(answer)
	if err != nil {
		return err
	}
	return print(p.Stdout, o.output, data, func(w io.Writer) error {
		var r whatif.Result
		if err := json.Unmarshal(data, &r); err != nil {
			return err
		}
		return whatifTable(w, &r)
	})
}

func readInput(p *process.Process, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(p.Stdin)
	}
	data, err := os.ReadFile(p.Absolute(file))
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the file cannot be read: " + err.Error(), Where: file, Err: err}
	}
	return data, nil
}

func whatifTable(w io.Writer, r *whatif.Result) error {
	fmt.Fprintf(w, "%d trials compared again; not compared: %d without bodies, %d whose bodies were withheld\n\n", r.Compared, r.Bare, r.Withheld)
	var lines [][]string
	for _, k := range r.Candidates {
		lines = append(lines, []string{k.Name, strconv.Itoa(k.Before), strconv.Itoa(k.After), strconv.Itoa(k.Appear), strconv.Itoa(k.Disappear)})
	}
	if err := process.Rows(w, "CANDIDATE MISMATCHES AFTER APPEAR DISAPPEAR", lines); err != nil {
		return err
	}
	lines = nil
	for _, k := range r.Candidates {
		for _, x := range k.Paths {
			lines = append(lines, []string{k.Name, x.Path + " " + string(x.Kind), strconv.Itoa(x.Before), strconv.Itoa(x.After), strconv.Itoa(x.Appear), strconv.Itoa(x.Disappear), strings.Join(x.Examples, " ")})
		}
	}
	if len(lines) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return process.Rows(w, "CANDIDATE PATH MISMATCHES AFTER APPEAR DISAPPEAR EXAMPLES", lines)
}

// reproduceOptions are the flags of `assay reproduce`.
type reproduceOptions struct {
	candidate, as, output string
	unsafe                bool
	calls                 int
	limit                 time.Duration
}

func reproduceCommand(p *process.Process, c *client) *cobra.Command {
	var o reproduceOptions
	cmd := &cobra.Command{
		Use: "reproduce TRIAL|CLUSTER", Short: "Find the smallest request on which a candidate still differs", Args: cobra.ExactArgs(1),
		Long: "Find the smallest request on which a candidate still differs as it did in a trial, or in the newest\n" +
			"trial of a cluster, by calling control and candidate again and again with less and less.",
		RunE: func(cmd *cobra.Command, args []string) error { return reproduce(cmd.Context(), p, c, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.candidate, "candidate", "", "the candidate that differs (default the first that does)")
	f.BoolVar(&o.unsafe, "unsafe", false, "call methods that may change something as well")
	f.IntVar(&o.calls, "calls", reading.DefaultCalls, "call the arms so often at most, all calls together")
	f.DurationVar(&o.limit, "time", reading.DefaultTime, "look for so long at most, "+reading.MaxTime.String()+" at most")
	f.StringVar(&o.as, "as", "", "print it as one of "+strings.Join(export.Forms, ", ")+", and nothing else")
	f.StringVarP(&o.output, "output", "o", "table", "table, json or yaml")
	return cmd
}

func reproduce(ctx context.Context, p *process.Process, c *client, id string, o reproduceOptions) error {
	body, err := json.Marshal(map[string]any{"id": id, "candidate": o.candidate, "unsafe": o.unsafe, "calls": o.calls, "time": o.limit.String()})
	if err != nil {
		return err
	}
	answer, err := c.open(ctx, http.MethodPost, "/reproductions", body)
	if err != nil {
		return err
	}
	defer answer.Close()
	found, err := followSteps(ctx, p, c, answer)
	if err != nil {
		return err
	}
	if o.as != "" {
		text, ok := found.Forms[o.as]
		if !ok {
			return process.Invalid(fmt.Sprintf("there is no form %q of this reproduction", o.as), "it is there as "+strings.Join(slices.Sorted(maps.Keys(found.Forms)), ", "))
		}
		_, err := io.WriteString(p.Stdout, text)
		return err
	}
	data, err := json.Marshal(found)
	if err != nil {
		return err
	}
	return print(p.Stdout, o.output, data, func(w io.Writer) error { return reproductionText(w, found) })
}

// followSteps reads the steps of a reproduction, and tells of them on a terminal.
func followSteps(ctx context.Context, p *process.Process, c *client, answer io.Reader) (*export.Reproduction, error) {
	show := isTerminal(p.Stderr)
	for steps := json.NewDecoder(answer); ; {
		var s console.Step
		if err := steps.Decode(&s); err != nil {
			return nil, c.unreachable(ctx, err)
		}
		if s.Progress != nil && show {
			fmt.Fprintf(p.Stderr, "\r%d calls, %d bytes \x1b[K", s.Progress.Calls, s.Progress.Size)
			continue
		}
		if show {
			fmt.Fprint(p.Stderr, "\r\x1b[K")
		}
		switch {
		case s.Error != nil:
			return nil, s.Error
		case s.Found != nil:
			return s.Found, nil
		}
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func reproductionText(w io.Writer, r *export.Reproduction) error {
	fmt.Fprintf(w, "%s, candidate %s: the smallest request that still differs, after %d calls\n\n", r.Experiment, r.Candidate.Name, r.Calls)
	if r.Request != nil {
		inv := assay.Invocation{Request: r.Request}
		fmt.Fprintf(w, "  %s\n", requestLine(&inv))
		for _, f := range r.Fields() {
			fmt.Fprintf(w, "  %s: %s\n", f[0], f[1])
		}
		if len(r.Request.Body) > 0 {
			fmt.Fprintf(w, "\n  %s\n", bytes.ReplaceAll(r.Request.Body, []byte("\n"), []byte("\n  ")))
		}
	} else {
		fmt.Fprintf(w, "  %s\n", r.Event)
	}
	fmt.Fprintln(w)
	for _, d := range r.Differences {
		if d.Ignored == "" {
			fmt.Fprintf(w, "  %s: %s -> %s %s\n", placeText(d.Path, d.Kind), dash(d.Control), dash(d.Candidate), d.Detail)
		}
	}
	if !r.Complete {
		fmt.Fprintln(w, "\nThe budget was spent before nothing more could be left out: allow more with --calls and --time.")
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "\nnote:", n)
	}
	_, err := fmt.Fprintf(w, "\n%s\nAs a test: assay reproduce %s --as %s\n", r.Forms[export.Curl], r.Trial, strings.Join(export.Forms[1:], "|"))
	return err
}
