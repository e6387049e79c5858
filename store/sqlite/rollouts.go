package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/assaylab/assay"
)

// Advance implements assay.Rollouts. Nothing of an audit record is ever removed.
func (s *Store) Advance(ctx context.Context, standing assay.Standing, step assay.Step) error {
	where, err := json.Marshal(standing)
	if err != nil {
		return err
	}
	how, err := json.Marshal(step)
	if err != nil {
		return err
	}
	return s.write(ctx, "the rollout's step cannot be kept", func(tx *sql.Tx) error {
		return change{ctx, tx}.exec(`INSERT INTO rollouts (experiment, standing, step) VALUES (?, ?, ?)`, standing.Experiment, string(where), string(how))
	})
}

// Standings implements assay.Rollouts, in the order of the names.
func (s *Store) Standings(ctx context.Context) ([]assay.Standing, error) {
	return documents[assay.Standing](ctx, s, `SELECT standing FROM rollouts
		WHERE seq IN (SELECT max(seq) FROM rollouts GROUP BY experiment) ORDER BY experiment`)
}

// Steps implements assay.Rollouts.
func (s *Store) Steps(ctx context.Context, experiment string) ([]assay.Step, error) {
	return documents[assay.Step](ctx, s, `SELECT step FROM rollouts WHERE experiment = ? ORDER BY seq`, experiment)
}

// documents reads a column of JSON.
func documents[T any](ctx context.Context, s *Store, query string, args ...any) (all []T, err error) {
	err = s.read(ctx, "rollouts cannot be read", func(tx *sql.Tx) error {
		all = nil
		return scan(ctx, tx, func(rows *sql.Rows) error {
			var text []byte
			var v T
			if err := rows.Scan(&text); err != nil {
				return err
			}
			err := json.Unmarshal(text, &v)
			all = append(all, v)
			return err
		}, query, args...)
	})
	return all, err
}
