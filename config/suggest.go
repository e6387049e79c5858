package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// nearest is the known key that an unknown one may have been meant to be, "" if none is near.
func nearest[V any](unknown string, known map[string]V) string {
	best, least := "", 1+len(unknown)/2 // farther is no likeness
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if d := distance(strings.ToLower(unknown), k, least); d < least {
			best, least = k, d
		}
	}
	return best
}

// suggest says what an unknown key may have been meant to be: the nearest known one, or all if none is near.
func suggest[V any](unknown string, known map[string]V) string {
	if best := nearest(unknown, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "known here: " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}

// distance counts the letters to insert, delete or replace to turn a into b (Levenshtein's distance);
// words whose lengths differ by limit or more are just far.
func distance(a, b string, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func abs(n int) int { return max(n, -n) }
