// Package pdf compares PDF documents by their text. In come two documents; out go differences in the lines of
// their pages. What else a document has (when and by what it was made, fonts, pictures, where things stand on
// the page) is not compared.
//
// Text reads a document with a library that trusts it: memory and time may have no bound. It is meant for a
// process of its own, with limits, and Format takes whatever starts that.
package pdf

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ledongthuc/pdf"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/json"
)

// What a document may have.
const (
	MaxSize  = 8 << 20 // bytes
	maxPages = 500
	maxText  = 1 << 20 // bytes, in all
)

// Format compares contents by the lines of their pages, with all options of JSON: "$[0][2]" is the third line of
// the first page. Read is what Text does.
func Format(read func(document []byte) (pages [][]string, err error)) format.Format {
	value := func(c format.Content) (any, error) {
		if len(c.Data) > MaxSize {
			return nil, fmt.Errorf("it has more than %d MB", MaxSize>>20)
		}
		pages, err := read(c.Data)
		if err != nil {
			return nil, err
		}
		all := make([]any, len(pages))
		for i, lines := range pages {
			page := make([]any, len(lines))
			for j, line := range lines {
				page[j] = line
			}
			all[i] = page
		}
		return all, nil
	}
	return format.Format{
		Name: "pdf", Media: []string{"application/pdf"}, Options: json.RuleOptions(),
		Build: func(spec assay.ComparatorSpec, formats format.Formats) (format.CompareFunc, []assay.Flaw) {
			return json.Through(value, spec, formats)
		},
	}
}

// Text reads the lines of each page, from the top, with single spaces between words, and no empty ones. A document that
// is encrypted, has more than 500 pages or 1 MB of text, or is broken, is an error.
func Text(document []byte) (pages [][]string, err error) {
	defer func() { // the library's way of saying that a document is broken
		if r := recover(); r != nil {
			pages, err = nil, errors.New("it is broken")
		}
	}()
	r, err := pdf.NewReader(bytes.NewReader(document), int64(len(document)))
	if err != nil {
		return nil, fmt.Errorf("it is no PDF that can be read: %w", err)
	}
	if r.NumPage() > maxPages {
		return nil, fmt.Errorf("it has more than %d pages", maxPages)
	}
	size := 0
	pages = [][]string{}
	for n := 1; n <= r.NumPage(); n++ {
		lines := linesOf(r.Page(n))
		for _, line := range lines {
			if size += len(line); size > maxText {
				return nil, fmt.Errorf("it has more than %d MB of text", maxText>>20)
			}
		}
		pages = append(pages, lines)
	}
	return pages, nil
}

// Where glyphs stand, in points or in sizes of their font.
const (
	apart = 2   // points between lines at least
	space = 0.3 // sizes between words at least
)

// linesOf puts the glyphs of a page together: from the top down, and from left to right.
func linesOf(page pdf.Page) []string {
	lines := []string{}
	if page.V.IsNull() {
		return lines
	}
	glyphs := page.Content().Text
	slices.SortStableFunc(glyphs, func(a, b pdf.Text) int { return cmp.Compare(b.Y, a.Y) })
	for len(glyphs) > 0 {
		n := 1
		for n < len(glyphs) && glyphs[n-1].Y-glyphs[n].Y < apart {
			n++
		}
		if text := lineOf(glyphs[:n]); text != "" {
			lines = append(lines, text)
		}
		glyphs = glyphs[n:]
	}
	return lines
}

// lineOf is the text of glyphs that stand in a line. Those of which the width is not known have spaces of their own.
func lineOf(glyphs []pdf.Text) string {
	slices.SortStableFunc(glyphs, func(a, b pdf.Text) int { return cmp.Compare(a.X, b.X) })
	var line strings.Builder
	for i, g := range glyphs {
		if i > 0 && glyphs[i-1].W > 0 && g.X-glyphs[i-1].X-glyphs[i-1].W > space*g.FontSize {
			line.WriteByte(' ')
		}
		line.WriteString(g.S)
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(line.String(), "\ufffd")), " ")
}
