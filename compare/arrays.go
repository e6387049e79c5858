package compare

import (
	"cmp"
	"slices"

	"github.com/theory/jsonpath/spec"
)

// maxFuel bounds the pairs of values that one comparison looks at to match items of unordered arrays
// that are equal only but for what rules excuse. What is not matched by then is reported as missing and extra.
const maxFuel = 250_000

// pair is the indexes of two items that belong together, -1 for none.
type pair struct{ control, other int }

// arrays compares by key, without order, or index by index, as the rules have it.
func (w *walk) arrays(a, b *value, at spot) {
	if r := at.find(ruleKey); r != nil {
		w.pairs(a, b, matchByKey(a, b, r.key), at)
		return
	}
	if at.find(ruleUnordered) != nil {
		w.pairs(a, b, w.matchEqual(a, b, at), at)
		return
	}
	if len(a.items) != len(b.items) {
		w.differLength(a, b, surplusExcuse(a, b, at))
	}
	w.pairs(a, b, inOrder(a, b), at)
}

// surplusExcuse excuses a difference of length when a rule excuses every item that is too many.
func surplusExcuse(a, b *value, at spot) (excuse string) {
	if at.excuse != "" {
		return at.excuse
	}
	for i := min(len(a.items), len(b.items)); i < max(len(a.items), len(b.items)); i++ {
		if excuse = at.item(pair{i, i}).excuse; excuse == "" {
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

// item compares two items; the path has the control's index, or the candidate's if only it has the item.
func (w *walk) item(a, b *value, p pair, at spot) {
	x, y := a.item(p.control), b.item(p.other)
	index := p.control
	if x == nil {
		index = p.other
	}
	mark := len(w.path)
	w.path = appendIndex(w.path, index)
	w.values(x, y, at.item(p))
	w.path = w.path[:mark]
}

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
func (m *matching) by(left, right func(i int) string) {
	waiting := map[string][]int{}
	for _, j := range m.right {
		form := right(j)
		waiting[form] = append(waiting[form], j)
	}
	m.left = slices.DeleteFunc(m.left, func(i int) bool {
		form := left(i)
		same := waiting[form]
		if len(same) == 0 {
			return false
		}
		m.pairs = append(m.pairs, pair{i, same[0]})
		waiting[form] = same[1:]
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
func matchByKey(a, b *value, key []spec.Selector) []pair {
	form := func(v *value) func(int) string {
		return func(i int) string {
			found := v.items[i].follow(key)
			if found == nil {
				return ""
			}
			return string(canonical{}.append(nil, found, nil))
		}
	}
	m := newMatching(a, b)
	m.by(form(a), form(b))
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
	form := func(v *value, s state, c canonical) func(int) string {
		return func(i int) string { return string(c.append(nil, &v.items[i], s.item(i))) }
	}
	m.by(form(a, at.control, canonical{}), form(b, at.other, canonical{}))
	m.pairs = nil
	if len(m.left)+len(m.right) == 0 || !w.rules.lenient() {
		return m.finish()
	}
	if ordered := inOrder(a, b); w.excused(a, b, ordered, at) {
		return ordered
	}
	m.by(form(a, at.control, canonical{lax: true}), form(b, at.other, canonical{lax: true}))
	if len(m.left)*len(m.right) <= maxFuel {
		m.most(func(i, j int) bool { return w.excused(a, b, []pair{{i, j}}, at) })
	}
	return m.finish()
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
	probe := walk{rules: w.rules, probing: true, fuel: w.fuel}
	for i := 0; i < len(pairs) && !probe.differs; i++ {
		probe.item(a, b, pairs[i], at)
	}
	return !probe.differs
}

// canonical writes values so that equal ones are written alike: members in the order of their names,
// normal numbers, sorted items where order does not matter. A lax one leaves out what is ignored.
type canonical struct{ lax bool }

func (c canonical) append(dst []byte, v *value, at state) []byte {
	switch {
	case c.lax && at.find(ruleIgnore) != nil:
		return append(dst, '*')
	case v.kind == number:
		return parseDecimal(v.text).append(dst)
	case v.kind == object:
		return c.appendMembers(dst, v, at)
	case v.kind == array:
		return c.appendItems(dst, v, at)
	}
	return v.appendJSON(dst, 0)
}

func (c canonical) appendMembers(dst []byte, v *value, at state) []byte {
	dst = append(dst, '{')
	for i := range v.items {
		m := &v.items[i]
		below := at.member(m.name)
		if c.lax && below.find(ruleIgnore) != nil {
			continue
		}
		dst = append(dst, quoted(m.name)...)
		dst = append(dst, ':')
		dst = c.append(dst, m, below)
		dst = append(dst, ',')
	}
	return append(dst, '}')
}

func (c canonical) appendItems(dst []byte, v *value, at state) []byte {
	items := make([]string, len(v.items))
	for i := range v.items {
		items[i] = string(c.append(nil, &v.items[i], at.item(i)))
	}
	if at.find(ruleUnordered) != nil || at.find(ruleKey) != nil {
		slices.Sort(items)
	}
	dst = append(dst, '[')
	for _, item := range items {
		dst = append(dst, item...)
		dst = append(dst, ',')
	}
	return append(dst, ']')
}
