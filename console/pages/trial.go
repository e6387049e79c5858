package pages

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/assaylab/assay"
)

// trialView is a trial as its page shows it.
type trialView struct {
	*assay.Trial
	Outcome  assay.Outcome
	Headers  []headerRow // of the request
	Body     bodyView    // of the request
	Timings  []timingRow
	Sections []comparisonView // what mismatches first
}

// headerRow is one header field, on both sides where there are two.
type headerRow struct {
	Name, Control, Other string
	Mark                 mark
}

type bodyView struct {
	Kind  textKind
	Lines []line
	Note  string // what is missing from it
	Image string // address of the picture
}

// timingRow is what one arm's invocation took.
type timingRow struct {
	*assay.Observation
	Name, Label string
}

// comparisonView is one arm's answer beside the control's.
type comparisonView struct {
	Name, Label    string
	Secondary      bool
	Outcome        assay.Outcome
	Differences    []assay.Difference
	Headers        []headerRow
	Control, Other *assay.Observation
	Left, Right    bodyView
	Pixels         string // address of the picture of differing pixels, if there is one
}

// viewTrial lays a trial out; titles name its arms for people, and pixels says whether differing ones
// can be drawn.
func viewTrial(t *assay.Trial, titles map[string]string, pixels bool) trialView {
	v := trialView{Trial: t, Outcome: t.Outcome(), Timings: timings(t, titles)}
	if r := t.Invocation.Request; r != nil {
		v.Headers = headerRows(r.Header, nil, nil)
		v.Body = soleBody(r.Body, t.Bodies)
	} else {
		v.Body = soleBody(t.Invocation.Payload, t.Bodies)
	}
	for i := range t.Candidates {
		c := &t.Candidates[i]
		v.Sections = append(v.Sections, viewComparison(t, c, c.Observation.Arm, labelOf(titles, c.Observation.Arm), pixels))
	}
	slices.SortStableFunc(v.Sections, func(a, b comparisonView) int { return cmp.Compare(b.Outcome, a.Outcome) })
	if t.Secondary != nil {
		s := viewComparison(t, t.Secondary, string(assay.RoleSecondary), "Control, called again", pixels)
		s.Secondary = true
		v.Sections = append(v.Sections, s)
	}
	return v
}

func labelOf(titles map[string]string, name string) string {
	return cmp.Or(titles[name], name)
}

// timings lists every observation of the trial.
func timings(t *assay.Trial, titles map[string]string) []timingRow {
	rows := []timingRow{{&t.Control, "control", labelOf(titles, t.Control.Arm)}}
	if t.Secondary != nil {
		rows = append(rows, timingRow{&t.Secondary.Observation, "secondary", "Control, called again"})
	}
	for i := range t.Candidates {
		o := &t.Candidates[i].Observation
		rows = append(rows, timingRow{o, o.Arm, labelOf(titles, o.Arm)})
	}
	return rows
}

func viewComparison(t *assay.Trial, c *assay.Comparison, name, label string, pixels bool) comparisonView {
	v := comparisonView{
		Name: name, Label: label, Outcome: c.Outcome(), Differences: c.Differences,
		Control: &t.Control, Other: &c.Observation,
		Headers: headerRows(t.Control.Header, c.Observation.Header, c.Differences),
	}
	left, right := bodyLines(t.Control.Body, c.Observation.Body, c.Differences)
	v.Left = viewBody(t, &t.Control, "control", left)
	v.Right = viewBody(t, &c.Observation, name, right)
	if pixels && differsVisibly(c.Differences) && drawable(t.Control.Body) && drawable(c.Observation.Body) {
		v.Pixels = pathTo("trials", t.ID, "pixels", name)
	}
	return v
}

// differsVisibly tells whether bodies differ in a way that can be drawn: both were decoded.
func differsVisibly(diffs []assay.Difference) bool {
	malformed := func(d assay.Difference) bool { return d.Kind == assay.KindMalformed }
	return bodyMark(diffs) != markNone && !slices.ContainsFunc(diffs, malformed)
}

func viewBody(t *assay.Trial, o *assay.Observation, name string, lines []line) bodyView {
	b := bodyView{Kind: kindOf(o.Body), Lines: lines}
	switch {
	case b.Kind == kindImage:
		b.Image = pathTo("trials", t.ID, "images", name)
	case b.Kind == kindHex && len(o.Body) > maxHex:
		b.Note = "The first " + bytesText(maxHex) + " of it."
	}
	if missing := o.BodySize - int64(len(o.Body)); missing > 0 {
		b.Note = bytesText(missing) + " of " + bytesText(o.BodySize) + " were not kept."
	}
	if !t.Bodies && o.BodySize > 0 {
		b.Note = "The bodies of this match were not kept."
	}
	return b
}

// soleBody is a body with nothing beside it.
func soleBody(body []byte, kept bool) bodyView {
	kind := kindOf(body)
	if kind == kindImage {
		kind = kindHex // pictures are served of answers alone
	}
	b := bodyView{Kind: kind, Lines: fold(writeOut(body, kind))}
	if !kept {
		b.Note = "The body of this request was not kept."
	}
	return b
}

// headerRows lists the fields of one or two headers by name.
func headerRows(control, other assay.Header, diffs []assay.Difference) []headerRow {
	marks := map[string]mark{}
	for _, d := range diffs {
		if field, ok := strings.CutPrefix(d.Path, "header:"); ok {
			field, _, _ = strings.Cut(field, ":") // what follows is a part of it
			if field = strings.ToLower(field); marks[field] != markDiffers {
				marks[field] = markOf(d)
			}
		}
	}
	names := maps.Clone(control)
	if names == nil {
		names = assay.Header{}
	}
	maps.Copy(names, other)
	var rows []headerRow
	for _, name := range slices.Sorted(maps.Keys(names)) {
		rows = append(rows, headerRow{
			Name: name, Control: strings.Join(control[name], ", "), Other: strings.Join(other[name], ", "),
			Mark: marks[strings.ToLower(name)],
		})
	}
	return rows
}

// HasLogs tells whether any arm left a log.
func (v trialView) HasLogs() bool {
	return slices.ContainsFunc(v.Timings, func(r timingRow) bool { return len(r.Log) > 0 })
}

// HeadersDiffer tells whether a header field is among what mismatches.
func (v *comparisonView) HeadersDiffer() bool {
	return slices.ContainsFunc(v.Headers, func(r headerRow) bool { return r.Mark == markDiffers })
}

// PerMillion is what a million invocations like this one cost, for people.
func (r timingRow) PerMillion() string {
	if r.CostUSD == 0 {
		return unknown
	}
	return dollars(r.CostUSD * 1e6)
}

func (p *Pages) trialPage(w http.ResponseWriter, r *http.Request) error {
	t, err := p.opt.Store.Trial(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	view := viewTrial(t, p.titles(r.Context(), t.Experiment), p.opt.Pixels != nil)
	return p.show(w, http.StatusOK, "trial", page{Title: "Trial " + short(t.ID), Section: "/", Body: view})
}

// titles of the arms of an experiment that may be gone by now.
func (p *Pages) titles(ctx context.Context, experiment string) map[string]string {
	report, err := p.opt.Laboratory.Report(ctx, experiment)
	if err != nil {
		return nil
	}
	return titlesOf(&report.Experiment)
}
