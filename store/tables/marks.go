package tables

import "github.com/assaylab/assay"

// Mark is the outcome that trial Seq had under a subject.
type Mark struct {
	Subject int64
	Outcome assay.Outcome
	Time    int64 // microseconds since 1970
	Seq     int64
	Since   int // the version that the trial's evidence began with
}

// number gives the subjects of marks their numbers, new ones to those that have none yet.
func number(tx Tx, marks []mark, all map[evidence]scope) ([]Mark, error) {
	numbers := map[subject]int64{}
	for e, s := range all {
		if err := recallSubjects(tx, e.experiment, s.differ, numbers); err != nil {
			return nil, err
		}
	}
	out := make([]Mark, len(marks))
	for i, m := range marks {
		n, known := numbers[m.subject]
		if !known {
			err := tx.Query(func(row Row) error { return row.Scan(&n) },
				`INSERT INTO subjects (arm, path, experiment) VALUES (?, ?, ?) RETURNING subject`, m.subject.arm, m.subject.path, m.subject.experiment)
			if err != nil {
				return nil, err
			}
			numbers[m.subject] = n
		}
		out[i] = Mark{n, m.outcome, m.time, m.seq, m.since}
	}
	return out, nil
}

// recallSubjects reads the numbers of an experiment's subjects; those of paths only if there is need.
func recallSubjects(tx Tx, experiment string, paths bool, numbers map[subject]int64) error {
	query := `SELECT arm, path, subject FROM subjects WHERE experiment = ?`
	if !paths {
		query += ` AND path = ''`
	}
	return tx.Query(func(row Row) error {
		s := subject{experiment: experiment}
		var n int64
		err := row.Scan(&s.arm, &s.path, &n)
		numbers[s] = n
		return err
	}, query, experiment)
}

// Subjects returns the numbers of the subjects that a query is about: one, or one for each experiment if it
// names none.
func Subjects(tx Tx, q assay.Query) ([]int64, error) {
	read := func(row Row) (n int64, err error) { return n, row.Scan(&n) }
	path := assay.FoldPath(q.Path)
	if q.Experiment == "" {
		return list(tx, read, `SELECT subject FROM subjects WHERE arm = ? AND path = ?`, q.Arm, path)
	}
	return list(tx, read, `SELECT subject FROM subjects WHERE arm = ? AND path = ? AND experiment = ?`, q.Arm, path, q.Experiment)
}
