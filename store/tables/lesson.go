package tables

import (
	"encoding/json"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
)

// learn learns from trials that are new, in their order.
func learn(tx Tx, fresh []codec.Record) error {
	l := &lesson{map[pupil]*learned{}, map[excuse]*assay.ExcuseCount{}, map[noisy][]sample{}}
	for e, s := range scopes(fresh) {
		if err := l.recall(tx, e, s); err != nil {
			return err
		}
	}
	for i := range fresh {
		if err := l.add(fresh[i].Trial, fresh[i].Seq); err != nil {
			return err
		}
	}
	for _, write := range []func(Tx, *lesson) error{writePupils, writeClusters, writeExcuses, writeSamples} {
		if err := write(tx, l); err != nil {
			return err
		}
	}
	return nil
}

// recall reads what is known of the candidates of an experiment, as far as its new trials may add to it.
func (l *lesson) recall(tx Tx, e evidence, s scope) error {
	err := tx.Query(func(row Row) error {
		p := pupil{experiment: e.experiment}
		var trials int64
		if err := row.Scan(&p.arm, &trials); err != nil {
			return err
		}
		l.pupil(p).trials = trials
		return nil
	}, `SELECT arm, trials FROM candidates WHERE experiment = ?`, e.experiment)
	if err != nil || !s.differ {
		return err
	}
	err = tx.Query(func(row Row) error {
		p := pupil{experiment: e.experiment}
		var rule string
		if err := row.Scan(&p.arm, &rule); err != nil {
			return err
		}
		l.pupil(p).rule(e.since, rule)
		return nil
	}, `SELECT arm, rule FROM excuses WHERE experiment = ? AND since = ?`, e.experiment, e.since)
	if err != nil {
		return err
	}
	return tx.Query(func(row Row) error {
		p := pupil{experiment: e.experiment}
		var id string
		s := new(sighted)
		err := row.Scan(&p.arm, &id, &s.signature, &s.count, &s.first, &s.last, &s.firstVersion, &s.lastVersion, &s.example, &s.began, &s.seen, &s.returns)
		if err != nil {
			return err
		}
		l.pupil(p).clusters[id] = s
		return nil
	}, `SELECT arm, id, signature, count, first, last, first_version, last_version, example, began, seen, returns
		FROM clusters WHERE experiment = ?`, e.experiment)
}

func writePupils(tx Tx, l *lesson) error {
	for p, k := range l.pupils {
		err := tx.Exec(`INSERT INTO candidates (experiment, arm, trials) VALUES (?, ?, ?)
			ON CONFLICT (experiment, arm) DO UPDATE SET trials = excluded.trials`, p.experiment, p.arm, k.trials)
		if err != nil {
			return err
		}
	}
	return nil
}

func writeClusters(tx Tx, l *lesson) error {
	for p, k := range l.pupils {
		for id, s := range k.clusters {
			if !s.fresh {
				continue
			}
			err := tx.Exec(`INSERT INTO clusters (experiment, arm, id, signature, count, first, last, first_version, last_version, example, began, seen, returns)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (experiment, arm, id) DO UPDATE SET count = excluded.count, first = excluded.first, last = excluded.last,
					first_version = excluded.first_version, last_version = excluded.last_version, example = excluded.example,
					seen = excluded.seen, returns = excluded.returns`,
				p.experiment, p.arm, id, s.signature, s.count, s.first, s.last, s.firstVersion, s.lastVersion, s.example, s.began, s.seen, s.returns)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func writeExcuses(tx Tx, l *lesson) error {
	for at, x := range l.excuses {
		last := int64(0) // of hits alone
		if x.Hits > 0 {
			last = x.Last.UnixMicro()
		}
		err := tx.Exec(`INSERT INTO excuses (experiment, since, arm, rule, hits, candidate_only, secondary_only, last) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (experiment, since, arm, rule) DO UPDATE SET hits = excuses.hits + excluded.hits,
				candidate_only = excuses.candidate_only + excluded.candidate_only,
				secondary_only = excuses.secondary_only + excluded.secondary_only,
				last = CASE WHEN excluded.last > excuses.last THEN excluded.last ELSE excuses.last END`,
			at.experiment, at.since, at.arm, at.rule, x.Hits, x.CandidateOnly, x.SecondaryOnly, last)
		if err != nil {
			return err
		}
	}
	return nil
}

func writeSamples(tx Tx, l *lesson) error {
	for at, samples := range l.samples {
		var here, all int
		err := tx.Query(func(row Row) error { return row.Scan(&here, &all) }, `SELECT
			(SELECT count(*) FROM noise WHERE experiment = ? AND path = ? AND kind = ?),
			(SELECT count(*) FROM (SELECT DISTINCT path, kind FROM noise WHERE experiment = ?) AS places)`,
			at.experiment, at.path, at.kind, at.experiment)
		if err != nil {
			return err
		}
		if here == 0 && all >= maxNoisy {
			continue
		}
		for _, s := range samples {
			if err := writeSample(tx, at, s); err != nil {
				return err
			}
		}
		if here+len(samples) <= maxSamples {
			continue
		}
		err = tx.Exec(`DELETE FROM noise WHERE experiment = ? AND path = ? AND kind = ? AND seq <=
			(SELECT seq FROM noise WHERE experiment = ? AND path = ? AND kind = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
			at.experiment, at.path, at.kind, at.experiment, at.path, at.kind, maxSamples)
		if err != nil {
			return err
		}
	}
	return nil
}

func writeSample(tx Tx, at noisy, s sample) error {
	control, err := json.Marshal(s.Control)
	if err != nil {
		return err
	}
	secondary, err := json.Marshal(s.Secondary)
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO noise (experiment, path, kind, seq, trial, time, control, secondary) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		at.experiment, at.path, at.kind, s.seq, s.Trial, s.Time.UnixMicro(), string(control), string(secondary))
}
