package pages

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/cluster"
	"github.com/assaylab/assay/noise"
)

// trialView is a trial as its page shows it.
type trialView struct {
	*assay.Trial
	Outcome  assay.Outcome
	Headers  []headerRow // of the request
	Body     bodyView    // of the request
	Fall     waterfall
	Sections []comparisonView // what mismatches first
}

// The ways to look at two pictures.
const (
	viewBeside = "beside"
	viewSwipe  = "swipe" // one over the other, up to a line
	viewBlink  = "blink" // by turns
	viewPixels = "pixels"
)

// headerRow is one header field, on both sides where there are two.
type headerRow struct {
	Name, Control, Other string
	Mark                 mark
}

type bodyView struct {
	Kind  textKind
	Lines []stretch // of a body with nothing beside it
	Note  string    // what is missing from it
	Image string    // address of the picture
	Whole string    // address of all that was kept of it
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
	Sides          []stretch // the bodies side by side
	Pixels         string    // address of the picture of differing pixels, if there is one
	Cluster        *assay.Cluster
	Proposals      []noise.Proposal // rules that would excuse some of the differences
	Reproduce      string           // address of the page that tells how to; "" of a match
	View           string           // how pictures are shown: one of Ways
}

// viewTrial lays a trial out; titles name its arms for people, and pixels says whether differing ones
// can be drawn.
func viewTrial(t *assay.Trial, titles map[string]string, pixels bool) trialView {
	free := pageRoom
	v := trialView{Trial: t, Outcome: t.Outcome(), Fall: fallOf(t, titles)}
	body := t.Invocation.Payload
	if r := t.Invocation.Request; r != nil {
		v.Headers, body = headerRows(r.Header, nil, nil), r.Body
	}
	for _, c := range comparisonsOf(t) {
		label := labelOf(titles, c.Observation.Arm)
		if c == t.Secondary {
			label = againLabel
		}
		v.Sections = append(v.Sections, viewComparison(t, c, label, pixels, &free))
	}
	v.Body = soleBody(t, body, &free)
	return v
}

// againLabel names the secondary for people.
const againLabel = "Control, called again"

// comparisonsOf lists what mismatches first, and the secondary last.
func comparisonsOf(t *assay.Trial) []*assay.Comparison {
	var all []*assay.Comparison
	for i := range t.Candidates {
		all = append(all, &t.Candidates[i])
	}
	slices.SortStableFunc(all, func(a, b *assay.Comparison) int { return cmp.Compare(b.Outcome(), a.Outcome()) })
	if t.Secondary != nil {
		all = append(all, t.Secondary)
	}
	return all
}

func labelOf(titles map[string]string, name string) string {
	return cmp.Or(titles[name], name)
}

func viewComparison(t *assay.Trial, c *assay.Comparison, label string, pixels bool, free *room) comparisonView {
	v := comparisonView{
		Name: c.Observation.Arm, Label: label, Secondary: c == t.Secondary, Outcome: c.Outcome(), Differences: c.Differences,
		Control: &t.Control, Other: &c.Observation,
		Headers: headerRows(t.Control.Header, c.Observation.Header, c.Differences),
	}
	if v.Secondary {
		v.Name = string(assay.RoleSecondary)
	}
	v.Left, v.Right = viewBody(t, &t.Control, "control"), viewBody(t, &c.Observation, v.Name)
	if v.Left.Image == "" || v.Right.Image == "" {
		v.Sides = fold(beside(bodyLines(t.Control.Body, c.Observation.Body, c.Differences)), free)
	}
	if pixels && differsVisibly(c.Differences) && drawable(t.Control.Body) && drawable(c.Observation.Body) {
		v.Pixels = pathTo("trials", t.ID, "pixels", v.Name)
	}
	if !v.Secondary && v.Outcome == assay.OutcomeMismatch {
		v.Reproduce = pathTo("trials", t.ID, "reproduction", v.Name)
	}
	return v
}

// differsVisibly tells whether bodies differ in a way that can be drawn: both were decoded.
func differsVisibly(diffs []assay.Difference) bool {
	malformed := func(d assay.Difference) bool { return d.Kind == assay.KindMalformed }
	return bodyMark(diffs) != markNone && !slices.ContainsFunc(diffs, malformed)
}

func viewBody(t *assay.Trial, o *assay.Observation, name string) bodyView {
	b := bodyView{Kind: kindOf(o.Body)}
	switch {
	case b.Kind == kindImage:
		b.Image = pathTo("trials", t.ID, "images", name)
	case b.Kind == kindHex && len(o.Body) > maxHex:
		b.Note = "The first " + bytesText(maxHex) + " of it."
	}
	if len(o.Body) > 0 {
		b.Whole = pathTo("trials", t.ID, "bodies", name)
	}
	if missing := o.BodySize - int64(len(o.Body)); missing > 0 {
		b.Note = bytesText(missing) + " of " + bytesText(o.BodySize) + " were not kept."
	}
	if !t.Bodies && o.BodySize > 0 {
		b.Note = "The bodies of this match were not kept."
	}
	return b
}

// soleBody is the request's body, with nothing beside it.
func soleBody(t *assay.Trial, body []byte, free *room) bodyView {
	kind := kindOf(body)
	if kind == kindImage {
		kind = kindHex // pictures are served of answers alone
	}
	b := bodyView{Kind: kind, Lines: fold(alone(writeOut(body, kind)), free)}
	if len(body) > 0 {
		b.Whole = pathTo("trials", t.ID, "request")
	}
	if !t.Bodies {
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
	return slices.ContainsFunc(v.Fall.Rows, func(r fallRow) bool { return len(r.Log) > 0 })
}

// look chooses how pictures are shown, where that is possible.
func (v *trialView) look(view string) {
	for i := range v.Sections {
		s := &v.Sections[i]
		if s.View = viewBeside; slices.Contains(s.Ways(), view) {
			s.View = view
		}
	}
}

// Ways are those to look at its pictures.
func (v *comparisonView) Ways() []string {
	ways := []string{viewBeside, viewSwipe, viewBlink}
	if v.Pixels != "" {
		ways = append(ways, viewPixels)
	}
	return ways
}

// Pictures tells whether both answers are pictures.
func (v *comparisonView) Pictures() bool { return v.Left.Image != "" && v.Right.Image != "" }

// HeadersDiffer tells whether a header field is among what mismatches.
func (v *comparisonView) HeadersDiffer() bool {
	return slices.ContainsFunc(v.Headers, func(r headerRow) bool { return r.Mark == markDiffers })
}

func (p *Pages) trialPage(w http.ResponseWriter, r *http.Request) error {
	t, err := p.opt.Store.Trial(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	view := viewTrial(t, p.titles(r.Context(), t.Experiment), p.opt.Pixels != nil)
	view.look(r.URL.Query().Get("view"))
	if err := p.relate(r.Context(), &view); err != nil {
		return err
	}
	return p.show(w, http.StatusOK, "trial", page{Title: "Trial " + short(t.ID), Section: "/", Body: &view})
}

// relate finds what else is known of the mismatches of a trial: their clusters, and rules that are proposed
// for places where they differ.
func (p *Pages) relate(ctx context.Context, v *trialView) error {
	if v.Outcome != assay.OutcomeMismatch {
		return nil
	}
	clusters, err := p.opt.Reading.Clusters(ctx, v.Experiment)
	if err != nil {
		return unlessGone(err)
	}
	_, proposals, err := p.opt.Reading.Rules(ctx, v.Experiment)
	if err != nil {
		return unlessGone(err)
	}
	for i := range v.Sections {
		s := &v.Sections[i]
		if s.Reproduce == "" {
			continue
		}
		id := cluster.ID(cluster.Of(v.Trial, &assay.Comparison{Observation: *s.Other, Differences: s.Differences}))
		if j := slices.IndexFunc(clusters, func(c assay.Cluster) bool { return c.ID == id && c.Arm == s.Name }); j >= 0 {
			s.Cluster = &clusters[j]
		}
		s.Proposals = slices.DeleteFunc(slices.Clone(proposals), func(r noise.Proposal) bool { return !s.differsAt(r.Path) })
	}
	return nil
}

// unlessGone is nil when an error says that an experiment is not there any more: its trials still are.
func unlessGone(err error) error {
	if known, ok := errors.AsType[*assay.Error](err); ok && known.Code == assay.CodeNotFound {
		return nil
	}
	return err
}

// differsAt tells whether a difference without excuse is at a folded path, or in the array that it names.
func (v *comparisonView) differsAt(path string) bool {
	return slices.ContainsFunc(v.Differences, func(d assay.Difference) bool {
		at := assay.FoldPath(d.Path)
		return d.Ignored == "" && (at == path || strings.HasPrefix(at, path+"[*]"))
	})
}

// titles of the arms of an experiment that may be gone by now.
func (p *Pages) titles(ctx context.Context, experiment string) map[string]string {
	report, err := p.opt.Laboratory.Report(ctx, experiment)
	if err != nil {
		return nil
	}
	return titlesOf(&report.Experiment)
}
