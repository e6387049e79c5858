package console

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// History tells how experiments came to be what they are.
type History interface {
	// Course returns what was known of each candidate's share of mismatches as its trials became more.
	Course(ctx context.Context, name string) ([]assay.Waypoint, error)
	// History returns the newest versions of a definition, newest first.
	History(ctx context.Context, name string, limit int) ([]assay.Revision, error)
}

// maxRevisions is how many versions are told of.
const maxRevisions = 50

// edit takes an experiment's definition: what stands below its name in a file, or a document that defines it
// alone. With ?version= it is a change of that version, and refused when another is in force by now.
func (c *Console) edit(w http.ResponseWriter, r *http.Request) error {
	text := r.URL.Query().Get("version")
	if text == "" {
		return c.apply(w, r)
	}
	version, err := strconv.Atoi(text)
	if err != nil {
		return shape.Invalid("not a version", text, "the number of the version that was changed")
	}
	definition, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	changes, err := c.opt.Laboratory.Edit(r.Context(), r.PathValue("name"), version, definition)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"changes": append([]assay.Change{}, changes...)})
}

// check says what a definition would change, or what is wrong with it. Nothing changes.
func (c *Console) check(w http.ResponseWriter, r *http.Request) error {
	definition, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	preview, err := c.opt.Laboratory.Check(r.Context(), r.PathValue("name"), definition)
	flaws := shape.FlawsOf(err)
	if err != nil && len(flaws) == 0 {
		return err
	}
	return writeJSON(w, http.StatusOK, shape.Checked{Flaws: flaws, Preview: preview})
}

// history answers with the versions of an experiment's definition, newest first.
func (c *Console) history(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if _, err := c.opt.Laboratory.Report(r.Context(), name); err != nil {
		return err
	}
	all, err := c.opt.Laboratory.History(r.Context(), name, maxRevisions)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"versions": append([]assay.Revision{}, all...)})
}
