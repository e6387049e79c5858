package tables

import (
	"context"
	"encoding/json"

	"github.com/assaylab/assay"
)

// Save implements assay.Definitions. Every version of a definition stays; saving one again replaces it.
func (t Tables) Save(ctx context.Context, e assay.Experiment) error {
	definition, err := json.Marshal(e)
	if err != nil {
		return &assay.Error{Code: assay.CodeInvalid, What: "experiment " + e.Name + " cannot be kept: " + err.Error(), Err: err}
	}
	return t.write(ctx, "the experiment cannot be kept", func(tx Tx) error {
		return tx.Exec(`INSERT INTO definitions (name, version, experiment) VALUES (?, ?, ?)
			ON CONFLICT (name, version) DO UPDATE SET experiment = excluded.experiment`, e.Name, e.Version, string(definition))
	})
}

// Load implements assay.Definitions, in the order of the names.
func (t Tables) Load(ctx context.Context) ([]assay.Experiment, error) {
	return listed(ctx, t, "the experiments cannot be read", document[assay.Experiment], newestDefinitions)
}

const newestDefinitions = `SELECT experiment FROM definitions AS d WHERE version = (SELECT max(version) FROM definitions WHERE name = d.name) ORDER BY name`

// Versions implements assay.Definitions.
func (t Tables) Versions(ctx context.Context, name string, limit int) ([]assay.Experiment, error) {
	return listed(ctx, t, "the experiment's versions cannot be read", document[assay.Experiment],
		`SELECT experiment FROM definitions WHERE name = ? ORDER BY version DESC LIMIT ?`, name, limit)
}

// document reads a row that is one column of JSON.
func document[V any](row Row) (v V, err error) {
	var text []byte
	if err := row.Scan(&text); err != nil {
		return v, err
	}
	return v, json.Unmarshal(text, &v)
}
