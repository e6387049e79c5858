package sqlite

import (
	"context"
	"database/sql"
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

// addMinutes adds to the minutes kept, and forgets those that are too long ago.
func (c change) addMinutes(t *tally) error {
	latest := map[evidence]int64{}
	for key, m := range t.minutes {
		if err := c.addMinute(key, m); err != nil {
			return err
		}
		latest[key.evidence] = max(latest[key.evidence], key.minute)
	}
	for e, minute := range latest {
		err := c.exec(`DELETE FROM minutes WHERE experiment = ? AND since = ? AND minute <= ?`, e.experiment, e.since, minute-assay.MaxMinutes)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c change) addMinute(key armMinute, m *minuteTotals) error {
	where := []any{key.experiment, key.since, key.minute, key.role, key.name}
	err := scan(c.ctx, c.tx, func(rows *sql.Rows) error {
		var before []byte
		if err := rows.Scan(&before); err != nil {
			return err
		}
		return merge(m.latency, before)
	}, `SELECT latency FROM minutes WHERE experiment = ? AND since = ? AND minute = ? AND role = ? AND arm = ?`, where...)
	if err != nil {
		return err
	}
	return c.exec(`INSERT INTO minutes (experiment, since, minute, role, arm, observations, cold, faults, mismatches, micros, latency)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (experiment, since, minute, role, arm) DO UPDATE SET
			observations = observations + excluded.observations,
			cold         = cold + excluded.cold,
			faults       = faults + excluded.faults,
			mismatches   = mismatches + excluded.mismatches,
			micros       = micros + excluded.micros,
			latency      = excluded.latency`,
		append(where, m.observations, m.cold, m.faults, m.mismatches, m.micros, m.latency.Encode())...)
}

// Trend implements assay.Trends.
func (s *Store) Trend(ctx context.Context, experiment string, since int) (trend []assay.Minute, err error) {
	err = s.read(ctx, "the trend cannot be read", func(tx *sql.Tx) error {
		trend = nil
		return scan(ctx, tx, func(rows *sql.Rows) error {
			var m assay.Minute
			var minute, micros int64
			var latency []byte
			if err := rows.Scan(&minute, &m.Role, &m.Arm, &m.Observations, &m.Cold, &m.Faults, &m.Mismatches, &micros, &latency); err != nil {
				return err
			}
			sketch, err := stats.DecodeSketch(latency)
			if err != nil {
				return err
			}
			m.Time, m.Timed, m.LatencyMS = time.Unix(60*minute, 0).UTC(), sketch.Count(), distribution(sketch)
			if m.Timed > 0 {
				m.MeanMS = float64(micros) / 1000 / float64(m.Timed)
			}
			trend = append(trend, m)
			return nil
		}, `SELECT minute, role, arm, observations, cold, faults, mismatches, micros, latency FROM minutes
			WHERE experiment = ? AND since = ? ORDER BY minute, role, arm`, experiment, since)
	})
	return trend, err
}
