package postgres

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/assaylab/assay/store/tables"
)

// tx is one transaction as package tables wants it. Statements wait until something is asked, and then go
// to the server with the question, in one round trip.
type tx struct {
	pgx.Tx
	ctx     context.Context
	waiting *pgx.Batch
}

// Exec implements tables.Tx.
func (t *tx) Exec(query string, args ...any) error {
	t.waiting.Queue(numbered(query), clean(args)...)
	return nil
}

// Query implements tables.Tx.
func (t *tx) Query(each func(tables.Row) error, query string, args ...any) error {
	t.ask(each, query, args...)
	return t.flush()
}

// ask queues a question whose answer comes with the next flush.
func (t *tx) ask(each func(tables.Row) error, query string, args ...any) {
	t.waiting.Queue(numbered(query), clean(args)...).Query(func(rows pgx.Rows) error {
		defer rows.Close()
		for rows.Next() {
			if err := each(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// flush sends what waits.
func (t *tx) flush() error {
	if t.waiting.Len() == 0 {
		return nil
	}
	batch := t.waiting
	t.waiting = new(pgx.Batch)
	return t.SendBatch(t.ctx, batch).Close()
}

// numbered writes $1, $2 and so on for the question marks of a statement, which has none in texts.
func numbered(query string) string {
	parts := strings.Split(query, "?")
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// clean replaces what PostgreSQL takes in no text: zero bytes, and what is not UTF-8.
func clean(args []any) []any {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = cleanText(s)
		}
	}
	return args
}

func cleanText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
