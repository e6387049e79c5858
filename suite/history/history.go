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
CREATE TABLE IF NOT EXISTS runs (
	project TEXT NOT NULL, branch TEXT NOT NULL, started INTEGER NOT NULL, wall REAL NOT NULL, tests INTEGER NOT NULL, failed INTEGER NOT NULL
);`

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
	if _, err := db.Exec(schema); err != nil {
		return nil, errors.Join(unusable(file, err), db.Close())
	}
	return &History{db}, nil
}

func unusable(file string, err error) error {
	return &assay.Error{Code: assay.CodeInvalid, What: "what earlier runs took cannot be read: " + err.Error(), Where: file, Hint: "remove the file, or choose another --data", Err: err}
}

// Close closes the file.
func (h *History) Close() error { return h.db.Close() }

// Load is what is known of a project's tests: from the branch, or else from where they ran last.
func (h *History) Load(ctx context.Context, k Key) (map[string]suite.Past, error) {
	rows, err := h.db.QueryContext(ctx, `SELECT test, mean, runs, fails, flaky FROM past WHERE project = ? ORDER BY branch = ?, last`, k.Project, k.Branch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]suite.Past{}
	for rows.Next() {
		var test string
		var mean float64
		var p suite.Past
		if err := rows.Scan(&test, &mean, &p.Runs, &p.Fails, &p.Flaky); err != nil {
			return nil, err
		}
		p.Mean = time.Duration(mean * float64(time.Second))
		all[test] = p // the branch's own come last
	}
	return all, rows.Err()
}

// recent is the weight of the latest run in a mean.
const recent = 0.4

const upsert = `
INSERT INTO past (project, test, branch, mean, runs, fails, flaky, last) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7)
ON CONFLICT DO UPDATE SET mean = mean + ?8 * (excluded.mean - mean), runs = runs + 1,
	fails = fails + excluded.fails, flaky = flaky + excluded.flaky, last = excluded.last`

// Keep adds a run's results. Tests that did not end by themselves tell nothing of durations,
// and are left out.
func (h *History) Keep(ctx context.Context, k Key, r suite.Run) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after the commit
	insert, err := tx.PrepareContext(ctx, upsert)
	if err != nil {
		return err
	}
	failed := 0
	for _, result := range r.Results {
		if result.Status.Bad() {
			failed++
		}
		if result.Status == suite.Lost || result.Status == suite.Crash || result.Status == suite.Timeout {
			continue
		}
		if _, err := insert.ExecContext(ctx, k.Project, result.ID, k.Branch, result.Duration().Seconds(), one(result.Status.Bad()), one(result.Status == suite.Flaky), r.Started.UnixMilli(), recent); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)`, k.Project, k.Branch, r.Started.UnixMilli(), r.Wall.Seconds(), len(r.Results), failed)
	if err != nil {
		return err
	}
	return tx.Commit()
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
