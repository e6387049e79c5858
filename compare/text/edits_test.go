package text

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// levenshtein is the distance by the book.
func levenshtein(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func TestEditDistanceAgreesWithTheBook(t *testing.T) {
	texts := rapid.StringOfN(rapid.SampledFrom([]rune("abcé")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts.Draw(t, "a"), texts.Draw(t, "b")
		got, ok := editDistance(a, b)
		if want := levenshtein([]rune(a), []rune(b)); !ok || got != want {
			t.Fatalf("%q and %q: %d, want %d", a, b, got, want)
		}
	})
}

func TestEditsOfBrokenTextCount(t *testing.T) {
	if n, ok := editDistance("caf\xe9", "caf\xe8"); n != 1 || !ok {
		t.Errorf("%d edits", n)
	}
	folded := texts{trim: true, anyCase: true, anySpace: true}
	if got := folded.compare([]byte("caf\xe9"), []byte("caf\xe8")); got[0].Ignored != "" {
		t.Errorf("%+v", got)
	}
}

func TestEditsAreBounded(t *testing.T) {
	a, b := strings.Repeat("ab", 400_000), strings.Repeat("cd", 400_000)
	if _, ok := editDistance(a, b); ok {
		t.Error("counted all edits of two long texts")
	}
	got := texts{edits: 0.5}.compare([]byte(a), []byte(b))
	if len(got) != 1 || got[0].Ignored != "" || !strings.Contains(got[0].Detail, "too many edits to count") {
		t.Errorf("%.300v", got)
	}
}
