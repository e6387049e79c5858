// Package sqlite keeps trials in one SQLite file. In come batches of trials and ledgers, each batch
// kept in one transaction or not at all; out go exact counts, pages of trials, and single trials.
// Experiments' definitions are kept beside them.
//
// The file has one writer connection and a few for readers, which never wait for the writer (WAL).
// Nothing is cached in memory: totals are rows that the writer adds to in the transaction that keeps
// the trials, so a process killed at any time leaves counts that agree with the trials. When the
// machine itself loses power, the last batches may be lost, whole.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver named "sqlite"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/tables"
)

// Options of a store. The zero value works.
type Options struct {
	// MaxBytes limits what the trials take, 1 GiB by default. Beyond it the oldest matches lose their
	// bodies, then the oldest trials go. The file is somewhat larger; space that stays free is given back.
	MaxBytes int64
	// MaxAge limits how old trials become. No limit by default.
	MaxAge time.Duration
	// Log hears what was pruned, now and then. Nobody does by default.
	Log *slog.Logger
	// Now is the time that ages are measured by, time.Now by default.
	Now func() time.Time
}

// DefaultMaxBytes is the size limit of a store that is given none.
const DefaultMaxBytes = 1 << 30

// readers is how many reads go on at once; more wait their turn.
const readers = 4

// Store implements assay.Store, and by its tables definitions, trends, readings and rollouts. It is safe for
// concurrent use.
type Store struct {
	tables.Tables
	path string
	opt  Options

	mu     sync.Mutex
	gone   pruned    // since it was said
	noted  time.Time // when it was
	looked time.Time // at experiments' own limits

	writer *sql.DB // a single connection
	reader *sql.DB

	open   sync.RWMutex // held for reading by every call, for writing by Close
	closed bool
}

var _ assay.Store = (*Store)(nil)

// Open opens the store in the file at path, which is created with its folders if there is none, and
// brings an older schema up to date. A file that is something else, or was written by a newer Assay,
// is left as it is, with an error of CodeInvalid.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{path: path, opt: o}
	s.Tables = tables.New(s.read, s.write)
	if err := create(path); err != nil {
		return nil, s.fail("the store's file cannot be created", err)
	}
	if err := s.connect(ctx); err != nil {
		_ = s.disconnect() // err says more
		return nil, s.fail("the store cannot be opened", err)
	}
	return s, nil
}

// create makes the file for its owner alone, since it will hold requests and responses.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// connect opens both pools. The journal's mode is set after the file was found to be ours.
func (s *Store) connect(ctx context.Context) (err error) {
	writing := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"auto_vacuum(incremental)", "synchronous(normal)", "cache_size(-4096)", "journal_size_limit(67108864)", "wal_autocheckpoint(16000)"},
	}
	if s.writer, err = pool(s.path, 1, writing); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if _, err := s.writer.ExecContext(ctx, "PRAGMA journal_mode = wal"); err != nil {
		return err
	}
	s.reader, err = pool(s.path, readers, url.Values{"_query_only": {"1"}})
	return err
}

func pool(path string, size int, parameters url.Values) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	parameters.Set("_busy_timeout", "5000") // ms, should another process hold the file
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: parameters.Encode()}
	db, err := sql.Open("sqlite", uri.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// Close waits for calls under way, moves what is in the write-ahead log into the file, and closes it.
// Calls that come later fail. Closing twice is fine.
func (s *Store) Close() error {
	s.open.Lock()
	defer s.open.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	_, err := s.writer.Exec("PRAGMA wal_checkpoint(truncate)")
	if err = errors.Join(err, s.disconnect()); err != nil {
		return s.fail("the store did not close cleanly", err)
	}
	return nil
}

func (s *Store) disconnect() (err error) {
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}

// write runs f in the one write transaction there is at a time: all of it is kept, or nothing.
func (s *Store) write(ctx context.Context, what string, f func(tables.Tx) error) error {
	return s.within(ctx, s.writer, what, func(tx tx) error { return f(tx) })
}

// read runs f on one unchanging state of the store.
func (s *Store) read(ctx context.Context, what string, f func(tables.Tx) error) error {
	return s.within(ctx, s.reader, what, func(tx tx) error { return f(tx) })
}

func (s *Store) within(ctx context.Context, db *sql.DB, what string, f func(tx) error) error {
	s.open.RLock()
	defer s.open.RUnlock()
	if s.closed {
		return s.fail(what, errClosed)
	}
	begun, err := db.BeginTx(ctx, nil)
	if err != nil {
		return s.fail(what, err)
	}
	if err := f(tx{begun, ctx}); err != nil {
		_ = begun.Rollback()                        // err says more
		return s.fail(what, cmp.Or(ctx.Err(), err)) // SQLite only says that it was interrupted
	}
	if err := begun.Commit(); err != nil {
		return s.fail(what, err)
	}
	return nil
}

// tx is one transaction as package tables wants it.
type tx struct {
	*sql.Tx
	ctx context.Context
}

// Exec implements tables.Tx.
func (t tx) Exec(query string, args ...any) error {
	_, err := t.ExecContext(t.ctx, query, args...)
	return err
}

// Query implements tables.Tx.
func (t tx) Query(each func(tables.Row) error, query string, args ...any) error {
	rows, err := t.QueryContext(t.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
