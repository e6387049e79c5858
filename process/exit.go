package process

import (
	"errors"
	"fmt"
	"io"

	"github.com/assaylab/assay"
)

// The exit codes.
const (
	OK           = 0
	Refuted      = 1
	Usage        = 2
	Inconclusive = 3
	Unreachable  = 4
	Internal     = 70 // EX_SOFTWARE of sysexits.h: Assay's own fault
	Interrupted  = 130
)

// Exit is an exit that needs no words: the output said it all.
type Exit int

func (c Exit) Error() string { return fmt.Sprintf("exit %d", int(c)) }

// CodeOf is the exit code of an error that words are needed for.
func CodeOf(err error) int {
	var e *assay.Error
	if !errors.As(err, &e) {
		return Usage // of cobra: an unknown flag or command, a wrong number of arguments
	}
	switch e.Code {
	case assay.CodeUnreachable:
		return Unreachable
	case assay.CodeInternal:
		return Internal
	}
	return Usage
}

// Complain prints each error that was joined: one line of what, one of where, one of what to do.
func Complain(w io.Writer, err error) {
	for _, e := range Errors(err) {
		fmt.Fprintln(w, "assay:", e)
	}
}

// Errors lists the errors that were joined.
func Errors(err error) []error {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range many.Unwrap() {
		all = append(all, Errors(e)...)
	}
	return all
}

// Invalid is an error of what people gave.
func Invalid(what, hint string) error {
	return &assay.Error{Code: assay.CodeInvalid, What: what, Hint: hint}
}
