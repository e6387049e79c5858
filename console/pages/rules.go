package pages

import (
	"net/http"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/noise"
)

// ruleLife is how long a rule is proposed to be in force.
const ruleLife = 90 * 24 * time.Hour

// rulesView is an experiment's rules.
type rulesView struct {
	shape.Rules
	Name    string
	Version int
	Changed time.Time
	Until   string // the day that rules are proposed to expire
	counts  *assay.Counts
	titles  map[string]string
}

func (p *Pages) viewRules(r *http.Request, report *assay.Report) (rulesView, error) {
	e := &report.Experiment
	rules, err := p.rulesOf(r, e)
	return rulesView{
		Rules: rules, Name: e.Name, Version: e.Version, Changed: e.Changed, Until: p.opt.Now().Add(ruleLife).Format(time.DateOnly),
		counts: &report.Counts, titles: titlesOf(e),
	}, err
}

func (p *Pages) rulesOf(r *http.Request, e *assay.Experiment) (shape.Rules, error) {
	inForce, proposed, err := p.opt.Reading.Rules(r.Context(), e.Name)
	return shape.RulesOf(e, inForce, proposed), err
}

// Label of an arm, for people.
func (v rulesView) Label(arm string) string { return labelOf(v.titles, arm) }

// Classes are those that a rule may have.
func (rulesView) Classes() []assay.Class { return assay.Classes }

// stake is what a candidate shows at the place of a rule.
type stake struct {
	Label string
	assay.PathCount
}

// Stakes are what the candidates show where a proposed rule would excuse.
func (v rulesView) Stakes(p noise.Proposal) (all []stake) {
	for i := range v.counts.Arms {
		a := &v.counts.Arms[i]
		if a.Role != assay.RoleCandidate {
			continue
		}
		for _, c := range a.Paths {
			if c.Path == p.Path || strings.HasPrefix(c.Path, p.Path+"[*]") {
				all = append(all, stake{v.Label(a.Name), c})
			}
		}
	}
	return all
}

// Alarms is how many masking alarms ring.
func (v rulesView) Alarms() (n int) {
	for _, s := range v.Rules.Rules {
		n += len(s.Alarms)
	}
	return n
}

// rulesPageView is what the page of all rules shows.
type rulesPageView struct {
	Experiments []rulesView
	Only        string // the one that is asked for; "" for all
}

// rulesPage shows the rules of ?experiment=, or of all.
func (p *Pages) rulesPage(w http.ResponseWriter, r *http.Request) error {
	v := &rulesPageView{Only: r.URL.Query().Get("experiment")}
	reports, err := p.reports(r, v.Only)
	if err != nil {
		return err
	}
	for i := range reports {
		one, err := p.viewRules(r, &reports[i])
		if err != nil {
			return err
		}
		v.Experiments = append(v.Experiments, one)
	}
	return p.show(w, http.StatusOK, "rules", page{Title: "Rules", Section: "/rules", Live: "experiments", Body: v})
}

// reports are those of the one experiment, or of all if it is "".
func (p *Pages) reports(r *http.Request, only string) ([]assay.Report, error) {
	if only == "" {
		return p.opt.Laboratory.Reports(r.Context())
	}
	one, err := p.opt.Laboratory.Report(r.Context(), only)
	return []assay.Report{one}, err
}
