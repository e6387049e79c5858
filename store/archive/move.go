package archive

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/assaylab/assay"
)

// Export writes what a store keeps of an experiment, or of all if it is "".
func Export(ctx context.Context, from assay.Archives, experiment string, to io.Writer) error {
	w, err := NewWriter(to, experiment)
	if err != nil {
		return err
	}
	if err := from.Export(ctx, experiment, w.Write); err != nil {
		return err
	}
	return w.Close()
}

// Check reads an export to its end, and says what is wrong with it.
func Check(from io.Reader, name string) error {
	for r := NewReader(from, name); ; {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Import keeps an export in a store and returns the names of the experiments in it. Definitions are given another
// source: the files that they may have come from are elsewhere.
func Import(ctx context.Context, into assay.Archives, from io.Reader, name, source string) (names []string, err error) {
	r := NewReader(from, name)
	err = into.Import(ctx, func() (assay.Kept, error) {
		k, err := r.Next()
		if err != nil || k.Table != "definitions" {
			return k, err
		}
		var row definition
		var e assay.Experiment
		if err := errors.Join(json.Unmarshal(k.Data, &row), json.Unmarshal([]byte(row.Experiment), &e)); err != nil {
			return k, r.flaw("the definition cannot be read: "+err.Error(), "export it anew")
		}
		if !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
		e.Source = source
		return row.of(e)
	})
	return names, err
}

// definition is a row of that table.
type definition struct {
	Name       string `json:"name"`
	Version    int    `json:"version"`
	Experiment string `json:"experiment"`
}

func (d definition) of(e assay.Experiment) (assay.Kept, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return assay.Kept{}, err
	}
	d.Experiment = string(text)
	data, err := json.Marshal(d)
	return assay.Kept{Table: "definitions", Data: data}, err
}
