package trial

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/trial/breaker"
)

// countsOf adds up what the store kept, as stores do.
func (m *memory) countsOf(l assay.Ledger, e *assay.Experiment) assay.Counts {
	c := assay.Counts{Ledger: l}
	arms := map[string]*assay.ArmCounts{}
	for _, a := range e.Candidates {
		arms[a.Name] = &assay.ArmCounts{Name: a.Name, Role: assay.RoleCandidate}
	}
	for _, t := range m.kept() {
		c.Trials++
		for i := range t.Candidates {
			a := arms[t.Candidates[i].Observation.Arm]
			a.Trials++
			if t.Candidates[i].Outcome() == assay.OutcomeMismatch {
				a.Mismatches++
			}
		}
	}
	for _, a := range e.Candidates {
		c.Arms = append(c.Arms, *arms[a.Name])
	}
	return c
}

// TestADeadCandidateIsLeftOut: the other goes on, and what was left out is counted.
func TestADeadCandidateIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		store := &memory{}
		f := New(Options{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))})
		var calls atomic.Int64
		dead := assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) {
			calls.Add(1)
			return &assay.Observation{Fault: &assay.Fault{Kind: assay.FaultTransport}}, nil
		})
		p := plan(dead, answers(200, "a"))
		l := lane(t, f, p)
		for i := range 100 {
			serve(l, fmt.Sprint(i))
			synctest.Wait()
		}
		state, _ := f.State("e")
		if b := state.Breakers[0]; !b.Open || b.Opened != 1 || state.Breakers[1].Open {
			t.Errorf("breakers: %+v", state.Breakers)
		}
		f.Close(context.Background())
		c := store.countsOf(ledgerOf(t, f), &p.Experiment)
		if c.Trials != 100 || c.LeftOut("c0") != 90 || c.LeftOut("c1") != 0 || calls.Load() != breaker.DefaultRun {
			t.Errorf("%d trials, left out %d and %d, called %d times", c.Trials, c.LeftOut("c0"), c.LeftOut("c1"), calls.Load())
		}
		if n := strings.Count(log.String(), "candidate=c0"); n != 1 {
			t.Errorf("told %d times:\n%s", n, &log)
		}
	})
}

// TestTheOnlyCandidateLeftOut: nothing is copied for a trial that nobody is left for, until a probe is due.
func TestTheOnlyCandidateLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		f := New(Options{Store: store})
		down := true
		p := plan(assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) {
			if down {
				return observed(503, ""), nil
			}
			return observed(200, "a"), nil
		}))
		l := lane(t, f, p)
		offer := func(n int) {
			for i := range n {
				serve(l, fmt.Sprint(i))
				synctest.Wait()
			}
		}
		offer(50)
		if l.Choose(&assay.Request{Method: "GET"}) != nil {
			t.Error("a ticket for a trial without candidates")
		}
		down = false
		time.Sleep(time.Second)
		offer(10)
		f.Close(context.Background())
		got := ledgerOf(t, f)
		if len(store.kept()) != 20 || got.Dropped[DropBreaker] != 41 || got.Sampled != 61 {
			t.Errorf("%d kept, %+v; want 10 before it opened and 10 after, and 41 dropped", len(store.kept()), got)
		}
	})
}

// TestFaultsTheControlHasAsWell say nothing against a candidate.
func TestFaultsTheControlHasAsWell(t *testing.T) {
	fault := &assay.Fault{Kind: assay.FaultFunction}
	for _, c := range []struct {
		control, candidate assay.Observation
		want               bool
	}{
		{assay.Observation{Status: 200}, assay.Observation{Fault: fault}, true},
		{assay.Observation{Fault: fault}, assay.Observation{Fault: fault}, false},
		{assay.Observation{Status: 200}, assay.Observation{Status: 429}, true},
		{assay.Observation{Status: 429}, assay.Observation{Status: 503}, false},
		{assay.Observation{Status: 200}, assay.Observation{Status: 500}, false},
	} {
		if got := failed(&c.control, &c.candidate); got != c.want {
			t.Errorf("%+v against %+v: failed is %t", c.candidate, c.control, got)
		}
	}
}

// TestCountsAddUpWhateverHappens lives through random histories of faults, hangs, panics, throttles, pauses,
// changes and deletes, and looks at the counts all along.
func TestCountsAddUpWhateverHappens(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { history(t, rand.New(rand.NewPCG(seed, 4))) })
	}
}

func history(t *testing.T, random *rand.Rand) {
	store := &memory{}
	f := New(Options{Store: store, Seed: random.Uint64()})
	p := plan(moody(random.Float64()), moody(random.Float64()))
	e := &p.Experiment
	if random.IntN(2) == 0 {
		e.Sample = assay.Sample{Rate: random.Float64(), Rare: random.IntN(20)}
	}
	e.Holdout = random.Float64() / 2
	e.Secondary, e.Budget.Concurrency, e.Budget.Queue = random.Float64(), 1+random.IntN(4), 1+random.IntN(20)
	e.Budget.Timeout = time.Second
	l := lane(t, f, p)
	for i := range 400 {
		switch random.IntN(40) {
		case 0:
			changed := *p
			changed.Experiment.State = []assay.State{assay.StateRunning, assay.StatePaused}[random.IntN(2)]
			changed.Experiment.Version++
			p = &changed
			lane(t, f, p)
		case 1:
			time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
		case 2:
			l.Choose(&assay.Request{Method: "GET"}) // a source that never comes back
		default:
			serve(l, fmt.Sprint(i))
		}
		synctest.Wait()
		got := ledgerOf(t, f)
		if got.Offered != got.Sampled+sum(got.NotSampled) || got.Sampled < int64(len(store.kept()))+sum(got.Dropped) {
			t.Fatalf("after %d: %+v with %d kept", i, got, len(store.kept()))
		}
	}
	ended := l.current.Load().ledger
	if random.IntN(3) == 0 {
		f.Remove("e")
	}
	f.Close(context.Background())
	got := ended.snapshot()
	flying := got.Sampled - int64(len(store.kept())) - sum(got.Dropped)
	if left := ended.inFlight(); flying != left || f.lanes["e"] != nil && left != 0 {
		t.Fatalf("%d in flight, %d by the counts, at the end: %+v", left, flying, got)
	}
	c := store.countsOf(got, &p.Experiment)
	for i, g := range l.current.Load().guards {
		if n := c.LeftOut(g.arm); g.state().Opened == 0 && n != c.Dropped[DropBreaker] || n > got.Sampled {
			t.Errorf("candidate %d: left out %d, opened %d times", i, n, g.state().Opened)
		}
	}
	if l.held.Load() != 0 && got.Sampled == int64(len(store.kept()))+sum(got.Dropped) {
		t.Errorf("%d bytes held at the end", l.held.Load())
	}
}

// moody faults in every way there is, in runs, and answers in between.
func moody(badness float64) assay.Invoker {
	random := rand.New(rand.NewPCG(uint64(badness*1e9), 1))
	bad := false
	var busy atomic.Bool // others answer well meanwhile
	return assay.InvokerFunc(func(ctx context.Context, _ *assay.Invocation) (*assay.Observation, error) {
		if !busy.CompareAndSwap(false, true) {
			return observed(200, "a"), nil
		}
		if random.IntN(20) == 0 {
			bad = random.Float64() < badness
		}
		kind, was := random.IntN(6), bad
		busy.Store(false)
		if !was {
			return observed(200, "a"), nil
		}
		switch kind {
		case 0:
			<-ctx.Done()
			return nil, ctx.Err()
		case 1:
			panic("a candidate's invoker")
		case 2:
			return observed(429, "slow down"), nil
		case 3:
			return nil, fmt.Errorf("cannot even try")
		}
		return &assay.Observation{Fault: &assay.Fault{Kind: assay.FaultCrash}}, nil
	})
}
