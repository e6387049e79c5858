package cli

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/sqlite"
	"github.com/assaylab/assay/store/storetest"
)

// manyTrials is how many TestManyTrials keeps unless ASSAY_TRIALS says another number; `make bench` says a million.
const manyTrials = 6_000

// TestManyTrials asks a laboratory that has kept very many trials for each page and API call, again and again. With
// ASSAY_TRIALS it also holds them to 200 ms at p99, and the laboratory to memory that does not grow.
func TestManyTrials(t *testing.T) {
	n, measured := manyTrials, false
	if text, set := os.LookupEnv("ASSAY_TRIALS"); set {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		measured = true
	}
	dir := t.TempDir()
	newest := keepMany(t, dir+"/assay.db", n)
	l := startLab(t, dir, "--keep-size", "20GB")
	rounds := 5
	if measured {
		rounds = 100
	}
	before := resident(t, l)
	for _, path := range calls(newest) {
		p50, p99 := timed(t, l, path, rounds)
		t.Logf("%7s p50 %7s p99  %s", p50.Round(100*time.Microsecond), p99.Round(100*time.Microsecond), path)
		if measured && p99 > 200*time.Millisecond {
			t.Errorf("%s takes %s at p99", path, p99)
		}
	}
	after := resident(t, l)
	t.Logf("%d trials; %d MB before, %d MB after", n, before, after)
	if measured && after > before+64 {
		t.Errorf("the laboratory grew from %d to %d MB", before, after)
	}
}

// keepMany keeps n trials in large batches and returns the id of the newest.
func keepMany(t *testing.T, path string, n int) (newest string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{MaxBytes: 20 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e := assay.Experiment{
		Name: storetest.Experiment, Version: 1, Since: 1, Source: "api", State: assay.StateRunning, Path: "rounding", Methods: []string{"GET"}, Sample: assay.Sample{Rate: 1},
		Budget: assay.DefaultBudget, Control: assay.Arm{Name: "control", Target: assay.Target{URL: "http://127.0.0.1:1"}},
		Candidates: []assay.Arm{{Name: "one", Target: assay.Target{URL: "http://127.0.0.1:1"}}, {Name: "two", Target: assay.Target{URL: "http://127.0.0.1:1"}}},
		Hypothesis: assay.Hypothesis{Mismatch: 0.01, Alpha: 0.05},
	}
	if err := s.Save(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	const size = 2000
	for kept := 0; kept < n; kept += size {
		trials := storetest.Trials(uint64(kept), size)
		for i := range trials {
			trials[i].Time = trials[i].Time.Add(time.Duration(kept) * 100 * time.Millisecond) // ten a second, over a day
		}
		ledger := assay.Ledger{Experiment: e.Name, Since: 1, Requests: int64(kept + size), Offered: int64(kept + size), Sampled: int64(kept + size), Handed: int64(kept + size)}
		if err := s.Keep(t.Context(), assay.Batch{Trials: trials, Ledgers: []assay.Ledger{ledger}}); err != nil {
			t.Fatal(err)
		}
		newest = trials[size-1].ID
	}
	return newest
}

// calls are the pages and API calls that read what is kept.
func calls(trial string) []string {
	e := "/experiments/" + storetest.Experiment
	api := "/api/v1" + e
	return []string{
		"/", e, e + "?outcome=match", e + "/differences", "/trials/" + trial, "/functions", "/metrics", "/readyz",
		"/api/v1/experiments", api, api + "/definition", api + "/trend", api + "/trend?minutes=1440", api + "/charts/mismatches", api + "/charts/means", api + "/charts/pace", api + "/charts/latency", api + "/trials", api + "/trials?limit=500", api + "/trials?outcome=mismatch&arm=one",
		api + "/trials?path=" + url.QueryEscape("body:$.items[*].price"), api + "/trials?outcome=match&path=status", api + "/rules", api + "/clusters", api + "/drift", api + "/drift?limit=500",
		"/api/v1/trials/" + trial,
	}
}

// timed makes a call so many times, one after the other.
func timed(t *testing.T, l *lab, path string, rounds int) (p50, p99 time.Duration) {
	t.Helper()
	var took []time.Duration
	for range rounds {
		began := time.Now()
		got, err := send(t.Context(), "GET", "http://"+l.console+path, nil, nil)
		if err != nil || got.status != 200 {
			t.Fatalf("%s: %v, status %d: %.300s", path, err, got.status, got.body)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)*99/100]
}

// resident is the memory of the laboratory's process, in MB.
func resident(t *testing.T, l *lab) int {
	t.Helper()
	for line := range strings.Lines(string(mustRead(t, fmt.Sprintf("/proc/%d/status", l.cmd.Process.Pid)))) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kb, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return kb >> 10
		}
	}
	t.Fatal("the process does not say what it takes")
	return 0
}
