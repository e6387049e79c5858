package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/recording"
)

// recordOptions are the flags of `assay record`.
type recordOptions struct {
	file string
	span time.Duration
	most int64
}

func recordCommand(p *process.Process, c *client) *cobra.Command {
	var o recordOptions
	cmd := &cobra.Command{
		Use: "record NAME", Short: "Write an experiment's requests, and the control's answers, to a file", Args: cobra.ExactArgs(1),
		Long: "Write the requests that become trials, with the control's answers, until --for or --most is reached or\n" +
			"the command is interrupted. Secrets are written as keyed hashes. An experiment without candidates\n" +
			"records as well. `assay replay NAME --from FILE` makes the requests again.",
		RunE: func(cmd *cobra.Command, args []string) error {
			_, name := kindOf(args[0])
			return record(cmd.Context(), p, c, name, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "file", "f", "", "where to (default NAME.jsonl.zst; - is the output; packed if it ends in .zst)")
	f.DurationVar(&o.span, "for", 0, "stop after so long")
	f.Int64Var(&o.most, "most", 0, "stop after so many requests")
	return cmd
}

func record(ctx context.Context, p *process.Process, c *client, name string, o recordOptions) (err error) {
	if o.file == "" {
		o.file = name + ".jsonl.zst"
	}
	listening := ctx
	if o.span > 0 {
		var cancel context.CancelFunc
		listening, cancel = context.WithTimeout(ctx, o.span)
		defer cancel()
	}
	answer, err := c.send(listening, http.MethodGet, experimentPath(name)+"/recording", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	out, err := create(p, o.file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w, err := recording.NewWriter(out, strings.HasSuffix(o.file, ".zst"))
	if err != nil {
		return err
	}
	bar := counting(p, "%d requests recorded", o.most)
	defer bar.Finish()
	n, err := copyTrials(listening, w, answer.Body, o.most, bar)
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	fmt.Fprintf(p.Stderr, "%d requests recorded in %s%s\n", n, o.file, missed(answer))
	return nil
}

// copyTrials writes what comes until there is enough, the time is over, or the user ends it: none of these
// is an error.
func copyTrials(ctx context.Context, w *recording.Writer, from io.Reader, most int64, bar bar) (n int64, err error) {
	for dec := json.NewDecoder(from); most == 0 || n < most; n++ {
		var t assay.Trial
		if err := dec.Decode(&t); err != nil {
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return n, nil
			}
			return n, fmt.Errorf("the laboratory broke off after %d requests: %w", n, err)
		}
		if err := w.Write(&t); err != nil {
			return n, err
		}
		bar.at(n + 1)
	}
	return n, nil
}

// missed tells how many requests the laboratory could not hand over, if it had the time to say so.
func missed(answer *http.Response) string {
	if n := answer.Trailer.Get("Assay-Missed"); n != "" && n != "0" {
		return ", " + n + " missed: the file takes them too slowly"
	}
	return ""
}

// create makes a file that is not there yet; "-" is the output.
func create(p *process.Process, name string) (io.WriteCloser, error) {
	if name == "-" {
		return unclosed{p.Stdout}, nil
	}
	f, err := os.OpenFile(p.Absolute(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, &assay.Error{Code: assay.CodeConflict, What: "the file exists already", Where: name, Hint: "name another with --file, or remove it"}
	}
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the recording cannot be written: " + err.Error(), Where: name, Err: err}
	}
	return f, nil
}

// unclosed is an output that others go on using.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }
