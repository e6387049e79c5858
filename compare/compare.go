// Package compare tells in what two observations differ. In come two observations and the specs of an
// experiment's comparators; out go differences: paths, kinds and short renderings. It compares what an
// answer means rather than its literal bytes, and what it cannot decode is a difference, never equal.
//
// There is one comparator a file, and one format of bodies a room; ADDING.md shows how to add another.
package compare

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/image"
	"github.com/assaylab/assay/compare/json"
	"github.com/assaylab/assay/compare/multipart"
	"github.com/assaylab/assay/compare/text"
)

// builders makes a comparator of each kind but the body's, which has formats.
var builders = map[string]Builder{
	assay.CompareStatus:  newStatus,
	assay.CompareHeaders: newHeaders,
	assay.CompareFault:   newFaults,
	assay.CompareLatency: newMeasure,
	assay.CompareMemory:  newMeasure,
	assay.CompareCost:    newMeasure,

	assay.CompareExpression: newCondition,
}

// Defaults are the comparators of a definition that lists none: status code, content type and body.
func Defaults() []assay.ComparatorSpec {
	return []assay.ComparatorSpec{
		{Kind: assay.CompareStatus},
		{Kind: assay.CompareHeaders, Only: []string{"content-type"}},
		{Kind: assay.CompareBody},
	}
}

// builtin are the formats known here, each in a room of its own. The last one takes anything.
func builtin() format.Formats {
	return append(json.Formats(), multipart.Format(), image.Format(), text.Format(), text.Bytes())
}

// Builder makes a comparator. The flaws' paths are relative to the comparator's options.
type Builder func(assay.ComparatorSpec) (assay.Comparator, []assay.Flaw)

// Extra is what New is to know beside what it knows: formats that are asked first, and kinds of comparators that
// cannot be here, because they are not pure.
type Extra struct {
	Kinds   map[string]Builder // by their names in assay.ComparatorSpec
	Formats format.Formats
}

// New is Extra.New with nothing beside what is known here.
func New(specs []assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
	return Extra{}.New(specs)
}

// New builds the comparator of an experiment; no specs stand for Defaults. Faults are always compared.
// The comparator is nil when there are flaws, whose paths are relative to the list of comparators, for
// example ["0", "body", "ignore", "1"]. It is safe for concurrent use, and an assay.Chooser.
func (x Extra) New(specs []assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
	if len(specs) == 0 {
		specs = Defaults()
	}
	b := builder{formats: append(slices.Clone(x.Formats), builtin()...), kinds: maps.Clone(builders)}
	maps.Copy(b.kinds, x.Kinds)
	for i, spec := range specs {
		for _, f := range b.add(spec) {
			f.Path = append([]string{strconv.Itoa(i), spec.Kind}, f.Path...)
			b.flaws = append(b.flaws, f)
		}
	}
	if len(b.flaws) > 0 {
		return nil, b.flaws
	}
	return b.finish(), nil
}

// builder puts entries of the definition together to one part a kind, and a name where there are several.
type builder struct {
	formats format.Formats
	kinds   map[string]Builder
	parts   []part
	flaws   []assay.Flaw
}

// add builds one entry of the definition.
func (b *builder) add(spec assay.ComparatorSpec) (flaws []assay.Flaw) {
	e := entry{route: route(spec.Path)}
	if spec.Kind == assay.CompareBody {
		e.body, flaws = newBody(spec, b.formats)
	} else if build, known := b.kinds[spec.Kind]; known {
		e.compare, flaws = build(spec)
	} else {
		return []assay.Flaw{{What: fmt.Sprintf("unknown comparator %q", spec.Kind), Hint: "the comparators are body, " + strings.Join(slices.Sorted(maps.Keys(b.kinds)), ", ")}}
	}
	p := b.part(strings.TrimSuffix(spec.Kind+" "+spec.Name, " "))
	if slices.ContainsFunc(p.entries, func(before entry) bool { return before.hides(e) }) {
		flaws = append(flaws, assay.Flaw{
			What: fmt.Sprintf("an entry for %s before this one takes all that it is for", spec.Kind),
			Hint: "put all options into one entry, or give the one before a path or a type",
		})
	}
	p.entries = append(p.entries, e)
	return flaws
}

// part returns the part of a kind, new if need be.
func (b *builder) part(kind string) *part {
	for i := range b.parts {
		if b.parts[i].kind == kind {
			return &b.parts[i]
		}
	}
	b.parts = append(b.parts, part{kind: kind})
	return &b.parts[len(b.parts)-1]
}

// finish lets bodies that no entry takes be compared as if nothing had been said of any.
func (b *builder) finish() *comparison {
	for i := range b.parts {
		if p := &b.parts[i]; p.kind == assay.CompareBody {
			plain, _ := newBody(assay.ComparatorSpec{}, b.formats)
			p.entries = append(p.entries, entry{body: plain})
		}
	}
	c := &comparison{parts: b.parts}
	c.everywhere = c.on("")
	c.routed = slices.ContainsFunc(c.parts, func(p part) bool {
		return slices.ContainsFunc(p.entries, func(e entry) bool { return e.route != "" })
	})
	return c
}

// comparison is one part a kind, in the order of the definition.
type comparison struct {
	parts      []part
	everywhere chosen // what compares when no path is known
	routed     bool   // some entry is for some paths only
}

// part is the entries of one kind. The first that takes a request, and its body, compares.
type part struct {
	kind    string
	entries []entry
}

// entry is one comparator of the definition, and the requests it is for.
type entry struct {
	route   route
	compare assay.Comparator // nil of bodies
	body    bodyEntry
}

// hides tells whether nothing is left for an entry that comes later.
func (e entry) hides(later entry) bool {
	sameType := len(e.body.media) == 0 || slices.Equal(e.body.media, later.body.media)
	return sameType && (e.route == "" || e.route == later.route)
}

// For leaves the entries that take the invocation.
func (c *comparison) For(inv *assay.Invocation) assay.Comparator {
	if !c.routed || inv.Request == nil {
		return c.everywhere
	}
	return c.on(inv.Request.Path)
}

func (c *comparison) on(path string) chosen {
	all := chosen{faults: faults{by: faultType}}
	for _, p := range c.parts {
		fitting := slices.DeleteFunc(slices.Clone(p.entries), func(e entry) bool { return !e.route.takes(path) })
		switch {
		case len(fitting) == 0:
		case p.kind == assay.CompareBody:
			all.parts = append(all.parts, bodyOf(fitting))
		case p.kind == assay.CompareFault:
			all.faults = fitting[0].compare
		default:
			all.parts = append(all.parts, fitting[0].compare)
		}
	}
	return all
}

// Compare is that of an invocation whose path is not known.
func (c *comparison) Compare(control, other *assay.Observation) []assay.Difference {
	return c.everywhere.Compare(control, other)
}

// chosen is the comparators for one request.
type chosen struct {
	faults assay.Comparator
	parts  []assay.Comparator
}

// Compare lists the differences. When the two faulted in different ways, that is the only one: an
// answer that never came has no status or body to speak of.
func (c chosen) Compare(control, other *assay.Observation) []assay.Difference {
	if d := c.faults.Compare(control, other); d != nil {
		return d
	}
	var all []assay.Difference
	for _, part := range c.parts {
		if found := part.Compare(control, other); all == nil {
			all = found
		} else {
			all = append(all, found...)
		}
	}
	return all
}
