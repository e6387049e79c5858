package console

import (
	"context"
	"net/http"

	"github.com/assaylab/assay/console/shape"
)

// health answers with how the laboratory itself is.
func (c *Console) health(w http.ResponseWriter, r *http.Request) error {
	h, err := c.examine(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, h)
}

// examine gathers what is known of the laboratory itself.
func (c *Console) examine(ctx context.Context) (*shape.Health, error) {
	reports, err := c.opt.Laboratory.Reports(ctx)
	if err != nil {
		return nil, err
	}
	h := &shape.Health{Version: c.opt.Version, Addresses: c.opt.Addresses, Outage: c.outage(), Experiments: []shape.ExperimentHealth{}}
	for i := range reports {
		h.Experiments = append(h.Experiments, shape.ExperimentHealthOf(&reports[i]))
	}
	if c.opt.Ready != nil {
		h.NotReady = brief(c.opt.Ready(ctx))
	}
	if c.opt.House != nil {
		house, err := c.opt.House(ctx)
		if err != nil {
			return nil, err
		}
		h.House = &house
	}
	return h, nil
}
