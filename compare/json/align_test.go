package json

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestCommonSubsequenceIsLongest compares with dynamic programming, which takes n*m steps.
func TestCommonSubsequenceIsLongest(t *testing.T) {
	lists := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		x, y := lists.Draw(t, "x"), lists.Draw(t, "y")
		got, ok := commonSubsequence(x, y)
		l := alignment{equal: func(i, j int) bool { return x[i] == y[j] }}
		want := l.longest(pair{}, len(x), len(y))
		ordered := slices.IsSortedFunc(got, func(p, q pair) int { return min(p.control-q.control, p.other-q.other) })
		equal := !slices.ContainsFunc(got, func(p pair) bool { return x[p.control] != y[p.other] })
		if !ok || len(got) != len(want) || !ordered || !equal {
			t.Fatalf("%v and %v: %v, want %d pairs", x, y, got, len(want))
		}
	})
}
