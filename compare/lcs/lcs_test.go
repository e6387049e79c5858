package lcs

import (
	"slices"
	"testing"
)

func TestPairs(t *testing.T) {
	for _, tc := range []struct {
		x, y string
		want []Pair
	}{
		{"", "", nil},
		{"abc", "abc", []Pair{{0, 0}, {1, 1}, {2, 2}}},
		{"abc", "xyz", nil},
		{"abcdef", "acdxef", []Pair{{0, 0}, {2, 1}, {3, 2}, {4, 4}, {5, 5}}},
		{"aab", "axab", []Pair{{0, 0}, {1, 2}, {2, 3}}},
	} {
		if got, ok := Pairs([]rune(tc.x), []rune(tc.y)); !ok || !slices.Equal(got, tc.want) {
			t.Errorf("%s and %s: %v", tc.x, tc.y, got)
		}
	}
}

// TestBounds: of sequences too different to be looked through remain how both begin and how both end.
func TestBounds(t *testing.T) {
	const n = 2000
	x, y := make([]int, n), make([]int, n)
	for i := range n {
		x[i], y[i] = i, n+i
	}
	x[0], y[0], x[n-1], y[n-1] = -1, -1, -2, -2
	if got, ok := Pairs(x, y); ok || !slices.Equal(got, []Pair{{0, 0}, {n - 1, n - 1}}) {
		t.Errorf("%v, %v", got, ok)
	}
}
