// Package meaning reads contents whose text says less than they mean. In come forms, tables, event streams,
// XML and HTML; out come values that JSON can write, the same for contents that mean the same. It knows no
// comparator: whoever compares the values lists where they differ.
package meaning

import (
	"errors"
	"unicode/utf8"
)

const (
	// maxDepth bounds what is within one another in markup.
	maxDepth = 500
	// maxNodes bounds the elements of a document, the rows of a table and the fields of a form.
	maxNodes = 1_000_000
)

var (
	errText  = errors.New("it is not UTF-8")
	errDepth = errors.New("it goes too deep")
	errNodes = errors.New("it has too many parts")
	errEmpty = errors.New("there is nothing in it")
)

// text checks that a content is text; a byte order mark is none of it.
func text(data []byte) (string, error) {
	if !utf8.Valid(data) {
		return "", errText
	}
	s := string(data)
	if len(s) >= 3 && s[:3] == "\ufeff" {
		s = s[3:]
	}
	return s, nil
}
