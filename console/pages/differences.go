package pages

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/drift"
	"github.com/assaylab/assay/reading"
	"github.com/assaylab/assay/whatif"
)

// The number of newest trials that are read: compared again, and for their shapes.
const (
	replayTrials = 10_000
	driftTrials  = 200 // the page shows much else
)

// maxForm bounds a form's body.
const maxForm = 4 << 20

// differencesView is what the page of an experiment's differences shows.
type differencesView struct {
	Name     string
	Clusters []shape.Cluster
	Rules    rulesView
	Drift    []drift.Report
	titles   map[string]string

	// Of the form that compares again.
	Text   string
	Result *whatif.Result
	Flaws  []shape.Flaw
}

// readingSummary is what the page of an experiment says of its differences.
type readingSummary struct {
	Open, Proposed, Alarms int
	Clusters               []assay.Cluster // open ones, the largest first
}

// clustersShown is how many of them the page of an experiment has.
const clustersShown = 5

func (p *Pages) summarize(r *http.Request, e *assay.Experiment) (s readingSummary, err error) {
	clusters, err := p.opt.Reading.Clusters(r.Context(), e.Name)
	if err != nil {
		return s, err
	}
	s.Clusters = slices.DeleteFunc(slices.Clone(clusters), func(k assay.Cluster) bool { return k.State != assay.ClusterOpen })
	s.Open = len(s.Clusters)
	slices.SortStableFunc(s.Clusters, func(a, b assay.Cluster) int { return cmp.Compare(b.Count, a.Count) })
	s.Clusters = s.Clusters[:min(len(s.Clusters), clustersShown)]
	rules, err := p.rulesOf(r, e)
	for _, rule := range rules.Rules {
		s.Alarms += len(rule.Alarms)
	}
	s.Proposed = len(rules.Proposed)
	return s, err
}

// Label of an arm, for people.
func (v *differencesView) Label(arm string) string { return labelOf(v.titles, arm) }

// Rows is the height of the form's text.
func (v *differencesView) Rows() int { return min(max(strings.Count(v.Text, "\n")+1, 6), 24) }

// differencesPage shows an experiment's differences.
func (p *Pages) differencesPage(w http.ResponseWriter, r *http.Request) error {
	return p.showDifferences(w, r, func(*differencesView) (int, error) { return http.StatusOK, nil })
}

// whatifPage shows them with what the comparators and rules of the form would change.
func (p *Pages) whatifPage(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return err
	}
	return p.showDifferences(w, r, func(v *differencesView) (int, error) {
		v.Text = strings.ReplaceAll(r.PostForm.Get("rules"), "\r\n", "\n")
		result, err := p.opt.Reading.Replay(r.Context(), v.Name, []byte(v.Text), reading.Span{Limit: replayTrials})
		if v.Flaws = shape.FlawsOf(err); len(v.Flaws) > 0 {
			return http.StatusUnprocessableEntity, nil
		}
		v.Result = &result
		return http.StatusOK, err
	})
}

func (p *Pages) showDifferences(w http.ResponseWriter, r *http.Request, more func(*differencesView) (status int, err error)) error {
	report, err := p.opt.Laboratory.Report(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	v := &differencesView{Name: report.Experiment.Name, titles: titlesOf(&report.Experiment)}
	clusters, err := p.opt.Reading.Clusters(r.Context(), v.Name)
	if err != nil {
		return err
	}
	v.Clusters = shape.ClustersOf(&report.Experiment, clusters)
	if v.Rules, err = p.viewRules(r, &report); err != nil {
		return err
	}
	if v.Drift, err = p.opt.Reading.Drift(r.Context(), v.Name, reading.Span{Limit: driftTrials}); err != nil {
		return err
	}
	yaml, err := p.opt.Laboratory.Render(v.Name)
	if err != nil {
		return err
	}
	v.Text = section(string(yaml), "comparators") + section(string(yaml), "rules")
	status, err := more(v)
	if err != nil {
		return err
	}
	return p.show(w, status, "differences", page{Title: "Differences of " + v.Name, Section: "/", Body: v})
}

// section cuts a key and what stands below it out of an experiment's definition as Render writes it.
func section(yaml, key string) string {
	const indent = "    "
	var out strings.Builder
	in := false
	for line := range strings.Lines(yaml) {
		text, ours := strings.CutPrefix(line, indent)
		if ours && text[0] != ' ' && text[0] != '-' {
			in = strings.HasPrefix(text, key+":")
		}
		if in && ours {
			out.WriteString(text)
		}
	}
	return out.String()
}
