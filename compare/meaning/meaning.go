// Package meaning reads contents whose text says less than they mean. In come forms, tables, event streams,
// XML and HTML; out come values that JSON can write, the same for contents that mean the same. It knows no
// comparator: whoever compares the values lists where they differ.
package meaning

import (
	"cmp"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

const (
	// maxDepth bounds what is within one another in markup.
	maxDepth = 500
	// maxNodes bounds the elements of a document, the rows of a table and the fields of a form.
	maxNodes = 1_000_000
	// maxWritten bounds, in bytes, the texts and names of a value: those of a table's columns stand in every row.
	maxWritten = 64 << 20
)

var (
	errText  = errors.New("it is not UTF-8")
	errDepth = errors.New("it goes too deep")
	errNodes = errors.New("it has too many parts")
	errEmpty = errors.New("there is nothing in it")
	errSize  = errors.New("it means too much: more than 64 MB")
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

// JSON writes a value that was read. It fails where a text in it is not UTF-8, which JSON could not tell from
// others that are not, and where all that stands in it is too much.
func JSON(v any) ([]byte, error) {
	left := maxWritten
	if err := check(v, &left); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// check takes what is in a value from what is left of its size.
func check(v any, left *int) error {
	switch v := v.(type) {
	case string:
		return checkText(v, left)
	case json.RawMessage:
		return checkText(string(v), left)
	case []string:
		for _, item := range v {
			if err := checkText(item, left); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range v {
			if err := check(item, left); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range v {
			if err := cmp.Or(checkText(name, left), check(item, left)); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkText(s string, left *int) error {
	if *left -= len(s) + len(`"",`); *left < 0 {
		return errSize
	}
	if !utf8.ValidString(s) {
		return errText
	}
	return nil
}
