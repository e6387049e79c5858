package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

//go:embed web
var web embed.FS

// pages turns views into HTML.
type pages struct {
	version string // of the program
	build   string // of what is under /static, for addresses that may be cached for ever
	static  fs.FS
	sets    map[string]*template.Template // by page
}

// page is what the frame around every page needs.
type page struct {
	Title   string
	Section string // of the navigation
	Live    string // the event that makes it out of date; "" if none
	Outage  string // why no trials can be kept; "" while they can
	Version string
	Build   string
	Body    any
}

func loadPages(version string) (*pages, error) {
	p := &pages{version: version, sets: map[string]*template.Template{}}
	var err error
	if p.static, err = fs.Sub(web, "web/static"); err != nil {
		return nil, err
	}
	hash := sha256.New()
	for _, name := range []string{"app.css", "app.js", "icon.svg"} {
		file, err := fs.ReadFile(p.static, name)
		if err != nil {
			return nil, err
		}
		hash.Write(file)
	}
	p.build = hex.EncodeToString(hash.Sum(nil))[:12]
	for _, name := range []string{"overview", "experiment", "differences", "trial", "functions", "problem", "login"} {
		p.sets[name], err = template.New("frame.html").Funcs(words).
			ParseFS(web, "web/templates/frame.html", "web/templates/parts.html", "web/templates/"+name+".html")
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// words are the functions that templates call.
var words = template.FuncMap{
	"count": count, "signed": signed, "millis": millis, "percent": percent, "exact": exactPercent, "ratio": ratio, "estimate": func(v *float64) string { return ratio(*v) }, "bytes": bytesText, "duration": durationText,
	"clock": clock, "machine": machineTime, "short": short, "plural": plural, "path": pathTo,
	"stage": func(s assay.Stage) string { return strings.ReplaceAll(string(s), "_", " ") },
	"text":  func(b []byte) string { return string(bytes.ToValidUTF8(b, []byte("�"))) },
	"times": times,
	"day":   func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
}

// show renders the named page whole before any of it is sent.
func (p *pages) show(w http.ResponseWriter, status int, name string, data page) error {
	data.Version, data.Build = p.version, p.build
	var out bytes.Buffer
	if err := p.sets[name].Execute(&out, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the caller may have gone
	return nil
}

// login asks for the token.
func (p *pages) login(w http.ResponseWriter, failed bool) {
	if err := p.show(w, http.StatusUnauthorized, "login", page{Title: "Sign in", Body: failed}); err != nil {
		http.Error(w, "the token is missing or wrong", http.StatusUnauthorized)
	}
}

func (c *Console) pageRoutes(mux *http.ServeMux) {
	mux.Handle("GET /static/", http.StripPrefix("/static/", c.pages.assets()))
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}":                             c.overviewPage,
		"GET /experiments/{name}":              c.experimentPage,
		"GET /experiments/{name}/differences":  c.differencesPage,
		"POST /experiments/{name}/differences": c.whatifPage,
		"GET /trials/{id}":                     c.trialPage,
		"GET /functions":                       c.functionsPage,
		"GET /trials/{id}/images/{arm}":        c.image,
		"GET /trials/{id}/pixels/{arm}":        c.pixels,
		"/":                                    noSuchPage,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				c.problem(w, r, err)
			}
		})
	}
}

func noSuchPage(_ http.ResponseWriter, r *http.Request) error {
	return &assay.Error{Code: assay.CodeNotFound, What: "There is no such page", Where: r.URL.Path, Hint: "The overview lists every experiment."}
}

// assets serves style and script. Their address changes with their content.
func (p *pages) assets() http.Handler {
	files := http.FileServerFS(p.static)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("v") == p.build {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		files.ServeHTTP(w, r)
	})
}

// problem shows an error as a page.
func (c *Console) problem(w http.ResponseWriter, r *http.Request, err error) {
	status, known := c.explain(r, err)
	if err := c.pages.show(w, status, "problem", page{Title: known.What, Body: known}); err != nil {
		http.Error(w, known.What, status)
	}
}

// overviewView is what the overview shows.
type overviewView struct {
	Experiments []experimentView
	Address     string // of this console, for commands to copy
	Guarded     bool   // it asks for a token
}

func (c *Console) overviewPage(w http.ResponseWriter, r *http.Request) error {
	reports, err := c.opt.Laboratory.Reports(r.Context())
	if err != nil {
		return err
	}
	view, fns := overviewView{Address: r.Host, Guarded: c.opt.Token != ""}, c.deployed()
	for i := range reports {
		view.Experiments = append(view.Experiments, viewExperiment(&reports[i], fns))
	}
	return c.pages.show(w, http.StatusOK, "overview", page{Outage: c.outage(), Title: "Experiments", Section: "experiments", Live: "experiments", Body: view})
}

// detailView is what an experiment's page shows.
type detailView struct {
	experimentView
	Reading    readingSummary
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

func (c *Console) experimentPage(w http.ResponseWriter, r *http.Request) error {
	report, err := c.opt.Laboratory.Report(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	yaml, err := c.opt.Laboratory.Render(report.Experiment.Name)
	if err != nil {
		return err
	}
	q, err := query(r)
	if err != nil {
		return err
	}
	if !r.URL.Query().Has("outcome") {
		q.Outcome = assay.OutcomeMismatch // what people come for
	}
	q.Since, q.Limit = report.Experiment.Since, pageOfTrials
	found, err := c.opt.Store.Trials(r.Context(), q)
	if err != nil {
		return err
	}
	view := detailView{experimentView: viewExperiment(&report, c.deployed()), Definition: string(yaml), Query: q}
	if view.Reading, err = c.summarize(r, view.Name); err != nil {
		return err
	}
	view.list(found, titlesOf(&report.Experiment))
	if view.Rollout, err = c.viewRollout(r, &report); err != nil {
		return err
	}
	return c.pages.show(w, http.StatusOK, "experiment", page{Outage: c.outage(), Title: report.Experiment.Name, Section: "experiments", Live: "experiments", Body: &view})
}

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

func (c *Console) trialPage(w http.ResponseWriter, r *http.Request) error {
	t, err := c.opt.Store.Trial(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	view := viewTrial(t, c.titles(r.Context(), t.Experiment), c.opt.Pixels != nil)
	return c.pages.show(w, http.StatusOK, "trial", page{Title: "Trial " + short(t.ID), Section: "experiments", Body: view})
}

// titles of the arms of an experiment that may be gone by now.
func (c *Console) titles(ctx context.Context, experiment string) map[string]string {
	report, err := c.opt.Laboratory.Report(ctx, experiment)
	if err != nil {
		return nil
	}
	return titlesOf(&report.Experiment)
}

func (c *Console) functionsPage(w http.ResponseWriter, _ *http.Request) error {
	return c.pages.show(w, http.StatusOK, "functions", page{
		Title: "Functions", Section: "functions", Live: "functions", Body: c.opt.Functions.Deployments(),
	})
}
