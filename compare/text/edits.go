package text

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/assaylab/assay/compare/lcs"

	"github.com/assaylab/assay/compare/report"
)

// The bounds of counting edits.
const (
	maxTextEdits = 2000
	maxTextSteps = 16 << 20 // characters looked at
	maxEdited    = 1 << 20  // bytes of what lies between where two texts begin and cease to differ
)

// editDistance is the least number of characters to insert, leave out or replace that makes b of a
// (Levenshtein's distance); false when a bound is hit. The algorithm is Ukkonen's (Algorithms for
// Approximate String Matching, 1985): it looks at no more than what the edits found so far can reach.
func editDistance(a, b string) (int, bool) {
	a, b = withoutCommon(a, b)
	if len(a)+len(b) > 2*maxEdited {
		return 0, false
	}
	x, y := characters(a), characters(b)
	steps := 0
	reached := map[int]int{} // by diagonal (the place in y less that in x), the furthest place in x
	for edits := 0; edits <= maxTextEdits && steps <= maxTextSteps; edits++ {
		next := make(map[int]int, 2*edits+1)
		for k := -edits; k <= edits; k++ {
			i := furthest(reached, edits, k)
			if i > len(x) || i+k > len(y) || i < 0 || i+k < 0 {
				i = min(i, len(x), len(y)-k)
			}
			if i < 0 || i+k < 0 {
				continue
			}
			for i < len(x) && i+k < len(y) && x[i] == y[i+k] {
				i++
				steps++
			}
			steps++
			next[k] = i
			if i == len(x) && i+k == len(y) {
				return edits, true
			}
		}
		reached = next
	}
	return 0, false
}

// characters are the runes of a text; a byte that is part of none is one of its own.
func characters(s string) []rune {
	all := make([]rune, 0, len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			r = utf8.MaxRune + 1 + rune(s[i])
		}
		all = append(all, r)
		i += size
	}
	return all
}

// furthest is where diagonal k is entered with one more edit: by a replacement, by leaving one of x out,
// or by inserting one of y; -1 if it cannot be.
func furthest(reached map[int]int, edits, k int) int {
	if edits == 0 {
		return 0
	}
	best := -1
	if i, ok := reached[k]; ok {
		best = max(best, i+1)
	}
	if i, ok := reached[k+1]; ok {
		best = max(best, i+1)
	}
	if i, ok := reached[k-1]; ok {
		best = max(best, i)
	}
	return best
}

// withoutCommon leaves out how two texts begin and end alike, by whole characters.
func withoutCommon(a, b string) (string, string) {
	n := report.CommonPrefix(a, b)
	for n > 0 && (n < len(a) && !utf8.RuneStart(a[n]) || n < len(b) && !utf8.RuneStart(b[n])) {
		n--
	}
	a, b = a[n:], b[n:]
	n = 0
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	for n > 0 && !utf8.RuneStart(a[len(a)-n]) {
		n--
	}
	return a[:len(a)-n], b[:len(b)-n]
}

const (
	maxDiffLines = 8     // shown
	maxDiffed    = 20000 // lines looked at
)

// lineDiff shows the lines that differ as diff does, each on a line of its own; "" for texts of one line.
func lineDiff(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(x) == 1 && len(y) == 1 || len(x)+len(y) > maxDiffed {
		return ""
	}
	common, ok := lcs.Pairs(x, y)
	if !ok {
		return ""
	}
	var out []string
	from := lcs.Pair{}
	for _, p := range append(common, lcs.Pair{X: len(x), Y: len(y)}) {
		if from != p {
			out = append(out, fmt.Sprintf("@@ -%d,%d +%d,%d @@", from.X+1, p.X-from.X, from.Y+1, p.Y-from.Y))
		}
		for _, l := range x[from.X:p.X] {
			out = append(out, "-"+report.Shorten(l))
		}
		for _, l := range y[from.Y:p.Y] {
			out = append(out, "+"+report.Shorten(l))
		}
		from = lcs.Pair{X: p.X + 1, Y: p.Y + 1}
	}
	if len(out) > maxDiffLines {
		out = append(out[:maxDiffLines], report.Ellipsis)
	}
	return "\n" + strings.Join(out, "\n")
}
