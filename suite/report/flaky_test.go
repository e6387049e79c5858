package report

import "testing"

func TestWavers(t *testing.T) {
	for marks, want := range map[string]bool{"": false, "....": false, "FFFF": false, "..FF": false, "FF..": false, ".F.": true, "F.F": true, "...R": true, ".s.E.": true} {
		if got := wavers(marks); got != want {
			t.Errorf("%q: %v, want %v", marks, got, want)
		}
	}
}
