// Package text compares texts, and bytes that nobody can read. In come two contents; out goes one difference: where
// they begin to differ, how many edits apart they are, and what excuses that. It is pure.
package text

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/report"
)

// Format compares texts by their characters.
func Format() format.Format {
	return format.Format{
		Name:    "text",
		Media:   []string{"text/*", "application/javascript"},
		Options: []string{"trim", "case", "whitespace", "edits"},
		Guess:   utf8.Valid,
		Build:   newText,
	}
}

// texts compares texts, and says what does not matter in them.
type texts struct {
	trim, anyCase, anySpace bool
	edits                   float64
}

func newText(spec assay.ComparatorSpec, _ format.Formats) (format.CompareFunc, []assay.Flaw) {
	var flaws []assay.Flaw
	for _, option := range []struct{ name, value string }{{"case", spec.Case}, {"whitespace", spec.Whitespace}} {
		if option.value != "" && option.value != "ignore" {
			flaws = append(flaws, assay.Flaw{Path: []string{option.name}, What: fmt.Sprintf("%s cannot be %q", option.name, option.value), Hint: "write ignore, or leave it out"})
		}
	}
	if !(spec.Edits >= 0 && spec.Edits <= 1) {
		flaws = append(flaws, assay.Flaw{Path: []string{"edits"}, What: fmt.Sprintf("%g is no share of a text", spec.Edits), Hint: "choose 0% to 100%"})
	}
	t := texts{spec.Trim, spec.Case != "", spec.Whitespace != "", spec.Edits}
	return format.OfData(t.compare), flaws
}

// compare describes the first line in which two texts that differ do so, and how many edits make one of
// the other. Line ends count. Texts are taken for UTF-8; in another encoding only the renderings suffer.
func (t texts) compare(control, other []byte) []assay.Difference {
	d := compareText(control, other)
	a, b := t.fold(string(control)), t.fold(string(other))
	n, counted := editDistance(a, b)
	switch {
	case !counted:
		d.Detail = report.Joined(d.Detail, "too many edits to count")
	case n == 1:
		d.Detail = report.Joined(d.Detail, "1 edit")
	case n > 1:
		d.Detail = report.Joined(d.Detail, fmt.Sprintf("%d edits", n))
	}
	d.Detail += lineDiff(string(control), string(other))
	longer := max(utf8.RuneCountInString(a), utf8.RuneCountInString(b))
	switch {
	case a == b:
		d.Ignored = t.folds()
	case t.edits > 0 && counted && float64(n) <= t.edits*float64(longer):
		d.Ignored = "edits " + strconv.FormatFloat(t.edits*100, 'g', 6, 64) + "%"
	}
	return []assay.Difference{d}
}

// fold writes a text such that those that differ in what does not matter are the same.
func (t texts) fold(s string) string {
	if t.trim {
		s = strings.TrimSpace(s)
	}
	if !utf8.ValidString(s) {
		return s // nobody knows its letters
	}
	if t.anySpace {
		s = collapsed(s)
	}
	if t.anyCase {
		s = strings.Map(foldRune, s)
	}
	return s
}

// collapsed makes one space of each run of white space.
func collapsed(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = true
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	if space {
		b.WriteByte(' ')
	}
	return b.String()
}

// foldRune is the least of the characters that differ from r in case alone.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}

// folds says which options there are.
func (t texts) folds() string {
	var all []string
	if t.trim {
		all = append(all, "trim")
	}
	if t.anyCase {
		all = append(all, "case")
	}
	if t.anySpace {
		all = append(all, "whitespace")
	}
	return cmp.Or(strings.Join(all, ", "), "text")
}

// compareText describes where two texts begin to differ.
func compareText(control, other []byte) assay.Difference {
	at := report.CommonPrefix(control, other)
	start := bytes.LastIndexByte(control[:at], '\n') + 1
	a, b := line(control[start:]), line(other[start:])
	if strings.HasSuffix(a, "\n") && strings.HasSuffix(b, "\n") {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	detail := fmt.Sprintf("line %d, column %d", 1+bytes.Count(control[:start], []byte("\n")), 1+utf8.RuneCount(control[start:at]))
	if n, m := lines(control), lines(other); n != m {
		detail += fmt.Sprintf("; %d and %d lines", n, m)
	}
	a, b = report.Excerpts(a, b)
	return assay.Difference{Path: "body", Kind: assay.KindValue, Control: a, Candidate: b, Detail: detail}
}

// line is the first line of a text, with the newline that ends it.
func line(text []byte) string {
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		text = text[:end+1]
	}
	return string(text)
}

// lines counts lines; what follows the last newline is one if it is not empty.
func lines(text []byte) int {
	n := bytes.Count(text, []byte("\n"))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}
