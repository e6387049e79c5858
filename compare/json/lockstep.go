package json

import (
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/decimal"
	"github.com/assaylab/assay/compare/report"
)

// lockstep goes through the texts of two documents side by side, as long as they have the same members in
// the same order. What is equal byte for byte is read once (see skim), and no tree is made of it; what is not
// is taken one step at a time. Where order or structure differs it decodes what is left of that object or
// array, and walks the trees. It keeps what it is in on a stack, so that each byte is read once: where a
// difference is, and which rules are in force there, is found out when there is one (see reach).
type lockstep struct {
	walk
	a, b  parser
	state state
	open  []container // those that have begun and not ended, outermost first
	names []string    // of the members seen in the objects that are open
	seen  int         // values passed over in both

	until, shift int // up to here in a's document, b has the same bytes so much further on in its own

	root    spot
	levels  []level // of the outermost of those open
	members []memberDifferences

	room struct { // for small documents, so that they take few allocations
		steps  [8]pathStep
		names  [16]string
		open   [8]container
		levels [4]level
	}
}

// state is what may come next.
type state uint8

const (
	atValue   state = iota
	atFirst         // an item or the end of the container
	afterItem       // a comma or the end of the container; nothing outside any
)

// container is an object or array that has begun and not ended yet.
type container struct {
	bracket byte // that it begins with
	alike   bool // two of its names may be the same
	start   int  // in a's document
	seen    int  // values before it
	names   int  // where in the list of names its own begin
	index   int  // of an array's item
	marks   uint64
}

// compareTexts lists the differences that compareTrees lists. It is false for documents that are
// malformed, and for rules that need to see the whole documents first.
func (r *rules) compareTexts(control, other []byte) ([]assay.Difference, bool) {
	if len(r.lookups) > 0 || !isUTF8(control) || !isUTF8(other) {
		return nil, false
	}
	l := &lockstep{walk: r.walk(control, other), a: parser{doc: textOf(control)}, b: parser{doc: textOf(other)}}
	l.steps, l.names, l.open, l.levels = l.room.steps[:0], l.room.names[:0], l.room.open[:0], l.room.levels[:0]
	start := r.beginPlain()
	l.root = spot{}.enter(start, start)
	for !l.isOver() {
		l.skim()
		if !l.isOver() && !l.step() {
			return nil, false
		}
	}
	return l.report.Differences(), l.atEnd(&l.a) && l.atEnd(&l.b)
}

// isUTF8 looks for ASCII first, which most documents are of alone.
func isUTF8(doc []byte) bool {
	const highs = 0x8080808080808080
	at := 0
	for ; at+32 <= len(doc); at += 32 {
		b := doc[at : at+32]
		if (report.Load64(b, 0)|report.Load64(b, 8)|report.Load64(b, 16)|report.Load64(b, 24))&highs != 0 {
			break
		}
	}
	return utf8.Valid(doc[at:])
}

// textOf is a body as a string without a copy of it. Nobody changes a body, and differences share no memory
// with it.
func textOf(body []byte) string { return unsafe.String(unsafe.SliceData(body), len(body)) }

func (l *lockstep) isOver() bool { return l.state == afterItem && len(l.open) == 0 }

// atEnd tells whether a document has ended with its value, within the limits.
func (l *lockstep) atEnd(p *parser) bool {
	p.space()
	return p.at == len(p.doc) && p.values+l.seen <= maxValues
}

// push begins a container whose bracket is at a place of a's document.
func (l *lockstep) push(at int, bracket byte) {
	l.open = append(l.open, container{bracket: bracket, start: at, seen: l.seen, names: len(l.names)})
	l.seen++
	l.state = atFirst
}

// named takes the name of the next member of an object.
func (l *lockstep) named(c *container, name string) {
	mark := uint64(1)
	if n := len(name); n > 0 {
		mark <<= (name[0] ^ name[n-1]<<2 ^ byte(n)<<4) & 63
	}
	c.alike = c.alike || c.marks&mark != 0
	c.marks |= mark
	l.names = append(l.names, name)
}

// pop ends the innermost container, which is an item of the next one.
func (l *lockstep) pop() {
	last := len(l.open) - 1
	l.names = l.names[:l.open[last].names]
	l.open = l.open[:last]
	if len(l.levels) > last {
		l.leave()
		l.exit()
	}
	l.state = afterItem
}

// step compares what comes next in both, which need not be the same. Like all methods here it is false when
// one is malformed.
func (l *lockstep) step() bool {
	at, matched := l.reach()
	l.a.depth, l.b.depth = len(l.open), len(l.open)
	switch {
	case matched:
		return l.matched(at) && l.done()
	case l.state == atValue:
		return l.value(l.enter())
	case l.open[len(l.open)-1].bracket == '[':
		return l.item(at)
	}
	return l.member(at)
}

// done ends an item.
func (l *lockstep) done() bool {
	l.exit()
	l.state = afterItem
	return true
}

// value compares the next value of both, or begins two containers.
func (l *lockstep) value(at spot) bool {
	l.a.space()
	l.b.space()
	c := l.a.peek()
	switch {
	case c != l.b.peek():
		return l.trees(at) && l.done()
	case c == '"':
		return l.strings(at) && l.done()
	case c == '[' && at.find(itemsRule) != nil:
		return l.matched(at) && l.done()
	case c == '{' || c == '[':
		return l.begin(c, at)
	}
	return l.literals(at) && l.done()
}

// begin passes over the brackets that begin two containers.
func (l *lockstep) begin(bracket byte, at spot) bool {
	if len(l.open) == maxDepth {
		return false
	}
	l.push(l.a.at, bracket)
	l.levels = append(l.levels, l.level(at))
	l.a.at++
	l.b.at++
	return true
}

// trees decodes the next value of both.
func (l *lockstep) trees(at spot) bool {
	a, errA := l.a.value()
	b, errB := l.b.value()
	if errA != nil || errB != nil {
		return false
	}
	l.values(&a, &b, at)
	return true
}

// matched compares arrays whose items a rule matches, which takes trees; unless they are the same text.
func (l *lockstep) matched(at spot) bool {
	start, before := l.a.at, l.a.values
	a, err := l.a.value()
	if err != nil {
		return false
	}
	if l.b.skip(l.a.doc[start:l.a.at]) {
		l.b.values += l.a.values - before
		return true
	}
	b, err := l.b.value()
	if err != nil {
		return false
	}
	l.values(&a, &b, at)
	return true
}

// skip passes over a text if it comes next.
func (p *parser) skip(s string) bool {
	if !strings.HasPrefix(p.doc[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

// literals compares numbers and words.
func (l *lockstep) literals(at spot) bool {
	x, wrongA := decimal.Scan(l.a.doc, l.a.at)
	y, wrongB := decimal.Scan(l.b.doc, l.b.at)
	if wrongA != "" || wrongB != "" {
		return l.trees(at)
	}
	l.seen++
	a, b := l.a.doc[l.a.at:x], l.b.doc[l.b.at:y]
	l.a.at, l.b.at = x, y
	if a != b {
		l.scalars(number, a, b, at)
	}
	return true
}

func (l *lockstep) strings(at spot) bool {
	l.seen++
	a, b, same, ok := l.text()
	if !ok || same {
		return ok
	}
	l.scalars(text, a, b, at)
	return true
}

// text reads the next string of both. They are the same if a and b are; b is not set then.
func (l *lockstep) text() (a, b string, same, ok bool) {
	start := l.a.at
	a, err := l.a.string()
	if err != nil || l.b.peek() != '"' {
		return "", "", false, false
	}
	if l.b.skip(l.a.doc[start:l.a.at]) {
		return a, "", true, true
	}
	b, err = l.b.string()
	return a, b, a == b, err == nil
}

// next passes over what comes before the next item: nothing for the first, else a comma. There is none
// when the bracket comes that ends the container.
func (p *parser) next(first bool, end byte) (more, ok bool) {
	p.space()
	if p.accept(end) {
		return false, true
	}
	if !first {
		if !p.accept(',') {
			return false, false
		}
		p.space()
	}
	return true, true
}

// item goes on to the next item of two arrays, and decodes the items that only one of them has.
func (l *lockstep) item(at spot) bool {
	c := &l.open[len(l.open)-1]
	a, b := l.a.at, l.b.at
	first := l.state == atFirst
	moreA, okA := l.a.next(first, ']')
	moreB, okB := l.b.next(first, ']')
	if !first {
		c.index++
	}
	switch {
	case !okA || !okB:
		return false
	case moreA != moreB:
		l.a.at, l.b.at = a, b
		if !l.surplus(at, c.index) {
			return false
		}
		l.pop()
	case !moreA:
		l.pop()
	default:
		l.state = atValue
	}
	return true
}

// surplus reports that arrays have different lengths, and what follows the n items that both have. The
// difference of the lengths goes before those of the items.
func (l *lockstep) surplus(at spot, n int) bool {
	if l.a.items(']', n > 0) != nil || l.b.items(']', n > 0) != nil {
		return false
	}
	a, b := value{items: l.a.taken()}, value{items: l.b.taken()}
	array := &l.levels[len(l.levels)-1]
	end := len(l.report.List)
	l.report.Held = array.before
	l.differLength(n+len(a.items), n+len(b.items), at)
	rotate(l.report.List[array.start:], end-array.start)
	l.report.End(array.start, array.before)
	for i := range max(len(a.items), len(b.items)) {
		p := pair{n + i, n + i}
		l.steps = append(l.steps, pathStep{isItem: true, item: p})
		l.values(a.item(i), b.item(i), at.item(p))
		l.steps = l.steps[:len(l.steps)-1]
	}
	return true
}

// taken empties the stack, whose values are good until more are decoded.
func (p *parser) taken() []value {
	all := p.stack
	p.stack = all[:0]
	return all
}

// member goes on to the next member of two objects, as long as their names are the same.
func (l *lockstep) member(at spot) bool {
	c := &l.open[len(l.open)-1]
	a, b := l.a.at, l.b.at
	first := l.state == atFirst
	moreA, okA := l.a.next(first, '}')
	moreB, okB := l.b.next(first, '}')
	if !okA || !okB {
		return false
	}
	name, same := "", moreA == moreB
	if moreA && moreB {
		var ok bool
		if name, same, ok = l.name(); !ok {
			return false
		}
	}
	switch {
	case !same:
		l.a.at, l.b.at = a, b
		if !l.rest(at, c.names, first) {
			return false
		}
		l.pop()
	case !moreA:
		if c.alike && !unique(l.names[c.names:]) {
			return false
		}
		l.pop()
	default:
		l.named(c, name)
		l.state = atValue
	}
	return true
}

// name reads the name of the next member of both, and the colon after it.
func (l *lockstep) name() (name string, same, ok bool) {
	if l.a.peek() != '"' || l.b.peek() != '"' {
		return "", false, false
	}
	name, _, same, ok = l.text()
	if !ok || !same {
		return "", false, ok
	}
	l.a.space()
	l.b.space()
	return name, true, l.a.accept(':') && l.b.accept(':')
}

// rest decodes the members that follow those with names from a place on, and compares them by name.
func (l *lockstep) rest(at spot, names int, first bool) bool {
	if l.a.items('}', !first) != nil || l.b.items('}', !first) != nil {
		return false
	}
	a, b := value{items: l.a.taken()}, value{items: l.b.taken()}
	if l.a.order(a.items) != nil || l.b.order(b.items) != nil || !l.isNew(a.items, names) || !l.isNew(b.items, names) {
		return false
	}
	merge(&a, &b, func(name string, x, y *value) {
		l.enterMember(name)
		l.values(x, y, at.member(name))
		l.exit()
	})
	return true
}

// isNew tells whether no member of the rest of an object has a name that the object had before.
func (l *lockstep) isNew(rest []value, names int) bool {
	before := len(l.names)
	for i := range rest {
		l.names = append(l.names, rest[i].name)
	}
	ok := unique(l.names[names:])
	l.names = l.names[:before]
	return ok
}

// unique tells whether no name is there twice.
func unique(names []string) bool {
	const few = 12
	if len(names) > few {
		return uniqueOfMany(names)
	}
	for i := range names {
		for j := range i {
			if names[i] == names[j] {
				return false
			}
		}
	}
	return true
}

func uniqueOfMany(names []string) bool {
	if !slices.IsSorted(names) {
		names = slices.Clone(names)
		slices.Sort(names)
	}
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return false
		}
	}
	return true
}
