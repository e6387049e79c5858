package compare

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assaylab/assay"
)

// lockstep goes through the texts of two documents side by side, as long as they have the same members in
// the same order; what is equal byte for byte is read once, and no tree is made of it. Where order or
// structure differs it decodes what is left of that object or array, and walks the trees.
type lockstep struct {
	walk
	a, b    parser
	names   []string // of the members seen in the objects that are open
	members []memberDifferences

	skimmer skimmer
	until   int   // up to here in a's document, b has the same bytes,
	shift   int   // so much further on in its own
	doomed  []int // where containers begin that end after that

	room struct { // for small documents, so that they take few allocations
		steps   [12]pathStep
		names   [24]string
		skimmed [24]string
		open    [12]opened
		doomed  [12]int
	}
}

// memberDifferences is where in the report the differences of one member stand.
type memberDifferences struct {
	name       string
	start, end int
}

// compareTexts lists the differences that compareTrees lists. It is false for documents that are
// malformed, and for rules that need to see the whole documents first.
func (r *rules) compareTexts(control, other []byte) ([]assay.Difference, bool) {
	if len(r.lookups) > 0 || !utf8.Valid(control) || !utf8.Valid(other) {
		return nil, false
	}
	l := &lockstep{walk: r.walk(control, other), a: parser{doc: string(control)}, b: parser{doc: string(other)}}
	l.steps, l.names, l.doomed = l.room.steps[:0], l.room.names[:0], l.room.doomed[:0]
	l.skimmer.names, l.skimmer.open = l.room.skimmed[:0], l.room.open[:0]
	start := r.beginPlain()
	ok := l.value(spot{}.enter(start, start)) && l.a.atEnd() && l.b.atEnd()
	return l.report.differences(), ok
}

// atEnd tells whether a document has ended with its value, within the limits.
func (p *parser) atEnd() bool {
	p.space()
	return p.at == len(p.doc) && p.values <= maxValues
}

// value compares the next value of both. Like all methods here it is false when one is malformed.
func (l *lockstep) value(at spot) bool {
	l.a.space()
	l.b.space()
	if l.skim() {
		return true
	}
	c := l.a.peek()
	if c != l.b.peek() {
		return l.trees(at)
	}
	switch c {
	case '"':
		return l.strings(at)
	case '{':
		return l.open() && l.object(at) && l.close()
	case '[':
		if at.find(itemsRule) != nil {
			return l.matched(at)
		}
		return l.open() && l.array(at) && l.close()
	}
	return l.literals(at)
}

// skim passes over the next value if both have the same bytes for it.
func (l *lockstep) skim() bool {
	start := l.a.at
	if start >= l.until || l.b.at-start != l.shift {
		l.shift = l.b.at - start
		l.until = start + commonPrefix(l.a.doc[start:], l.b.doc[l.b.at:])
		l.doomed = l.doomed[:0]
	}
	if start == l.until {
		return false
	}
	if len(l.doomed) > 0 && l.doomed[len(l.doomed)-1] == start {
		l.doomed = l.doomed[:len(l.doomed)-1]
		return false
	}
	end, ok := l.skimmer.value(l.a.doc, start, l.until, l.a.depth)
	if !ok {
		l.doom()
		return false
	}
	l.a.at, l.b.at = end, end+l.shift
	l.a.values += l.skimmer.count
	l.b.values += l.skimmer.count
	return true
}

// doom notes the containers in which the skimmer gave up, innermost first, but for the one that is next.
func (l *lockstep) doom() {
	l.doomed = l.doomed[:0]
	for i := len(l.skimmer.open) - 1; i > 0; i-- {
		l.doomed = append(l.doomed, l.skimmer.open[i].start)
	}
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
	x, y := l.a.at, l.b.at
	a, errA := l.a.value()
	b, errB := l.b.value()
	switch {
	case errA != nil || errB != nil:
		return false
	case a.kind == number && b.kind == number:
		if a.text != b.text {
			l.scalars(number, a.text, b.text, at)
		}
		return true
	}
	l.a.at, l.b.at = x, y
	l.a.values--
	l.b.values--
	return l.trees(at)
}

func (l *lockstep) strings(at spot) bool {
	l.a.values++
	l.b.values++
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

// open passes over the brackets that begin two containers, close comes after those that end them.
func (l *lockstep) open() bool {
	l.a.values++
	l.b.values++
	l.a.depth++
	l.b.depth++
	l.a.at++
	l.b.at++
	return l.a.depth <= maxDepth
}

func (l *lockstep) close() bool {
	l.a.depth--
	l.b.depth--
	return true
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

// array compares arrays index by index, and decodes the items that only one of them has.
func (l *lockstep) array(at spot) bool {
	start, before, n := len(l.report.list), l.report.held, 0
	for ; ; n++ {
		a, b := l.a.at, l.b.at
		moreA, okA := l.a.next(n == 0, ']')
		moreB, okB := l.b.next(n == 0, ']')
		switch {
		case !okA || !okB:
			return false
		case moreA != moreB:
			l.a.at, l.b.at = a, b
			return l.surplus(at, n, start, before)
		case !moreA:
			return true
		}
		l.steps = append(l.steps, pathStep{isItem: true, item: pair{n, n}})
		ok := l.value(at.item(pair{n, n}))
		l.steps = l.steps[:len(l.steps)-1]
		if !ok {
			return false
		}
	}
}

// surplus reports that arrays have different lengths, and what follows the n items that both have. The
// difference of the lengths goes before those of the items, which begin at start.
func (l *lockstep) surplus(at spot, n, start int, before tally) bool {
	a, errA := l.a.items(']', n > 0, l.a.value)
	b, errB := l.b.items(']', n > 0, l.b.value)
	if errA != nil || errB != nil {
		return false
	}
	end := len(l.report.list)
	l.report.held = before
	l.differLength(n+len(a), n+len(b), at)
	rotate(l.report.list[start:], end-start)
	l.report.end(start, before)
	for i := range max(len(a), len(b)) {
		x, y := (&value{items: a}).item(i), (&value{items: b}).item(i)
		l.steps = append(l.steps, pathStep{isItem: true, item: pair{n + i, n + i}})
		l.values(x, y, at.item(pair{n + i, n + i}))
		l.steps = l.steps[:len(l.steps)-1]
	}
	return true
}

// rotate puts what begins at a place of a list before what comes before it.
func rotate[T any](list []T, at int) {
	slices.Reverse(list[:at])
	slices.Reverse(list[at:])
	slices.Reverse(list)
}

// object compares the members of both in their order, as long as their names are the same.
func (l *lockstep) object(at spot) bool {
	start, before := len(l.report.list), l.report.held
	names, members := len(l.names), len(l.members)
	for {
		a, b := l.a.at, l.b.at
		first := len(l.names) == names
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
			return l.rest(at, names) && l.leave(names, members, start, before)
		case !moreA:
			return unique(l.names[names:]) && l.leave(names, members, start, before)
		}
		l.names = append(l.names, name)
		if !l.member(name, at) {
			return false
		}
		if len(l.report.list)-start > 16*maxListed {
			l.settle(members, start, before)
			l.report.held = before
		}
	}
}

// leave ends an object.
func (l *lockstep) leave(names, members, start int, before tally) bool {
	l.names = l.names[:names]
	if len(l.members) > members {
		l.settle(members, start, before)
		l.members = l.members[:members]
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

// member compares the values of a member of both.
func (l *lockstep) member(name string, at spot) bool {
	start, before := l.enter(name)
	ok := l.value(at.member(name))
	l.exit(name, start, before)
	return ok
}

func (l *lockstep) enter(name string) (start int, before tally) {
	l.steps = append(l.steps, pathStep{name: name})
	return len(l.report.list), l.report.begin()
}

// exit notes where the differences of a member are.
func (l *lockstep) exit(name string, start int, before tally) {
	l.steps = l.steps[:len(l.steps)-1]
	l.report.held = before
	if len(l.report.list) > start {
		l.members = append(l.members, memberDifferences{name, start, len(l.report.list)})
	}
}

// rest decodes the members that follow those with the given names, and compares them by name.
func (l *lockstep) rest(at spot, names int) bool {
	started := len(l.names) > names
	a, errA := l.a.items('}', started, l.a.namedValue)
	b, errB := l.b.items('}', started, l.b.namedValue)
	if errA != nil || errB != nil || l.a.order(a) != nil || l.b.order(b) != nil {
		return false
	}
	for _, rest := range [][]value{a, b} {
		all := slices.Clone(l.names[names:])
		for i := range rest {
			all = append(all, rest[i].name)
		}
		if !unique(all) {
			return false
		}
	}
	merge(&value{items: a}, &value{items: b}, func(name string, x, y *value) {
		start, before := l.enter(name)
		l.values(x, y, at.member(name))
		l.exit(name, start, before)
	})
	return true
}

// settle puts the differences of an object's members, which begin at start, into the order of the names,
// and strikes out what there is no room for.
func (l *lockstep) settle(members, start int, before tally) {
	found := l.members[members:]
	byName := func(x, y memberDifferences) int { return cmp.Compare(x.name, y.name) }
	if len(found) == 1 || slices.IsSortedFunc(found, byName) && len(l.report.list)-start <= maxListed {
		l.report.end(start, before)
		return
	}
	slices.SortStableFunc(found, byName)
	sorted := report{held: before}
	for i, m := range found {
		from := len(sorted.list)
		sorted.list = append(sorted.list, l.report.list[m.start:m.end]...)
		sorted.end(from, sorted.held)
		found[i].start, found[i].end = start+from, start+len(sorted.list)
	}
	l.report.list = append(l.report.list[:start], sorted.list...)
	l.report.held = sorted.held
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
