package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/laboratory"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/recording"
)

// replayOptions are the flags of `assay replay`.
type replayOptions struct {
	from        string
	format      string
	origin      string
	to          string
	as          string
	speed       float64
	concurrency int
	control     string
	header      []string
	rules       string
	limit       int
	all         bool
	output      string
}

func replayCommand(p *process.Process, c *client) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use: "replay NAME --from FILE | --rules FILE", Short: "Make recorded requests again, or compare the kept trials again under other rules", Args: cobra.ExactArgs(1),
		Long: "Make the requests of a recording again: they become trials of the experiment NAME, at the pace they\n" +
			"were recorded or another. A recording comes from `assay record`, from a browser or proxy (HAR), or\n" +
			"from a web server's access log.\n\n" +
			"With --to, an experiment of its own is made for one candidate, which need not be in NAME: nothing\n" +
			"of production is called but the control, and not even that with --control recorded. The verdict\n" +
			"is printed, with the exit codes of `assay verdict`.\n\n" +
			"With --rules nothing is called: the kept trials are compared again under the comparators and rules\n" +
			"of a file, and what that would change is printed. The file is a definition that has NAME, or\n" +
			"`comparators:` and `rules:` alone.",
		RunE: func(cmd *cobra.Command, args []string) error {
			_, name := kindOf(args[0])
			switch {
			case (o.from == "") == (o.rules == ""):
				return process.Invalid("replay wants one of --from and --rules", "--from makes recorded requests again, --rules compares the kept trials again")
			case o.rules != "":
				return replayRules(cmd.Context(), p, c, name, o)
			}
			return replayFile(cmd.Context(), p, c, name, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "the recording (- is the input)")
	f.StringVar(&o.format, "format", "auto", "auto, jsonl (of assay record), har or log")
	f.StringVar(&o.origin, "origin", "", "scheme and host of the requests in a log, for example https://shop.example.org")
	f.StringVar(&o.to, "to", "", "one candidate: the name of one in NAME, or url:ADDRESS, function:NAME, arn:ARN")
	f.StringVar(&o.as, "as", "", "the experiment made by --to (default NAME-replay)")
	f.Float64Var(&o.speed, "speed", 1, "1 is the recorded pace, 2 twice as fast, 0 as fast as may be")
	f.IntVar(&o.concurrency, "concurrency", 64, "requests under way at once; at a pace, those beyond are left out and counted")
	f.StringVar(&o.control, "control", "live", "live calls the control anew; recorded compares with the answers in the file")
	f.StringArrayVar(&o.header, "header", nil, `set on every request, for example "Authorization: Bearer …": a recording has hashes for secrets`)
	f.StringVar(&o.rules, "rules", "", "compare the kept trials again under this file's comparators and rules (- is the input)")
	f.IntVar(&o.limit, "limit", 10_000, "with --rules: look at so many of the newest trials")
	f.BoolVar(&o.all, "all", false, "with --rules: look at trials of earlier versions as well")
	f.StringVarP(&o.output, "output", "o", "table", "with --rules: table, json or yaml")
	return cmd
}

func replayFile(ctx context.Context, p *process.Process, c *client, name string, o replayOptions) error {
	if o.control != "live" && o.control != "recorded" {
		return process.Invalid(fmt.Sprintf("--control %q is unknown", o.control), "use live or recorded")
	}
	in, err := openInput(p, o.from)
	if err != nil {
		return err
	}
	defer in.Close()
	reader, err := recording.Open(o.from, in, recording.Format(o.format), o.origin)
	if err != nil {
		return err
	}
	into := name
	if o.to != "" {
		if into, err = replayExperiment(ctx, c, name, o); err != nil {
			return err
		}
	}
	bar := counting(p, "%d requests sent", 0)
	told, err := sendTraffic(ctx, c, into, o, &counted{Reader: reader, bar: bar})
	bar.Finish()
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stderr, toldOf(into, told))
	if o.to == "" {
		return nil
	}
	if err := settled(ctx, c, into); err != nil {
		return err
	}
	return verdict(ctx, p, c, into, verdictOptions{output: "table"})
}

func openInput(p *process.Process, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(p.Stdin), nil
	}
	f, err := os.Open(p.Absolute(name))
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the recording cannot be read: " + err.Error(), Where: name, Err: err}
	}
	return f, nil
}

// sendTraffic streams a recording to the laboratory, which takes it at its own pace.
func sendTraffic(ctx context.Context, c *client, name string, o replayOptions, from recording.Reader) (assay.Replayed, error) {
	read, write := io.Pipe()
	defer read.Close()
	unread := make(chan error, 1)
	go func() { unread <- encodeTrials(write, from) }()

	q := url.Values{
		"speed": {strconv.FormatFloat(o.speed, 'g', -1, 64)}, "concurrency": {strconv.Itoa(o.concurrency)},
		"control": {o.control},
	}
	var told assay.Replayed
	answer, err := c.send(ctx, http.MethodPost, experimentPath(name)+"/traffic?"+q.Encode(), read, func(h http.Header) { h["Assay-Set"] = o.header })
	if err == nil {
		defer answer.Body.Close()
		err = json.NewDecoder(answer.Body).Decode(&told)
	}
	read.Close() // whatever happened, nothing is written any more
	if flaw := <-unread; flaw != nil && !errors.Is(flaw, io.ErrClosedPipe) {
		return told, flaw // the recording's own flaw says more than what the laboratory made of its end
	}
	return told, err
}

// counted shows how many trials were read.
type counted struct {
	recording.Reader
	bar bar
	n   int64
}

func (c *counted) Next() (*assay.Trial, error) {
	t, err := c.Reader.Next()
	if err == nil {
		c.n++
		c.bar.at(c.n)
	}
	return t, err
}

func encodeTrials(to *io.PipeWriter, from recording.Reader) error {
	encode := json.NewEncoder(to)
	for {
		t, err := from.Next()
		if errors.Is(err, io.EOF) {
			return to.Close()
		}
		if err == nil {
			err = encode.Encode(t)
		}
		if err != nil {
			to.CloseWithError(err)
			return err
		}
	}
}

func toldOf(name string, t assay.Replayed) string {
	s := fmt.Sprintf("%d requests in %s to %s: %d sampled", t.Requests, t.Took.Round(time.Millisecond), name, t.Sampled)
	for _, part := range []struct {
		n    int64
		what string
	}{
		{t.NotSampled, "not sampled (sampling, paused, or unsafe methods)"},
		{t.Late, "left out for want of room at their time (--concurrency, --speed)"},
		{t.Unanswered, "left out: the recording has no answer of the control"},
		{t.Hashed, "with hashes in place of secrets (--header sets real ones)"},
	} {
		if part.n > 0 {
			s += fmt.Sprintf("\n  %d %s", part.n, part.what)
		}
	}
	return s
}

// replayExperiment makes the experiment of --to anew: NAME's definition with one candidate, and no route.
func replayExperiment(ctx context.Context, c *client, name string, o replayOptions) (string, error) {
	definition, err := c.read(ctx, experimentPath(name)+"/definition")
	if err != nil {
		return "", err
	}
	doc, err := config.Parse(laboratory.SentName, definition, config.Options{})
	if err != nil {
		return "", err
	}
	e := doc.Experiments[0]
	arm, err := replayTarget(e, o.to)
	if err != nil {
		return "", err
	}
	e.Traffic, e.Path, e.Methods = assay.TrafficRecorded, "", nil
	e.Sample, e.Until, e.Candidates = assay.Sample{Rate: 1}, assay.Until{}, []assay.Arm{arm}
	if e.Name = o.as; e.Name == "" {
		e.Name = name + "-replay"
	}
	body, err := config.Render(config.Document{Experiments: []assay.Experiment{e}})
	if err != nil {
		return "", err
	}
	// What an earlier replay found is other evidence.
	if err := c.call(ctx, http.MethodDelete, experimentPath(e.Name), nil, nil); err != nil && !notFound(err) {
		return "", err
	}
	return e.Name, c.call(ctx, http.MethodPost, "/apply", body, nil)
}

// replayTarget reads the name of a candidate, or url:, function: or arn: and where it is.
func replayTarget(e assay.Experiment, to string) (assay.Arm, error) {
	if i := slices.IndexFunc(e.Candidates, func(a assay.Arm) bool { return a.Name == to }); i >= 0 {
		return e.Candidates[i], nil
	}
	arm := assay.Arm{Name: "candidate", Title: to}
	kind, rest, _ := strings.Cut(to, ":")
	switch {
	case kind == "url":
		arm.Target.URL = rest
	case kind == "function":
		arm.Target.Function = rest
	case kind == "arn" && strings.HasPrefix(rest, "arn:"):
		arm.Target.ARN = rest
	case kind == "arn":
		arm.Target.ARN = to
	case kind == "http" || kind == "https":
		arm.Target.URL = to
	default:
		var names []string
		for _, a := range e.Candidates {
			names = append(names, a.Name)
		}
		return arm, process.Invalid(fmt.Sprintf("--to %q is no candidate of %s", to, e.Name),
			"name one of "+strings.Join(names, ", ")+", or write url:ADDRESS, function:NAME or arn:ARN")
	}
	return arm, nil
}

// settled waits until no trial is in flight.
func settled(ctx context.Context, c *client, name string) error {
	for {
		var e shape.Experiment
		if err := c.call(ctx, http.MethodGet, experimentPath(name), nil, &e); err != nil || e.InFlight == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery / 5):
		}
	}
}
