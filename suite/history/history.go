// Package history keeps what tests took and how they ended, in a SQLite file that several runs may share.
// In come a run's results, by branch; out comes what is known of each test, by branch with others to
// fall back on.
package history

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
)

// Key says whose tests are meant.
type Key struct {
	Project string
	Branch  string // "" when there is no version control
}

// History is an open file.
type History struct{ db *sql.DB }

const schema = `
CREATE TABLE IF NOT EXISTS past (
	project TEXT NOT NULL, test TEXT NOT NULL, branch TEXT NOT NULL,
	mean REAL NOT NULL,     -- seconds, of late runs
	runs INTEGER NOT NULL, fails INTEGER NOT NULL, flaky INTEGER NOT NULL,
	last INTEGER NOT NULL,  -- milliseconds since 1970
	PRIMARY KEY (project, test, branch)
) WITHOUT ROWID;
DROP TABLE IF EXISTS runs; -- of earlier versions: nothing reads it`

// marks were added to the table later.
const marks = `ALTER TABLE past ADD COLUMN marks TEXT NOT NULL DEFAULT ''` // how late runs ended, the latest last

// Open opens the file, and makes it if need be. Another run that writes is waited for.
func Open(file string) (*History, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, unusable(file, err)
	}
	q := url.Values{"_pragma": {"busy_timeout(20000)", "journal_mode(wal)", "synchronous(normal)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, unusable(file, err)
	}
	db.SetMaxOpenConns(1)
	if err := prepare(db); err != nil {
		return nil, errors.Join(unusable(file, err), db.Close())
	}
	return &History{db}, nil
}

// prepare makes the tables, or adds what files of earlier versions have not got.
func prepare(db *sql.DB) error {
	tx, err := db.Begin() // which takes the lock: two runs may begin at once
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after the commit
	if _, err := tx.Exec(schema); err != nil {
		return err
	}
	var there int
	if err := tx.QueryRow(`SELECT count(*) FROM pragma_table_info('past') WHERE name = 'marks'`).Scan(&there); err != nil {
		return err
	}
	if there == 0 {
		if _, err := tx.Exec(marks); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func unusable(file string, err error) error {
	return &assay.Error{Code: assay.CodeInvalid, What: "what earlier runs took cannot be read: " + err.Error(), Where: file, Hint: "remove the file, or choose another --data", Err: err}
}

// Close closes the file.
func (h *History) Close() error { return h.db.Close() }

// Load is what is known of a project's tests: from the branch, or else from where they ran last.
func (h *History) Load(ctx context.Context, k Key) (map[string]suite.Past, error) {
	rows, err := h.db.QueryContext(ctx, `SELECT test, branch, mean, runs, fails, flaky, marks FROM past WHERE project = ? ORDER BY branch = ?, last`, k.Project, k.Branch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]suite.Past{}
	for rows.Next() {
		var test string
		var mean float64
		var b suite.Branch
		if err := rows.Scan(&test, &b.Name, &mean, &b.Runs, &b.Fails, &b.Flaky, &b.Late); err != nil {
			return nil, err
		}
		all[test] = suite.Past{ // the branch's own come last
			Mean: time.Duration(mean * float64(time.Second)), Runs: b.Runs, Fails: b.Fails, Flaky: b.Flaky, Late: b.Late,
			Branches: append(all[test].Branches, b),
		}
	}
	return all, rows.Err()
}

// recent is the weight of the latest run in a mean.
const recent = 0.4

const upsert = `
INSERT INTO past (project, test, branch, mean, runs, fails, flaky, last, marks) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8)
ON CONFLICT DO UPDATE SET mean = mean + ?9 * (excluded.mean - mean), runs = runs + 1,
	fails = fails + excluded.fails, flaky = flaky + excluded.flaky, last = excluded.last, marks = substr(marks || excluded.marks, -?10)`

// failed is for tests that did not end by themselves, which tells nothing of durations.
const failed = `
UPDATE past SET runs = runs + 1, fails = fails + 1, last = ?4, marks = substr(marks || ?5, -?6) WHERE project = ?1 AND test = ?2 AND branch = ?3`

// Keep adds a run's results. Lost tests tell nothing, and are left out.
func (h *History) Keep(ctx context.Context, k Key, r suite.Run) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after the commit
	add, err := tx.PrepareContext(ctx, upsert)
	if err != nil {
		return err
	}
	fail, err := tx.PrepareContext(ctx, failed)
	if err != nil {
		return err
	}
	for _, result := range r.Results {
		at, mark := r.Started.UnixMilli(), result.Status.Mark()
		switch result.Status {
		case suite.Lost:
		case suite.Crash, suite.Timeout:
			_, err = fail.ExecContext(ctx, k.Project, result.ID, k.Branch, at, mark, suite.KeptMarks)
		default:
			_, err = add.ExecContext(ctx, k.Project, result.ID, k.Branch, result.Duration().Seconds(), one(result.Status.Bad()), one(result.Status == suite.Flaky), at, mark, recent, suite.KeptMarks)
		}
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
