package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/trial/redact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a store that only keeps; err makes it fail.
type memory struct {
	assay.Store
	mu       sync.Mutex
	trials   []assay.Trial
	ledgers  map[string]assay.Ledger
	strata   map[assay.StratumKey]assay.TrafficStratum // of one experiment
	refusals []assay.Refusal
	err      error
}

func (m *memory) Keep(_ context.Context, b assay.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.trials = append(m.trials, b.Trials...)
	m.refusals = append(m.refusals, b.Refusals...)
	for _, s := range b.Strata {
		for _, p := range s.Parts {
			if m.strata == nil {
				m.strata = map[assay.StratumKey]assay.TrafficStratum{}
			}
			m.strata[p.StratumKey] = p
		}
	}
	for _, l := range b.Ledgers {
		if m.ledgers == nil {
			m.ledgers = map[string]assay.Ledger{}
		}
		m.ledgers[l.Experiment] = l.Latest(m.ledgers[l.Experiment])
	}
	return nil
}

func (m *memory) Counts(_ context.Context, experiment string, since int) (assay.Counts, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, rare := assay.Counts{Ledger: assay.Ledger{Experiment: experiment, Since: since}}, assay.ArmCounts{Role: assay.RoleRare}
	if l, known := m.ledgers[experiment]; known {
		c.With(l)
	}
	c.SetStrata([]assay.Strata{{Experiment: experiment, Since: since, Parts: slices.Collect(maps.Values(m.strata))}})
	for _, t := range m.trials {
		if t.Experiment == experiment && t.Since == since {
			c.Trials++
			rare.Trials += map[bool]int64{true: 1}[t.Rare]
		}
	}
	if rare.Trials > 0 {
		c.Arms = append(c.Arms, rare)
	}
	return c, nil
}

func (m *memory) Trial(_ context.Context, id string) (*assay.Trial, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.trials {
		if m.trials[i].ID == id {
			return &m.trials[i], m.err
		}
	}
	return nil, cmp.Or(m.err, error(&assay.Error{Code: assay.CodeNotFound, What: "there is none"}))
}

func (m *memory) kept() []assay.Trial {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.trials
}

// answers is an invoker with a fixed answer.
func answers(status int, body string) assay.Invoker {
	return assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) {
		return observed(status, body), nil
	})
}

func observed(status int, body string) *assay.Observation {
	return &assay.Observation{Status: status, Body: []byte(body), BodySize: int64(len(body))}
}

// hangs until its context ends.
var hangs = assay.InvokerFunc(func(ctx context.Context, _ *assay.Invocation) (*assay.Observation, error) {
	<-ctx.Done()
	return nil, ctx.Err()
})

type byBody struct{}

func (byBody) Compare(a, b *assay.Observation) []assay.Difference {
	if b.Fault != nil {
		return []assay.Difference{{Path: "fault", Kind: assay.KindFault, Candidate: string(b.Fault.Kind)}}
	}
	if string(a.Body) != string(b.Body) {
		return []assay.Difference{{Path: "body", Kind: assay.KindValue}}
	}
	return nil
}

func plan(candidates ...assay.Invoker) *Plan {
	p := &Plan{Experiment: assay.Experiment{
		Name: "e", Version: 1, Since: 1, State: assay.StateRunning,
		Sample: assay.Sample{Rate: 1}, Budget: assay.DefaultBudget, Control: assay.Arm{Name: "control"},
	}, Control: answers(200, "a"), Candidates: candidates, Comparator: byBody{}}
	for i := range candidates {
		p.Experiment.Candidates = append(p.Experiment.Candidates, assay.Arm{Name: fmt.Sprintf("c%d", i)})
	}
	p.Redactor, _ = redact.New(nil, []byte("key"))
	return p
}

func lane(t *testing.T, f *Floor, p *Plan) *Lane {
	t.Helper()
	l, err := f.Set(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve plays a source: one request that the control answered with "a".
func serve(l *Lane, id string) {
	r := &assay.Request{Method: "GET", Path: "/"}
	if t := l.Choose(r); t != nil && t.Reserve(10, 10) {
		t.Offer(&assay.Invocation{ID: id, Request: r}, observed(200, "a"))
		t.Drop("after the offer: without effect")
	}
}

func offerMany(l *Lane, n int) {
	for i := range n {
		serve(l, fmt.Sprint(i))
	}
}

func ledgerOf(t *testing.T, f *Floor) assay.Ledger {
	t.Helper()
	l, _, ok := f.Ledger("e")
	if !ok {
		t.Fatal("no lane")
	}
	return l
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

func TestEveryOfferIsKeptOrCounted(t *testing.T) {
	store := &memory{}
	f := New(Options{Store: store})
	mixed := assay.InvokerFunc(func(_ context.Context, inv *assay.Invocation) (*assay.Observation, error) {
		switch {
		case strings.HasSuffix(inv.ID, "3"):
			return nil, errors.New("no such function")
		case strings.HasSuffix(inv.ID, "7"):
			panic("candidate's invoker")
		}
		return observed(200, "b"), nil
	})
	p := plan(mixed, answers(200, "a"))
	p.Experiment.Budget.Concurrency, p.Experiment.Budget.Queue, p.Experiment.Secondary = 3, 40, 0.5
	l := lane(t, f, p)
	var sources sync.WaitGroup
	for s := range 4 {
		sources.Go(func() {
			for i := range 500 {
				serve(l, fmt.Sprint(s, "-", i))
			}
		})
	}
	sources.Wait()
	f.Close(t.Context())
	got := ledgerOf(t, f)
	kept := int64(len(store.kept()))
	if got.Requests != 2000 || got.Sampled != kept+sum(got.Dropped) {
		t.Fatalf("counts do not add up: %+v with %d kept", got, kept)
	}
	if store.ledgers["e"].Sampled != 2000 {
		t.Errorf("the ledger kept last is not the final one: %+v", store.ledgers["e"])
	}
	if got.Dropped[DropPanic] == 0 || kept == 0 {
		t.Errorf("expected each kind of end, got %+v, %d kept", got.Dropped, kept)
	}
	if l.held.Load() != 0 || f.held.Load() != 0 {
		t.Errorf("bytes still held: lane %d, floor %d", l.held.Load(), f.held.Load())
	}
}

func TestAHungCandidateCostsTheSourceNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		f := New(Options{Store: store})
		p := plan(hangs)
		p.Experiment.Budget.Concurrency, p.Experiment.Budget.Queue, p.Experiment.Protect.Breaker = 4, 10, -1
		l := lane(t, f, p)
		begin := time.Now()
		offerMany(l, 100)
		if took := time.Since(begin); took != 0 {
			t.Errorf("100 offers took %s of fake time", took)
		}
		if got := ledgerOf(t, f).Dropped[DropQueueFull]; got != 86 {
			t.Errorf("queue_full = %d, want 86: 4 under way and 10 waiting have room", got)
		}
		time.Sleep(p.Experiment.Budget.Timeout * 8)
		synctest.Wait()
		if got := len(store.kept()); got != 14 {
			t.Errorf("%d trials kept, want 14", got)
		}
		for _, tr := range store.kept() {
			fault := tr.Candidates[0].Observation.Fault
			if fault == nil || fault.Kind != assay.FaultTimeout || tr.Outcome() != assay.OutcomeMismatch {
				t.Fatalf("a hung candidate must be a time-out that counts: %+v", tr.Candidates[0])
			}
		}
		f.Close(context.Background())
	})
}

func TestCloseDropsWhatDoesNotEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Options{Store: &memory{}})
		p := plan(hangs)
		p.Experiment.Budget.Concurrency = 2
		l := lane(t, f, p)
		offerMany(l, 5)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begin := time.Now()
		dropped := f.Close(ctx)
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("Close took %s, want its 3 s", took)
		}
		if dropped["e"] != 5 {
			t.Errorf("dropped %v, want all 5", dropped)
		}
		if serve(l, "late"); ledgerOf(t, f).Dropped[DropShutdown] != 6 {
			t.Errorf("a late offer must be dropped: %+v", ledgerOf(t, f))
		}
	})
}

func TestBudgets(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(*assay.Budget, *Options)
		size   int
		reason string
	}{
		{"body", func(b *assay.Budget, _ *Options) { b.Body = 100 }, 101, DropTooLarge},
		{"memory of the experiment", func(b *assay.Budget, _ *Options) { b.Memory = 100 }, 101, DropMemory},
		{"memory of the floor", func(_ *assay.Budget, o *Options) { o.Memory = 100 }, 101, DropMemory},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, opt := plan(answers(200, "a")), Options{Store: &memory{}}
			c.set(&p.Experiment.Budget, &opt)
			f := New(opt)
			defer f.Close(t.Context())
			l := lane(t, f, p)
			if ticket := l.Choose(&assay.Request{Method: "GET"}); !ticket.Reserve(c.size-1, c.size-1) {
				t.Error("refused one byte too early")
			} else {
				ticket.Drop("over")
			}
			ticket := l.Choose(&assay.Request{Method: "GET"})
			if ticket.Reserve(c.size, c.size) {
				t.Error("took one byte too many")
			}
			ticket.Offer(&assay.Invocation{}, observed(200, "a"))
			ticket.Drop("again")
			if got := ledgerOf(t, f); got.Dropped[c.reason] != 1 || sum(got.Dropped) != 2 {
				t.Errorf("dropped %v", got.Dropped)
			}
			if l.held.Load() != 0 {
				t.Errorf("%d bytes still held", l.held.Load())
			}
		})
	}
}

func TestWhatIsNotSampled(t *testing.T) {
	f := New(Options{Store: &memory{}})
	defer f.Close(t.Context())
	p := plan(answers(200, "a"))
	l := lane(t, f, p)
	l.Choose(&assay.Request{Method: "POST"})
	l.Choose(&assay.Request{Method: "GET", Header: assay.Header{"Assay-Trial": {"x"}}})
	paused := *p
	paused.Experiment.State = assay.StatePaused
	lane(t, f, &paused)
	l.Choose(&assay.Request{Method: "GET"})
	want := map[string]int64{"unsafe": 1, "loop": 1, "paused": 1}
	got := ledgerOf(t, f)
	if fmt.Sprint(got.NotSampled) != fmt.Sprint(want) || got.Offered != 3 || got.Sampled != 0 {
		t.Errorf("got %+v, want not sampled %v", got, want)
	}
}

func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		f := New(Options{Store: store})
		p := plan(answers(200, "a"))
		p.Experiment.Until = assay.Until{Trials: 7}
		offerMany(lane(t, f, p), 20)
		f.Close(t.Context())
		if _, done, _ := f.Ledger("e"); !done || len(store.kept()) != 7 {
			t.Errorf("done %t after %d trials, want 7", done, len(store.kept()))
		}
	})
}

// TestUntilLeavesRareTrialsOut: an experiment has the trials that it was given, whatever rare ones are beside them, and those
// of an earlier run are no others.
func TestUntilLeavesRareTrialsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		p := plan(answers(200, "a"))
		p.Experiment.Until = assay.Until{Trials: 7}
		p.Experiment.Sample = assay.Sample{Rate: 0, Rare: 3}
		f := New(Options{Store: store})
		offerMany(lane(t, f, p), 20) // all of one stratum
		f.Close(t.Context())
		if _, done, _ := f.Ledger("e"); done || len(store.kept()) != 3 {
			t.Fatalf("done %t with %d rare trials, want 3", done, len(store.kept()))
		}
		p.Experiment.Sample = assay.Sample{Rate: 1}
		again := New(Options{Store: store})
		offerMany(lane(t, again, p), 20)
		again.Close(t.Context())
		if _, done, _ := again.Ledger("e"); !done || len(store.kept()) != 3+7 {
			t.Errorf("done %t after %d trials, want 7 beside 3", done, len(store.kept()))
		}
	})
}

func TestAKilledRunIsAccountedFor(t *testing.T) {
	var log strings.Builder
	store := &memory{
		ledgers: map[string]assay.Ledger{"e": {Experiment: "e", Since: 1, Requests: 10, Offered: 10, Sampled: 10, Handed: 2, Dropped: map[string]int64{"queue_full": 2}}},
		trials:  []assay.Trial{{Experiment: "e", Since: 1}, {Experiment: "e", Since: 1}},
	}
	f := New(Options{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))})
	offerMany(lane(t, f, plan(answers(200, "a"))), 1)
	f.Close(t.Context())
	got := store.ledgers["e"]
	if got.Dropped[DropKilled] != 6 || got.Sampled != 11 || len(store.kept()) != 3 {
		t.Errorf("got %+v with %d kept, want 6 killed of 10, and the count going on", got, len(store.kept()))
	}
	again := New(Options{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))})
	lane(t, again, plan(answers(200, "a")))
	again.Close(t.Context())
	if strings.Count(log.String(), "in_flight=") != 1 {
		t.Errorf("one kill is told at every start: %s", &log)
	}
	if !strings.Contains(log.String(), "in_flight=6") {
		t.Errorf("the log does not say how many were in flight: %s", &log)
	}
}

func TestAFailingStoreIsCounted(t *testing.T) {
	store := &memory{err: errors.New("disk full")}
	f := New(Options{Store: store})
	offerMany(lane(t, f, plan(answers(200, "a"))), 5)
	f.Close(t.Context())
	if got := ledgerOf(t, f).Dropped[DropStore]; got != 5 {
		t.Errorf("dropped by the store: %d, want 5", got)
	}
}

func TestAControlThatIsDownIsNoEvidence(t *testing.T) {
	for kind, want := range map[assay.FaultKind]int{
		assay.FaultTransport: 0, assay.FaultThrottle: 0, assay.FaultFunction: 1, assay.FaultTimeout: 1, assay.FaultCrash: 1,
	} {
		store := &memory{}
		f := New(Options{Store: store})
		l := lane(t, f, plan(answers(200, "a")))
		control := observed(502, "")
		control.Fault = &assay.Fault{Kind: kind}
		l.Choose(&assay.Request{Method: "GET"}).Offer(&assay.Invocation{ID: "x"}, control)
		f.Close(t.Context())
		if len(store.kept()) != want || ledgerOf(t, f).Dropped[DropControl] != int64(1-want) {
			t.Errorf("%s: %d kept, %v", kind, len(store.kept()), ledgerOf(t, f).Dropped)
		}
	}
}

func TestMatchesKeepFewBodies(t *testing.T) {
	store := &memory{}
	f := New(Options{Store: store, KeepMatches: 1e-9})
	p := plan(answers(200, "a"))
	p.Experiment.Budget.Queue = 1000
	offerMany(lane(t, f, p), 300)
	f.Close(t.Context())
	with := 0
	for _, tr := range store.kept() {
		if tr.Bodies != (tr.Control.Body != nil) {
			t.Fatalf("Bodies is %t and the body %q", tr.Bodies, tr.Control.Body)
		}
		if tr.Bodies {
			with++
		}
	}
	if with != firstMatches {
		t.Errorf("%d matches kept their bodies, want %d", with, firstMatches)
	}
}

func TestCandidatesAreCalledInRandomOrder(t *testing.T) {
	orders := func(seed uint64) map[string]int {
		seen := map[string]int{}
		var order []string
		arm := func(name string) assay.Invoker {
			return assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) {
				order = append(order, name)
				return observed(200, "a"), nil
			})
		}
		f := New(Options{Store: &memory{}, Seed: seed})
		p := plan(arm("a"), arm("b"))
		p.Experiment.Budget.Concurrency = 1
		offerMany(lane(t, f, p), 400)
		f.Close(t.Context())
		for i := 0; i < len(order); i += 2 {
			seen[order[i]+order[i+1]]++
		}
		return seen
	}
	one, two := orders(1), orders(2)
	if one["ab"] < 140 || one["ba"] < 140 {
		t.Errorf("orders are not even: %v", one)
	}
	if fmt.Sprint(one) == fmt.Sprint(two) {
		t.Errorf("the seed does not matter: %v", one)
	}
}
