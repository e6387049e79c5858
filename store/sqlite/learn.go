package sqlite

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/cluster"
)

// What is learned of differences is bounded, however many differ.
const (
	maxSamples    = 50  // of noise, for each path and kind
	maxNoisy      = 300 // paths and kinds of an experiment that have any
	maxRendered   = 100 // values of one sample
	maxExcuses    = 200 // rules of an arm that are counted apart
	maxClusters   = 300 // of an arm; the rest is one
	otherRule     = "other rules"
	clusterOfRest = "other"
)

// keepReadings learns from trials that were just inserted, in their order.
func (c change) keepReadings(fresh []record) error {
	for i := range fresh {
		r := &fresh[i]
		if err := c.learnNoise(r); err != nil {
			return err
		}
		for k := range r.trial.Candidates {
			if err := c.learnCandidate(r, &r.trial.Candidates[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// learnNoise keeps what control and secondary had where they differ without excuse.
func (c change) learnNoise(r *record) error {
	if r.trial.Secondary == nil {
		return nil
	}
	for _, s := range samplesOf(r.trial) {
		if err := c.addSample(r, s); err != nil {
			return err
		}
	}
	return nil
}

// samplesOf folds the differences of a secondary, one sample for each path and kind.
func samplesOf(t *assay.Trial) []assay.NoiseSample {
	var all []assay.NoiseSample
	for _, d := range t.Secondary.Differences {
		path := assay.FoldPath(d.Path)
		if d.Ignored != "" || len(path) > maxPath {
			continue
		}
		i := slices.IndexFunc(all, func(s assay.NoiseSample) bool { return s.Path == path && s.Kind == d.Kind })
		if i < 0 {
			i = len(all)
			all = append(all, assay.NoiseSample{Path: path, Kind: d.Kind, Trial: t.ID, Time: t.Time})
		}
		if s := &all[i]; len(s.Control) < maxRendered {
			s.Control, s.Secondary = append(s.Control, d.Control), append(s.Secondary, d.Candidate)
		}
	}
	return all
}

func (c change) addSample(r *record, s assay.NoiseSample) error {
	var here, noisy int
	row := c.tx.QueryRowContext(c.ctx, `SELECT
		(SELECT count(*) FROM noise WHERE experiment = ? AND path = ? AND kind = ?),
		(SELECT count(*) FROM (SELECT DISTINCT path, kind FROM noise WHERE experiment = ?))`,
		r.trial.Experiment, s.Path, s.Kind, r.trial.Experiment)
	if err := row.Scan(&here, &noisy); err != nil || here == 0 && noisy >= maxNoisy {
		return err
	}
	control, err := json.Marshal(s.Control)
	if err != nil {
		return err
	}
	secondary, err := json.Marshal(s.Secondary)
	if err != nil {
		return err
	}
	err = c.exec(`INSERT INTO noise (experiment, path, kind, seq, trial, time, control, secondary) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		r.trial.Experiment, s.Path, s.Kind, r.seq, s.Trial, s.Time.UnixMicro(), string(control), string(secondary))
	if err != nil || here < maxSamples {
		return err
	}
	return c.exec(`DELETE FROM noise WHERE experiment = ? AND path = ? AND kind = ? AND seq <=
		(SELECT seq FROM noise WHERE experiment = ? AND path = ? AND kind = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
		r.trial.Experiment, s.Path, s.Kind, r.trial.Experiment, s.Path, s.Kind, maxSamples)
}

func (c change) learnCandidate(r *record, k *assay.Comparison) error {
	arm := k.Observation.Arm
	err := c.exec(`INSERT INTO candidates (experiment, arm, trials) VALUES (?, ?, 1)
		ON CONFLICT (experiment, arm) DO UPDATE SET trials = trials + 1`, r.trial.Experiment, arm)
	if err != nil {
		return err
	}
	if err := c.countExcuses(r.trial, k); err != nil {
		return err
	}
	if k.Outcome() == assay.OutcomeMatch {
		return nil
	}
	return c.addToCluster(r.trial, arm, cluster.Of(r.trial, k))
}

// countExcuses counts each rule once a trial.
func (c change) countExcuses(t *assay.Trial, k *assay.Comparison) error {
	here := excusesOf(k)
	var there []string
	if t.Secondary != nil {
		there = excusesOf(t.Secondary)
	}
	for _, rule := range here {
		only := t.Secondary != nil && !slices.Contains(there, rule)
		if err := c.addExcuse(t, k.Observation.Arm, rule, 1, one(only), 0); err != nil {
			return err
		}
	}
	for _, rule := range there {
		if !slices.Contains(here, rule) {
			if err := c.addExcuse(t, k.Observation.Arm, rule, 0, 0, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

func excusesOf(k *assay.Comparison) (rules []string) {
	for _, d := range k.Differences {
		if d.Ignored != "" && !slices.Contains(rules, d.Ignored) {
			rules = append(rules, d.Ignored)
		}
	}
	return rules
}

func (c change) addExcuse(t *assay.Trial, arm, rule string, hits, candidate, secondary int64) error {
	var known, all int
	row := c.tx.QueryRowContext(c.ctx, `SELECT count(*) FILTER (WHERE rule = ?), count(*) FROM excuses WHERE experiment = ? AND since = ? AND arm = ?`,
		rule, t.Experiment, t.Since, arm)
	if err := row.Scan(&known, &all); err != nil {
		return err
	}
	if known == 0 && (all >= maxExcuses || len(rule) > maxPath) {
		rule = otherRule
	}
	last := int64(0) // of hits alone
	if hits > 0 {
		last = t.Time.UnixMicro()
	}
	return c.exec(`INSERT INTO excuses (experiment, since, arm, rule, hits, candidate_only, secondary_only, last) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (experiment, since, arm, rule) DO UPDATE SET hits = hits + excluded.hits, candidate_only = candidate_only + excluded.candidate_only,
			secondary_only = secondary_only + excluded.secondary_only, last = max(last, excluded.last)`,
		t.Experiment, t.Since, arm, rule, hits, candidate, secondary, last)
}

// addToCluster adds a sight to the cluster of its signature, which begins with it if there is none.
func (c change) addToCluster(t *assay.Trial, arm string, s assay.Signature) error {
	k, err := c.cluster(t.Experiment, arm, s)
	if err != nil {
		return err
	}
	if k.Count > 0 && cluster.Gone(k) {
		k.Returns++
	}
	signature, err := json.Marshal(k.Signature)
	if err != nil {
		return err
	}
	return c.exec(`INSERT INTO clusters (experiment, arm, id, signature, count, first, last, first_version, last_version, example, began, seen, returns)
		SELECT ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, trials - 1, trials, 0 FROM candidates WHERE experiment = ? AND arm = ?
		ON CONFLICT (experiment, arm, id) DO UPDATE SET count = count + 1, first = min(first, excluded.first), last = max(last, excluded.last),
			first_version = min(first_version, excluded.first_version), last_version = max(last_version, excluded.last_version),
			example = excluded.example, seen = excluded.seen, returns = ?`,
		t.Experiment, arm, k.ID, string(signature), t.Time.UnixMicro(), t.Time.UnixMicro(), t.Version, t.Version, t.ID,
		t.Experiment, arm, k.Returns)
}

// cluster finds the cluster of a signature as it is before this sight; with a Count of 0 if it is new. When
// an arm has as many as are kept apart, all others are one.
func (c change) cluster(experiment, arm string, s assay.Signature) (*assay.Cluster, error) {
	k := &assay.Cluster{ID: cluster.ID(s), Signature: s}
	for {
		err := c.tx.QueryRowContext(c.ctx, `SELECT count, seen - began, trials - 1 - seen, returns FROM clusters JOIN candidates USING (experiment, arm)
			WHERE experiment = ? AND arm = ? AND id = ?`, experiment, arm, k.ID).Scan(&k.Count, &k.Span, &k.Quiet, &k.Returns)
		if !errors.Is(err, sql.ErrNoRows) || k.ID == clusterOfRest {
			return k, ignoreNoRows(err)
		}
		var all int
		if err := c.tx.QueryRowContext(c.ctx, `SELECT count(*) FROM clusters WHERE experiment = ? AND arm = ?`, experiment, arm).Scan(&all); err != nil || all < maxClusters {
			return k, err
		}
		k.ID, k.Signature = clusterOfRest, assay.Signature{Places: []assay.Place{{Path: cluster.Other}}}
	}
}

func ignoreNoRows(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// newestSight orders clusters for people: what was seen last comes first.
func newestSight(a, b assay.Cluster) int {
	return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Arm, b.Arm))
}

func micro(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
