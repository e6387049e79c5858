// Package lcs finds a longest common subsequence. In come two sequences; out go the pairs of equal items that stay
// when no more is left out and inserted than must be.
package lcs

import "slices"

// The bounds of finding a longest common subsequence.
const (
	maxEdits = 1000    // items inserted and left out
	maxSteps = 4 << 20 // items looked at
)

// Pair is the indexes of two equal items.
type Pair struct{ X, Y int }

// Pairs are those of a longest common subsequence, in order. It is false when a bound is hit: then they are those of
// how both begin and end alone. The algorithm is Myers's (An O(ND) Difference Algorithm and Its Variations, 1986).
func Pairs[T comparable](x, y []T) (pairs []Pair, ok bool) {
	head := 0
	for head < min(len(x), len(y)) && x[head] == y[head] {
		pairs = append(pairs, Pair{head, head})
		head++
	}
	tail := 0
	for tail < min(len(x), len(y))-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	middle, ok := (&editGraph[T]{x: x[head : len(x)-tail], y: y[head : len(y)-tail]}).pairs()
	for _, p := range middle {
		pairs = append(pairs, Pair{p.X + head, p.Y + head})
	}
	for i := tail; i > 0; i-- {
		pairs = append(pairs, Pair{len(x) - i, len(y) - i})
	}
	return pairs, ok
}

// editGraph is searched breadth first by the number of edits. After d edits the path on diagonal k
// (that is, i-j) that has come furthest has reached i = trace[d][k+d].
type editGraph[T comparable] struct {
	x, y  []T
	trace [][]int32
	steps int
}

func (g *editGraph[T]) pairs() ([]Pair, bool) {
	if len(g.x) == 0 || len(g.y) == 0 {
		return nil, true
	}
	for d := 0; d <= min(len(g.x)+len(g.y), maxEdits); d++ {
		g.trace = append(g.trace, make([]int32, 2*d+1))
		for k := -d; k <= d; k += 2 {
			i := g.along(g.from(d, k), k)
			g.trace[d][k+d] = int32(i)
			if i >= len(g.x) && i-k >= len(g.y) {
				return g.back(d, k), true
			}
		}
		if g.steps > maxSteps {
			return nil, false
		}
	}
	return nil, false
}

// from is where diagonal k is entered with the d-th edit: from above, an item of y inserted, or from the
// left, one of x left out.
func (g *editGraph[T]) from(d, k int) int {
	if d == 0 {
		return 0
	}
	if g.inserted(d, k) {
		return g.reached(d-1, k+1)
	}
	return g.reached(d-1, k-1) + 1
}

func (g *editGraph[T]) inserted(d, k int) bool {
	return k == -d || k != d && g.reached(d-1, k-1) < g.reached(d-1, k+1)
}

func (g *editGraph[T]) reached(d, k int) int { return int(g.trace[d][k+d]) }

// along follows equal items.
func (g *editGraph[T]) along(i, k int) int {
	start := i
	for i < len(g.x) && i-k < len(g.y) && i-k >= 0 && g.x[i] == g.y[i-k] {
		i++
	}
	g.steps += 1 + i - start
	return i
}

// back collects the equal items on the way that ended on diagonal k.
func (g *editGraph[T]) back(d, k int) (pairs []Pair) {
	for ; d >= 0; d-- {
		start := g.from(d, k)
		for i := g.reached(d, k) - 1; i >= start; i-- {
			pairs = append(pairs, Pair{i, i - k})
		}
		if d == 0 {
			break
		}
		if g.inserted(d, k) {
			k++
		} else {
			k--
		}
	}
	slices.Reverse(pairs)
	return pairs
}
