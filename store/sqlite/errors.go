package sqlite

import (
	"context"
	"errors"

	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"github.com/assaylab/assay"
)

var errClosed = errors.New("the store is closed")

// advice says what to make of SQLite's primary result codes that people can do something about.
var advice = map[int]assay.Error{
	code.SQLITE_FULL:     {Code: assay.CodeInternal, What: "the disk is full", Hint: "free some space; trials are kept again from then on"},
	code.SQLITE_NOTADB:   {Code: assay.CodeInvalid, What: "the file is not a SQLite database", Hint: "name another file, or move this one away"},
	code.SQLITE_CORRUPT:  {Code: assay.CodeInvalid, What: "the file is damaged", Hint: `move it away to start anew, or try "sqlite3 FILE .recover"`},
	code.SQLITE_CANTOPEN: {Code: assay.CodeInvalid, What: "the file cannot be opened", Hint: "check that it is a file and that its folder may be written to"},
	code.SQLITE_READONLY: {Code: assay.CodeInvalid, What: "the file may not be written to", Hint: "check its permissions and those of its folder"},
	code.SQLITE_BUSY:     {Code: assay.CodeConflict, What: "another process is using the file", Hint: "stop it, or name another file"},
}

// fail makes an error for people of what went wrong. Errors made for them already and those of a
// context that ended stay as they are.
func (s *Store) fail(what string, err error) error {
	var made *assay.Error
	if errors.As(err, &made) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	out := assay.Error{Code: assay.CodeInternal, What: what + ": " + err.Error(), Where: s.path, Err: err}
	var cause *driver.Error
	if errors.As(err, &cause) {
		const primary = 0xff // the rest of a result code is detail
		if a, known := advice[cause.Code()&primary]; known {
			out.Code, out.What, out.Hint = a.Code, what+": "+a.What, a.Hint
		}
	}
	return &out
}
