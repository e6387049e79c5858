// Package json compares JSON documents by what they mean, under the rules of a definition, and what can be read as
// one: lines of JSON, event streams, forms, tables, HTML and XML. In come two contents and the rules; out go
// differences at JSONPaths. It is pure.
package json

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/decimal"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/report"
)

// ruleOptions are the options of JSON, and of every format that is compared as JSON.
var ruleOptions = []string{"ignore", "subset", "tolerance", "relative", "dates", "nfc", "unordered", "key", "align", "within"}

func jsonFormat() format.Format {
	return format.Format{
		Name:    "json",
		Media:   []string{"application/json", "text/json", "*/*+json", "application/x-amz-json-*"},
		Options: ruleOptions,
		Guess:   isDocument,
		Build: func(spec assay.ComparatorSpec, formats format.Formats) (format.CompareFunc, []assay.Flaw) {
			rules, flaws := newRules(spec, formats)
			return format.OfData(rules.compareJSON), flaws
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
	if found, ok := r.compareTexts(control, other); ok {
		return found
	}
	return r.compareTrees(control, other)
}

// compareTrees decodes both documents first. Its list is that of compareTexts, where that has one.
func (r *rules) compareTrees(control, other []byte) []assay.Difference {
	a, errA := parse(control)
	b, errB := parse(other)
	if errA != nil || errB != nil {
		return report.Malformed(control, other, errA, errB)
	}
	w := r.walk(control, other)
	w.values(&a, &b, spot{}.enter(r.begin(&a), r.begin(&b)))
	return w.report.Differences()
}

// walk goes through two documents in step and reports where they differ. As a probe it only finds
// out whether they do, beyond what rules excuse.
type walk struct {
	rules   *rules
	steps   []pathStep // to the values being compared
	report  report.Report
	scratch []byte // for the texts of a difference
	forms   *forms
	hint    string // what else to say of the differences here
	forward bool   // see walk
	probing bool
	differs bool // what a probe has found out
	fuel    *int // pairs of values that probes may still look at, all those of one comparison together
}

// walk begins one. Where several ways to match items are as good, the one taken depends on which document
// comes first in the order of their bytes, and not on which is the control.
func (r *rules) walk(control, other []byte) walk {
	fuel := maxFuel
	return walk{rules: r, forms: newForms(), fuel: &fuel, forward: bytes.Compare(control, other) < 0}
}

// pathStep is a name, or a pair of items.
type pathStep struct {
	name   string
	isItem bool
	item   pair
}

// spot is where in the rules a pair of values is. Each side follows its own path: items matched with
// one another may have different indexes.
type spot struct {
	control, other *place
	excuse         string // the ignore rule on the way here, "" if none
	subset         string // the subset rule on the way here, "" if none
}

func (s spot) enter(control, other *place) spot {
	s.control, s.other = control, other
	if control == nil && other == nil {
		return s
	}
	if r := s.find(ignoreRule); r != nil && s.excuse == "" {
		s.excuse = r.text
	}
	if r := s.find(subsetRule); r != nil && s.subset == "" {
		s.subset = r.text
	}
	return s
}

func (s spot) member(name string) spot {
	if s.control == s.other {
		next := s.control.member(name)
		return s.enter(next, next)
	}
	return s.enter(s.control.member(name), s.other.member(name))
}

func (s spot) item(p pair) spot {
	if s.control == s.other && p.control == p.other {
		next := s.control.item(p.control)
		return s.enter(next, next)
	}
	return s.enter(s.control.item(p.control), s.other.item(p.other))
}

// find returns the first of the rules that are in force on either side.
func (s spot) find(which func(*place) *rule) *rule {
	return first(s.control.rule(which), s.other.rule(which))
}

// tolerated returns the first tolerance in force on either side that two scalars of one kind are within.
func (s spot) tolerated(kind valueKind, a, b string) string {
	if r := first(s.control.tolerance(kind, a, b), s.other.tolerance(kind, a, b)); r != nil {
		return r.text
	}
	return ""
}

func (p *place) tolerance(kind valueKind, a, b string) *rule {
	if p == nil {
		return nil
	}
	for _, r := range p.close {
		if r.close(kind, a, b) {
			return r
		}
	}
	return nil
}

// composed returns the rule that two strings are equal by in Unicode's normal form C.
func (s spot) composed(kind valueKind, a, b string) string {
	if r := s.find(nfcRule); r != nil && kind == text && norm.NFC.String(a) == norm.NFC.String(b) {
		return r.text
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
		w.differ(assay.KindExtra, a, b, cmp.Or(at.excuse, at.subset))
	case b == nil:
		w.differ(assay.KindMissing, a, b, at.excuse)
	case a.kind != b.kind:
		w.differ(assay.KindType, a, b, at.excuse)
	case a.kind == object:
		w.objects(a, b, at)
	case a.kind == array:
		w.arrays(a, b, at)
	case a.text != b.text:
		if w.probing {
			*w.fuel -= len(a.text) >> 8 // comparing long texts is work, too
		}
		w.scalars(a.kind, a.text, b.text, at)
	}
}

// scalars compares two of one kind that are written differently.
func (w *walk) scalars(kind valueKind, a, b string, at spot) {
	if kind == number && decimal.Same(a, b) {
		return
	}
	excuse := at.excuse
	if at.control != nil || at.other != nil {
		if r := at.find(withinRule); r != nil && kind == text && a != "" && b != "" {
			w.within(r.compare(format.Content{Data: []byte(a)}, format.Content{Data: []byte(b)}), excuse)
			return
		}
		excuse = cmp.Or(excuse, at.tolerated(kind, a, b), at.composed(kind, a, b))
	}
	if w.skips(excuse) {
		return
	}
	if kind == text {
		a, b = quoted(a), quoted(b)
	}
	control, candidate := report.Excerpts(a, b)
	w.list(assay.KindValue, excuse, control, candidate)
}

func ignoreRule(p *place) *rule { return p.ignore }
func subsetRule(p *place) *rule { return p.subset }
func withinRule(p *place) *rule { return p.within }
func nfcRule(p *place) *rule    { return p.nfc }
func itemsRule(p *place) *rule  { return p.items }

// within reports the differences of contents that the strings here hold. Their paths go on from here.
func (w *walk) within(differences []assay.Difference, excuse string) {
	for _, d := range differences {
		ignored := cmp.Or(excuse, d.Ignored)
		if w.probing {
			w.differs = w.differs || ignored == ""
			continue
		}
		w.report.Add(ignored, func() assay.Difference {
			way := strings.TrimPrefix(d.Path, "body")
			d.Path = report.Cut(w.path()+strings.TrimPrefix(way, ":$"), report.MaxPath)
			d.Detail = report.Joined(d.Detail, w.detail())
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

// objects compares the members of both, in the order of their names.
func (w *walk) objects(a, b *value, at spot) {
	merge(a, b, func(name string, x, y *value) { w.member(name, x, y, at) })
}

// merge visits the members of both, in the order of their names; one of the two may be nil.
func merge(a, b *value, visit func(name string, x, y *value)) {
	i, j := 0, 0
	for i < len(a.items) || j < len(b.items) {
		x, y := a.item(i), b.item(j)
		switch {
		case y == nil || x != nil && x.name < y.name:
			visit(x.name, x, nil)
			i++
		case x == nil || y.name < x.name:
			visit(y.name, nil, y)
			j++
		default:
			visit(x.name, x, y)
			i++
			j++
		}
	}
}

func (w *walk) member(name string, a, b *value, at spot) {
	w.steps = append(w.steps, pathStep{name: name})
	w.values(a, b, at.member(name))
	w.steps = w.steps[:len(w.steps)-1]
}

func (w *walk) differ(kind assay.Kind, a, b *value, excuse string) {
	if !w.skips(excuse) {
		control, candidate := report.Excerpts(a.render(), b.render())
		w.list(kind, excuse, control, candidate)
	}
}

// skips counts a difference, and tells whether it is not to be listed: by a probe, or for want of room.
func (w *walk) skips(excuse string) bool {
	if w.probing {
		w.differs = w.differs || excuse == ""
		return true
	}
	return !w.report.Room(excuse)
}

// list adds a difference for which there is room. Its texts share one piece of memory, and none with others.
func (w *walk) list(kind assay.Kind, excuse, control, candidate string) {
	all := w.appendWay(w.scratch[:0], "body:$", pair.index)
	path := len(all)
	all = append(append(all, control...), candidate...)
	w.scratch = all
	texts := string(all)
	w.report.Put(assay.Difference{
		Path: report.Cut(texts[:path], report.MaxPath), Kind: kind, Control: texts[path : path+len(control)], Candidate: texts[path+len(control):],
		Detail: w.detail(), Ignored: excuse,
	})
}

// path is the way to the values being compared, by names and indexes that do not depend on which side is
// the control: items that have moved are [*].
func (w *walk) path() string { return string(w.appendWay(nil, "body:$", pair.index)) }

// detail says where the values are when items on the way have moved, and what else there is to say.
func (w *walk) detail() string {
	moved := slices.ContainsFunc(w.steps, func(s pathStep) bool { return s.isItem && s.item.index() < 0 })
	if !moved {
		return w.hint
	}
	where := fmt.Sprintf("control %s, candidate %s", report.Shorten(w.way(pair.inControl)), report.Shorten(w.way(pair.inOther)))
	return report.Joined(w.hint, where)
}

// way is the way from the root, items by the index that is asked for.
func (w *walk) way(index func(pair) int) string { return string(w.appendWay(nil, "$", index)) }

// appendWay writes the steps from the root.
func (w *walk) appendWay(path []byte, root string, index func(pair) int) []byte {
	path = append(path, root...)
	for _, s := range w.steps {
		switch {
		case len(path) > report.MaxPath:
			return path // the rest is cut off anyway
		case s.isItem:
			path = report.AppendIndex(path, index(s.item))
		default:
			path = report.AppendName(path, s.name)
		}
	}
	return path
}

// render is v as JSON, as much of it as a rendering can need; "" of nil.
func (v *value) render() string {
	if v == nil {
		return ""
	}
	return string(v.appendJSON(nil, report.MaxShown))
}
