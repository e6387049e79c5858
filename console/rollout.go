package console

import (
	"net/http"

	"github.com/assaylab/assay"
)

// Rollout is a rollout in the API: where it is, and its audit record, oldest step first.
type Rollout struct {
	assay.Standing
	Steps []assay.Step `json:"steps"`
}

func (c *Console) rollout(w http.ResponseWriter, r *http.Request) error {
	standing, steps, err := c.opt.Laboratory.Rollout(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, Rollout{standing, append([]assay.Step{}, steps...)})
}

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
func (c *Console) viewRollout(r *http.Request, report *assay.Report) (*rolloutView, error) {
	if report.Rollout == nil {
		return nil, nil
	}
	name := report.Experiment.Name
	standing, steps, err := c.opt.Laboratory.Rollout(r.Context(), name)
	return &rolloutView{Standing: standing, Path: "/api/v1" + pathTo("experiments", name), Steps: steps}, err
}
