package pages

import (
	"io"
	"mime"
	"net/http"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/export"
	"github.com/assaylab/assay/reading"
)

// reproductionView tells how the request of a trial is made again.
type reproductionView struct {
	Trial      *assay.Trial
	Arm, Label string
	Address    string
	Notes      []string
	Forms      []formView
	Safe       bool // to be called many times, looking for a smaller request
}

// formView is the case in one form.
type formView struct{ Name, Title, File, Text string }

// forms are those of package export, for people, with the names of files.
var forms = []formView{
	{Name: export.Curl, Title: "curl", File: "reproduction.sh"},
	{Name: export.Event, Title: "Test event", File: "event.json"},
	{Name: export.Go, Title: "Go test", File: "reproduction_test.go"},
	{Name: export.Pytest, Title: "pytest", File: "test_reproduction.py"},
}

// maxShown is the size of the longest text that is shown; longer ones are there to be saved.
const maxShown = 50_000

// reproductionPage shows all forms, or serves the one of ?as= as a file.
func (p *Pages) reproductionPage(w http.ResponseWriter, r *http.Request) error {
	id, arm := r.PathValue("id"), r.PathValue("arm")
	found, err := p.opt.Reading.Case(r.Context(), reading.Wanted{ID: id, Candidate: arm})
	if err != nil {
		return err
	}
	if as := r.URL.Query().Get("as"); as != "" {
		return writeForm(w, found, as)
	}
	t, err := p.opt.Store.Trial(r.Context(), id)
	if err != nil {
		return err
	}
	v := &reproductionView{
		Trial: t, Arm: arm, Label: labelOf(p.titles(r.Context(), t.Experiment), arm), Address: pathTo("trials", id, "reproduction", arm),
		Notes: found.Notes, Forms: formsOf(found), Safe: t.Invocation.Request != nil && assay.SafeMethod(t.Invocation.Request.Method),
	}
	return p.show(w, http.StatusOK, "reproduction", page{Title: "Reproduce " + short(id), Section: "/", Body: v})
}

func formsOf(found *export.Reproduction) (all []formView) {
	for _, f := range forms {
		text, ok := found.Forms[f.Name]
		if !ok {
			continue
		}
		if len(text) <= maxShown {
			f.Text = text
		}
		all = append(all, f)
	}
	return all
}

func writeForm(w http.ResponseWriter, found *export.Reproduction, as string) error {
	for _, f := range forms {
		if text, ok := found.Forms[f.Name]; ok && f.Name == as {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.File}))
			_, _ = io.WriteString(w, text) // the caller may have gone
			return nil
		}
	}
	return &assay.Error{Code: assay.CodeNotFound, What: "The request cannot be written in this form", Where: as}
}
