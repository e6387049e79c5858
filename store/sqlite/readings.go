package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"github.com/assaylab/assay"
)

// Noise implements assay.Readings: at most 50 samples of each path and kind, of at most 300 of them.
func (s *Store) Noise(ctx context.Context, experiment string) (all []assay.NoiseSample, err error) {
	err = s.read(ctx, "samples of noise cannot be read", func(tx *sql.Tx) error {
		all = nil
		return scan(ctx, tx, func(rows *sql.Rows) error {
			var n assay.NoiseSample
			var at int64
			var control, secondary []byte
			if err := rows.Scan(&n.Path, &n.Kind, &n.Trial, &at, &control, &secondary); err != nil {
				return err
			}
			n.Time = micro(at)
			if err := json.Unmarshal(control, &n.Control); err != nil {
				return err
			}
			err := json.Unmarshal(secondary, &n.Secondary)
			all = append(all, n)
			return err
		}, `SELECT path, kind, trial, time, control, secondary FROM noise WHERE experiment = ? ORDER BY path, kind, seq`, experiment)
	})
	return all, err
}

// Excuses implements assay.Readings, in the order of arms and rules.
func (s *Store) Excuses(ctx context.Context, experiment string, since int) (all []assay.ExcuseCount, err error) {
	err = s.read(ctx, "counts of excuses cannot be read", func(tx *sql.Tx) error {
		all = nil
		return scan(ctx, tx, func(rows *sql.Rows) error {
			var x assay.ExcuseCount
			var last int64
			err := rows.Scan(&x.Arm, &x.Rule, &x.Hits, &x.CandidateOnly, &x.SecondaryOnly, &last)
			x.Last = micro(last)
			all = append(all, x)
			return err
		}, `SELECT arm, rule, hits, candidate_only, secondary_only, last FROM excuses WHERE experiment = ? AND since = ? ORDER BY arm, rule`, experiment, since)
	})
	return all, err
}

// Clusters implements assay.Readings: at most 300 of each candidate, and one of all others.
func (s *Store) Clusters(ctx context.Context, experiment string) (all []assay.Cluster, err error) {
	err = s.read(ctx, "clusters cannot be read", func(tx *sql.Tx) error {
		all = nil
		return scan(ctx, tx, func(rows *sql.Rows) error {
			k := assay.Cluster{Experiment: experiment}
			var first, last int64
			var signature []byte
			err := rows.Scan(&k.Arm, &k.ID, &signature, &k.Count, &first, &last, &k.FirstVersion, &k.LastVersion, &k.Example, &k.Span, &k.Quiet, &k.Returns)
			if err != nil {
				return err
			}
			k.First, k.Last = micro(first), micro(last)
			err = json.Unmarshal(signature, &k.Signature)
			all = append(all, k)
			return err
		}, `SELECT arm, id, signature, count, first, last, first_version, last_version, example, seen - began, trials - seen, returns
			FROM clusters JOIN candidates USING (experiment, arm) WHERE experiment = ?`, experiment)
	})
	slices.SortFunc(all, newestSight)
	return all, err
}

// Marks implements assay.Readings.
func (s *Store) Marks(ctx context.Context, experiment string) (all []assay.Mark, err error) {
	err = s.read(ctx, "marks cannot be read", func(tx *sql.Tx) error {
		all = nil
		return scan(ctx, tx, func(rows *sql.Rows) error {
			m := assay.Mark{Experiment: experiment}
			var at int64
			err := rows.Scan(&m.Arm, &m.ID, &m.State, &m.By, &at)
			m.Time = micro(at)
			all = append(all, m)
			return err
		}, `SELECT arm, id, state, by, time FROM remarks WHERE experiment = ? ORDER BY arm, id`, experiment)
	})
	return all, err
}

// Mark implements assay.Readings.
func (s *Store) Mark(ctx context.Context, m assay.Mark) error {
	return s.write(ctx, "the mark cannot be kept", func(tx *sql.Tx) error {
		return change{ctx, tx}.exec(`INSERT INTO remarks (experiment, arm, id, state, by, time) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (experiment, arm, id) DO UPDATE SET state = excluded.state, by = excluded.by, time = excluded.time`,
			m.Experiment, m.Arm, m.ID, m.State, m.By, m.Time.UnixMicro())
	})
}

// newestSight orders clusters for people: what was seen last comes first.
func newestSight(a, b assay.Cluster) int {
	return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Arm, b.Arm))
}
