package pages

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/lcs"
)

// mark says how a line takes part in a difference.
type mark string

const (
	markNone    mark = ""
	markDiffers mark = "differs"
	markExcused mark = "excused" // by a rule
)

// line is one line of a body as shown. Lines of two bodies that have the same place stand side by side.
type line struct {
	Text  string
	Mark  mark
	place string
}

const (
	maxWidth = 2000 // bytes of one line
	maxDepth = 100  // levels indented
	maxHex   = 4 << 10
)

// textKind is the way a body is written out.
type textKind string

const (
	kindEmpty textKind = "empty"
	kindJSON  textKind = "json"
	kindText  textKind = "text"
	kindHex   textKind = "hex"
	kindImage textKind = "image"
)

func kindOf(body []byte) textKind {
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return kindEmpty
	case imageType(body) != "":
		return kindImage
	case len(trimmed) > 0 && strings.IndexByte("{[", trimmed[0]) >= 0 && json.Valid(trimmed):
		return kindJSON
	case readable(body):
		return kindText
	default:
		return kindHex
	}
}

func readable(body []byte) bool {
	return utf8.Valid(body) && !bytes.ContainsFunc(body, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f
	})
}

// bodyLines writes two bodies out, with what differs between them marked.
func bodyLines(control, other []byte, diffs []assay.Difference) (left, right []line) {
	whole := bodyMark(diffs)
	l, r := kindOf(control), kindOf(other)
	switch {
	case l == kindJSON && r == kindJSON:
		marks := jsonMarks(diffs)
		left, right = jsonLines(control, marks), jsonLines(other, marks)
	case l == r:
		left, right = writeOut(control, l), writeOut(other, r)
		markBetween(left, right, whole)
	default:
		left, right = writeOut(control, l), writeOut(other, r)
		number(left, "differs ")
		number(right, "differs ")
		markAll(left, whole)
		markAll(right, whole)
	}
	return left, right
}

// bodyMark is how the bodies as a whole differ.
func bodyMark(diffs []assay.Difference) mark {
	found := markNone
	for _, d := range diffs {
		if d.Path != "body" && !strings.HasPrefix(d.Path, "body:") {
			continue
		}
		if found = markOf(d); found == markDiffers {
			return found
		}
	}
	return found
}

func markOf(d assay.Difference) mark {
	if d.Ignored != "" {
		return markExcused
	}
	return markDiffers
}

// writeOut gives a body's lines, none marked.
func writeOut(body []byte, kind textKind) []line {
	switch kind {
	case kindJSON:
		return jsonLines(body, nil)
	case kindText:
		return plainLines(string(body))
	case kindHex:
		return plainLines(hex.Dump(body[:min(len(body), maxHex)]))
	default:
		return nil
	}
}

func plainLines(text string) []line {
	var lines []line
	for s := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		lines = append(lines, line{Text: cut(strings.TrimSuffix(s, "\r"))})
	}
	return lines
}

func cut(s string) string {
	if len(s) <= maxWidth {
		return s
	}
	return strings.ToValidUTF8(s[:maxWidth], "") + " …"
}

func markAll(lines []line, m mark) {
	for i := range lines {
		lines[i].Mark = m
	}
}

// markBetween marks the lines that one text has and the other has not. Those of the same place in a changed stretch stand
// side by side.
func markBetween(a, b []line, m mark) {
	common, _ := lcs.Pairs(a, b)
	from := lcs.Pair{}
	for i, p := range append(common, lcs.Pair{X: len(a), Y: len(b)}) {
		for _, changed := range [][]line{a[from.X:p.X], b[from.Y:p.Y]} {
			number(changed, "change "+strconv.Itoa(i)+" ")
			markAll(changed, m)
		}
		if p.X < len(a) && p.Y < len(b) {
			a[p.X].place, b[p.Y].place = "same "+strconv.Itoa(i), "same "+strconv.Itoa(i)
		}
		from = lcs.Pair{X: p.X + 1, Y: p.Y + 1}
	}
}

// number gives lines places one after another.
func number(lines []line, of string) {
	for i := range lines {
		lines[i].place = of + strconv.Itoa(i)
	}
}

// jsonMark is what a difference says of the JSON value at its path.
type jsonMark struct {
	mark mark
	own  bool // of the value's own line alone, not of what is in it
}

// jsonMarks sorts the differences in JSON bodies by the place they name.
func jsonMarks(diffs []assay.Difference) map[string]jsonMark {
	marks := map[string]jsonMark{}
	for _, d := range diffs {
		path, ok := strings.CutPrefix(d.Path, "body:")
		if d.Path == "body" {
			path, ok = "$", true
		}
		place, valid := placeOf(path)
		if !ok || !valid || marks[place].mark == markDiffers {
			continue
		}
		marks[place] = jsonMark{mark: markOf(d), own: d.Kind == assay.KindLength}
	}
	return marks
}

// placeOf writes a JSONPath of names and indexes (RFC 9535) in the one form that jsonLines uses:
// each step in brackets, names as JSON strings.
func placeOf(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return "", false
	}
	var place strings.Builder
	for rest != "" {
		var step string
		if step, rest, ok = firstStep(rest); !ok {
			return "", false
		}
		place.WriteString(step)
	}
	return place.String(), true
}

func firstStep(path string) (step, rest string, ok bool) {
	switch {
	case path[0] == '.':
		end := strings.IndexAny(path[1:], ".[") + 1
		if end == 0 {
			end = len(path)
		}
		return nameStep(path[1:end]), path[end:], end > 1
	case len(path) > 1 && (path[1] == '\'' || path[1] == '"'):
		return quotedStep(path)
	case path[0] == '[':
		index, rest, ok := strings.Cut(path[1:], "]")
		n, err := strconv.Atoi(index)
		return indexStep(n), rest, ok && err == nil
	default:
		return "", "", false
	}
}

// quotedStep reads ['name'] or ["name"].
func quotedStep(path string) (step, rest string, ok bool) {
	quote := path[1]
	for i := 2; i < len(path); i++ {
		switch path[i] {
		case '\\':
			i++
		case quote:
			rest, closed := strings.CutPrefix(path[i+1:], "]")
			name, valid := unquote(path[2:i], quote)
			return nameStep(name), rest, path[0] == '[' && closed && valid
		}
	}
	return "", "", false
}

// unquote undoes the escapes of RFC 9535: JSON's, and \' in single quotes.
func unquote(inner string, quote byte) (string, bool) {
	if quote == '\'' {
		inner = strings.ReplaceAll(strings.ReplaceAll(inner, `\'`, `'`), `"`, `\"`)
	}
	var name string
	err := json.Unmarshal([]byte(`"`+inner+`"`), &name)
	return name, err == nil
}

func nameStep(name string) string { return "[" + strconv.Quote(name) + "]" }
func indexStep(i int) string      { return "[" + strconv.Itoa(i) + "]" }

// jsonLines writes JSON out, keys sorted and numbers as they were, so that two bodies can be read side
// by side.
func jsonLines(body []byte, marks map[string]jsonMark) []line {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return plainLines(string(body))
	}
	p := jsonPrinter{marks: marks}
	p.value(v, "", spot{}, markNone)
	return p.lines
}

// spot is where a value stands: how deep, after which key, and before which comma.
type spot struct {
	depth int
	key   string // with its colon
	tail  string
}

type jsonPrinter struct {
	marks map[string]jsonMark
	lines []line
}

func (p *jsonPrinter) add(at spot, text string, m mark, place string) {
	p.lines = append(p.lines, line{cut(strings.Repeat("  ", min(at.depth, maxDepth)) + text), m, place})
}

// value prints v at place; inherited is the mark of what it is in.
func (p *jsonPrinter) value(v any, place string, at spot, inherited mark) {
	own := inherited
	if m, ok := p.marks[place]; ok {
		own = m.mark
		if !m.own {
			inherited = m.mark
		}
	}
	switch v := v.(type) {
	case map[string]any:
		p.object(v, place, at, own, inherited)
	case []any:
		p.array(v, place, at, own, inherited)
	default:
		p.add(at, at.key+scalar(v)+at.tail, own, place)
	}
}

func (p *jsonPrinter) object(v map[string]any, place string, at spot, own, inherited mark) {
	if len(v) == 0 {
		p.add(at, at.key+"{}"+at.tail, own, place)
		return
	}
	p.add(at, at.key+"{", own, place)
	for i, k := range slices.Sorted(maps.Keys(v)) {
		inner := spot{at.depth + 1, scalar(k) + ": ", comma(i, len(v))}
		p.value(v[k], place+nameStep(k), inner, inherited)
	}
	p.add(at, "}"+at.tail, inherited, place+" end")
}

func (p *jsonPrinter) array(v []any, place string, at spot, own, inherited mark) {
	if len(v) == 0 {
		p.add(at, at.key+"[]"+at.tail, own, place)
		return
	}
	p.add(at, at.key+"[", own, place)
	for i, item := range v {
		p.value(item, place+indexStep(i), spot{at.depth + 1, "", comma(i, len(v))}, inherited)
	}
	p.add(at, "]"+at.tail, inherited, place+" end")
}

func comma(i, n int) string {
	if i < n-1 {
		return ","
	}
	return ""
}

// scalar writes a JSON value as it is, without the escapes meant for HTML: the page does its own.
func scalar(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a value that was decoded encodes
	return strings.TrimSuffix(b.String(), "\n")
}
