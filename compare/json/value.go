package json

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/assaylab/assay/compare/decimal"
	"github.com/assaylab/assay/compare/report"
)

// Limits of JSON documents; beyond them a document counts as malformed.
const (
	maxDepth  = 1000
	maxValues = 1_000_000
)

type valueKind uint8

const (
	null valueKind = iota
	boolean
	number
	text
	array
	object
)

// value is a JSON value. Unlike encoding/json's it keeps numbers as they were written.
type value struct {
	kind  valueKind
	name  string             // of a member of an object
	text  string             // of a string what it stands for, of other scalars the literal
	items []value            // of an array; of an object its members, ordered by name
	forms [strictnesses]form // once they have been asked for
}

// item returns the item of that index, nil if there is none.
func (v *value) item(i int) *value {
	if i < 0 || i >= len(v.items) {
		return nil
	}
	return &v.items[i]
}

// member returns the member of that name, nil if there is none.
func (v *value) member(name string) *value {
	i, found := slices.BinarySearchFunc(v.items, name, func(m value, name string) int { return strings.Compare(m.name, name) })
	if v.kind != object || !found {
		return nil
	}
	return &v.items[i]
}

// parse reads a JSON document (RFC 8259) of valid UTF-8. Stricter than encoding/json it refuses what
// parsers disagree about: duplicate names, unpaired surrogates, and what is beyond the limits.
func parse(doc []byte) (value, error) {
	if !utf8.Valid(doc) {
		return value{}, errors.New("invalid UTF-8")
	}
	p := parser{doc: string(doc)}
	v, err := p.value()
	if err != nil {
		return value{}, err
	}
	if p.space(); p.at < len(p.doc) {
		return value{}, p.fail("more after the end of the value")
	}
	return v, nil
}

// parser reads a document from left to right. The stack holds the items of the arrays and objects
// that are open, so that each ends with one slice of the right size.
type parser struct {
	doc    string
	at     int
	depth  int
	values int
	stack  []value
}

func (p *parser) fail(format string, args ...any) error {
	return fmt.Errorf("offset %d: %s", p.at, fmt.Sprintf(format, args...))
}

func (p *parser) space() {
	for p.at < len(p.doc) {
		switch p.doc[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.doc) {
		return p.doc[p.at]
	}
	return 0
}

// accept passes over the byte if it comes next.
func (p *parser) accept(c byte) bool {
	if p.peek() != c || p.at == len(p.doc) {
		return false
	}
	p.at++
	return true
}

func (p *parser) value() (value, error) {
	if p.values++; p.values > maxValues {
		return value{}, p.fail("more than %d values", maxValues)
	}
	p.space()
	switch c := p.peek(); {
	case c == '{':
		return p.container(object, '}')
	case c == '[':
		return p.container(array, ']')
	case c == '"':
		s, err := p.string()
		return value{kind: text, text: s}, err
	case c == '-' || isDigit(c):
		return p.number()
	}
	return p.word()
}

func (p *parser) word() (value, error) {
	for _, w := range []value{{kind: null, text: "null"}, {kind: boolean, text: "true"}, {kind: boolean, text: "false"}} {
		if strings.HasPrefix(p.doc[p.at:], w.text) {
			p.at += len(w.text)
			return w, nil
		}
	}
	if p.at == len(p.doc) {
		return value{}, p.fail("unexpected end")
	}
	return value{}, p.fail("no value begins like this")
}

// container reads an array or an object.
func (p *parser) container(kind valueKind, end byte) (value, error) {
	if p.depth++; p.depth > maxDepth {
		return value{}, p.fail("nested more than %d deep", maxDepth)
	}
	p.at++
	first := len(p.stack)
	if err := p.items(end, false); err != nil {
		return value{}, err
	}
	items := slices.Clone(p.stack[first:])
	p.stack = p.stack[:first]
	p.depth--
	if kind == object {
		if err := p.order(items); err != nil {
			return value{}, err
		}
	}
	return value{kind: kind, items: items}, nil
}

// items puts the items up to the bracket that ends them on the stack; a comma comes first if some were read
// before.
func (p *parser) items(end byte, started bool) error {
	for p.space(); !p.accept(end); p.space() {
		if started {
			if !p.accept(',') {
				return p.fail("no comma or %q after an item", end)
			}
			p.space()
		}
		started = true
		v, err := p.item(end)
		if err != nil {
			return err
		}
		p.stack = append(p.stack, v)
	}
	return nil
}

// item reads an item of the container that ends with a bracket.
func (p *parser) item(end byte) (value, error) {
	if end == '}' {
		return p.namedValue()
	}
	return p.value()
}

// order sorts members by name, which must be unique.
func (p *parser) order(members []value) error {
	slices.SortFunc(members, func(a, b value) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(members); i++ {
		if members[i].name == members[i-1].name {
			return p.fail("the object that ends here has the name %s twice", quoted(report.Cut(members[i].name, report.MaxShown)))
		}
	}
	return nil
}

func (p *parser) namedValue() (value, error) {
	if p.peek() != '"' {
		return value{}, p.fail("no name of a member")
	}
	name, err := p.string()
	if err != nil {
		return value{}, err
	}
	if p.space(); !p.accept(':') {
		return value{}, p.fail("no colon after a name")
	}
	v, err := p.value()
	v.name = name
	return v, err
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (p *parser) number() (value, error) {
	start := p.at
	end, wrong := decimal.Scan(p.doc, start)
	p.at = end
	if wrong != "" {
		return value{}, p.fail("%s", wrong)
	}
	return value{kind: number, text: p.doc[start:end]}, nil
}

// string reads a string; one without escapes shares the document's memory.
func (p *parser) string() (string, error) {
	start := p.at + 1
	p.at = plainRun(p.doc, start)
	switch {
	case p.at == len(p.doc):
		return "", p.fail("a string without end")
	case p.doc[p.at] == '"':
		p.at++
		return p.doc[start : p.at-1], nil
	case p.doc[p.at] == '\\':
		return p.escaped(p.doc[start:p.at])
	}
	return "", p.fail("a control character in a string")
}

// escaped reads the rest of a string that has escapes.
func (p *parser) escaped(before string) (string, error) {
	s := []byte(before)
	for p.at < len(p.doc) {
		c := p.doc[p.at]
		switch {
		case c == '"':
			p.at++
			return string(s), nil
		case c < ' ':
			return "", p.fail("a control character in a string")
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			s = utf8.AppendRune(s, r)
			continue
		}
		s = append(s, c)
		p.at++
	}
	return "", p.fail("a string without end")
}

const (
	escapes = `"\/bfnrt`
	escaped = "\"\\/\b\f\n\r\t"
)

// escape reads one escape, or the two of a surrogate pair.
func (p *parser) escape() (rune, error) {
	p.at++
	if i := strings.IndexByte(escapes, p.peek()); i >= 0 {
		p.at++
		return rune(escaped[i]), nil
	}
	r, ok := p.unit()
	if !ok {
		return 0, p.fail("not an escape")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if p.accept('\\') {
		if low, ok := p.unit(); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, nil
			}
		}
	}
	return 0, p.fail("an unpaired surrogate")
}

// unit reads "u" and four hexadecimal digits.
func (p *parser) unit() (rune, bool) {
	if !p.accept('u') || len(p.doc)-p.at < 4 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.doc[p.at : p.at+4]) {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	p.at += 4
	return r, true
}

// appendJSON writes v compactly. It stops adding to it once dst is longer than limit.
func (v *value) appendJSON(dst []byte, limit int) []byte {
	switch v.kind {
	case text:
		return appendQuoted(dst, v.text[:min(len(v.text), max(limit-len(dst), 0)+utf8.UTFMax)])
	case array, object:
		return v.appendItems(dst, limit)
	}
	return append(dst, v.text...)
}

func (v *value) appendItems(dst []byte, limit int) []byte {
	brackets := "[]"
	if v.kind == object {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for i := range v.items {
		if len(dst) > limit {
			return dst
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		if v.kind == object {
			dst = appendQuoted(dst, v.items[i].name)
			dst = append(dst, ':')
		}
		dst = v.items[i].appendJSON(dst, limit)
	}
	return append(dst, brackets[1])
}

// quoted is s as a JSON string, with no more escapes than it needs.
func quoted(s string) string {
	if plainRun(s, 0) == len(s) {
		return `"` + s + `"`
	}
	return string(appendQuoted(nil, s))
}

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for start := 0; ; {
		end := plainRun(s, start)
		dst = append(dst, s[start:end]...)
		if end == len(s) {
			return append(dst, '"')
		}
		if i := strings.IndexByte(escaped, s[end]); i >= 0 {
			dst = append(dst, '\\', escapes[i])
		} else {
			dst = fmt.Appendf(dst, `\u%04x`, s[end])
		}
		start = end + 1
	}
}

// Read reads a document strictly, as encoding/json would have it, with numbers as they are made of literals.
func Read(doc []byte, number func(literal string) (any, error)) (any, error) {
	v, err := parse(doc)
	if err != nil {
		return nil, err
	}
	return v.with(number)
}

// plain is v for JSONPath to select from.
func (v *value) plain() any {
	all, _ := v.with(func(literal string) (any, error) { return json.Number(literal), nil })
	return all
}

// with is v as encoding/json would have it, with numbers as they are made of literals.
func (v *value) with(of func(literal string) (any, error)) (any, error) {
	switch v.kind {
	case null:
		return nil, nil
	case boolean:
		return v.text == "true", nil
	case number:
		return of(v.text)
	case text:
		return v.text, nil
	case array:
		return v.itemsWith(of)
	}
	members := make(map[string]any, len(v.items))
	for i := range v.items {
		m, err := v.items[i].with(of)
		if err != nil {
			return nil, err
		}
		members[v.items[i].name] = m
	}
	return members, nil
}

func (v *value) itemsWith(of func(literal string) (any, error)) (any, error) {
	items := make([]any, len(v.items))
	for i := range v.items {
		var err error
		if items[i], err = v.items[i].with(of); err != nil {
			return nil, err
		}
	}
	return items, nil
}
