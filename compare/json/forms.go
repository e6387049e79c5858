package json

import (
	"encoding/binary"
	"slices"

	"github.com/assaylab/assay/compare/decimal"
)

// form stands for all values that are equal: members in any order, numbers in any form, items in any order
// where that does not matter. A value's form is found out once, from those of its items, so that the work
// grows with the size of a document however deep it is.
type form uint32

const noForm form = 0

// strictness says what a form tells apart.
type strictness int

const (
	strict strictness = iota
	lax               // not what is ignored
	bare              // everything; no rule is in force
	strictnesses
)

// forms numbers the forms of the values of one comparison.
type forms struct{ known map[string]form }

func newForms() *forms { return &forms{} }

// of is the form of a value that is at a place in the rules, always the same one.
func (f *forms) of(v *value, at *place, how strictness) form {
	if v.forms[how] == noForm {
		v.forms[how] = f.number(f.spell(v, at, how))
	}
	return v.forms[how]
}

func (f *forms) number(spelling []byte) form {
	if n, known := f.known[string(spelling)]; known {
		return n
	}
	if f.known == nil {
		f.known = map[string]form{}
	}
	n := form(len(f.known) + 1)
	f.known[string(spelling)] = n
	return n
}

// spell writes a value by the forms of its items.
func (f *forms) spell(v *value, at *place, how strictness) []byte {
	switch {
	case how == lax && at != nil && at.ignore != nil:
		return []byte("*")
	case v.kind == object:
		return f.spellMembers(v, at, how)
	case v.kind == array:
		return f.spellItems(v, at, how)
	}
	return v.appendCanonical(nil)
}

func (f *forms) spellMembers(v *value, at *place, how strictness) []byte {
	spelling := []byte("{")
	for i := range v.items {
		m := &v.items[i]
		below := at.member(m.name)
		if how == lax && below != nil && below.ignore != nil {
			continue
		}
		spelling = binary.AppendUvarint(spelling, uint64(len(m.name)))
		spelling = append(spelling, m.name...)
		spelling = binary.BigEndian.AppendUint32(spelling, uint32(f.of(m, below, how)))
	}
	return spelling
}

func (f *forms) spellItems(v *value, at *place, how strictness) []byte {
	items := make([]form, len(v.items))
	for i := range v.items {
		items[i] = f.of(&v.items[i], at.item(i), how)
	}
	if at != nil && at.items != nil && at.items.kind != ruleAlign {
		slices.Sort(items)
	}
	spelling := []byte("[")
	for _, item := range items {
		spelling = binary.BigEndian.AppendUint32(spelling, uint32(item))
	}
	return spelling
}

// appendCanonical writes a scalar so that equal ones are written alike.
func (v *value) appendCanonical(dst []byte) []byte {
	switch v.kind {
	case number:
		return decimal.Parse(v.text).Append(dst)
	case text:
		return append(append(dst, '"'), v.text...)
	}
	return append(dst, v.text...)
}
