package compare

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assaylab/assay"
)

func jsonFormat() Format {
	return Format{
		Name:    "json",
		Media:   []string{"application/json", "text/json", "*/*+json", "application/x-amz-json-*"},
		Options: []string{"ignore", "tolerance", "unordered", "key", "within"},
		Guess:   isDocument,
		Build: func(spec assay.ComparatorSpec, formats Formats) (CompareFunc, []assay.Flaw) {
			rules, flaws := newRules(spec, formats)
			return ofData(rules.compareJSON), flaws
		},
	}
}

// isDocument tells a JSON object or array; a scalar may be anything.
func isDocument(body []byte) bool {
	v, err := parse(body)
	return err == nil && (v.kind == object || v.kind == array)
}

// compareJSON compares what two documents mean: the order of members does not matter, numbers are
// compared exactly (1.0 is 1, and 20.5 is not "20.5"), a null is not a missing member.
func (r *rules) compareJSON(control, other []byte) []assay.Difference {
	a, errA := parse(control)
	b, errB := parse(other)
	if errA != nil || errB != nil {
		return malformed(control, other, errA, errB)
	}
	fuel := maxFuel
	w := walk{rules: r, path: []byte("body:$"), fuel: &fuel}
	w.values(&a, &b, spot{}.enter(r.begin(&a), r.begin(&b)))
	return w.report.differences()
}

// walk goes through two documents in step and reports where they differ. As a probe it only finds
// out whether they do, beyond what rules excuse.
type walk struct {
	rules   *rules
	path    []byte // to the values being compared
	report  report
	probing bool
	differs bool // what a probe has found out
	fuel    *int // pairs of values that probes may still look at, all those of one comparison together
}

// spot is where in the rules a pair of values is. Each side follows its own path: items matched with
// one another may have different indexes.
type spot struct {
	control, other state
	excuse         string // the ignore rule on the way here, "" if none
}

func (s spot) enter(control, other state) spot {
	s.control, s.other = control, other
	if s.excuse == "" {
		if r := s.find(ruleIgnore); r != nil {
			s.excuse = r.text
		}
	}
	return s
}

func (s spot) member(name string) spot {
	return s.enter(s.control.member(name), s.other.member(name))
}

func (s spot) item(p pair) spot {
	return s.enter(s.control.item(p.control), s.other.item(p.other))
}

// find returns the first rule of a kind that is in force on either side.
func (s spot) find(kind string) *rule {
	if r := s.control.find(kind); r != nil {
		return r
	}
	return s.other.find(kind)
}

// tolerated returns the first tolerance in force on either side that x and y are within.
func (s spot) tolerated(x, y decimal) string {
	for _, side := range []state{s.control, s.other} {
		for _, n := range side {
			for _, r := range n.rules {
				if r.kind == ruleTolerance && within(x, y, r.limit) {
					return r.text
				}
			}
		}
	}
	return ""
}

// values compares a with b; either, not both, may be nil for none.
func (w *walk) values(a, b *value, at spot) {
	if w.probing && !w.goOn() {
		return
	}
	switch {
	case a == nil:
		w.differ(assay.KindExtra, a, b, at.excuse)
	case b == nil:
		w.differ(assay.KindMissing, a, b, at.excuse)
	case a.kind != b.kind:
		w.differ(assay.KindType, a, b, at.excuse)
	case a.kind == object:
		w.objects(a, b, at)
	case a.kind == array:
		w.arrays(a, b, at)
	case a.kind == number:
		w.numbers(a, b, at)
	case a.text != b.text:
		w.scalars(a, b, at)
	}
}

// scalars compares two of a kind that are written differently, and may be strings.
func (w *walk) scalars(a, b *value, at spot) {
	if r := at.find(ruleWithin); r != nil && a.kind == text && a.text != "" && b.text != "" {
		w.within(r.compare(Content{Data: []byte(a.text)}, Content{Data: []byte(b.text)}), at.excuse)
		return
	}
	w.differ(assay.KindValue, a, b, at.excuse)
}

// within reports the differences of contents that the strings here hold. Their paths go on from here.
func (w *walk) within(differences []assay.Difference, excuse string) {
	for _, d := range differences {
		ignored := cmp.Or(excuse, d.Ignored)
		if w.probing {
			w.differs = w.differs || ignored == ""
			continue
		}
		w.report.add(ignored, func() assay.Difference {
			way := strings.TrimPrefix(d.Path, "body")
			d.Path = cut(string(w.path)+strings.TrimPrefix(way, ":$"), maxPath)
			return d
		})
	}
}

// goOn burns the fuel of a probe's step; without any left the values count as different.
func (w *walk) goOn() bool {
	*w.fuel--
	w.differs = w.differs || *w.fuel < 0
	return !w.differs
}

// objects merges the members of both, in the order of their names.
func (w *walk) objects(a, b *value, at spot) {
	i, j := 0, 0
	for i < len(a.items) || j < len(b.items) {
		x, y := a.item(i), b.item(j)
		switch {
		case y == nil || x != nil && x.name < y.name:
			w.member(x.name, x, nil, at)
			i++
		case x == nil || y.name < x.name:
			w.member(y.name, nil, y, at)
			j++
		default:
			w.member(x.name, x, y, at)
			i++
			j++
		}
	}
}

func (w *walk) member(name string, a, b *value, at spot) {
	mark := len(w.path)
	w.path = appendName(w.path, name)
	w.values(a, b, at.member(name))
	w.path = w.path[:mark]
}

func (w *walk) numbers(a, b *value, at spot) {
	if a.text == b.text {
		return
	}
	x, y := parseDecimal(a.text), parseDecimal(b.text)
	if x == y {
		return
	}
	if at.excuse == "" {
		at.excuse = at.tolerated(x, y)
	}
	w.differ(assay.KindValue, a, b, at.excuse)
}

func (w *walk) differ(kind assay.Kind, a, b *value, excuse string) {
	w.add(kind, excuse, func() (string, string) { return excerpts(a.render(), b.render()) })
}

// differLength tells that arrays have different lengths.
func (w *walk) differLength(a, b *value, excuse string) {
	w.add(assay.KindLength, excuse, func() (string, string) {
		return fmt.Sprintf("%d items", len(a.items)), fmt.Sprintf("%d items", len(b.items))
	})
}

func (w *walk) add(kind assay.Kind, excuse string, render func() (control, candidate string)) {
	if w.probing {
		w.differs = w.differs || excuse == ""
		return
	}
	w.report.add(excuse, func() assay.Difference {
		control, candidate := render()
		return assay.Difference{Path: cut(string(w.path), maxPath), Kind: kind, Control: control, Candidate: candidate}
	})
}

// render is v as JSON, as much of it as a rendering can need; "" of nil.
func (v *value) render() string {
	if v == nil {
		return ""
	}
	return string(v.appendJSON(nil, maxShown))
}

// appendName extends a path by a member: .name where RFC 9535 allows that shorthand and the name is of
// letters, digits and underscores; in the brackets of normalized paths otherwise.
func appendName(path []byte, name string) []byte {
	if isIdentifier(name) {
		path = append(path, '.')
		return append(path, name...)
	}
	path = append(path, "['"...)
	for _, r := range name {
		i := strings.IndexRune(escaped, r)
		switch {
		case r == '\'':
			path = append(path, `\'`...)
		case i >= 0 && r != '"' && r != '/':
			path = append(path, '\\', escapes[i])
		case r < ' ':
			path = fmt.Appendf(path, `\u%04x`, r)
		default:
			path = utf8.AppendRune(path, r)
		}
	}
	return append(path, "']"...)
}

func isIdentifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || unicode.IsLetter(r)
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

func appendIndex(path []byte, index int) []byte {
	path = append(path, '[')
	path = strconv.AppendInt(path, int64(index), 10)
	return append(path, ']')
}
