package trial

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/judge"
)

// shop is traffic of which 1 request in 500 fails, and 1 in 1,000 is for a rare route.
func shop(random *rand.Rand) (r *assay.Request, status int) {
	path, status := fmt.Sprint("/items/", random.IntN(1000)), 200
	switch {
	case random.IntN(500) == 0:
		status = 503
	case random.IntN(1000) == 0:
		path = "/export"
	}
	return &assay.Request{Method: "GET", Path: path}, status
}

// keptOf makes trials of traffic, as a gateway does that asks tickets as soon as it knows the status, and returns
// the ids of those that verdicts are made of, and of those beside. A candidate differs where differs says so.
func keptOf(t *testing.T, s assay.Sample, seed uint64, n int, differs func(status int) bool) (chosen, beside []string, c assay.Counts, l *Lane) {
	store := &memory{}
	f := New(Options{Store: store, Seed: seed})
	p := plan(answers(200, "a"))
	p.Experiment.Sample, p.Experiment.Budget.Queue, p.Experiment.Protect.Breaker = s, 1<<20, -1
	p.Experiment.Hypothesis = assay.Hypothesis{Mismatch: .01, Alpha: .05}
	l = lane(t, f, p)
	random := rand.New(rand.NewPCG(seed, 6))
	for i := range n {
		r, status := shop(random)
		ticket := l.Choose(r)
		if ticket == nil || !ticket.(assay.Deciding).Decide(status) {
			continue
		}
		body := "a"
		if differs(status) {
			body = "b"
		}
		ticket.Offer(&assay.Invocation{ID: fmt.Sprint(i), Request: r}, observed(status, body))
	}
	f.Close(t.Context())
	a := assay.ArmCounts{Name: "c0", Role: assay.RoleCandidate}
	for _, tr := range store.kept() {
		if tr.Rare {
			beside = append(beside, tr.ID)
			continue
		}
		chosen = append(chosen, tr.ID)
		a.Trials++
		if tr.Outcome() == assay.OutcomeMismatch {
			a.Mismatches++
		}
	}
	ledger, _, _ := f.Ledger("e")
	if ledger.Offered != int64(n) || ledger.Offered != ledger.Sampled+sum(ledger.NotSampled) || ledger.Sampled != int64(len(store.kept()))+sum(ledger.Dropped) {
		t.Errorf("counts: %+v with %d kept", ledger, len(store.kept()))
	}
	if l.held.Load() != 0 {
		t.Errorf("%d bytes held", l.held.Load())
	}
	slices.Sort(chosen)
	c = assay.Counts{Ledger: ledger, Trials: a.Trials, Arms: []assay.ArmCounts{a}}
	c.SetStrata([]assay.Strata{l.state().Strata})
	return chosen, beside, c, l
}

func never(int) bool { return false }

// TestRareStrataAreSeen at a rate at which chance alone would hardly show them.
func TestRareStrataAreSeen(t *testing.T) {
	const n, rare = 60_000, 20
	_, beside, _, l := keptOf(t, assay.Sample{Rate: 0.001, Rare: rare}, 1, n, never)
	if len(beside) == 0 {
		t.Fatal("no trial for the sake of rare strata")
	}
	requests := int64(0)
	for _, s := range l.current.Load().ledger.strata.list() {
		requests += s.Requests
		if s.Class != "" && s.Trials < min(rare, s.Requests) {
			t.Errorf("%s: %d trials of %d requests, want %d", s.StratumKey, s.Trials, s.Requests, rare)
		}
		if s.Rare > rare {
			t.Errorf("%s: %d trials for being rare", s.StratumKey, s.Rare)
		}
	}
	if requests != n {
		t.Errorf("the strata have %d requests of %d", requests, n)
	}
}

// TestRareStrataBiasNothing: with rare strata or without, the same requests make verdicts.
func TestRareStrataBiasNothing(t *testing.T) {
	for seed := range uint64(10) {
		without, none, _, _ := keptOf(t, assay.Sample{Rate: 0.01}, seed, 10_000, never)
		with, beside, _, _ := keptOf(t, assay.Sample{Rate: 0.01, Rare: 30}, seed, 10_000, never)
		if len(none) != 0 || len(beside) == 0 || !slices.Equal(with, without) {
			t.Fatalf("seed %d: %d trials for verdicts with rare strata, %d without, and %d beside", seed, len(with), len(without), len(beside))
		}
	}
}

// TestVerdictsWithRareStrata: a candidate that differs on 0.2 % of all requests, all of them in a rare stratum, is
// refuted against 1 % hardly ever. If the trials beside counted it would be in most runs.
func TestVerdictsWithRareStrata(t *testing.T) {
	const runs = 20
	refuted, would := 0, 0
	e := assay.Experiment{Candidates: []assay.Arm{{Name: "c0"}}, Hypothesis: assay.Hypothesis{Mismatch: .01, Alpha: .05}}
	for seed := range uint64(runs) {
		_, beside, c, _ := keptOf(t, assay.Sample{Rate: 0.02, Rare: 50}, seed, 15_000, func(status int) bool { return status == 503 })
		if judge.Judge(e, c)["c0"].Outcome == assay.Refuted {
			refuted++
		}
		a := &c.Arms[0]
		a.Trials += int64(len(beside))
		a.Mismatches += int64(len(beside)) / 2 // about as many of them failed
		c.Trials = a.Trials
		if judge.Judge(e, c)["c0"].Outcome == assay.Refuted {
			would++
		}
	}
	if refuted > 3 || would < runs/2 {
		t.Errorf("refuted in %d of %d runs, and %d if the trials beside counted", refuted, runs, would)
	}
}

// TestStrataAreBounded, whatever paths clients think of.
func TestStrataAreBounded(t *testing.T) {
	f := New(Options{Store: &memory{}})
	defer f.Close(t.Context())
	p := plan(answers(200, "a"))
	p.Experiment.Sample.Rate = 0
	l := lane(t, f, p)
	for i := range 5000 {
		l.Choose(&assay.Request{Method: "GET", Path: "/" + string(rune('a'+i%26)) + string(rune('a'+i/26%26))})
	}
	var c assay.Counts
	c.SetStrata([]assay.Strata{l.state().Strata})
	all := c.Strata
	if len(all) > assay.MaxStrata+1 || all[0].Route != assay.OtherStratum {
		t.Errorf("%d strata, the first is %s", len(all), all[0])
	}
}

func TestRouteOf(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "/users/17/posts": "/users/{}/posts", "/a/b/c/d/e/f": "/a/b/c/d/*", "/x%20y": "/{}",
		"/f81d4fae-7dec-11d0-a765-00a0c91e6bf6": "/{}", "/a/": "/a/", "": "/", "/averyveryverylongsegmentofwords": "/{}",
	} {
		if got := routeOf(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// TestAnUndecidedTicket that ends before its status is known was not chosen, and holds nothing.
func TestAnUndecidedTicket(t *testing.T) {
	for name, end := range map[string]func(assay.Ticket){
		"dropped":   func(t assay.Ticket) { t.Drop("client_gone") },
		"too large": func(t assay.Ticket) { t.Reserve(1, 1<<40) },
		"refused":   func(t assay.Ticket) { t.(assay.Deciding).Decide(200); t.Offer(&assay.Invocation{}, observed(200, "")) },
	} {
		f := New(Options{Store: &memory{}})
		p := plan(answers(200, "a"))
		p.Experiment.Sample = assay.Sample{Rate: 0, Rare: 1}
		l := lane(t, f, p)
		l.Choose(&assay.Request{Method: "GET", Path: "/"}).Offer(&assay.Invocation{ID: "first"}, observed(200, "a")) // no longer rare
		ticket := l.Choose(&assay.Request{Method: "GET", Path: "/"})
		ticket.Reserve(100, 100)
		end(ticket)
		f.Close(t.Context())
		if got := ledgerOf(t, f); got.Sampled != 1 || got.NotSampled["chance"] != 1 || sum(got.Dropped) != 0 || l.held.Load() != 0 {
			t.Errorf("%s: %+v, %d bytes held", name, got, l.held.Load())
		}
	}
}

// askRare has a lane with rare strata decide on some requests, and offers what becomes a trial.
func askRare(l *Lane, name string, requests int) {
	for i := range requests {
		r := &assay.Request{Method: "GET", Path: "/orders"}
		if ticket := l.Choose(r); ticket.(assay.Deciding).Decide(200) {
			ticket.Offer(&assay.Invocation{ID: fmt.Sprint(name, i), Request: r}, observed(200, "a"))
		}
	}
}

// TestStrataOutliveTheLaboratory: after a restart they go on where they were, and so does what rare ones are due.
func TestStrataOutliveTheLaboratory(t *testing.T) {
	store, p := &memory{}, plan(answers(200, "a"))
	p.Experiment.Sample = assay.Sample{Rate: 0, Rare: 3}
	for _, name := range []string{"first", "second"} {
		f := New(Options{Store: store})
		askRare(lane(t, f, p), name, 2+len(name)%5) // 2, 3
		f.Close(t.Context())
	}
	c, err := store.Counts(t.Context(), "e", 1)
	want := []assay.TrafficStratum{{StratumKey: assay.StratumKey{Method: "GET", Route: "/orders", Class: "2xx"}, Requests: 5, Sampled: 3, Trials: 3, Rare: 3}}
	if err != nil || !slices.Equal(c.Strata, want) {
		t.Errorf("kept %+v, %v, want %+v", c.Strata, err, want)
	}
}

// TestStrataOfABatchThatFailed are written down with the next one.
func TestStrataOfABatchThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, p := &memory{err: &assay.Error{Code: assay.CodeInvalid}}, plan(answers(200, "a"))
		p.Experiment.Sample = assay.Sample{Rate: 0, Rare: 1}
		f := New(Options{Store: store})
		l := lane(t, f, p)
		askRare(l, "lost", 2)
		time.Sleep(time.Minute)
		store.mu.Lock()
		store.err = nil
		store.mu.Unlock()
		l.Choose(&assay.Request{Method: "GET", Path: "/users", Header: assay.Header{assay.TrialHeader: {"x"}}})
		f.Close(t.Context())
		for _, s := range l.state().Strata.Parts {
			if kept := store.strata[s.StratumKey]; kept != s || s.Trials != 0 || s.Requests == 0 {
				t.Errorf("%+v is kept as %+v", s, kept)
			}
		}
		if len(store.strata) != 2 {
			t.Errorf("%d strata are kept, want 2", len(store.strata))
		}
	})
}
