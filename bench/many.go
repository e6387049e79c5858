package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/sqlite"
	"github.com/assaylab/assay/store/storetest"
)

// How many trials are kept at once, as a laboratory does at most, and how much the store may take.
const (
	batch    = 256
	manySize = 40 << 30
)

// keeping is the store alone, without what makes trials: those of one candidate, with bodies of 1 kB.
func keeping(ctx context.Context, s *stage, o options) ([]row, error) {
	dir, err := os.MkdirTemp(s.dir, "store-")
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "assay.db"), sqlite.Options{MaxBytes: manySize})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	var rates []result
	kept := int64(0)
	for range o.rounds {
		n, took, err := keepFor(ctx, store, kept, o.window)
		if err != nil {
			return nil, err
		}
		kept += n
		rates = append(rates, result{perSecond: perSecond(n, took)})
	}
	counts, err := store.Counts(ctx, storetest.Experiment, 1)
	if err == nil && counts.Trials != kept {
		err = fmt.Errorf("%d trials were kept, and %d are counted", kept, counts.Trials)
	}
	r := atLeast("trials kept per second, embedded store alone, 1 kB bodies, counts exact", median(rates, func(r result) float64 { return r.perSecond }), 10_000, 1)
	r.note = fmt.Sprintf("%d trials in batches of %d", kept, batch)
	return []row{r}, err
}

// keepFor keeps trials for a while, and tells how many, and how long that took, without making them.
func keepFor(ctx context.Context, store assay.Store, seed int64, window time.Duration) (n int64, took time.Duration, err error) {
	for ; took < window && err == nil; n += batch {
		trials := storetest.Plain(uint64(seed+n), batch)
		began := time.Now()
		err = store.Keep(ctx, assay.Batch{Trials: trials})
		took += time.Since(began)
	}
	return n, took, err
}

// few is how many trials a store has that many are compared with.
const few = 2000

// many asks laboratories that have kept few trials and very many for each page and API call, again and again.
func many(ctx context.Context, s *stage, o options) ([]row, error) {
	small, err := askAll(ctx, s, o, min(few, o.trials))
	if err != nil {
		return nil, err
	}
	large, err := askAll(ctx, s, o, o.trials)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("%d trials kept: ", o.trials)
	p99 := atMost(title+"p99 of the slowest page or API call, ms", millis(large.slowest), 200, 1)
	p99.note = fmt.Sprintf("`%s`, of %d, each asked for %d times", large.what, large.calls, o.asks)
	grown := atMost(title+"memory grown by all these calls, MB", mega(max(0, large.after-large.before)), 32, 1)
	grown.note = fmt.Sprintf("from %.0f to %.0f", mega(large.before), mega(large.after))
	flat := atMost(title+"peak RSS, MB, against the same calls with 2,000 trials", mega(large.peak), mega(small.peak), 1.25)
	return []row{p99, grown, flat}, nil
}

// asked is what came of asking for every page and API call.
type asked struct {
	calls               int
	slowest             time.Duration // the p99 of one
	what                string        // that one
	before, after, peak int64         // bytes resident
}

func askAll(ctx context.Context, s *stage, o options, trials int) (a asked, err error) {
	data, err := os.MkdirTemp(s.dir, "many-")
	if err != nil {
		return a, err
	}
	newest, err := keepMany(ctx, filepath.Join(data, "assay.db"), trials)
	if err != nil {
		return a, err
	}
	l, err := launch(o, "--data", data, "--keep-size", "40GB")
	if err != nil {
		return a, err
	}
	defer l.stop()
	if a.before, err = l.resident(); err != nil {
		return a, err
	}
	all := calls(newest)
	a.calls = len(all)
	for _, path := range all {
		p99, err := timed(ctx, l.console+path, o.asks)
		if err != nil {
			return a, err
		}
		if p99 > a.slowest {
			a.slowest, a.what = p99, path
		}
	}
	if a.after, err = l.resident(); err != nil {
		return a, err
	}
	a.peak, err = l.peak()
	return a, err
}

// keepMany keeps n trials of two candidates, ten a second, and returns the id of the newest.
func keepMany(ctx context.Context, path string, n int) (newest string, err error) {
	store, err := sqlite.Open(ctx, path, sqlite.Options{MaxBytes: manySize})
	if err != nil {
		return "", err
	}
	defer store.Close()
	nowhere := assay.Target{URL: "http://127.0.0.1:1"}
	e := assay.Experiment{
		Name: storetest.Experiment, Version: 1, Since: 1, Source: "api", State: assay.StateRunning, Path: "rounding", Methods: []string{"GET"}, Sample: assay.Sample{Rate: 1},
		Budget: assay.DefaultBudget, Control: assay.Arm{Name: "control", Target: nowhere},
		Candidates: []assay.Arm{{Name: "one", Target: nowhere}, {Name: "two", Target: nowhere}},
		Hypothesis: assay.Hypothesis{Mismatch: 0.01, Alpha: 0.05},
	}
	if err := store.Save(ctx, e); err != nil {
		return "", err
	}
	const size = 2000
	for kept := 0; kept < n; kept += size {
		trials := storetest.Trials(uint64(kept), size)
		for i := range trials {
			trials[i].Time = trials[i].Time.Add(time.Duration(kept)*100*time.Millisecond - time.Duration(i)*900*time.Millisecond)
		}
		all := int64(kept + size)
		ledger := assay.Ledger{Experiment: e.Name, Since: 1, Requests: all, Offered: all, Sampled: all, Handed: all}
		if err := store.Keep(ctx, assay.Batch{Trials: trials, Ledgers: []assay.Ledger{ledger}}); err != nil {
			return "", err
		}
		newest = trials[size-1].ID
	}
	return newest, nil
}

// calls are the pages and API calls that read what is kept.
func calls(trial string) (all []string) {
	e := "/experiments/" + storetest.Experiment
	all = []string{
		"/", e, e + "?outcome=match", e + "/differences", "/trials/" + trial, "/functions", "/metrics", "/readyz",
		"/api/v1/experiments", "/api/v1/trials/" + trial,
	}
	for _, call := range []string{
		"", "/definition", "/trend", "/trend?minutes=1440", "/trend?minutes=10080", "/charts/mismatches", "/charts/means", "/charts/pace", "/charts/latency", "/charts/quantiles", "/charts/course", "/history",
		"/trials", "/trials?limit=500", "/trials?outcome=mismatch&arm=one", "/trials?path=" + url.QueryEscape("body:$.items[*].price"), "/trials?outcome=match&path=status",
		"/rules", "/clusters", "/drift",
	} {
		all = append(all, "/api/v1"+e+call)
	}
	return all
}

// timed makes a call so many times, one after the other.
func timed(ctx context.Context, address string, times int) (p99 time.Duration, err error) {
	var took []time.Duration
	for range times {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return 0, err
		}
		began := time.Now()
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("%s: %s, %v", address, answer.Status, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)*99/100], nil
}
