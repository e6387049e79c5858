package shape

import (
	"strconv"
	"strings"

	"github.com/assaylab/assay"
)

// Checked is what the API says of a definition that is not applied yet.
type Checked struct {
	Flaws []Flaw `json:"flaws"`
	assay.Preview
}

// Flaw is something wrong in what somebody wrote, with its place if that is known: lines and columns count from 1.
type Flaw struct {
	*assay.Error
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// FlawsOf lists what is wrong with what somebody wrote; it is empty of other errors.
func FlawsOf(err error) []Flaw {
	all := []Flaw{}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			all = append(all, FlawsOf(e)...)
		}
		return all
	}
	if e, ok := err.(*assay.Error); ok && e.Code == assay.CodeInvalid {
		f := Flaw{Error: e}
		f.Line, f.Column = placeIn(e.Where)
		all = append(all, f)
	}
	return all
}

// placeIn reads the end of "file:line:column" or "file:line".
func placeIn(where string) (line, column int) {
	parts := strings.Split(where, ":")
	if n := len(parts); n >= 3 {
		line, _ = strconv.Atoi(parts[n-2])
		column, _ = strconv.Atoi(parts[n-1])
	}
	return line, column
}
