package json

import "github.com/assaylab/assay/compare/lcs"

// maxGap bounds the pairs of items, in a gap between items that are equal, that are tried with each other.
const maxGap = 2500

// aligned compares arrays in which items were inserted and left out, along a longest common subsequence of
// equal items. What stands between two of those on both sides is compared in order.
func (w *walk) aligned(a, b *value, at spot) {
	if w.probing {
		*w.fuel -= len(a.items) + len(b.items)
	}
	how := strict
	if w.rules.lenient() {
		how = lax
	}
	x, y := w.all(a, at.control, how), w.all(b, at.other, how)
	forward := w.forward
	if !forward {
		x, y = y, x
	}
	common, ok := commonSubsequence(x, y)
	if !ok {
		w.hint = "too different to be aligned: compared index by index"
		w.inOrder(a, b, at)
		return
	}
	l := alignment{equal: func(i, j int) bool { return false }}
	if w.rules.lenient() {
		l.equal = func(i, j int) bool { return w.excused(a, b, []pair{orient(pair{i, j}, forward)}, at) }
	}
	for _, p := range l.fill(common, len(x), len(y)) {
		w.item(a, b, orient(p, forward), at)
	}
}

// all lists the forms of the items of an array.
func (w *walk) all(v *value, at *place, how strictness) []form {
	of := w.items(v, at, how)
	all := make([]form, len(v.items))
	for i := range all {
		all[i] = of(i)
	}
	return all
}

func orient(p pair, forward bool) pair {
	if forward {
		return p
	}
	return pair{p.other, p.control}
}

// alignment pairs what a common subsequence leaves over.
type alignment struct {
	pairs []pair
	equal func(i, j int) bool // but for what rules excuse
}

// fill returns the pairs of a common subsequence with those of the gaps between them, in order.
func (l *alignment) fill(common []pair, n, m int) []pair {
	from := pair{}
	for _, p := range append(common, pair{n, m}) {
		l.gap(from, p)
		if p.control < n {
			l.pairs = append(l.pairs, p)
		}
		from = pair{p.control + 1, p.other + 1}
	}
	return l.pairs
}

// gap pairs the items of a gap: those that are equal but for what rules excuse, and then the others in
// order, as far as both sides have some.
func (l *alignment) gap(from, to pair) {
	n, m := to.control-from.control, to.other-from.other
	if n*m <= maxGap && n != m {
		for _, p := range l.longest(from, n, m) {
			l.inOrder(from, p)
			l.pairs = append(l.pairs, p)
			from = pair{p.control + 1, p.other + 1}
		}
	}
	l.inOrder(from, to)
}

func (l *alignment) inOrder(from, to pair) {
	for i := 0; from.control+i < to.control || from.other+i < to.other; i++ {
		p := pair{from.control + i, from.other + i}
		if p.control >= to.control {
			p.control = -1
		}
		if p.other >= to.other {
			p.other = -1
		}
		l.pairs = append(l.pairs, p)
	}
}

// longest is a longest common subsequence of n and m items, by dynamic programming.
func (l *alignment) longest(from pair, n, m int) (pairs []pair) {
	equal := make([]bool, n*m)
	length := make([]int, (n+1)*(m+1)) // of what begins at i, j
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			here := i*(m+1) + j
			length[here] = max(length[here+1], length[here+m+1])
			if equal[i*m+j] = l.equal(from.control+i, from.other+j); equal[i*m+j] {
				length[here] = max(length[here], 1+length[here+m+2])
			}
		}
	}
	for i, j := 0, 0; i < n && j < m; {
		switch here := i*(m+1) + j; {
		case equal[i*m+j] && length[here] == 1+length[here+m+2]:
			pairs = append(pairs, pair{from.control + i, from.other + j})
			i, j = i+1, j+1
		case length[here] == length[here+m+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// commonSubsequence pairs the items of a longest common subsequence, in order; false when they differ in too much.
func commonSubsequence[T comparable](x, y []T) ([]pair, bool) {
	common, ok := lcs.Pairs(x, y)
	pairs := make([]pair, len(common))
	for i, p := range common {
		pairs[i] = pair{p.X, p.Y}
	}
	return pairs, ok
}
