package assay

import "strings"

// ErrorCode sorts errors for machines: exit codes and HTTP statuses follow from it.
type ErrorCode string

// The error codes.
const (
	CodeInvalid     ErrorCode = "invalid"     // a file, flag or request that cannot be used as it is
	CodeNotFound    ErrorCode = "not_found"   // no experiment, function or trial of that name
	CodeConflict    ErrorCode = "conflict"    // it exists already, or changed meanwhile
	CodeUnreachable ErrorCode = "unreachable" // a laboratory, engine or service does not answer
	CodeInternal    ErrorCode = "internal"    // Assay's own fault
)

// Error is an error made for people: one line of what, one of where, one of what to do.
type Error struct {
	Code  ErrorCode `json:"code"`
	What  string    `json:"what"`
	Where string    `json:"where,omitempty"` // file:line:column, an address, a name
	Hint  string    `json:"hint,omitempty"`
	Err   error     `json:"-"` // the cause, if another error is
}

func (e *Error) Error() string {
	lines := []string{e.What}
	if e.Where != "" {
		lines = append(lines, "  at "+e.Where)
	}
	if e.Hint != "" {
		lines = append(lines, "  hint: "+e.Hint)
	}
	return strings.Join(lines, "\n")
}

func (e *Error) Unwrap() error { return e.Err }

// Flaw is something wrong in a definition. Path says where in the document, each step one element:
// a key, or an index in decimal.
type Flaw struct {
	Path []string
	What string
	Hint string
}
