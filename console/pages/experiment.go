package pages

import (
	"net/http"
	"net/url"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// detailView is what an experiment's page shows.
type detailView struct {
	experimentView
	Reading    readingSummary
	Timeline   []timelineEntry
	Definition string
	Query      assay.Query
	Found      []foundTrial
	Older      string // address of the next page of trials
	Newest     string // address of the first page, when this is not it
	Rollout    *rolloutView
}

// foundTrial is one line in the list of trials.
type foundTrial struct {
	*assay.Trial
	Outcome assay.Outcome
	Differs []differing
}

// differing is a candidate that mismatched, and where.
type differing struct {
	Label string
	Paths []string
}

const pageOfTrials = 25

func (p *Pages) experimentPage(w http.ResponseWriter, r *http.Request) error {
	report, err := p.opt.Laboratory.Report(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	yaml, err := p.opt.Laboratory.Render(report.Experiment.Name)
	if err != nil {
		return err
	}
	q, err := shape.Query(r.PathValue("name"), r.URL.Query())
	if err != nil {
		return err
	}
	if !r.URL.Query().Has("outcome") {
		q.Outcome = assay.OutcomeMismatch // what people come for
	}
	q.Since, q.Limit = report.Experiment.Since, pageOfTrials
	found, err := p.opt.Store.Trials(r.Context(), q)
	if err != nil {
		return err
	}
	view := detailView{experimentView: viewExperiment(&report, p.deployed()), Definition: string(yaml), Query: q}
	if view.Reading, err = p.summarize(r, &report.Experiment); err != nil {
		return err
	}
	history, err := p.opt.Laboratory.History(r.Context(), view.Name, timelineVersions+1)
	if err != nil {
		return err
	}
	view.Timeline = timelineOf(history)
	view.list(found, titlesOf(&report.Experiment))
	if view.Rollout, err = p.viewRollout(r, &report); err != nil {
		return err
	}
	return p.show(w, http.StatusOK, "experiment", page{Title: report.Experiment.Name, Section: "/", Live: "experiments", Body: &view})
}

// LabelOf an arm, for people.
func (v *detailView) LabelOf(arm string) string { return labelOf(titlesOf(&v.Experiment), arm) }

// list takes in one page of trials and links to its neighbours.
func (v *detailView) list(found assay.Page, titles map[string]string) {
	for i := range found.Trials {
		t := &found.Trials[i]
		v.Found = append(v.Found, foundTrial{t, t.Outcome(), differs(t, titles)})
	}
	if found.Next != "" {
		v.Older = v.address(found.Next)
	}
	if v.Query.Cursor != "" {
		v.Newest = v.address("")
	}
}

// address of this page with the same filters from another cursor.
func (v *detailView) address(cursor string) string {
	form := url.Values{"outcome": {string(v.Query.Outcome)}}
	for key, value := range map[string]string{"candidate": v.Query.Arm, "path": v.Query.Path, "cursor": cursor} {
		if value != "" {
			form.Set(key, value)
		}
	}
	return pathTo("experiments", v.Name) + "?" + form.Encode() + "#trials"
}

// PathAddress is this page with the trials that mismatch at a path, or if none does, all that differ there.
func (v *detailView) PathAddress(candidate string, p assay.PathCount) string {
	outcome := assay.OutcomeMismatch
	if p.Mismatches == 0 {
		outcome = ""
	}
	form := url.Values{"outcome": {string(outcome)}, "candidate": {candidate}, "path": {p.Path}}
	return pathTo("experiments", v.Name) + "?" + form.Encode() + "#trials"
}

func differs(t *assay.Trial, titles map[string]string) []differing {
	var all []differing
	for i := range t.Candidates {
		c := &t.Candidates[i]
		if c.Outcome() != assay.OutcomeMismatch {
			continue
		}
		d := differing{Label: labelOf(titles, c.Observation.Arm)}
		for _, diff := range c.Differences {
			if diff.Ignored == "" {
				d.Paths = append(d.Paths, diff.Path)
			}
		}
		all = append(all, d)
	}
	return all
}

// titlesOf maps the names of arms to what people call them.
func titlesOf(e *assay.Experiment) map[string]string {
	titles := map[string]string{e.Control.Name: e.Control.Title}
	for _, a := range e.Candidates {
		titles[a.Name] = a.Title
	}
	return titles
}
