package storetest

import (
	"testing"

	"github.com/assaylab/assay"
)

// rareIsApart: trials that were made because their stratum is rare are kept, found and counted, and show in none
// of the numbers that verdicts are made of.
func rareIsApart(t *testing.T, store assay.Store) {
	trials := Trials(5, 60)
	var plain []assay.Trial
	rare := int64(0)
	for i := range trials {
		if trials[i].Rare = i%3 == 0; trials[i].Rare {
			rare++
			trials[i].Secondary = nil
			continue
		}
		plain = append(plain, trials[i])
	}
	keep(t, store, trials...)
	got, want := counts(t, store, Experiment, 1), recount(plain)
	if got.Trials != int64(len(trials)) {
		t.Errorf("%d trials kept, want %d", got.Trials, len(trials))
	}
	for _, w := range want.Arms {
		a := got.Arm(w.Role, w.Name)
		if a.Observations != w.Observations || a.Trials != w.Trials || a.Mismatches != w.Mismatches || a.Paired != w.Paired || len(a.Paths) != len(w.Paths) {
			t.Errorf("%s %s: %+v, want %+v", w.Role, w.Name, a, w)
		}
		if w.Role != assay.RoleCandidate {
			continue
		}
		if r := got.Arm(assay.RoleRare, w.Name); r.Trials != rare {
			t.Errorf("%d rare trials of %s, want %d", r.Trials, w.Name, rare)
		}
		if n := got.LeftOut(w.Name); n != 0 {
			t.Errorf("%d calls of %s were left out, want none", n, w.Name)
		}
	}
	found := query(t, store, assay.Query{Experiment: Experiment, Limit: 500})
	if len(found.Trials) != len(trials) {
		t.Errorf("%d trials found, want %d", len(found.Trials), len(trials))
	}
}
