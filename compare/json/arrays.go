package json

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/theory/jsonpath/spec"

	"github.com/assaylab/assay"
)

// maxFuel bounds the pairs of values that one comparison looks at to match items of unordered arrays
// that are equal only but for what rules excuse. What is not matched by then is reported as missing and extra.
const maxFuel = 250_000

// pair is the indexes of two items that belong together, -1 for none.
type pair struct{ control, other int }

// arrays compares by key, aligned, without order, or index by index, as the rules have it.
func (w *walk) arrays(a, b *value, at spot) {
	hint := w.hint
	switch r := at.find(itemsRule); {
	case r == nil:
		w.inOrder(a, b, at)
	case r.kind == ruleKey:
		w.pairs(a, b, w.matchByKey(a, b, r.key), at)
	case r.kind == ruleAlign:
		w.aligned(a, b, at)
	default:
		w.pairs(a, b, w.matchEqual(a, b, at), at)
	}
	w.hint = hint
}

// inOrder compares the first items, the second, and so on.
func (w *walk) inOrder(a, b *value, at spot) {
	if n, m := len(a.items), len(b.items); n != m {
		w.differLength(n, m, at)
	}
	w.pairs(a, b, inOrder(a, b), at)
}

// differLength tells that arrays have different lengths.
func (w *walk) differLength(n, m int, at spot) {
	if excuse := surplusExcuse(n, m, at); !w.skips(excuse) {
		w.list(assay.KindLength, excuse, showItems(n), showItems(m))
	}
}

func showItems(n int) string { return fmt.Sprintf("%d items", n) }

// surplusExcuse excuses a difference of length when a rule excuses every item that is too many.
func surplusExcuse(n, m int, at spot) (excuse string) {
	if at.excuse != "" {
		return at.excuse
	}
	if at.subset != "" && m > n {
		return at.subset
	}
	for i := min(n, m); i < max(n, m); i++ {
		below := at.item(pair{i, i})
		excuse = below.excuse
		if m > n {
			excuse = cmp.Or(excuse, below.subset)
		}
		if excuse == "" {
			return ""
		}
	}
	return excuse
}

func (w *walk) pairs(a, b *value, pairs []pair, at spot) {
	for _, p := range pairs {
		w.item(a, b, p, at)
	}
}

func (w *walk) item(a, b *value, p pair, at spot) {
	w.steps = append(w.steps, pathStep{isItem: true, item: p})
	w.values(a.item(p.control), b.item(p.other), at.item(p))
	w.steps = w.steps[:len(w.steps)-1]
}

// index is what a path calls the pair, the same whichever side is the control: -1 if the item has moved.
func (p pair) index() int {
	if p.control < 0 || p.other < 0 || p.control == p.other {
		return max(p.control, p.other)
	}
	return -1
}

func (p pair) inControl() int {
	if p.control < 0 {
		return p.other
	}
	return p.control
}

func (p pair) inOther() int { return pair{p.other, p.control}.inControl() }

// matching pairs the items of two arrays. Left and right are the indexes not paired yet, ascending.
type matching struct {
	pairs       []pair
	left, right []int
}

func newMatching(a, b *value) *matching {
	return &matching{left: indexes(a), right: indexes(b)}
}

func indexes(v *value) []int {
	all := make([]int, len(v.items))
	for i := range all {
		all[i] = i
	}
	return all
}

// by pairs items of the same form, in their order where several have it.
func (m *matching) by(left, right func(i int) form) {
	waiting := map[form][]int{}
	for _, j := range m.right {
		waiting[right(j)] = append(waiting[right(j)], j)
	}
	m.left = slices.DeleteFunc(m.left, func(i int) bool {
		same := waiting[left(i)]
		if len(same) == 0 {
			return false
		}
		m.pairs = append(m.pairs, pair{i, same[0]})
		waiting[left(i)] = same[1:]
		return true
	})
	m.right = m.right[:0]
	for _, rest := range waiting {
		m.right = append(m.right, rest...)
	}
	slices.Sort(m.right)
}

// most pairs as many of the remaining items as can be, given which are the same: a maximum matching,
// by augmenting paths. Taking the first that fits could leave items over that need not be.
func (m *matching) most(same func(i, j int) bool) {
	fits := make([][]int, len(m.left))
	for l, i := range m.left {
		for r, j := range m.right {
			if same(i, j) {
				fits[l] = append(fits[l], r)
			}
		}
	}
	partner := slices.Repeat([]int{-1}, len(m.right))
	for l := range m.left {
		augment(l, fits, partner, make([]bool, len(partner)))
	}
	m.take(partner)
}

// augment finds l a partner, moving others to another of theirs if need be.
func augment(l int, fits [][]int, partner []int, tried []bool) bool {
	for _, r := range fits[l] {
		if tried[r] {
			continue
		}
		tried[r] = true
		if partner[r] < 0 || augment(partner[r], fits, partner, tried) {
			partner[r] = l
			return true
		}
	}
	return false
}

// take pairs each remaining item of the right with its partner, a place in left.
func (m *matching) take(partner []int) {
	var left, right []int
	paired := make([]bool, len(m.left))
	for r, l := range partner {
		if l < 0 {
			right = append(right, m.right[r])
			continue
		}
		paired[l] = true
		m.pairs = append(m.pairs, pair{m.left[l], m.right[r]})
	}
	for l, i := range m.left {
		if !paired[l] {
			left = append(left, i)
		}
	}
	m.left, m.right = left, right
}

// finish returns all pairs, those of one item included: in the control's order, then the candidate's.
func (m *matching) finish() []pair {
	for _, i := range m.left {
		m.pairs = append(m.pairs, pair{i, -1})
	}
	slices.SortFunc(m.pairs, func(p, q pair) int { return cmp.Compare(p.control, q.control) })
	for _, j := range m.right {
		m.pairs = append(m.pairs, pair{-1, j})
	}
	return m.pairs
}

// matchByKey pairs items with equal values at the key; of several with one key the first with the
// first, and so on. Items without the key are paired among themselves.
func (w *walk) matchByKey(a, b *value, key []spec.Selector) []pair {
	keys := func(v *value) func(int) form {
		return func(i int) form {
			found := v.items[i].follow(key)
			if found == nil {
				return noForm
			}
			return w.forms.of(found, nil, bare)
		}
	}
	m := newMatching(a, b)
	m.by(keys(a), keys(b))
	return m.finish()
}

// follow goes along names and indexes; nil if they lead nowhere.
func (v *value) follow(path []spec.Selector) *value {
	for _, selector := range path {
		if v == nil {
			return nil
		}
		switch s := selector.(type) {
		case spec.Name:
			v = v.member(string(s))
		case spec.Index:
			v = v.at(int(s))
		}
	}
	return v
}

// at returns the item of an array at an index, counted from the end if negative.
func (v *value) at(index int) *value {
	if v.kind != array {
		return nil
	}
	if index < 0 {
		index += len(v.items)
	}
	return v.item(index)
}

// matchEqual pairs items that are equal but for what rules excuse, in order if that will do. Pairs that
// are equal in every respect are left out: there is nothing to tell of them.
func (w *walk) matchEqual(a, b *value, at spot) []pair {
	if w.probing {
		*w.fuel -= len(a.items) + len(b.items)
	}
	m := newMatching(a, b)
	m.by(w.items(a, at.control, strict), w.items(b, at.other, strict))
	m.pairs = nil
	if len(m.left)+len(m.right) == 0 || !w.rules.lenient() {
		return m.finish()
	}
	if ordered := inOrder(a, b); w.excused(a, b, ordered, at) {
		return ordered
	}
	m.by(w.items(a, at.control, lax), w.items(b, at.other, lax))
	if len(m.left)*len(m.right) > maxFuel {
		w.hint = "too many items to try each with each: matched by what no rule is about"
		return m.finish()
	}
	if w.forward {
		m.most(func(i, j int) bool { return w.excused(a, b, []pair{{i, j}}, at) })
		return m.finish()
	}
	m.swap()
	m.most(func(j, i int) bool { return w.excused(a, b, []pair{{i, j}}, at) })
	m.swap()
	return m.finish()
}

// items are the forms of the items of an array.
func (w *walk) items(v *value, at *place, how strictness) func(int) form {
	return func(i int) form { return w.forms.of(&v.items[i], at.item(i), how) }
}

// swap lets the sides change places.
func (m *matching) swap() {
	m.left, m.right = m.right, m.left
	for i, p := range m.pairs {
		m.pairs[i] = pair{p.other, p.control}
	}
}

// inOrder pairs the first items, the second, and so on.
func inOrder(a, b *value) []pair {
	pairs := make([]pair, max(len(a.items), len(b.items)))
	for i := range pairs {
		pairs[i] = pair{i, i}
	}
	return pairs
}

// excused tells whether no difference of the pairs goes without excuse. It is false once fuel has run out.
func (w *walk) excused(a, b *value, pairs []pair, at spot) bool {
	probe := walk{rules: w.rules, forms: w.forms, forward: w.forward, probing: true, fuel: w.fuel}
	for i := 0; i < len(pairs) && !probe.differs; i++ {
		probe.item(a, b, pairs[i], at)
	}
	return !probe.differs
}
