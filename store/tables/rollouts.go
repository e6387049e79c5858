package tables

import (
	"context"
	"encoding/json"

	"github.com/assaylab/assay"
)

// Advance implements assay.Rollouts. Nothing of an audit record is ever removed.
func (t Tables) Advance(ctx context.Context, standing assay.Standing, step assay.Step) error {
	where, err := json.Marshal(standing)
	if err != nil {
		return err
	}
	how, err := json.Marshal(step)
	if err != nil {
		return err
	}
	return t.write(ctx, "the rollout's step cannot be kept", func(tx Tx) error {
		return tx.Exec(`INSERT INTO rollouts (experiment, standing, step) VALUES (?, ?, ?)`, standing.Experiment, string(where), string(how))
	})
}

// Standings implements assay.Rollouts, in the order of the names.
func (t Tables) Standings(ctx context.Context) ([]assay.Standing, error) {
	return listed(ctx, t, "rollouts cannot be read", document[assay.Standing], `SELECT standing FROM rollouts
		WHERE seq IN (SELECT max(seq) FROM rollouts GROUP BY experiment) ORDER BY experiment`)
}

// Steps implements assay.Rollouts.
func (t Tables) Steps(ctx context.Context, experiment string) ([]assay.Step, error) {
	return listed(ctx, t, "rollouts cannot be read", document[assay.Step], `SELECT step FROM rollouts WHERE experiment = ? ORDER BY seq`, experiment)
}
