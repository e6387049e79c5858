// Package compare tells in what two observations differ. In come two observations and the specs of an
// experiment's comparators; out go differences: paths, kinds and short renderings. It compares what an
// answer means rather than its literal bytes, and what it cannot decode is a difference, never equal.
//
// There is one comparator a file; ADDING.md shows how to add another.
package compare

import (
	"fmt"
	"strconv"

	"github.com/assaylab/assay"
)

// builders makes a comparator of each kind. The flaws' paths are relative to the comparator's options.
var builders = map[string]func(assay.ComparatorSpec) (assay.Comparator, []assay.Flaw){
	assay.CompareStatus:  newStatus,
	assay.CompareHeaders: newHeaders,
	assay.CompareBody:    newBody,
}

// Defaults are the comparators of a definition that lists none: status code, content type and body.
func Defaults() []assay.ComparatorSpec {
	return []assay.ComparatorSpec{
		{Kind: assay.CompareStatus},
		{Kind: assay.CompareHeaders, Only: []string{"content-type"}},
		{Kind: assay.CompareBody},
	}
}

// New builds the comparator of an experiment; no specs stand for Defaults. Faults are always compared.
// It is nil when there are flaws, whose paths are relative to the list of comparators, for example
// ["0", "body", "ignore", "1"]. The comparator is safe for concurrent use.
func New(specs []assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
	if len(specs) == 0 {
		specs = Defaults()
	}
	var parts comparison
	var flaws []assay.Flaw
	seen := map[string]bool{}
	for i, spec := range specs {
		part, found := build(spec, seen[spec.Kind])
		seen[spec.Kind] = true
		parts = append(parts, part)
		for _, f := range found {
			f.Path = append([]string{strconv.Itoa(i), spec.Kind}, f.Path...)
			flaws = append(flaws, f)
		}
	}
	if len(flaws) > 0 {
		return nil, flaws
	}
	return parts, nil
}

func build(spec assay.ComparatorSpec, again bool) (assay.Comparator, []assay.Flaw) {
	builder, known := builders[spec.Kind]
	switch {
	case !known:
		return nil, []assay.Flaw{{
			What: fmt.Sprintf("unknown comparator %q", spec.Kind),
			Hint: "the comparators are statuscode, headers and body",
		}}
	case again:
		return nil, []assay.Flaw{{
			What: fmt.Sprintf("%s is listed twice", spec.Kind),
			Hint: "put all its options into one entry",
		}}
	}
	return builder(spec)
}

// comparison is faults and then every comparator, in the order of the definition.
type comparison []assay.Comparator

// Compare lists the differences. When the two faulted in different ways, that is the only one: an
// answer that never came has no status or body to speak of.
func (c comparison) Compare(control, other *assay.Observation) []assay.Difference {
	if d := compareFaults(control.Fault, other.Fault); d != nil {
		return d
	}
	var all []assay.Difference
	for _, part := range c {
		all = append(all, part.Compare(control, other)...)
	}
	return all
}

// comparatorFunc makes a function a Comparator.
type comparatorFunc func(control, other *assay.Observation) []assay.Difference

func (f comparatorFunc) Compare(control, other *assay.Observation) []assay.Difference {
	return f(control, other)
}
