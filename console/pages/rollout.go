package pages

import (
	"net/http"

	"github.com/assaylab/assay"
)

// rolloutView is an experiment's rollout.
type rolloutView struct {
	assay.Standing
	Label  string // of the candidate, for people
	State  assay.State
	Path   string        // of the call that takes orders
	Plan   []rolloutStep // from shadow to promoted
	Record []assay.Step  // newest first
}

// rolloutStep is one on the way.
type rolloutStep struct {
	Name       string
	Done, Here bool
}

// viewRollout is nil for an experiment without one.
func (p *Pages) viewRollout(r *http.Request, report *assay.Report) (*rolloutView, error) {
	if report.Rollout == nil {
		return nil, nil
	}
	e := &report.Experiment
	standing, steps, err := p.opt.Laboratory.Rollout(r.Context(), e.Name)
	v := &rolloutView{Standing: standing, Label: labelOf(titlesOf(e), standing.Candidate), State: e.State, Path: "/api/v1" + pathTo("experiments", e.Name)}
	v.plan(e.Rollout)
	for i := range steps {
		v.Record = append(v.Record, steps[len(steps)-1-i])
	}
	return v, err
}

// plan lays the steps out. What was rolled back is nowhere on the way.
func (v *rolloutView) plan(r *assay.Rollout) {
	if r == nil {
		return
	}
	at := v.Step + 1 // shadow is before the first
	if v.Stage == assay.StageRolledBack {
		at = -1
	}
	v.Plan = []rolloutStep{{Name: "shadow"}}
	for _, share := range r.Canary {
		v.Plan = append(v.Plan, rolloutStep{Name: percent(share)})
	}
	if r.Canary[len(r.Canary)-1] == 1 {
		v.Plan = append(v.Plan, rolloutStep{Name: "promoted"})
		if v.Stage == assay.StagePromoted {
			at = len(v.Plan) - 1
		}
	}
	for i := range v.Plan {
		v.Plan[i].Done, v.Plan[i].Here = i < at, i == at
	}
}

// rolloutsPage shows every rollout, or the one of ?experiment=.
func (p *Pages) rolloutsPage(w http.ResponseWriter, r *http.Request) error {
	reports, err := p.reports(r, r.URL.Query().Get("experiment"))
	if err != nil {
		return err
	}
	var all []*rolloutView
	for i := range reports {
		v, err := p.viewRollout(r, &reports[i])
		if err != nil {
			return err
		}
		if v != nil {
			all = append(all, v)
		}
	}
	return p.show(w, http.StatusOK, "rollouts", page{Title: "Rollouts", Section: "/rollouts", Live: "experiments", Body: all})
}
