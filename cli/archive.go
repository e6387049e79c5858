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
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console"
	"github.com/assaylab/assay/laboratory"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/serve"
	"github.com/assaylab/assay/store/archive"
)

// stopped says where the store of a laboratory is that does not run; the zero value means one that runs.
type stopped struct {
	data, store string
}

func (s *stopped) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.data, "data", "", "the data folder of a laboratory that does not run, instead of one that does")
	cmd.Flags().StringVar(&s.store, "store", "", "its store, if that is not under --data: sqlite:PATH or postgres://...")
}

func exportCommand(p *process.Process, c *client) *cobra.Command {
	var file string
	var at stopped
	cmd := &cobra.Command{
		Use: "export [NAME]", Short: "Write all that is kept of an experiment, or of all, to a file", Args: cobra.MaximumNArgs(1),
		Long: "Write definitions, trials with their bodies, counts, rules, clusters and rollouts as lines of JSON, for\n" +
			"`assay import`. The counts are complete also where trials were pruned. Secrets were never kept.",
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				_, name = kindOf(args[0])
			}
			return exportFile(cmd.Context(), p, c, name, file, at)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "o", "-", "where to (- is the output; packed if it ends in .zst)")
	at.flags(cmd)
	return cmd
}

// exportFile writes to a file aside that takes its name once it is whole.
func exportFile(ctx context.Context, p *process.Process, c *client, name, file string, at stopped) (err error) {
	if file == "-" {
		return exportTo(ctx, p, c, name, p.Stdout, at)
	}
	aside := file + ".part"
	out, err := create(p, aside)
	if err != nil {
		return err
	}
	defer os.Remove(p.Absolute(aside)) // without effect once it has its name
	err = packed(out, file, func(w io.Writer) error { return exportTo(ctx, p, c, name, w, at) })
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(p.Absolute(aside), p.Absolute(file))
}

// packed has f write through zstd if the file's name says so.
func packed(out io.Writer, file string, f func(io.Writer) error) error {
	if !strings.HasSuffix(file, ".zst") {
		return f(out)
	}
	w, err := zstd.NewWriter(out)
	if err != nil {
		return err
	}
	return errors.Join(f(w), w.Close())
}

func exportTo(ctx context.Context, p *process.Process, c *client, name string, out io.Writer, at stopped) error {
	if at != (stopped{}) {
		kept, done, err := serve.OpenStopped(ctx, p, at.data, at.store)
		if err != nil {
			return err
		}
		defer done()
		return archive.Export(ctx, kept, name, out)
	}
	answer, err := c.open(ctx, http.MethodGet, "/export?"+url.Values{"experiment": {name}}.Encode(), nil)
	if err != nil {
		return err
	}
	defer answer.Close()
	bar := carrying(p, "exporting")
	defer bar.Finish()
	if err := archive.Check(io.TeeReader(answer, io.MultiWriter(out, bar)), "the laboratory's answer"); err != nil {
		return &assay.Error{Code: assay.CodeUnreachable, What: "the laboratory broke off: " + err.Error(), Where: c.base(), Hint: "see its log, and try again", Err: err}
	}
	return nil
}

func importCommand(p *process.Process, c *client) *cobra.Command {
	var at stopped
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Keep what `assay export` wrote", Args: cobra.ExactArgs(1),
		Long: "Keep all that a file holds, or nothing: a file that was changed or cut off is refused, and so are experiments\n" +
			"of a name that is known already. Verdicts come out as they were.",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := importFile(cmd.Context(), p, c, args[0], at)
			for _, name := range names {
				fmt.Fprintf(p.Stdout, "experiment/%s imported\n", name)
			}
			return err
		},
	}
	at.flags(cmd)
	return cmd
}

func importFile(ctx context.Context, p *process.Process, c *client, file string, at stopped) ([]string, error) {
	in, err := unpacked(p, file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if at != (stopped{}) {
		kept, done, err := serve.OpenStopped(ctx, p, at.data, at.store)
		if err != nil {
			return nil, err
		}
		defer done()
		return laboratory.ImportInto(ctx, kept, in, file)
	}
	bar := carrying(p, "importing")
	defer bar.Finish()
	answer, err := c.send(ctx, http.MethodPost, "/import", io.TeeReader(in, bar))
	if err != nil {
		return nil, naming(err, file)
	}
	defer answer.Body.Close()
	var told console.Imported
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return told.Experiments, nil
}

// naming puts the file's name where the laboratory, which knows none, says "export".
func naming(err error, file string) error {
	var made *assay.Error
	if errors.As(err, &made) {
		if line, ok := strings.CutPrefix(made.Where, "export:"); ok {
			made.Where = file + ":" + line
		}
	}
	return err
}

// unpacked opens a file; "-" is the input.
func unpacked(p *process.Process, file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(p.Stdin), nil
	}
	f, err := os.Open(p.Absolute(file))
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the export cannot be read: " + err.Error(), Where: file, Err: err}
	}
	if !strings.HasSuffix(file, ".zst") {
		return f, nil
	}
	r, err := zstd.NewReader(f, zstd.WithDecoderMaxMemory(512<<20))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &zstdFile{r, f}, nil
}

// zstdFile is a packed file.
type zstdFile struct {
	*zstd.Decoder
	file *os.File
}

func (z *zstdFile) Close() error {
	z.Decoder.Close()
	return z.file.Close()
}
