package console

import (
	"context"
	"io"
	"net/http"
	"os"
)

// Archive takes all that is kept out, and puts what another laboratory kept in.
type Archive interface {
	// Export writes an experiment, or all if it is "".
	Export(ctx context.Context, experiment string, to io.Writer) error
	// Import reads an export, keeps all of it or nothing, and returns the names of the experiments in it.
	Import(ctx context.Context, from io.ReadSeeker) ([]string, error)
}

// export streams an export: of ?experiment=NAME, or of all. One that breaks off lacks its last line.
func (c *Console) export(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("experiment")
	if name != "" {
		if _, err := c.opt.Laboratory.Report(r.Context(), name); err != nil {
			return err
		}
	}
	ctx, done, ok := c.stream(r)
	if !ok {
		return closingError()
	}
	defer done()
	w.Header().Set("Content-Type", ndjson)
	if err := c.opt.Archive.Export(ctx, name, w); err != nil && r.Context().Err() == nil {
		c.opt.Log.Warn("an export broke off", "experiment", name, "err", err)
	}
	return nil
}

// importAll takes an export. It is written down before it is read, so that a slow caller keeps nobody
// from writing to the store.
func (c *Console) importAll(w http.ResponseWriter, r *http.Request) error {
	ctx, done, ok := c.stream(r)
	if !ok {
		return closingError()
	}
	defer done()
	file, err := os.CreateTemp("", "assay-import-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if _, err := io.Copy(file, r.Body); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	names, err := c.opt.Archive.Import(ctx, file)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, Imported{Experiments: names})
}

// Imported is the answer to an import.
type Imported struct {
	Experiments []string `json:"experiments"`
}

// archiveCalls are those of the API that move what is kept; none without an archive.
func (c *Console) archiveCalls() map[string]operation {
	if c.opt.Archive == nil {
		return nil
	}
	return map[string]operation{"GET /api/v1/export": c.export, "POST /api/v1/import": c.importAll}
}
