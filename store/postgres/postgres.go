// Package postgres keeps trials in a PostgreSQL database that any number of laboratories and workers share. In come
// batches of trials and ledgers, each kept in one transaction or not at all; out go exact counts, pages of trials,
// and single trials, as from the embedded store.
//
// Who keeps trials of an experiment holds its lock until the transaction ends, so trials are kept in one order
// however many write: that in which the transactions took the lock, and in each batch its own. What depends on the
// order, blocks of pairs among it, is what the same trials in the order of their seq come to again.
//
// Trials are in partitions of a day, which go as a whole when they are too old or too much; counts stay.
package postgres

import (
	"context"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/tables"
)

// Options of a store. The zero value works.
type Options struct {
	// MaxBytes limits what trials take in the database, indexes included. Beyond it the oldest days go; the newest
	// day stays. No limit by default.
	MaxBytes int64
	// MaxAge limits how old trials become, to a day. No limit by default.
	MaxAge time.Duration
	// Log hears what was pruned. Nobody does by default.
	Log *slog.Logger
	// Now is the time that ages are measured by, time.Now by default.
	Now func() time.Time
}

// defaults are the settings of each connection that the URL leaves open.
var defaults = map[string]string{
	"application_name":                    "assay",
	"search_path":                         "assay",
	"statement_timeout":                   "30s",
	"lock_timeout":                        "10s",
	"idle_in_transaction_session_timeout": "60s",
}

// Store implements assay.Store, and by its tables definitions, trends, readings and rollouts. It is safe for
// concurrent use.
type Store struct {
	tables.Tables
	pool  *pgxpool.Pool
	where string // host and database, without credentials
	opt   Options

	mu     sync.Mutex
	days   map[int64]bool // that have partitions, as far as is known
	pruned time.Time      // when it was last looked for what is too old or too much
}

var _ assay.Store = (*Store)(nil)

// Open opens the store in the database that a URL names (postgres://user:password@host:port/database), and brings its
// schema up to date under a lock. The tables are in the schema "assay", or the one that the URL's search_path
// names. A schema that a newer Assay wrote is left as it is, with an error of CodeInvalid; a server that does
// not answer gives CodeUnreachable.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil { // it may quote the password
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the store's address is not one of a PostgreSQL database", Hint: "write postgres://user:password@host:port/database"}
	}
	for name, value := range defaults {
		if config.ConnConfig.RuntimeParams[name] == "" {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{where: address(config.ConnConfig), opt: o, days: map[int64]bool{}}
	s.Tables = tables.New(s.read, s.write)
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, s.fail("the store cannot be opened", err)
	}
	if err := s.migrate(ctx); err != nil {
		s.pool.Close()
		return nil, s.fail("the store cannot be opened", err)
	}
	return s, nil
}

// address says where a database is, for people and logs.
func address(c *pgx.ConnConfig) string {
	if strings.HasPrefix(c.Host, "/") {
		return "postgres " + c.Database + " at " + c.Host
	}
	return "postgres://" + net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))) + "/" + c.Database
}

// Close waits for calls under way. Calls that come later fail. Closing twice is fine.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// write runs f in a transaction: all of it is kept, or nothing.
func (s *Store) write(ctx context.Context, what string, f func(tables.Tx) error) error {
	return s.within(ctx, pgx.TxOptions{}, what, func(t *tx) error { return f(t) })
}

// read runs f on one unchanging state of the store.
func (s *Store) read(ctx context.Context, what string, f func(tables.Tx) error) error {
	return s.within(ctx, reading, what, func(t *tx) error { return f(t) })
}

var reading = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

func (s *Store) within(ctx context.Context, how pgx.TxOptions, what string, f func(*tx) error) error {
	return s.fail(what, pgx.BeginTxFunc(ctx, s.pool, how, func(begun pgx.Tx) error {
		t := &tx{Tx: begun, ctx: ctx, waiting: new(pgx.Batch)}
		if err := f(t); err != nil {
			return err
		}
		return t.flush()
	}))
}
