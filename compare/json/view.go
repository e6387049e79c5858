package json

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/meaning"
	"github.com/assaylab/assay/compare/report"
)

// view writes what a content means as a JSON document, the same for contents that mean the same. It fails on
// what it cannot decode.
type view func(format.Content) ([]byte, error)

// Formats are JSON, and the formats that are compared through a document that stands for the content, with all
// options of JSON. Where everything is text, as in a table, tolerances are of texts that are numbers.
func Formats() format.Formats {
	return append(format.Formats{jsonFormat()}, views()...)
}

func views() format.Formats {
	return format.Formats{
		viewed("jsonl", asLines, "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"),
		viewed("events", asJSON(meaning.Events), "text/event-stream"),
		viewed("form", asJSON(meaning.Form), "application/x-www-form-urlencoded"),
		viewed("csv", asJSON(func(b []byte) (any, error) { return meaning.Table(b, ',') }), "text/csv", "application/csv"),
		viewed("tsv", asJSON(func(b []byte) (any, error) { return meaning.Table(b, '\t') }), "text/tab-separated-values"),
		viewed("html", asJSON(meaning.HTML), "text/html"),
		viewed("xml", asJSON(meaning.XML), "application/xml", "text/xml", "*/*+xml"),
	}
}

func viewed(name string, v view, media ...string) format.Format {
	return format.Format{
		Name: name, Media: media, Options: ruleOptions,
		Build: func(spec assay.ComparatorSpec, formats format.Formats) (format.CompareFunc, []assay.Flaw) {
			rules, flaws := compileRules(spec, formats, true)
			return func(control, other format.Content) []assay.Difference { return rules.through(v, control, other) }, flaws
		},
	}
}

// Through builds the comparison of a format whose contents are compared by the values that they are read as, of
// strings, numbers, slices of any and maps by name; with all of RuleOptions. What cannot be read is malformed.
func Through(read func(format.Content) (any, error), spec assay.ComparatorSpec, formats format.Formats) (format.CompareFunc, []assay.Flaw) {
	rules, flaws := compileRules(spec, formats, false)
	written := func(c format.Content) ([]byte, error) {
		value, err := read(c)
		if err != nil {
			return nil, err
		}
		return meaning.JSON(value)
	}
	return func(control, other format.Content) []assay.Difference { return rules.through(written, control, other) }, flaws
}

// RuleOptions are the options of JSON.
func RuleOptions() []string { return slices.Clone(ruleOptions) }

func (r *rules) through(v view, control, other format.Content) []assay.Difference {
	a, errA := v(control)
	b, errB := v(other)
	switch {
	case errA != nil || errB != nil:
		return report.Malformed(control.Data, other.Data, errA, errB)
	case bytes.Equal(a, b):
		return nil
	}
	return r.compareJSON(a, b)
}

// asJSON makes a view of what is read as a value.
func asJSON(read func([]byte) (any, error)) view {
	return func(c format.Content) ([]byte, error) {
		value, err := read(c.Data)
		if err != nil {
			return nil, err
		}
		return meaning.JSON(value)
	}
}

// asLines makes an array of JSON texts, one a line. Blank lines do not matter.
func asLines(c format.Content) ([]byte, error) {
	doc := []byte{'['}
	number := 0
	for line := range bytes.Lines(c.Data) {
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
