package tables

import (
	"context"
	"encoding/json"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// Counts implements assay.Store. Candidates come in the order in which they were first seen, times to
// the microsecond. Of what was never counted all numbers are zero.
func (t Tables) Counts(ctx context.Context, experiment string, since int) (counts assay.Counts, err error) {
	err = t.read(ctx, "counts cannot be read", func(tx Tx) error {
		counts = assay.Counts{Ledger: assay.Ledger{Experiment: experiment, Since: since}}
		for _, read := range []func(Tx, *assay.Counts) error{readLedgers, readStrata, readEvidence, readArms, readPaths, readBlocks} {
			if err := read(tx, &counts); err != nil {
				return err
			}
		}
		return nil
	})
	return counts, err
}

func readEvidence(tx Tx, c *assay.Counts) error {
	return tx.Query(func(row Row) error {
		var first, last int64
		if err := row.Scan(&c.Trials, &first, &last); err != nil {
			return err
		}
		c.First, c.Last = micro(first), micro(last)
		return nil
	}, `SELECT trials, first, last FROM evidence WHERE experiment = ? AND since = ?`, c.Experiment, c.Since)
}

func readArms(tx Tx, c *assay.Counts) (err error) {
	c.Arms, err = list(tx, func(row Row) (a assay.ArmCounts, err error) {
		var faults, latency, coldLatency []byte
		err = row.Scan(&a.Role, &a.Name, &faults, &latency, &coldLatency,
			&a.Observations, &a.Cold, &a.MaxMemoryMB, &a.CostUSD, &a.CostSquares, &a.Priced,
			&a.Trials, &a.Matches, &a.Mismatches, &a.Ignored, &a.Paired, &a.CandidateOnly, &a.SecondaryOnly, &a.Both,
			&a.ColdTrials, &a.ColdMismatches, &a.FaultOnly, &a.SecondaryFaultOnly, &a.WarmPairs)
		if err != nil {
			return a, err
		}
		if err := json.Unmarshal(faults, &a.Faults); err != nil {
			return a, err
		}
		warm, err := stats.DecodeSketch(latency)
		if err != nil {
			return a, err
		}
		cold, err := stats.DecodeSketch(coldLatency)
		if err != nil {
			return a, err
		}
		a.Latency, a.ColdLatency = distribution(warm), distribution(cold)
		return a, nil
	}, `SELECT role, name, faults, latency, cold_latency,
			observations, cold, max_memory_mb, cost_usd, cost_squares, priced,
			trials, matches, mismatches, ignored, paired, candidate_only, secondary_only, "both",
			cold_trials, cold_mismatches, fault_only, secondary_fault_only, warm_pairs
		FROM arms WHERE experiment = ? AND since = ?
		ORDER BY CASE role WHEN 'control' THEN 0 WHEN 'secondary' THEN 1 ELSE 2 END, arm`, c.Experiment, c.Since)
	return err
}

func distribution(s *stats.Sketch) assay.Latency {
	l := assay.Latency{P50: s.Quantile(0.5), P90: s.Quantile(0.9), P99: s.Quantile(0.99)}
	s.Each(func(value float64, count int64) {
		l.Buckets = append(l.Buckets, assay.Bucket{Value: value, Count: count})
	})
	return l
}

// candidates are the arms that paths and blocks are of, by name.
func candidates(c *assay.Counts) map[string]*assay.ArmCounts {
	arms := map[string]*assay.ArmCounts{}
	for i := range c.Arms {
		if c.Arms[i].Role == assay.RoleCandidate {
			arms[c.Arms[i].Name] = &c.Arms[i]
		}
	}
	return arms
}

// readPaths fills in the paths of candidates, those with the most mismatches first.
func readPaths(tx Tx, c *assay.Counts) error {
	arms := candidates(c)
	return tx.Query(func(row Row) error {
		var name string
		var p assay.PathCount
		if err := row.Scan(&name, &p.Path, &p.Kind, &p.Mismatches, &p.Ignored, &p.Noise, &p.CandidateOnly, &p.SecondaryOnly); err != nil {
			return err
		}
		if a := arms[name]; a != nil {
			a.Paths = append(a.Paths, p)
		}
		return nil
	}, `SELECT arm, path, kind, mismatches, ignored, noise, candidate_only, secondary_only
		FROM paths WHERE experiment = ? AND since = ? ORDER BY mismatches DESC, path, kind`, c.Experiment, c.Since)
}

func readBlocks(tx Tx, c *assay.Counts) error {
	arms := candidates(c)
	return tx.Query(func(row Row) error {
		var name string
		var m assay.Measure
		var data []byte
		if err := row.Scan(&name, &m, &data); err != nil {
			return err
		}
		b, err := stats.DecodeBlocks(data)
		if err != nil {
			return err
		}
		if a := arms[name]; a != nil {
			if a.Blocks == nil {
				a.Blocks = map[assay.Measure]assay.Blocks{}
			}
			a.Blocks[m] = assay.Blocks{Pairs: b.Pairs(), Differences: b.Differences()}
		}
		return nil
	}, `SELECT arm, measure, data FROM blocks WHERE experiment = ? AND since = ?`, c.Experiment, c.Since)
}
