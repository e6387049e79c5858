// Package storetest is the contract that every store keeps. In comes a way to open an empty store, out
// go test results.
package storetest

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// Run checks everything that assay.Store promises. Each call of open returns an empty store; the
// suite closes it.
func Run(t *testing.T, open func(t *testing.T) assay.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, assay.Store)
	}{
		{"counts are exact", countsAreExact},
		{"a trial kept twice counts once", keptTwiceCountsOnce},
		{"versions with other evidence are counted apart", evidenceIsApart},
		{"what was never counted is zero", unknownIsZero},
		{"paired counts", pairedCounts},
		{"batches do not show, to the last digit", batchesDoNotShow},
		{"rare trials are kept apart", rareIsApart},
		{"blocks are those of warm pairs", blocksAreExact},
		{"minutes are counted apart", trends},
		{"milestones are as many trials", courses},
		{"paths are folded and count once a trial", pathsFold},
		{"distinct paths are bounded", pathsAreBounded},
		{"latencies are within one percent", latencies},
		{"ledgers are the latest, by source", ledgers},
		{"strata are the latest, by source", strataAreKept},
		{"strata are bounded", strataAreBounded},
		{"refusals count once, and not beside a trial", refusals},
		{"a batch is kept whole or not at all", batchIsWhole},
		{"what trials take is known", keptBytes},
		{"a trial comes back as it was", trialComesBack},
		{"unknown trials are not found", unknownTrial},
		{"pages hold every trial once", pagesHoldAll},
		{"queries select", queriesSelect},
		{"queries leave old evidence out", oldEvidenceIsLeftOut},
		{"bad cursors are refused", badCursor},
		{"keeping and reading go on together", together},
		{"a closed store fails", closedFails},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			store := open(t)
			defer func() {
				if err := store.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			c.test(t, store)
		})
	}
}

// countsAreExact compares with what plain loops over the trials count.
func countsAreExact(t *testing.T, store assay.Store) {
	trials := Trials(1, 200)
	for batch := range slices.Chunk(trials, 37) {
		keep(t, store, batch...)
	}
	got := counts(t, store, Experiment, 1)
	want := recount(trials)
	if got.Trials != want.Trials || !got.First.Equal(want.First) || !got.Last.Equal(want.Last) {
		t.Errorf("%d trials from %v to %v, want %d from %v to %v", got.Trials, got.First, got.Last, want.Trials, want.First, want.Last)
	}
	if len(got.Arms) != len(want.Arms) {
		t.Fatalf("%d arms, want %d", len(got.Arms), len(want.Arms))
	}
	for i := range want.Arms {
		sameArm(t, got.Arms[i], want.Arms[i])
	}
}

// sameArm compares all but latencies; sums of costs up to rounding.
func sameArm(t *testing.T, got, want assay.ArmCounts) {
	t.Helper()
	if !near(got.CostUSD, want.CostUSD, 1e-9) || !near(got.CostSquares, want.CostSquares, 1e-9) {
		t.Errorf("%s %s: costs %g (squares %g), want %g (%g)", want.Role, want.Name, got.CostUSD, got.CostSquares, want.CostUSD, want.CostSquares)
	}
	got.CostUSD, got.CostSquares, got.Latency, got.ColdLatency = want.CostUSD, want.CostSquares, want.Latency, want.ColdLatency
	got.Blocks = want.Blocks // blocksAreExact
	if !maps.Equal(got.Faults, want.Faults) {
		t.Errorf("%s %s: faults %v, want %v", want.Role, want.Name, got.Faults, want.Faults)
	}
	got.Faults = want.Faults
	sortPaths(got.Paths)
	sortPaths(want.Paths)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s %s:\n got %+v\nwant %+v", want.Role, want.Name, got, want)
	}
}

func keptTwiceCountsOnce(t *testing.T, store assay.Store) {
	trials := Trials(2, 50)
	keep(t, store, trials...)
	keep(t, store, trials[10:30]...)
	keep(t, store, append(slices.Clone(trials[40:]), trials[40:]...)...)
	again := Trials(3, 1)[0]
	keep(t, store, again, again)
	got := counts(t, store, Experiment, 1)
	if got.Trials != 51 || got.Arm(assay.RoleControl, "control").Observations != 51 || got.Arm(assay.RoleCandidate, "one").Trials != 51 {
		t.Errorf("51 trials were counted as %+v", got)
	}
}

func evidenceIsApart(t *testing.T, store assay.Store) {
	trials := Trials(4, 30)
	for i := range trials {
		trials[i].Since = 1 + i%3
		trials[i].Experiment = []string{Experiment, "another"}[i%2]
	}
	keep(t, store, trials...)
	for _, experiment := range []string{Experiment, "another"} {
		for since := 1; since <= 3; since++ {
			if n := counts(t, store, experiment, since).Trials; n != 5 {
				t.Errorf("%s since %d: %d trials, want 5", experiment, since, n)
			}
		}
	}
}

func unknownIsZero(t *testing.T, store assay.Store) {
	keep(t, store, Trials(5, 3)...)
	for _, c := range []assay.Counts{counts(t, store, "nobody", 1), counts(t, store, Experiment, 2)} {
		if c.Trials != 0 || c.Requests != 0 || len(c.Arms) != 0 || !c.First.IsZero() || c.InFlight() != 0 {
			t.Errorf("counted %+v", c)
		}
	}
}

func pairedCounts(t *testing.T, store assay.Store) {
	differ := []assay.Difference{{Path: "status", Kind: assay.KindValue}}
	excused := []assay.Difference{{Path: "status", Kind: assay.KindValue, Ignored: "a rule"}}
	for i, c := range []struct {
		candidate, secondary []assay.Difference
		paired               bool
	}{
		{nil, nil, true}, {differ, nil, true}, {nil, differ, true}, {differ, differ, true}, {excused, differ, true}, {differ, excused, true}, {differ, nil, false},
	} {
		trial := Trials(uint64(100+i), 1)[0]
		trial.Candidates = trial.Candidates[:1]
		trial.Candidates[0].Differences = c.candidate
		trial.Secondary = nil
		if c.paired {
			trial.Secondary = &assay.Comparison{Observation: observation("control", assay.RoleSecondary), Differences: c.secondary}
		}
		keep(t, store, trial)
	}
	got := counts(t, store, Experiment, 1)
	a := got.Arm(assay.RoleCandidate, "one")
	if a.Paired != 6 || a.CandidateOnly != 2 || a.SecondaryOnly != 2 || a.Both != 1 || a.Mismatches != 4 || a.Ignored != 1 {
		t.Errorf("arm: %+v", a)
	}
	want := []assay.PathCount{{Path: "status", Kind: assay.KindValue, Mismatches: 4, Ignored: 1, Noise: 3, CandidateOnly: 2, SecondaryOnly: 2}}
	if !reflect.DeepEqual(a.Paths, want) {
		t.Errorf("paths: %+v, want %+v", a.Paths, want)
	}
	if s := got.Arm(assay.RoleSecondary, ""); s.Observations != 6 {
		t.Errorf("secondary: %+v", s)
	}
}

func pathsFold(t *testing.T, store assay.Store) {
	trial := Trials(6, 1)[0]
	trial.Candidates = trial.Candidates[:1]
	trial.Candidates[0].Differences = []assay.Difference{
		{Path: "body:$.items[0].price", Kind: assay.KindValue},
		{Path: "body:$.items[17].price", Kind: assay.KindValue, Ignored: "a rule"},
		{Path: "body:$.items[3].price", Kind: assay.KindType},
		{Path: "body:$['a[0]'][2]", Kind: assay.KindMissing, Ignored: "a rule"},
	}
	keep(t, store, trial)
	got := candidateOne(t, store).Paths
	want := []assay.PathCount{
		{Path: "body:$.items[*].price", Kind: assay.KindType, Mismatches: 1},
		{Path: "body:$.items[*].price", Kind: assay.KindValue, Mismatches: 1},
		{Path: "body:$['a[0]'][*]", Kind: assay.KindMissing, Ignored: 1},
	}
	sortPaths(got)
	sortPaths(want)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("paths %+v, want %+v", got, want)
	}
}

func pathsAreBounded(t *testing.T, store assay.Store) {
	const trials, perTrial = 30, 40
	for i, trial := range Trials(7, trials) {
		trial.Candidates = trial.Candidates[:1]
		c := &trial.Candidates[0]
		c.Differences = nil
		for j := range perTrial {
			c.Differences = append(c.Differences, assay.Difference{Path: fmt.Sprintf("body:$.key%d", i*perTrial+j), Kind: assay.KindExtra})
		}
		keep(t, store, trial)
	}
	paths := candidateOne(t, store).Paths
	var sum int64
	for _, p := range paths {
		sum += p.Mismatches
	}
	other := slices.IndexFunc(paths, func(p assay.PathCount) bool { return p.Path == "other" })
	if other < 0 || len(paths) > 1000 || paths[other].Mismatches == 0 || paths[other].Mismatches > trials || sum < trials {
		t.Errorf("%d paths with %d mismatches in all, those beyond at %d", len(paths), sum, other)
	}
}

func latencies(t *testing.T, store assay.Store) {
	trials := Trials(8, 400)
	var exact []float64
	for i := range trials {
		if c := &trials[i].Control; !c.Cold && (c.Fault == nil || c.Fault.Kind == assay.FaultTimeout) {
			exact = append(exact, float64(c.Duration)/1e6)
		}
	}
	for batch := range slices.Chunk(trials, 100) {
		keep(t, store, batch...)
	}
	slices.Sort(exact)
	l := counts(t, store, Experiment, 1).Arms[0].Latency
	if cold := counts(t, store, Experiment, 1).Arms[0].ColdLatency; cold.P50 == 0 || len(cold.Buckets) == 0 {
		t.Errorf("no cold latency: %+v", cold)
	}
	for q, got := range map[float64]float64{0.5: l.P50, 0.9: l.P90, 0.99: l.P99} {
		if want := exact[int(q*float64(len(exact)-1))]; !near(got, want, 0.01) {
			t.Errorf("quantile %g is %g ms, exactly %g", q, got, want)
		}
	}
	var sum int64
	for i, b := range l.Buckets {
		sum += b.Count
		if i > 0 && b.Value <= l.Buckets[i-1].Value {
			t.Errorf("bucket %d does not ascend", i)
		}
	}
	if sum != int64(len(exact)) {
		t.Errorf("buckets hold %d of %d", sum, len(exact))
	}
}

// ledgers come with totals, one row a source: late ones and those that come twice change nothing.
func ledgers(t *testing.T, store assay.Store) {
	first := assay.Ledger{Experiment: Experiment, Since: 1, Requests: 10, Offered: 9, Sampled: 5, Handed: 1, NotSampled: map[string]int64{"chance": 4}, Dropped: map[string]int64{"queue_full": 1}}
	second := assay.Ledger{Experiment: Experiment, Since: 1, Requests: 20, Offered: 20, Sampled: 12, Handed: 7, NotSampled: map[string]int64{"chance": 5, "unsafe": 3}, Dropped: map[string]int64{"queue_full": 1, "too_large": 1}}
	gateway := assay.Ledger{Experiment: Experiment, Since: 1, Source: "gateway-1", Requests: 8, Offered: 8, Sampled: 8, Handed: 6, NotSampled: map[string]int64{}, Dropped: map[string]int64{"stream": 2}}
	worker := assay.Ledger{Experiment: Experiment, Since: 1, Source: "worker-1", NotSampled: map[string]int64{}, Dropped: map[string]int64{"too_large": 1}}
	for _, l := range []assay.Ledger{first, second, gateway, first, worker, second} {
		if err := store.Keep(t.Context(), assay.Batch{Ledgers: []assay.Ledger{l}}); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, store, Trials(9, 7)...)
	got := counts(t, store, Experiment, 1)
	for _, want := range []assay.Ledger{second, gateway, worker} {
		if l := got.Of(want.Source); !reflect.DeepEqual(l, want) {
			t.Errorf("ledger %+v, want %+v", l, want)
		}
	}
	sum := second.Plus(gateway).Plus(worker)
	if len(got.Sources) != 3 || !reflect.DeepEqual(got.Ledger, sum) {
		t.Errorf("%d sources come to %+v, want %+v", len(got.Sources), got.Ledger, sum)
	}
	if got.Trials != 7 || got.InFlight() != 8 {
		t.Errorf("%d trials, %d in flight; want 7 and 8", got.Trials, got.InFlight())
	}
}

func refusals(t *testing.T, store assay.Store) {
	trials := Trials(14, 3)
	refusal := func(trial assay.Trial, reason string) assay.Refusal {
		return assay.Refusal{ID: trial.ID, Experiment: trial.Experiment, Since: trial.Since, Time: trial.Time, Reason: reason}
	}
	handed := assay.Ledger{Experiment: Experiment, Since: 1, Source: "gateway-1", Sampled: 3, Handed: 3}
	keep(t, store, trials[0])
	for range 2 { // whoever says so
		batch := assay.Batch{Ledgers: []assay.Ledger{handed}, Refusals: []assay.Refusal{
			refusal(trials[0], "breaker"), refusal(trials[1], "poison"), refusal(trials[1], "poison"), refusal(trials[2], "memory"),
		}}
		if err := store.Keep(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, store, trials...) // too late
	got := counts(t, store, Experiment, 1)
	if got.Trials != 1 || got.InFlight() != 0 || !maps.Equal(got.Dropped, map[string]int64{"poison": 1, "memory": 1}) {
		t.Errorf("%d trials, %d in flight, dropped %v; want 1, 0, one as poison and one for memory", got.Trials, got.InFlight(), got.Dropped)
	}
	if n := got.Of(assay.SourceWorkers).Dropped["poison"]; n != 1 {
		t.Errorf("workers dropped %d as poison", n)
	}
	_, err := store.Trial(t.Context(), trials[1].ID)
	wantCode(t, err, assay.CodeNotFound)
}

func batchIsWhole(t *testing.T, store assay.Store) {
	trials := Trials(10, 5)
	trials[3].Control.CostUSD = math.NaN() // cannot be kept
	err := store.Keep(t.Context(), assay.Batch{Trials: trials, Ledgers: []assay.Ledger{{Experiment: Experiment, Since: 1, Requests: 5}}})
	wantCode(t, err, assay.CodeInvalid)
	trials[3].Control.CostUSD, trials[4].ID = 0, ""
	wantCode(t, store.Keep(t.Context(), assay.Batch{Trials: trials}), assay.CodeInvalid)
	if got := counts(t, store, Experiment, 1); got.Trials != 0 || got.Requests != 0 {
		t.Errorf("a part was kept: %+v", got)
	}
}

func keptBytes(t *testing.T, store assay.Store) {
	measured, ok := store.(assay.Measured)
	if !ok {
		t.Fatal("the store does not know what its trials take")
	}
	bytes := func() int64 {
		n, err := measured.KeptBytes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := bytes(); n != 0 {
		t.Errorf("%d bytes of nothing", n)
	}
	trials := Trials(12, 20)
	keep(t, store, trials[:10]...)
	half := bytes()
	keep(t, store, trials...)
	if all := bytes(); half <= 0 || all <= half {
		t.Errorf("%d bytes, then %d", half, all)
	}
}

func trialComesBack(t *testing.T, store assay.Store) {
	trials := Trials(11, 20)
	trials[0].Control.Body = []byte{0, 0xff, 0xfe, '\n'} // not UTF-8
	trials[1].Control.Body = nil
	trials[2].Invocation.Request = nil
	keep(t, store, trials...)
	for i := range trials {
		got, err := store.Trial(t.Context(), trials[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*got, trials[i]) {
			t.Errorf("trial %d:\n got %+v\nwant %+v", i, *got, trials[i])
		}
	}
	page := query(t, store, assay.Query{Experiment: Experiment})
	for _, got := range page.Trials {
		want := trials[slices.IndexFunc(trials, func(t assay.Trial) bool { return t.ID == got.ID })]
		if strip(&want); !reflect.DeepEqual(got, want) {
			t.Errorf("listed:\n got %+v\nwant %+v", got, want)
		}
	}
}

func unknownTrial(t *testing.T, store assay.Store) {
	for _, id := range []string{"", "nobody", "' OR 1=1 --"} {
		got, err := store.Trial(t.Context(), id)
		wantCode(t, err, assay.CodeNotFound)
		if got != nil {
			t.Errorf("found %+v", got)
		}
	}
}

func pagesHoldAll(t *testing.T, store assay.Store) {
	trials := Trials(12, 137)
	for i := range trials {
		trials[i].Time = start.Add(time.Duration(i/30) * time.Second) // many at the same time
	}
	keep(t, store, trials...)
	seen := map[string]bool{}
	last := time.Time{}
	q := assay.Query{Experiment: Experiment, Limit: 10}
	for pages := 0; ; pages++ {
		page := query(t, store, q)
		if len(page.Trials) > q.Limit || pages > len(trials) {
			t.Fatalf("page %d holds %d trials", pages, len(page.Trials))
		}
		for _, trial := range page.Trials {
			if seen[trial.ID] {
				t.Errorf("trial %s came twice", trial.ID)
			}
			if !last.IsZero() && trial.Time.After(last) {
				t.Errorf("%v comes after %v", trial.Time, last)
			}
			seen[trial.ID], last = true, trial.Time
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if len(seen) != len(trials) {
		t.Errorf("%d of %d trials", len(seen), len(trials))
	}
	if n := len(query(t, store, assay.Query{}).Trials); n != 50 {
		t.Errorf("%d trials on a page by default", n)
	}
	if page := query(t, store, assay.Query{Limit: 10_000}); len(page.Trials) != len(trials) || page.Next != "" {
		t.Errorf("%d trials on one page, next %q", len(page.Trials), page.Next)
	}
}

func queriesSelect(t *testing.T, store assay.Store) {
	trials := Trials(13, 100)
	for i := range trials {
		trials[i].Experiment = []string{Experiment, "another"}[i%2]
	}
	keep(t, store, trials...)
	for _, experiment := range []string{"", Experiment, "another", "nobody"} {
		for _, outcome := range []assay.Outcome{"", assay.OutcomeMatch, assay.OutcomeMismatch} {
			for _, arm := range []string{"", "one", "two", "nobody"} {
				for _, path := range []string{"", "status", "body:$.items[*].price", "nowhere"} {
					q := assay.Query{Experiment: experiment, Outcome: outcome, Arm: arm, Path: path, Limit: 500}
					got := ids(query(t, store, q).Trials)
					want := ids(slices.DeleteFunc(slices.Clone(trials), func(t assay.Trial) bool { return !selects(q, &t) }))
					if !slices.Equal(got, want) {
						t.Errorf("%+v: %d trials, want %d", q, len(got), len(want))
					}
				}
			}
		}
	}
}

// oldEvidenceIsLeftOut pages through evidence among which late trials of older versions were kept.
func oldEvidenceIsLeftOut(t *testing.T, store assay.Store) {
	trials := Trials(16, 90)
	for i := range trials {
		trials[i].Time = start.Add(time.Duration(i/7) * time.Second)
		trials[i].Since = 1 + (i+i%4*20)/60 // ascending, but for stragglers
		trials[i].Version = trials[i].Since + 1
		trials[i].Experiment = []string{Experiment, "another"}[i%3/2]
	}
	keep(t, store, trials...)
	for _, experiment := range []string{Experiment, ""} {
		for since := range 5 {
			q := assay.Query{Experiment: experiment, Since: since, Outcome: assay.OutcomeMismatch, Limit: 4}
			var got []string
			for more := true; more && len(got) <= len(trials); more = q.Cursor != "" {
				page := query(t, store, q)
				got, q.Cursor = append(got, ids(page.Trials)...), page.Next
			}
			want := ids(slices.DeleteFunc(slices.Clone(trials), func(t assay.Trial) bool { return !selects(q, &t) }))
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%q since %d: %d trials, want %d", experiment, since, len(got), len(want))
			}
		}
	}
}

func badCursor(t *testing.T, store assay.Store) {
	keep(t, store, Trials(14, 3)...)
	for _, cursor := range []string{"x", "§", "AAAA", "' OR 1=1", strings.Repeat("A", 10_000)} {
		_, err := store.Trials(t.Context(), assay.Query{Cursor: cursor})
		wantCode(t, err, assay.CodeInvalid)
	}
}

func together(t *testing.T, store assay.Store) {
	const writers, batches, size = 3, 5, 5
	var keeping, reading sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		reading.Go(func() { readAlong(t, store, stop) })
	}
	for w := range writers {
		keeping.Go(func() {
			for b := range batches {
				err := store.Keep(t.Context(), assay.Batch{Trials: Trials(uint64(1000+w*batches+b), size)})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	keeping.Wait()
	close(stop)
	reading.Wait()
	if got := counts(t, store, Experiment, 1).Trials; got != writers*batches*size {
		t.Errorf("%d trials, want %d", got, writers*batches*size)
	}
}

// readAlong reads until stop is closed and checks that what it reads fits together.
func readAlong(t *testing.T, store assay.Store, stop <-chan struct{}) {
	var before int64
	for {
		select {
		case <-stop:
			return
		default:
		}
		c, err := store.Counts(t.Context(), Experiment, 1)
		if err != nil {
			t.Error(err)
			return
		}
		if a := c.Arm(assay.RoleCandidate, "one"); c.Trials < before || a.Trials != c.Trials || a.Matches+a.Mismatches != a.Trials {
			t.Errorf("counts do not add up: %d trials after %d, arm %+v", c.Trials, before, a)
		}
		before = c.Trials
		if _, err := store.Trials(t.Context(), assay.Query{Experiment: Experiment}); err != nil {
			t.Error(err)
		}
	}
}

func closedFails(t *testing.T, store assay.Store) {
	trials := Trials(15, 1)
	keep(t, store, trials...)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Keep(t.Context(), assay.Batch{Trials: trials}); err == nil {
		t.Error("a closed store keeps")
	}
	_, counting := store.Counts(t.Context(), Experiment, 1)
	_, listing := store.Trials(t.Context(), assay.Query{})
	_, getting := store.Trial(t.Context(), trials[0].ID)
	if counting == nil || listing == nil || getting == nil {
		t.Errorf("a closed store reads: %v, %v, %v", counting, listing, getting)
	}
}

func wantCode(t *testing.T, err error, code assay.ErrorCode) {
	t.Helper()
	var made *assay.Error
	if !errors.As(err, &made) || made.Code != code {
		t.Errorf("error %v, want code %s", err, code)
	}
}
