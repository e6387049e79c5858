package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/judge"
	"github.com/assaylab/assay/store/sqlite"
	"github.com/assaylab/assay/store/storetest"
)

// The same trials, kept in the same order, give the same verdict to the byte: asked again, after a restart,
// after bodies and trials were pruned, in other batches, and with trials delivered twice.
func TestVerdictsAreFrozen(t *testing.T) {
	t.Parallel()
	trials, others := storetest.Trials(31, 500), storetest.Trials(32, 10)
	for i := range others {
		others[i].Experiment = "another"
	}
	large := filepath.Join(t.TempDir(), "large.db")
	first := verdicts(t, large, sqlite.Options{}, trials, 100)
	if !bytes.Contains(first, []byte(`"blocks":`)) || !bytes.Contains(first, []byte(`"strata":`)) {
		t.Fatalf("the verdicts say too little: %s", first)
	}
	for name, again := range map[string][]byte{
		"asked again after a restart": verdicts(t, large, sqlite.Options{}, nil, 1),
		"delivered twice":             verdicts(t, large, sqlite.Options{}, trials[100:300], 70),
		"in other batches":            verdicts(t, filepath.Join(t.TempDir(), "other.db"), sqlite.Options{}, trials, 17),
		"pruned as they came":         verdicts(t, filepath.Join(t.TempDir(), "small.db"), sqlite.Options{MaxBytes: 256 << 10}, trials, 100),
		"pruned afterwards":           verdicts(t, large, sqlite.Options{MaxBytes: 256 << 10}, others, 1),
	} {
		if !bytes.Equal(again, first) {
			t.Errorf("%s:\n%s\nwas\n%s", name, again, first)
		}
	}
	if n := keptTrials(t, large); n > 400 {
		t.Errorf("%d trials were not pruned", n)
	}
}

func keptTrials(t *testing.T, path string) (n int) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for q := (assay.Query{Experiment: storetest.Experiment, Limit: 500}); ; {
		page, err := store.Trials(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Trials)
		if q.Cursor = page.Next; q.Cursor == "" {
			return n
		}
	}
}

// verdicts keeps trials in batches of that size and asks for the verdicts, twice.
func verdicts(t *testing.T, path string, o sqlite.Options, trials []assay.Trial, size int) []byte {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for batch := range slices.Chunk(trials, size) {
		if err := store.Keep(t.Context(), assay.Batch{Trials: batch}); err != nil {
			t.Fatal(err)
		}
	}
	one, two := ask(t, store), ask(t, store)
	if !bytes.Equal(one, two) {
		t.Errorf("asked twice:\n%s\n%s", one, two)
	}
	return one
}

func ask(t *testing.T, store assay.Store) []byte {
	t.Helper()
	counts, err := store.Counts(t.Context(), storetest.Experiment, 1)
	if err != nil {
		t.Fatal(err)
	}
	most := 1.1
	text, err := json.Marshal(judge.Judge(assay.Experiment{
		Name: storetest.Experiment, Secondary: .3, Candidates: []assay.Arm{{Name: "one"}, {Name: "two"}},
		Hypothesis: assay.Hypothesis{
			Mismatch: .5, Faults: &most, Latency: map[string]float64{"p50": 1.1, "p99": 1.2}, Cold: map[string]float64{"p50": 1.5},
			Cost: &most, Memory: &most, Guard: assay.Guards, Alpha: .05,
		},
	}, counts))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
