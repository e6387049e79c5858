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
	return t.minutes.at(armMinute{key, at.Unix() / 60})
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

// minutes is what became of calls, minute by minute, or ten minutes by ten.
type minutes map[armMinute]*minuteTotals

// tableOf has the steps of so many minutes.
func tableOf(step int) string {
	if step == assay.CoarseMinutes {
		return "tens"
	}
	return "minutes"
}

// coarse puts minutes together.
func (all minutes) coarse() minutes {
	tens := minutes{}
	for key, m := range all {
		key.minute -= key.minute % assay.CoarseMinutes
		tens.at(key).merge(m)
	}
	return tens
}

func (all minutes) at(key armMinute) *minuteTotals {
	if all[key] == nil {
		all[key] = &minuteTotals{latency: stats.NewSketch()}
	}
	return all[key]
}

func (m *minuteTotals) merge(o *minuteTotals) {
	m.observations += o.observations
	m.cold += o.cold
	m.faults += o.faults
	m.mismatches += o.mismatches
	m.micros += o.micros
	m.latency.Merge(o.latency)
}

func addMinutes(tx Tx, t *tally) error {
	tens := t.minutes.coarse() // before those kept are added
	if err := t.minutes.add(tx, 1); err != nil {
		return err
	}
	return tens.add(tx, assay.CoarseMinutes)
}

// add adds to those kept, and forgets those that are too long ago.
func (all minutes) add(tx Tx, step int) error {
	merged, latest := map[evidenceMinute]bool{}, map[evidence]int64{}
	for key := range all {
		at := evidenceMinute{key.evidence, key.minute}
		if merged[at] {
			continue
		}
		if err := all.recall(tx, step, at); err != nil {
			return err
		}
		merged[at], latest[at.evidence] = true, max(latest[at.evidence], at.minute)
	}
	for key, m := range all {
		if err := m.write(tx, step, key); err != nil {
			return err
		}
	}
	for e, minute := range latest {
		err := tx.Exec(`DELETE FROM `+tableOf(step)+` WHERE experiment = ? AND since = ? AND minute <= ?`, e.experiment, e.since, minute-assay.MaxMinutes)
		if err != nil {
			return err
		}
	}
	return nil
}

// recall adds the latencies kept of a minute to the new ones.
func (all minutes) recall(tx Tx, step int, at evidenceMinute) error {
	return tx.Query(func(row Row) error {
		key := armMinute{arm{evidence: at.evidence}, at.minute}
		var before []byte
		if err := row.Scan(&key.role, &key.name, &before); err != nil {
			return err
		}
		m := all[key]
		if m == nil {
			return nil
		}
		sketch, err := stats.DecodeSketch(before)
		if err != nil {
			return err
		}
		m.latency.Merge(sketch)
		return nil
	}, `SELECT role, arm, latency FROM `+tableOf(step)+` WHERE experiment = ? AND since = ? AND minute = ?`, at.experiment, at.since, at.minute)
}

func (m *minuteTotals) write(tx Tx, step int, key armMinute) error {
	return tx.Exec(`INSERT INTO `+tableOf(step)+` AS kept (experiment, since, minute, role, arm, observations, cold, faults, mismatches, micros, latency)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (experiment, since, minute, role, arm) DO UPDATE SET
			observations = kept.observations + excluded.observations,
			cold         = kept.cold + excluded.cold,
			faults       = kept.faults + excluded.faults,
			mismatches   = kept.mismatches + excluded.mismatches,
			micros       = kept.micros + excluded.micros,
			latency      = excluded.latency`,
		key.experiment, key.since, key.minute, key.role, key.name,
		m.observations, m.cold, m.faults, m.mismatches, m.micros, m.latency.Encode())
}

// RollUp puts the minutes kept of an experiment, or of all if it is "", together anew.
func RollUp(tx Tx, experiment string) error {
	tens := minutes{}
	err := tx.Query(func(row Row) error {
		var key armMinute
		var m minuteTotals
		var latency []byte
		err := row.Scan(&key.experiment, &key.since, &key.minute, &key.role, &key.name, &m.observations, &m.cold, &m.faults, &m.mismatches, &m.micros, &latency)
		if err != nil {
			return err
		}
		if m.latency, err = stats.DecodeSketch(latency); err != nil {
			return err
		}
		key.minute -= key.minute % assay.CoarseMinutes
		tens.at(key).merge(&m)
		return nil
	}, `SELECT experiment, since, minute, role, arm, observations, cold, faults, mismatches, micros, latency FROM minutes WHERE ? IN ('', experiment)`, experiment)
	if err != nil {
		return err
	}
	return tens.add(tx, assay.CoarseMinutes)
}

// Trend implements assay.Trends.
func (t Tables) Trend(ctx context.Context, experiment string, since, minutes int) ([]assay.Minute, error) {
	table := tableOf(assay.StepOf(minutes))
	return listed(ctx, t, "the trend cannot be read", readMinute,
		`SELECT minute, role, arm, observations, cold, faults, mismatches, micros, latency FROM `+table+`
		WHERE experiment = ? AND since = ? AND minute > (SELECT max(minute) FROM `+table+` WHERE experiment = ? AND since = ?) - ?
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
