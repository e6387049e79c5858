package compare

import (
	"bytes"
	"fmt"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/meaning"
)

// view writes what a content means as a JSON document, the same for contents that mean the same. It fails on
// what it cannot decode.
type view func([]byte) ([]byte, error)

// views are the formats that are compared through a document that stands for the content, with all options of
// JSON. Where everything is text, as in a table, tolerances are of texts that are numbers.
func views() Formats {
	return Formats{
		viewed("jsonl", asLines, "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"),
		viewed("events", asJSON(meaning.Events), "text/event-stream"),
		viewed("form", asJSON(meaning.Form), "application/x-www-form-urlencoded"),
		viewed("csv", asJSON(func(b []byte) (any, error) { return meaning.Table(b, ',') }), "text/csv", "application/csv"),
		viewed("tsv", asJSON(func(b []byte) (any, error) { return meaning.Table(b, '\t') }), "text/tab-separated-values"),
		viewed("html", asJSON(meaning.HTML), "text/html"),
		viewed("xml", asJSON(meaning.XML), "application/xml", "text/xml", "*/*+xml"),
	}
}

func viewed(name string, v view, media ...string) Format {
	return Format{
		Name: name, Media: media, Options: ruleOptions,
		Build: func(spec assay.ComparatorSpec, formats Formats) (CompareFunc, []assay.Flaw) {
			rules, flaws := compileRules(spec, formats, true)
			return ofData(func(control, other []byte) []assay.Difference { return rules.through(v, control, other) }), flaws
		},
	}
}

func (r *rules) through(v view, control, other []byte) []assay.Difference {
	a, errA := v(control)
	b, errB := v(other)
	switch {
	case errA != nil || errB != nil:
		return malformed(control, other, errA, errB)
	case bytes.Equal(a, b):
		return nil
	}
	return r.compareJSON(a, b)
}

// asJSON makes a view of what is read as a value.
func asJSON(read func([]byte) (any, error)) view {
	return func(data []byte) ([]byte, error) {
		value, err := read(data)
		if err != nil {
			return nil, err
		}
		return meaning.JSON(value)
	}
}

// asLines makes an array of JSON texts, one a line. Blank lines do not matter.
func asLines(data []byte) ([]byte, error) {
	doc := []byte{'['}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if line = bytes.Trim(line, " \t\r\n"); len(line) == 0 {
			continue
		}
		if _, err := parse(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if len(doc) > 1 {
			doc = append(doc, ',')
		}
		doc = append(doc, line...)
	}
	return append(doc, ']'), nil
}
