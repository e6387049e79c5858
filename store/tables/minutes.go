package tables

import (
	"context"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// armMinute is one arm in one minute since 1970.
type armMinute struct {
	arm
	minute int64
}

// minuteTotals is what became of its calls.
type minuteTotals struct {
	observations, cold, faults, mismatches, micros int64
	latency                                        *stats.Sketch
}

func (t *tally) minute(key arm, at time.Time) *minuteTotals {
	k := armMinute{key, at.Unix() / 60}
	if t.minutes[k] == nil {
		t.minutes[k] = &minuteTotals{latency: stats.NewSketch()}
	}
	return t.minutes[k]
}

func (m *minuteTotals) add(o *assay.Observation, mismatch bool) {
	m.observations++
	m.cold += one(o.Cold)
	m.faults += one(o.Fault != nil)
	m.mismatches += one(mismatch)
	if o.Timed() && !o.Cold {
		m.micros += o.Duration.Microseconds()
		m.latency.Add(float64(o.Duration) / float64(time.Millisecond))
	}
}

// trend counts a trial in its minute.
func (t *tally) trend(trial *assay.Trial) {
	e := evidence{trial.Experiment, trial.Since}
	t.minute(arm{e, assay.RoleControl, trial.Control.Arm}, trial.Time).add(&trial.Control, false)
	if s := trial.Secondary; s != nil {
		t.minute(arm{e, assay.RoleSecondary, s.Observation.Arm}, trial.Time).add(&s.Observation, s.Outcome() == assay.OutcomeMismatch)
	}
	for i := range trial.Candidates {
		c := &trial.Candidates[i]
		t.minute(candidate(trial, c), trial.Time).add(&c.Observation, c.Outcome() == assay.OutcomeMismatch)
	}
}

// evidenceMinute is all arms of an experiment in one minute.
type evidenceMinute struct {
	evidence
	minute int64
}

// addMinutes adds to the minutes kept, and forgets those that are too long ago.
func addMinutes(tx Tx, t *tally) error {
	merged, latest := map[evidenceMinute]bool{}, map[evidence]int64{}
	for key := range t.minutes {
		at := evidenceMinute{key.evidence, key.minute}
		if merged[at] {
			continue
		}
		if err := mergeMinute(tx, t, at); err != nil {
			return err
		}
		merged[at], latest[at.evidence] = true, max(latest[at.evidence], at.minute)
	}
	for key, m := range t.minutes {
		if err := writeMinute(tx, key, m); err != nil {
			return err
		}
	}
	for e, minute := range latest {
		err := tx.Exec(`DELETE FROM minutes WHERE experiment = ? AND since = ? AND minute <= ?`, e.experiment, e.since, minute-assay.MaxMinutes)
		if err != nil {
			return err
		}
	}
	return nil
}

// mergeMinute adds the latencies kept of a minute to the new ones.
func mergeMinute(tx Tx, t *tally, at evidenceMinute) error {
	return tx.Query(func(row Row) error {
		key := armMinute{arm{evidence: at.evidence}, at.minute}
		var before []byte
		if err := row.Scan(&key.role, &key.name, &before); err != nil {
			return err
		}
		m := t.minutes[key]
		if m == nil {
			return nil
		}
		sketch, err := stats.DecodeSketch(before)
		if err != nil {
			return err
		}
		m.latency.Merge(sketch)
		return nil
	}, `SELECT role, arm, latency FROM minutes WHERE experiment = ? AND since = ? AND minute = ?`, at.experiment, at.since, at.minute)
}

func writeMinute(tx Tx, key armMinute, m *minuteTotals) error {
	return tx.Exec(`INSERT INTO minutes (experiment, since, minute, role, arm, observations, cold, faults, mismatches, micros, latency)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (experiment, since, minute, role, arm) DO UPDATE SET
			observations = minutes.observations + excluded.observations,
			cold         = minutes.cold + excluded.cold,
			faults       = minutes.faults + excluded.faults,
			mismatches   = minutes.mismatches + excluded.mismatches,
			micros       = minutes.micros + excluded.micros,
			latency      = excluded.latency`,
		key.experiment, key.since, key.minute, key.role, key.name,
		m.observations, m.cold, m.faults, m.mismatches, m.micros, m.latency.Encode())
}

// Trend implements assay.Trends.
func (t Tables) Trend(ctx context.Context, experiment string, since, minutes int) ([]assay.Minute, error) {
	return listed(ctx, t, "the trend cannot be read", readMinute,
		`SELECT minute, role, arm, observations, cold, faults, mismatches, micros, latency FROM minutes
		WHERE experiment = ? AND since = ? AND minute > (SELECT max(minute) FROM minutes WHERE experiment = ? AND since = ?) - ?
		ORDER BY minute, role, arm`, experiment, since, experiment, since, minutes)
}

func readMinute(row Row) (m assay.Minute, err error) {
	var minute, micros int64
	var latency []byte
	if err := row.Scan(&minute, &m.Role, &m.Arm, &m.Observations, &m.Cold, &m.Faults, &m.Mismatches, &micros, &latency); err != nil {
		return m, err
	}
	quantiles, timed, err := stats.EncodedQuantiles(latency, 0.5, 0.9, 0.99)
	if err != nil {
		return m, err
	}
	m.Time, m.Timed = time.Unix(60*minute, 0).UTC(), timed
	m.LatencyMS = assay.Latency{P50: quantiles[0], P90: quantiles[1], P99: quantiles[2]}
	if m.Timed > 0 {
		m.MeanMS = float64(micros) / 1000 / float64(m.Timed)
	}
	return m, nil
}
