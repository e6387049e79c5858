package tables

import (
	"context"
	"math"
	"time"

	"github.com/assaylab/assay"
)

// milestone is how many trials of a candidate there were at one moment, and how many of them mismatched.
type milestone struct {
	arm
	trials, mismatches int64
	time               time.Time
}

// growth is by how much the trials grow from one milestone to the next: 217 of them lead to a billion.
const growth = 1.1

// isMilestone depends on the number of trials alone, so that batches do not show.
func isMilestone(trials int64) bool {
	return step(trials) > step(trials-1)
}

func step(trials int64) int64 {
	if trials < 1 {
		return -1
	}
	return int64(math.Log(float64(trials)) / math.Log(growth))
}

// pass notes a milestone if the trial just compared is one.
func (t *tally) pass(key arm, at time.Time) {
	a := t.arms[key]
	if trials := a.before.trials + a.Trials; isMilestone(trials) {
		t.milestones = append(t.milestones, milestone{key, trials, a.before.mismatches + a.Mismatches, at})
	}
}

func addMilestones(tx Tx, t *tally) error {
	for _, m := range t.milestones {
		err := tx.Exec(`INSERT INTO milestones (experiment, since, arm, trials, mismatches, time) VALUES (?, ?, ?, ?, ?, ?)`,
			m.experiment, m.since, m.name, m.trials, m.mismatches, m.time.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

// Course implements assay.Courses.
func (t Tables) Course(ctx context.Context, experiment string, since int) ([]assay.Milestone, error) {
	return listed(ctx, t, "the course cannot be read", func(row Row) (m assay.Milestone, err error) {
		var at int64
		err = row.Scan(&m.Arm, &m.Trials, &m.Mismatches, &at)
		m.Time = micro(at)
		return m, err
	}, `SELECT arm, trials, mismatches, time FROM milestones WHERE experiment = ? AND since = ? ORDER BY arm, trials`, experiment, since)
}
