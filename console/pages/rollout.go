package pages

import (
	"net/http"

	"github.com/assaylab/assay"
)

// rolloutView is a rollout on its experiment's page.
type rolloutView struct {
	assay.Standing
	Path  string // of the call that takes orders
	Steps []assay.Step
}

// Orders are the buttons that make sense now.
func (v rolloutView) Orders() []string {
	switch v.Stage {
	case assay.StageShadow:
		return []string{"promote"}
	case assay.StageCanary:
		return []string{"pause", "rollback", "promote"}
	case assay.StagePaused:
		return []string{"resume", "rollback", "promote"}
	case assay.StagePromoted:
		return []string{"rollback"}
	default:
		return []string{"resume", "promote"}
	}
}

// viewRollout is nil for an experiment without one.
func (p *Pages) viewRollout(r *http.Request, report *assay.Report) (*rolloutView, error) {
	if report.Rollout == nil {
		return nil, nil
	}
	name := report.Experiment.Name
	standing, steps, err := p.opt.Laboratory.Rollout(r.Context(), name)
	return &rolloutView{Standing: standing, Path: "/api/v1" + pathTo("experiments", name), Steps: steps}, err
}
