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
