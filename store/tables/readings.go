package tables

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/assaylab/assay"
)

// Noise implements assay.Readings: at most 50 samples of each path and kind, of at most 300 of them.
func (t Tables) Noise(ctx context.Context, experiment string) ([]assay.NoiseSample, error) {
	return listed(ctx, t, "samples of noise cannot be read", func(row Row) (n assay.NoiseSample, err error) {
		var at int64
		var control, secondary []byte
		if err := row.Scan(&n.Path, &n.Kind, &n.Trial, &at, &control, &secondary); err != nil {
			return n, err
		}
		n.Time = micro(at)
		return n, errors.Join(json.Unmarshal(control, &n.Control), json.Unmarshal(secondary, &n.Secondary))
	}, `SELECT path, kind, trial, time, control, secondary FROM noise WHERE experiment = ? ORDER BY path, kind, seq`, experiment)
}

// Excuses implements assay.Readings, in the order of arms and rules.
func (t Tables) Excuses(ctx context.Context, experiment string, since int) ([]assay.ExcuseCount, error) {
	return listed(ctx, t, "counts of excuses cannot be read", func(row Row) (x assay.ExcuseCount, err error) {
		var last int64
		err = row.Scan(&x.Arm, &x.Rule, &x.Hits, &x.CandidateOnly, &x.SecondaryOnly, &last)
		x.Last = micro(last)
		return x, err
	}, `SELECT arm, rule, hits, candidate_only, secondary_only, last FROM excuses WHERE experiment = ? AND since = ? ORDER BY arm, rule`, experiment, since)
}

// Clusters implements assay.Readings: at most 300 of each candidate, and one of all others.
func (t Tables) Clusters(ctx context.Context, experiment string) ([]assay.Cluster, error) {
	all, err := listed(ctx, t, "clusters cannot be read", func(row Row) (assay.Cluster, error) {
		k := assay.Cluster{Experiment: experiment}
		var first, last int64
		var signature []byte
		err := row.Scan(&k.Arm, &k.ID, &signature, &k.Count, &first, &last, &k.FirstVersion, &k.LastVersion, &k.Example, &k.Span, &k.Quiet, &k.Returns)
		if err != nil {
			return k, err
		}
		k.First, k.Last = micro(first), micro(last)
		return k, json.Unmarshal(signature, &k.Signature)
	}, `SELECT arm, id, signature, count, first, last, first_version, last_version, example, seen - began, trials - seen, returns
		FROM clusters JOIN candidates USING (experiment, arm) WHERE experiment = ?`, experiment)
	slices.SortFunc(all, newestSight)
	return all, err
}

// Marks implements assay.Readings.
func (t Tables) Marks(ctx context.Context, experiment string) ([]assay.Mark, error) {
	return listed(ctx, t, "marks cannot be read", func(row Row) (assay.Mark, error) {
		m := assay.Mark{Experiment: experiment}
		var at int64
		err := row.Scan(&m.Arm, &m.ID, &m.State, &m.By, &at)
		m.Time = micro(at)
		return m, err
	}, `SELECT arm, id, state, by, time FROM remarks WHERE experiment = ? ORDER BY arm, id`, experiment)
}

// Mark implements assay.Readings.
func (t Tables) Mark(ctx context.Context, m assay.Mark) error {
	return t.write(ctx, "the mark cannot be kept", func(tx Tx) error {
		return tx.Exec(`INSERT INTO remarks (experiment, arm, id, state, by, time) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (experiment, arm, id) DO UPDATE SET state = excluded.state, by = excluded.by, time = excluded.time`,
			m.Experiment, m.Arm, m.ID, m.State, m.By, m.Time.UnixMicro())
	})
}

// newestSight orders clusters for people: what was seen last comes first.
func newestSight(a, b assay.Cluster) int {
	return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Arm, b.Arm))
}
