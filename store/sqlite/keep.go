package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// Keep implements assay.Store. Strings that are not UTF-8 are kept with U+FFFD for what is not; bodies
// and logs are kept as they are. A trial is known again for as long as it is found, and for
// another 250,000 trials after that.
func (s *Store) Keep(ctx context.Context, b assay.Batch) error {
	records, err := encode(b.Trials)
	if err != nil {
		return err
	}
	return s.write(ctx, "trials cannot be kept", func(tx *sql.Tx) error {
		c := change{ctx, tx}
		if err := c.keepTrials(records, s.maxBytes, s.noteFull); err != nil {
			return err
		}
		return c.keepLedgers(b.Ledgers)
	})
}

func (s *Store) noteFull() {
	s.full.Do(func() {
		s.log.Warn("the store is full: the oldest trials make room, the counts stay", "file", s.path, "bytes", s.maxBytes)
	})
}

// change is one write transaction.
type change struct {
	ctx context.Context
	tx  *sql.Tx
}

func (c change) exec(query string, args ...any) error {
	_, err := c.tx.ExecContext(c.ctx, query, args...)
	return err
}

func (c change) keepTrials(records []record, maxBytes int64, full func()) error {
	fresh, err := c.insert(records)
	if err != nil || len(fresh) == 0 {
		return err
	}
	known, err := c.known(fresh)
	if err != nil {
		return err
	}
	t := newTally(known)
	for i := range fresh {
		t.add(fresh[i].trial, fresh[i].seq)
	}
	for _, add := range []func(*tally) error{c.addSpans, c.addArms, c.keepBlocks, c.addMinutes, c.addPaths, c.addMarks} {
		if err := add(t); err != nil {
			return err
		}
	}
	if err := c.keepReadings(fresh); err != nil {
		return err
	}
	return c.makeRoom(fresh, maxBytes, full)
}

// insert returns those records that were not kept before, with their seq.
func (c change) insert(records []record) (fresh []record, err error) {
	trial, err := c.tx.PrepareContext(c.ctx, `INSERT INTO trials (id, time, outcome, size, bodies, summary) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO NOTHING`)
	if err != nil {
		return nil, err
	}
	defer trial.Close()
	bodies, err := c.tx.PrepareContext(c.ctx, `INSERT INTO bodies (seq, data) VALUES (?, ?)`)
	if err != nil {
		return nil, err
	}
	defer bodies.Close()
	for _, r := range records {
		done, err := trial.ExecContext(c.ctx, r.trial.ID, r.trial.Time.UnixMicro(), r.trial.Outcome(), r.size(), len(r.bodies), r.summary)
		if err != nil {
			return nil, err
		}
		if n, err := done.RowsAffected(); err != nil {
			return nil, err
		} else if n == 0 {
			continue // kept before
		}
		if r.seq, err = done.LastInsertId(); err != nil {
			return nil, err
		}
		if r.bodies != nil {
			if _, err := bodies.ExecContext(c.ctx, r.seq, r.bodies); err != nil {
				return nil, err
			}
		}
		fresh = append(fresh, r)
	}
	return fresh, nil
}

// known loads what the arms of the records go on from.
func (c change) known(records []record) (known, error) {
	k := known{map[arm]map[string]bool{}, map[arm]blocks{}, map[arm]costs{}}
	for _, r := range records {
		for _, key := range armsOf(r.trial) {
			if _, loaded := k.costs[key]; loaded {
				continue
			}
			if err := c.load(key, &k); err != nil {
				return known{}, err
			}
		}
	}
	return k, nil
}

func (c change) load(key arm, k *known) error {
	if err := c.loadCosts(key, k); err != nil || key.role != assay.RoleCandidate {
		return err
	}
	if err := c.loadPaths(key, k); err != nil {
		return err
	}
	return c.loadBlocks(key, k)
}

func (c change) loadCosts(key arm, k *known) error {
	k.costs[key] = costs{}
	return scan(c.ctx, c.tx, func(rows *sql.Rows) error {
		var before costs
		err := rows.Scan(&before.usd, &before.squares)
		k.costs[key] = before
		return err
	}, `SELECT cost_usd, cost_squares FROM arms WHERE experiment = ? AND since = ? AND role = ? AND name = ?`,
		key.experiment, key.since, key.role, key.name)
}

func (c change) loadPaths(key arm, k *known) error {
	k.paths[key] = map[string]bool{}
	return scan(c.ctx, c.tx, func(rows *sql.Rows) error {
		var path string
		err := rows.Scan(&path)
		k.paths[key][path] = true
		return err
	}, `SELECT DISTINCT path FROM paths WHERE experiment = ? AND since = ? AND arm = ?`, key.experiment, key.since, key.name)
}

func (c change) loadBlocks(key arm, k *known) error {
	k.blocks[key] = blocks{}
	return scan(c.ctx, c.tx, func(rows *sql.Rows) error {
		var m assay.Measure
		var data []byte
		if err := rows.Scan(&m, &data); err != nil {
			return err
		}
		b, err := stats.DecodeBlocks(data)
		k.blocks[key][m] = b
		return err
	}, `SELECT measure, data FROM blocks WHERE experiment = ? AND since = ? AND arm = ?`, key.experiment, key.since, key.name)
}

// keepBlocks replaces the blocks of candidates that went on.
func (c change) keepBlocks(t *tally) error {
	for key := range t.pairs {
		for m, b := range t.known.blocks[key] {
			err := c.exec(`INSERT INTO blocks (experiment, since, arm, measure, data) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (experiment, since, arm, measure) DO UPDATE SET data = excluded.data`,
				key.experiment, key.since, key.name, m, b.Encode())
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (c change) addSpans(t *tally) error {
	for e, s := range t.spans {
		err := c.exec(`INSERT INTO evidence (experiment, since, trials, first, last) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (experiment, since) DO UPDATE SET
				trials = trials + excluded.trials,
				first  = min(coalesce(first, excluded.first), excluded.first),
				last   = max(coalesce(last, excluded.last), excluded.last)`,
			e.experiment, e.since, s.trials, s.first.UnixMicro(), s.last.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

func (c change) addArms(t *tally) error {
	for _, key := range t.seen {
		if err := c.addArm(key, t.arms[key]); err != nil {
			return err
		}
	}
	return nil
}

// addArm adds to an arm's totals. Numbers are added in place; faults and latencies are read first, and costs were before.
func (c change) addArm(key arm, a *armTotals) error {
	if err := c.mergeArm(key, a); err != nil {
		return err
	}
	faults, err := json.Marshal(a.Faults)
	if err != nil {
		return err
	}
	return c.exec(`INSERT INTO arms (experiment, since, role, name, faults, latency, cold_latency,
			observations, cold, max_memory_mb, cost_usd, cost_squares, priced,
			trials, matches, mismatches, ignored, paired, candidate_only, secondary_only, both,
			cold_trials, cold_mismatches, fault_only, secondary_fault_only, warm_pairs)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (experiment, since, role, name) DO UPDATE SET
			faults         = excluded.faults,
			latency        = excluded.latency,
			cold_latency   = excluded.cold_latency,
			observations   = observations + excluded.observations,
			cold           = cold + excluded.cold,
			max_memory_mb  = max(max_memory_mb, excluded.max_memory_mb),
			cost_usd       = excluded.cost_usd,
			cost_squares   = excluded.cost_squares,
			priced         = priced + excluded.priced,
			trials         = trials + excluded.trials,
			matches        = matches + excluded.matches,
			mismatches     = mismatches + excluded.mismatches,
			ignored        = ignored + excluded.ignored,
			paired         = paired + excluded.paired,
			candidate_only = candidate_only + excluded.candidate_only,
			secondary_only = secondary_only + excluded.secondary_only,
			both           = both + excluded.both,
			cold_trials          = cold_trials + excluded.cold_trials,
			cold_mismatches      = cold_mismatches + excluded.cold_mismatches,
			fault_only           = fault_only + excluded.fault_only,
			secondary_fault_only = secondary_fault_only + excluded.secondary_fault_only,
			warm_pairs           = warm_pairs + excluded.warm_pairs`,
		key.experiment, key.since, key.role, key.name, string(faults), a.latency.Encode(), a.coldLatency.Encode(),
		a.Observations, a.Cold, a.MaxMemoryMB, a.CostUSD, a.CostSquares, a.Priced,
		a.Trials, a.Matches, a.Mismatches, a.Ignored, a.Paired, a.CandidateOnly, a.SecondaryOnly, a.Both,
		a.ColdTrials, a.ColdMismatches, a.FaultOnly, a.SecondaryFaultOnly, a.WarmPairs)
}

// mergeArm adds the faults and latencies kept of an arm to those of a.
func (c change) mergeArm(key arm, a *armTotals) error {
	return scan(c.ctx, c.tx, func(rows *sql.Rows) error {
		var faults, latency, coldLatency []byte
		if err := rows.Scan(&faults, &latency, &coldLatency); err != nil {
			return err
		}
		before := map[assay.FaultKind]int64{}
		if err := json.Unmarshal(faults, &before); err != nil {
			return err
		}
		for kind, n := range before {
			a.Faults[kind] += n
		}
		return errors.Join(merge(a.latency, latency), merge(a.coldLatency, coldLatency))
	}, `SELECT faults, latency, cold_latency FROM arms WHERE experiment = ? AND since = ? AND role = ? AND name = ?`,
		key.experiment, key.since, key.role, key.name)
}

// merge adds an encoded sketch to another.
func merge(into *stats.Sketch, encoded []byte) error {
	sketch, err := stats.DecodeSketch(encoded)
	if err != nil {
		return err
	}
	into.Merge(sketch)
	return nil
}

func (c change) addPaths(t *tally) error {
	for key, p := range t.paths {
		err := c.exec(`INSERT INTO paths (experiment, since, arm, path, kind, mismatches, ignored, noise, candidate_only, secondary_only)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (experiment, since, arm, path, kind) DO UPDATE SET
				mismatches     = mismatches + excluded.mismatches,
				ignored        = ignored + excluded.ignored,
				noise          = noise + excluded.noise,
				candidate_only = candidate_only + excluded.candidate_only,
				secondary_only = secondary_only + excluded.secondary_only`,
			key.experiment, key.since, key.name, p.Path, p.Kind, p.Mismatches, p.Ignored, p.Noise, p.CandidateOnly, p.SecondaryOnly)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c change) addMarks(t *tally) error {
	insert, err := c.tx.PrepareContext(c.ctx, `INSERT INTO marks (subject, outcome, time, seq) VALUES (?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	numbers := map[subject]int64{}
	for _, m := range t.marks {
		number, known := numbers[m.subject]
		if !known {
			if number, err = c.number(m.subject); err != nil {
				return err
			}
			numbers[m.subject] = number
		}
		if _, err := insert.ExecContext(c.ctx, number, m.outcome, m.time, m.seq); err != nil {
			return err
		}
	}
	return nil
}

// number returns the number of a subject, a new one if it has none yet.
func (c change) number(s subject) (n int64, err error) {
	err = c.tx.QueryRowContext(c.ctx, `INSERT INTO subjects (arm, path, experiment) VALUES (?, ?, ?)
		ON CONFLICT (arm, path, experiment) DO UPDATE SET arm = arm RETURNING subject`, s.arm, s.path, s.experiment).Scan(&n)
	return n, err
}

// keepLedgers replaces ledgers, which carry totals.
func (c change) keepLedgers(ledgers []assay.Ledger) error {
	for _, l := range ledgers {
		notSampled, err := json.Marshal(l.NotSampled)
		if err != nil {
			return err
		}
		dropped, err := json.Marshal(l.Dropped)
		if err != nil {
			return err
		}
		err = c.exec(`INSERT INTO evidence (experiment, since, requests, offered, sampled, not_sampled, dropped) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (experiment, since) DO UPDATE SET requests = excluded.requests, offered = excluded.offered,
				sampled = excluded.sampled, not_sampled = excluded.not_sampled, dropped = excluded.dropped`,
			l.Experiment, l.Since, l.Requests, l.Offered, l.Sampled, string(notSampled), string(dropped))
		if err != nil {
			return err
		}
	}
	return nil
}
