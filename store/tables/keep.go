package tables

import (
	"encoding/json"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
	"github.com/assaylab/assay/store/codec"
)

// Add counts trials that are new to the store, in their order, and learns from them. It returns the marks by
// which they are found again, for the engine to keep.
func Add(tx Tx, fresh []codec.Record) ([]Mark, error) {
	if len(fresh) == 0 {
		return nil, nil
	}
	all := scopes(fresh)
	t := newTally(known{map[arm]*armTotals{}, map[arm]map[string]bool{}, map[arm]blocks{}})
	for e, s := range all {
		if err := t.known.recall(tx, e, s); err != nil {
			return nil, err
		}
	}
	for i := range fresh {
		t.add(fresh[i].Trial, fresh[i].Seq)
	}
	for _, write := range []func(Tx, *tally) error{addSpans, addArms, addMilestones, writeBlocks, addMinutes, addPaths} {
		if err := write(tx, t); err != nil {
			return nil, err
		}
	}
	if err := learn(tx, fresh); err != nil {
		return nil, err
	}
	return number(tx, t.marks, all)
}

// scope is what new trials of an experiment have that asks for more to be known.
type scope struct {
	differ bool // some differences, excused ones included
	paired bool // some secondaries
}

// scopes looks through trials once, so that no more is read than they need.
func scopes(fresh []codec.Record) map[evidence]scope {
	all := map[evidence]scope{}
	for i := range fresh {
		t := fresh[i].Trial
		e := evidence{t.Experiment, t.Since}
		s := all[e]
		s.paired = s.paired || t.Secondary != nil
		s.differ = s.differ || t.Secondary != nil && len(t.Secondary.Differences) > 0
		for k := range t.Candidates {
			s.differ = s.differ || len(t.Candidates[k].Differences) > 0
		}
		all[e] = s
	}
	return all
}

func (k *known) recall(tx Tx, e evidence, s scope) error {
	if err := k.recallArms(tx, e); err != nil {
		return err
	}
	if s.differ {
		if err := k.recallPaths(tx, e); err != nil {
			return err
		}
	}
	if s.paired {
		return k.recallBlocks(tx, e)
	}
	return nil
}

func (k *known) recallArms(tx Tx, e evidence) error {
	return tx.Query(func(row Row) error {
		key, a := arm{evidence: e}, newArm()
		var faults, latency, coldLatency []byte
		err := row.Scan(&key.role, &key.name, &faults, &latency, &coldLatency, &a.CostUSD, &a.CostSquares, &a.before.trials, &a.before.mismatches)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(faults, &a.Faults); err != nil {
			return err
		}
		if a.latency, err = stats.DecodeSketch(latency); err != nil {
			return err
		}
		a.coldLatency, err = stats.DecodeSketch(coldLatency)
		k.arms[key] = a
		return err
	}, `SELECT role, name, faults, latency, cold_latency, cost_usd, cost_squares, trials, mismatches FROM arms WHERE experiment = ? AND since = ?`, e.experiment, e.since)
}

func (k *known) recallPaths(tx Tx, e evidence) error {
	return tx.Query(func(row Row) error {
		key := arm{evidence: e, role: assay.RoleCandidate}
		var path string
		if err := row.Scan(&key.name, &path); err != nil {
			return err
		}
		if k.paths[key] == nil {
			k.paths[key] = map[string]bool{}
		}
		k.paths[key][path] = true
		return nil
	}, `SELECT DISTINCT arm, path FROM paths WHERE experiment = ? AND since = ?`, e.experiment, e.since)
}

func (k *known) recallBlocks(tx Tx, e evidence) error {
	return tx.Query(func(row Row) error {
		key := arm{evidence: e, role: assay.RoleCandidate}
		var m assay.Measure
		var data []byte
		if err := row.Scan(&key.name, &m, &data); err != nil {
			return err
		}
		b, err := stats.DecodeBlocks(data)
		if err != nil {
			return err
		}
		if k.blocks[key] == nil {
			k.blocks[key] = blocks{}
		}
		k.blocks[key][m] = b
		return nil
	}, `SELECT arm, measure, data FROM blocks WHERE experiment = ? AND since = ?`, e.experiment, e.since)
}

// writeBlocks replaces the blocks of candidates that went on.
func writeBlocks(tx Tx, t *tally) error {
	for key := range t.pairs {
		for m, b := range t.known.blocks[key] {
			err := tx.Exec(`INSERT INTO blocks (experiment, since, arm, measure, data) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (experiment, since, arm, measure) DO UPDATE SET data = excluded.data`,
				key.experiment, key.since, key.name, m, b.Encode())
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func addSpans(tx Tx, t *tally) error {
	for e, s := range t.spans {
		err := tx.Exec(`INSERT INTO evidence (experiment, since, trials, first, last) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (experiment, since) DO UPDATE SET
				trials = evidence.trials + excluded.trials,
				first  = CASE WHEN evidence.first < excluded.first THEN evidence.first ELSE excluded.first END,
				last   = CASE WHEN evidence.last > excluded.last THEN evidence.last ELSE excluded.last END`,
			e.experiment, e.since, s.trials, s.first.UnixMicro(), s.last.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

func addArms(tx Tx, t *tally) error {
	for _, key := range t.seen {
		if err := addArm(tx, key, t.arms[key]); err != nil {
			return err
		}
	}
	return nil
}

// addArm adds to an arm's totals. Numbers are added in place; what a holds with those kept is replaced.
func addArm(tx Tx, key arm, a *armTotals) error {
	faults, err := json.Marshal(a.Faults)
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO arms (experiment, since, role, name, faults, latency, cold_latency,
			observations, cold, max_memory_mb, cost_usd, cost_squares, priced,
			trials, matches, mismatches, ignored, paired, candidate_only, secondary_only, "both",
			cold_trials, cold_mismatches, fault_only, secondary_fault_only, warm_pairs)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (experiment, since, role, name) DO UPDATE SET
			faults         = excluded.faults,
			latency        = excluded.latency,
			cold_latency   = excluded.cold_latency,
			observations   = arms.observations + excluded.observations,
			cold           = arms.cold + excluded.cold,
			max_memory_mb  = CASE WHEN arms.max_memory_mb > excluded.max_memory_mb THEN arms.max_memory_mb ELSE excluded.max_memory_mb END,
			cost_usd       = excluded.cost_usd,
			cost_squares   = excluded.cost_squares,
			priced         = arms.priced + excluded.priced,
			trials         = arms.trials + excluded.trials,
			matches        = arms.matches + excluded.matches,
			mismatches     = arms.mismatches + excluded.mismatches,
			ignored        = arms.ignored + excluded.ignored,
			paired         = arms.paired + excluded.paired,
			candidate_only = arms.candidate_only + excluded.candidate_only,
			secondary_only = arms.secondary_only + excluded.secondary_only,
			"both"         = arms."both" + excluded."both",
			cold_trials          = arms.cold_trials + excluded.cold_trials,
			cold_mismatches      = arms.cold_mismatches + excluded.cold_mismatches,
			fault_only           = arms.fault_only + excluded.fault_only,
			secondary_fault_only = arms.secondary_fault_only + excluded.secondary_fault_only,
			warm_pairs           = arms.warm_pairs + excluded.warm_pairs`,
		key.experiment, key.since, key.role, key.name, string(faults), a.latency.Encode(), a.coldLatency.Encode(),
		a.Observations, a.Cold, a.MaxMemoryMB, a.CostUSD, a.CostSquares, a.Priced,
		a.Trials, a.Matches, a.Mismatches, a.Ignored, a.Paired, a.CandidateOnly, a.SecondaryOnly, a.Both,
		a.ColdTrials, a.ColdMismatches, a.FaultOnly, a.SecondaryFaultOnly, a.WarmPairs)
}

func addPaths(tx Tx, t *tally) error {
	for key, p := range t.paths {
		err := tx.Exec(`INSERT INTO paths (experiment, since, arm, path, kind, mismatches, ignored, noise, candidate_only, secondary_only)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (experiment, since, arm, path, kind) DO UPDATE SET
				mismatches     = paths.mismatches + excluded.mismatches,
				ignored        = paths.ignored + excluded.ignored,
				noise          = paths.noise + excluded.noise,
				candidate_only = paths.candidate_only + excluded.candidate_only,
				secondary_only = paths.secondary_only + excluded.secondary_only`,
			key.experiment, key.since, key.name, p.Path, p.Kind, p.Mismatches, p.Ignored, p.Noise, p.CandidateOnly, p.SecondaryOnly)
		if err != nil {
			return err
		}
	}
	return nil
}
