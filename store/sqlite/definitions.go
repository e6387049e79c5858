package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/assaylab/assay"
)

// Save implements assay.Definitions. Every version of a definition stays; saving one again replaces it.
func (s *Store) Save(ctx context.Context, e assay.Experiment) error {
	definition, err := json.Marshal(e)
	if err != nil {
		return &assay.Error{Code: assay.CodeInvalid, What: "experiment " + e.Name + " cannot be kept: " + err.Error(), Err: err}
	}
	return s.write(ctx, "the experiment cannot be kept", func(tx *sql.Tx) error {
		return change{ctx, tx}.exec(`INSERT INTO definitions (name, version, experiment) VALUES (?, ?, ?)
			ON CONFLICT (name, version) DO UPDATE SET experiment = excluded.experiment`, e.Name, e.Version, string(definition))
	})
}

// Load implements assay.Definitions, in the order of the names.
func (s *Store) Load(ctx context.Context) (all []assay.Experiment, err error) {
	err = s.read(ctx, "the experiments cannot be read", func(tx *sql.Tx) error {
		all = nil
		return scan(ctx, tx, func(rows *sql.Rows) error {
			var definition []byte
			var e assay.Experiment
			if err := rows.Scan(&definition); err != nil {
				return err
			}
			err := json.Unmarshal(definition, &e)
			all = append(all, e)
			return err
		}, `SELECT experiment FROM definitions AS d WHERE version = (SELECT max(version) FROM definitions WHERE name = d.name) ORDER BY name`)
	})
	return all, err
}
