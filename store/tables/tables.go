// Package tables is what stores in SQL engines keep alike: totals of trials, what is learned of differences,
// definitions and rollouts. In come new trials in their order, and a transaction of the engine; out go rows, and
// from rows counts, trends and readings. The statements are of the SQL that SQLite and PostgreSQL share.
//
// Totals are rows that grow in the transaction that keeps the trials, so they agree with the trials at every
// moment. They depend on the order in which trials are kept, and not on batches: who writes sees to it that
// of one experiment there is one transaction at a time.
package tables

import (
	"context"
	"fmt"
	"time"

	"github.com/assaylab/assay"
)

// Tx is a transaction of an SQL engine. A statement has a question mark for each argument.
type Tx interface {
	// Exec runs a statement, now or together with the next ones: at the latest before the next query, or when
	// the transaction ends, which then fails.
	Exec(query string, args ...any) error
	// Query calls each for every row of an answer. It is not called again once it has failed.
	Query(each func(Row) error, query string, args ...any) error
}

// Row is one row of an answer.
type Row interface {
	Scan(into ...any) error
}

// Within runs a function in one transaction: all it does is done, or nothing. What begins the error's message.
type Within func(ctx context.Context, what string, f func(Tx) error) error

// Tables are those of one store. A store embeds them, and so keeps definitions, trends, readings and rollouts.
type Tables struct {
	read, write Within
}

// New returns the tables that the transactions of an engine read and write. Those that read see one state of the
// store throughout.
func New(read, write Within) Tables { return Tables{read, write} }

// list reads one value from each row of a query.
func list[V any](tx Tx, read func(Row) (V, error), query string, args ...any) (all []V, err error) {
	err = tx.Query(func(row Row) error {
		v, err := read(row)
		if err != nil {
			return fmt.Errorf("reading a row: %w", err)
		}
		all = append(all, v)
		return nil
	}, query, args...)
	return all, err
}

// listed is list in a transaction of its own.
func listed[V any](ctx context.Context, t Tables, what string, read func(Row) (V, error), query string, args ...any) (all []V, err error) {
	err = t.read(ctx, what, func(tx Tx) error {
		all, err = list(tx, read, query, args...)
		return err
	})
	return all, err
}

// micro is the time of so many microseconds since 1970, zero for none.
func micro(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

var _ interface {
	assay.Definitions
	assay.Readings
	assay.Rollouts
	assay.Trends
	assay.Courses
} = Tables{}
