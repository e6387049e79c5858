package sqlite

import (
	"context"
	"database/sql"

	"github.com/assaylab/assay/store/codec"
	"github.com/assaylab/assay/store/tables"
)

// pieceSize is how much of bodies is given to SQLite at once, which copies it more than once.
const pieceSize = 256 << 10

// bodiesWriter writes packed bodies: the first piece into one table, what there is more into another.
type bodiesWriter struct{ first, rest *sql.Stmt }

func (t tx) bodiesWriter() (w bodiesWriter, err error) {
	if w.first, err = t.PrepareContext(t.ctx, `INSERT INTO bodies (seq, data) VALUES (?, ?)`); err != nil {
		return w, err
	}
	if w.rest, err = t.PrepareContext(t.ctx, `INSERT INTO rest (seq, piece, data) VALUES (?, ?, ?)`); err != nil {
		w.first.Close()
	}
	return w, err
}

func (w bodiesWriter) close() {
	w.first.Close()
	w.rest.Close()
}

func (w bodiesWriter) write(ctx context.Context, seq int64, bodies codec.Packed) (err error) {
	for n, piece := range bodies.Pieces(pieceSize) {
		if n == 0 {
			_, err = w.first.ExecContext(ctx, seq, piece)
		} else {
			_, err = w.rest.ExecContext(ctx, seq, n, piece)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// whole returns all of a trial's bodies, of which the first piece was read.
func whole(t tables.Tx, seq int64, first []byte, size int) ([]byte, error) {
	if len(first) >= size || first == nil {
		return first, nil
	}
	all := append(make([]byte, 0, size), first...)
	err := t.Query(func(row tables.Row) error {
		var piece sql.RawBytes
		err := row.Scan(&piece)
		all = append(all, piece...)
		return err
	}, `SELECT data FROM rest WHERE seq = ? ORDER BY piece`, seq)
	return all, err
}
