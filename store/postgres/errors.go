package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/assaylab/assay"
)

// PostgreSQL's error codes that something can be done about (its appendix A).
const (
	diskFull     = "53100"
	noPartition  = "23514" // a check is violated: that of all partitions together
	noPrivilege  = "42501"
	badPassword  = "28P01"
	noSuchLogin  = "28000"
	noDatabase   = "3D000"
	statementCut = "57014"
)

var advice = map[string]assay.Error{
	diskFull:     {Code: assay.CodeInternal, What: "the database's disk is full", Hint: "free some space there; trials are kept again from then on"},
	noPrivilege:  {Code: assay.CodeInvalid, What: "the database's user may not do this", Hint: "let it create a schema in the database, or make one for it and name it with ?search_path="},
	badPassword:  {Code: assay.CodeInvalid, What: "the database does not take the password", Hint: "check user and password in --store"},
	noSuchLogin:  {Code: assay.CodeInvalid, What: "the database does not let this user in", Hint: "check user and password in --store, and the server's pg_hba.conf"},
	noDatabase:   {Code: assay.CodeInvalid, What: "there is no such database", Hint: "make it with createdb, or name another in --store"},
	statementCut: {Code: assay.CodeUnreachable, What: "the database took too long", Hint: "see what it is busy with; statement_timeout in --store's URL says how long it may take"},
}

// fail makes an error for people of what went wrong. Errors made for them already and those of a context
// that ended stay as they are. A server that is gone, or going, is unreachable: it may come back.
func (s *Store) fail(what string, err error) error {
	var made *assay.Error
	if err == nil || errors.As(err, &made) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	out := assay.Error{Code: assay.CodeInternal, What: what + ": " + err.Error(), Where: s.where, Err: err}
	var cause *pgconn.PgError
	if !errors.As(err, &cause) {
		out.Code, out.Hint = assay.CodeUnreachable, "check that the database runs and can be reached"
		return &out
	}
	if a, known := advice[cause.Code]; known {
		out.Code, out.What, out.Hint = a.Code, what+": "+a.What, a.Hint
	}
	if len(cause.Code) == 5 && (cause.Code[:2] == "08" || cause.Code[:3] == "57P") { // connections, shutdowns
		out.Code, out.Hint = assay.CodeUnreachable, "check that the database runs; trials are kept again once it does"
	}
	return &out
}

// is tells whether an error is one of PostgreSQL with a code.
func is(err error, code string) bool {
	var cause *pgconn.PgError
	return errors.As(err, &cause) && cause.Code == code
}
