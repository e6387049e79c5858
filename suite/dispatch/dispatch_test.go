package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is an engine whose workers do as they are told, in fake time.
type fake struct {
	mu    sync.Mutex
	takes func(id string, attempt int) (suite.Status, time.Duration) // "" kills the worker
	tries map[string]int
	ran   map[string]int
	calls int
	down  func(call int) error
	need  bool // workers ask for the delta first
	late  string
	// lateWith is the test in whose answer late is told already.
	lateWith string
	fresh    []string // batches that asked for processes of their own
}

func (f *fake) Invoke(ctx context.Context, inv *assay.Invocation) (*assay.Observation, error) {
	var b suite.Batch
	if err := json.Unmarshal(inv.Payload, &b); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.calls++
	call := f.calls
	f.mu.Unlock()
	if f.down != nil {
		if err := f.down(call); err != nil {
			return nil, err
		}
	}
	a := suite.Answer{Worker: "w"}
	if a.Need = f.need && b.Delta == ""; a.Need {
		return answer(a), nil
	}
	if b.Op == "finish" {
		if f.late != "" && f.lateWith == "" {
			a.Late = []suite.Result{{ID: f.late, Status: suite.Error, Message: "late"}}
		}
		return answer(a), nil
	}
	if b.Fresh {
		f.mu.Lock()
		f.fresh = append(f.fresh, strings.Join(b.Tests, " "))
		f.mu.Unlock()
	}
	if slices.Contains(b.Tests, f.lateWith) {
		a.Late = []suite.Result{{ID: f.late, Status: suite.Error, Message: "late"}}
	}
	for _, id := range b.Tests {
		f.mu.Lock()
		f.tries[id]++
		status, took := f.takes(id, f.tries[id])
		f.mu.Unlock()
		select {
		case <-time.After(took):
		case <-ctx.Done():
			return &assay.Observation{Fault: &assay.Fault{Kind: assay.FaultCanceled}}, nil
		}
		if status == "" {
			return &assay.Observation{Fault: &assay.Fault{Kind: assay.FaultCrash, Type: "Runtime.ExitError", Message: "signal: killed"}}, nil
		}
		a.Results = append(a.Results, suite.Result{ID: id, Status: status, Call: took.Seconds()})
	}
	return answer(a), nil
}

func answer(a suite.Answer) *assay.Observation {
	body, _ := json.Marshal(a)
	return &assay.Observation{Status: 200, Body: body}
}

func tests(n int) []suite.Test {
	all := make([]suite.Test, n)
	for i := range all {
		all[i].ID = fmt.Sprint("t", i)
	}
	return all
}

func newFake(takes func(string, int) (suite.Status, time.Duration)) *fake {
	return &fake{takes: takes, tries: map[string]int{}, ran: map[string]int{}}
}

func passing(string, int) (suite.Status, time.Duration) { return suite.Pass, 10 * time.Millisecond }

// TestCrashesLoseNothing injects crashes, seeded: in each of 100 runs every test is reported exactly once,
// and just those fail that always kill their worker.
func TestCrashesLoseNothing(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			f := newFake(func(id string, attempt int) (suite.Status, time.Duration) {
				took := time.Duration(r.IntN(300)) * time.Millisecond
				if id == "t13" || id == "t77" || r.IntN(50) == 0 && attempt == 1 {
					return "", took
				}
				return suite.Pass, took
			})
			told := map[string]int{}
			out, err := Run(t.Context(), tests(100), Options{Invoker: f, Workers: 8, Copies: true, Report: func(r suite.Result, _ Progress) { told[r.ID]++ }})
			if err != nil || len(out.Results) != 100 {
				t.Fatalf("seed %d: %d results, %v", seed, len(out.Results), err)
			}
			for i, got := range out.Results {
				killer := got.ID == "t13" || got.ID == "t77"
				if got.ID != fmt.Sprint("t", i) || told[got.ID] != 1 || killer != (got.Status == suite.Crash) || !killer && got.Status.Bad() {
					t.Errorf("seed %d: %+v, told %d times", seed, got, told[got.ID])
				}
				if killer && !strings.Contains(got.Message, "2 workers") {
					t.Errorf("seed %d: the culprit is not named: %s", seed, got.Message)
				}
			}
		})
	}
}

// TestMakespan: with durations known, a run through invokers ends within 2 % of the floor.
func TestMakespan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		past := map[string]suite.Past{}
		all := tests(400)
		for i, test := range all {
			past[test.ID] = suite.Past{Mean: time.Duration(i*i) * 6 * time.Microsecond * 8, Runs: 1}
		}
		began := time.Now()
		f := newFake(func(id string, _ int) (suite.Status, time.Duration) { return suite.Pass, past[id].Mean })
		if _, err := Run(t.Context(), all, Options{Invoker: f, Workers: 8, Past: past}); err != nil {
			t.Fatal(err)
		}
		var sum time.Duration
		for _, p := range past {
			sum += p.Mean
		}
		if took := time.Since(began); float64(took) > 1.02*float64(sum/8) {
			t.Errorf("%v, the floor is %v", took, sum/8)
		}
	})
}

// TestStraggler: a test that hangs on one worker passes on another, and the run does not wait for the first.
func TestStraggler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(func(id string, attempt int) (suite.Status, time.Duration) {
			if id == "t3" && attempt == 1 {
				return suite.Pass, time.Hour
			}
			return suite.Pass, time.Second
		})
		past := map[string]suite.Past{}
		for _, test := range tests(10) {
			past[test.ID] = suite.Past{Mean: time.Second, Runs: 1}
		}
		began := time.Now()
		out, err := Run(t.Context(), tests(10), Options{Invoker: f, Workers: 3, Past: past, Copies: true})
		if err != nil || time.Since(began) > 10*time.Second || out.Results[3].Status != suite.Pass {
			t.Errorf("%v after %v: %+v", err, time.Since(began), out.Results[3])
		}
	})
}

// TestFlaky: a test that passes when run again is flaky, one that never does has failed.
func TestFlaky(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(func(id string, attempt int) (suite.Status, time.Duration) {
			if id == "t1" || id == "t2" && attempt < 3 {
				return suite.Fail, time.Millisecond
			}
			return suite.Pass, time.Millisecond
		})
		out, err := Run(t.Context(), tests(4), Options{Invoker: f, Workers: 2, Retries: 2})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []suite.Status{suite.Pass, suite.Fail, suite.Flaky, suite.Pass} {
			if out.Results[i].Status != want {
				t.Errorf("t%d: %s, want %s", i, out.Results[i].Status, want)
			}
		}
		if len(out.Results[1].Attempts) != 2 || len(out.Results[2].Attempts) != 2 {
			t.Errorf("attempts: %d and %d", len(out.Results[1].Attempts), len(out.Results[2].Attempts))
		}
	})
}

// TestInterrupt: what is not reported when the context ends is lost, and said to be.
func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 95*time.Millisecond)
		defer cancel()
		out, err := Run(ctx, tests(100), Options{Invoker: newFake(passing), Workers: 2})
		if err != nil || !out.Stopped {
			t.Fatalf("%v, stopped: %v", err, out.Stopped)
		}
		n := map[suite.Status]int{}
		for _, r := range out.Results {
			n[r.Status]++
		}
		if n[suite.Pass] == 0 || n[suite.Lost] == 0 || n[suite.Pass]+n[suite.Lost] != 100 {
			t.Errorf("%v", n)
		}
	})
}

// TestMaxFail: after the first failure nothing more is handed out.
func TestMaxFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(func(string, int) (suite.Status, time.Duration) { return suite.Fail, 10 * time.Millisecond })
		out, err := Run(t.Context(), tests(400), Options{Invoker: f, Workers: 8, MaxFail: 1})
		if err != nil || !out.Stopped || len(f.tries) > 8 {
			t.Errorf("%v, stopped %v, %d tests ran", err, out.Stopped, len(f.tries))
		}
	})
}

// TestDelta: workers that have not got the snapshot are sent what differs, and what tear-down says at the
// end belongs to the test it comes from.
func TestDelta(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(passing)
		f.need, f.late = true, "t2"
		out, err := Run(t.Context(), tests(5), Options{Invoker: f, Workers: 2, Delta: func() (string, error) { return "what differs", nil }})
		if err != nil || out.Sent == 0 || out.Results[0].Status != suite.Pass {
			t.Fatalf("%v: sent %d, %+v", err, out.Sent, out.Results[0])
		}
	})
}

// TestLate: what a scope's tear-down says belongs to its test, also when both come in one answer.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := assay.InvokerFunc(func(_ context.Context, inv *assay.Invocation) (*assay.Observation, error) {
			var b suite.Batch
			if err := json.Unmarshal(inv.Payload, &b); err != nil {
				return nil, err
			}
			a := suite.Answer{Worker: "w"}
			for _, id := range b.Tests {
				a.Results = append(a.Results, suite.Result{ID: id, Status: suite.Pass})
				a.Late = append(a.Late, suite.Result{ID: id, Status: suite.Error, Message: "late"})
			}
			return answer(a), nil
		})
		out, err := Run(t.Context(), tests(3), Options{Invoker: engine, Workers: 1})
		if err != nil || out.Results[0].Status != suite.Error || out.Results[2].Message != "late" {
			t.Errorf("%v: %+v", err, out.Results)
		}
	})
}

// TestCrew: workers that were mustered are ready before the first batch, each slot waits for its own, and
// those that ran nothing are no reason to leave out one that did when all is torn down.
func TestCrew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		warm, finished, n := 0, 0, 0
		engine := assay.InvokerFunc(func(_ context.Context, inv *assay.Invocation) (*assay.Observation, error) {
			var b suite.Batch
			if err := json.Unmarshal(inv.Payload, &b); err != nil {
				return nil, err
			}
			mu.Lock()
			n++
			id := fmt.Sprint("w", n%3)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			a := suite.Answer{Worker: id}
			switch b.Op {
			case "warm":
				warm++
			case "finish":
				finished++
			case "run":
				if warm == 0 {
					t.Error("a test ran before a worker was ready")
				}
				for _, id := range b.Tests {
					a.Results = append(a.Results, suite.Result{ID: id, Status: suite.Pass})
				}
			}
			o := answer(a)
			o.CostUSD = 1
			return o, nil
		})
		crew := Muster(t.Context(), engine, suite.Batch{Runner: "pytest"}, 3)
		defer crew.Dismiss()
		out, err := Run(t.Context(), tests(1), Options{Invoker: engine, Workers: 3, Crew: crew})
		if err != nil || warm != 3 || finished < 3 || out.CostUSD != float64(out.Calls) {
			t.Errorf("%v: %d ready, %d finished, %+v", err, warm, finished, out)
		}
	})
}

// TestUnreachable: an engine that is not there is an error, one that fails now and then is not.
func TestUnreachable(t *testing.T) {
	gone := &assay.Error{Code: assay.CodeUnreachable, What: "nobody there"}
	synctest.Test(t, func(t *testing.T) {
		f := newFake(passing)
		f.down = func(int) error { return gone }
		if out, err := Run(t.Context(), tests(50), Options{Invoker: f, Workers: 4}); !errors.Is(err, gone) || out.Results[0].Status != suite.Lost {
			t.Errorf("%v", err)
		}
		f = newFake(passing)
		f.down = func(call int) error {
			if call%4 == 3 {
				return gone
			}
			return nil
		}
		out, err := Run(t.Context(), tests(50), Options{Invoker: f, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Results {
			if r.Status != suite.Pass {
				t.Errorf("%+v", r)
			}
		}
	})
}

// TestLateInOneAnswer: a tear-down that fails is booked on its test also when one answer brings both.
func TestLateInOneAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(passing)
		f.late, f.lateWith = "t1", "t1"
		out, err := Run(t.Context(), tests(3), Options{Invoker: f, Workers: 1})
		if err != nil || out.Results[1].Status != suite.Error {
			t.Errorf("%v: %+v", err, out.Results[1])
		}
	})
}

// TestProcesses: tests of one process are one batch, in their order, and asked for in a process of its own.
func TestProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(passing)
		process := map[string]string{"t5": "a", "t2": "a", "t7": "b"}
		if _, err := Run(t.Context(), tests(9), Options{Invoker: f, Workers: 2, Process: func(t suite.Test) string { return process[t.ID] }}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(f.fresh)
		if !slices.Equal(f.fresh, []string{"t2 t5", "t7"}) {
			t.Errorf("of processes of their own: %q", f.fresh)
		}
	})
}

// TestSequences: each sequence is one batch in its order, a test may be in several, and nothing is run again.
func TestSequences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(func(id string, attempt int) (suite.Status, time.Duration) {
			if id == "t3" {
				return "", time.Second
			}
			return suite.Pass, time.Second
		})
		all := tests(4)
		results, err := Sequences(t.Context(), [][]suite.Test{{all[2], all[0]}, {all[0]}, {all[1], all[3]}, {all[3]}}, Options{Invoker: f, Workers: 2, Retries: 3})
		if err != nil || len(results) != 4 || results[0][0].ID != "t2" || results[0][1].ID != "t0" {
			t.Fatalf("%v: %+v", err, results)
		}
		if results[1][0].Status != suite.Pass || results[2][0].Status != suite.Lost || results[3][0].Status != suite.Crash {
			t.Errorf("%+v", results)
		}
		slices.Sort(f.fresh)
		if want := []string{"t0", "t1 t3", "t2 t0", "t3"}; !slices.Equal(f.fresh, want) {
			t.Errorf("batches %q, want %q", f.fresh, want)
		}
		f.down = func(int) error { return &assay.Error{Code: assay.CodeUnreachable, What: "gone"} }
		if _, err := Sequences(t.Context(), [][]suite.Test{{all[2]}, {all[0]}}, Options{Invoker: f, Workers: 1}); err == nil {
			t.Error("an engine that is gone is no error")
		}
	})
}

// TestFallback: when the engine goes away in mid-run, what it had not reported runs elsewhere, once; a short
// outage is waited out.
func TestFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := &assay.Error{Code: assay.CodeUnreachable, What: "nobody there"}
		remote, near := newFake(passing), newFake(passing)
		remote.down = func(call int) error {
			if call > 20 {
				return gone
			}
			return nil
		}
		told, fell := map[string]int{}, 0
		out, err := Run(t.Context(), tests(200), Options{
			Invoker: remote, Workers: 4, Batch: suite.Batch{Root: "there"}, Report: func(r suite.Result, _ Progress) { told[r.ID]++ },
			Fallback: func() (assay.Invoker, string) { fell++; return near, "here" },
		})
		if err != nil || fell != 1 || len(near.tries) == 0 || len(remote.tries) == 0 || len(near.tries)+len(remote.tries) != 200 {
			t.Fatalf("%v: fell back %d times, %d tests there, %d here", err, fell, len(remote.tries), len(near.tries))
		}
		for _, r := range out.Results {
			if r.Status != suite.Pass || told[r.ID] != 1 {
				t.Errorf("%+v, told %d times", r, told[r.ID])
			}
		}

		began := time.Now()
		remote = newFake(passing)
		remote.down = func(call int) error {
			if past := time.Since(began); call > 8 && past > 50*time.Millisecond && past < 3*time.Second {
				return gone
			}
			return nil
		}
		_, err = Run(t.Context(), tests(200), Options{Invoker: remote, Workers: 4, Fallback: func() (assay.Invoker, string) {
			t.Error("fell back in a short outage")
			return near, "here"
		}})
		if err != nil || time.Since(began) > 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestThrottled: an engine that gives fewer workers than were asked for runs all tests with those.
func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most, f := 0, 0, newFake(passing)
		engine := assay.InvokerFunc(func(ctx context.Context, inv *assay.Invocation) (*assay.Observation, error) {
			mu.Lock()
			if running >= 3 {
				mu.Unlock()
				return &assay.Observation{Status: 429, Fault: &assay.Fault{Kind: assay.FaultThrottle, Message: "Rate Exceeded."}}, nil
			}
			running++
			most = max(most, running)
			mu.Unlock()
			defer func() { mu.Lock(); running--; mu.Unlock() }()
			return f.Invoke(ctx, inv)
		})
		out, err := Run(t.Context(), tests(300), Options{Invoker: engine, Workers: 20})
		if err != nil || most != 3 {
			t.Fatalf("%v, %d at once", err, most)
		}
		for _, r := range out.Results {
			if r.Status != suite.Pass || f.tries[r.ID] != 1 {
				t.Errorf("%+v ran %d times", r, f.tries[r.ID])
			}
		}

		never := assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) {
			return &assay.Observation{Status: 429, Fault: &assay.Fault{Kind: assay.FaultThrottle, Message: "Rate Exceeded."}}, nil
		})
		began := time.Now()
		var known *assay.Error
		if _, err = Run(t.Context(), tests(3), Options{Invoker: never, Workers: 2}); !errors.As(err, &known) || known.Code != assay.CodeUnreachable || time.Since(began) > 2*time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestMemory: what is known of memory is said of a worker that was killed.
func TestMemory(t *testing.T) {
	for _, c := range []struct {
		o    assay.Observation
		says string
	}{
		{assay.Observation{MemoryMB: 128, MaxMemoryMB: 128, Fault: &assay.Fault{Kind: assay.FaultCrash, Type: "Runtime.ExitError", Message: "RequestId: a-b Error: Runtime exited with error: signal: killed"}},
			"it ended its worker: out of memory at 128 MB (--memory gives more): Runtime exited with error: signal: killed"},
		{assay.Observation{MemoryMB: 128, MaxMemoryMB: 60, Fault: &assay.Fault{Kind: assay.FaultCrash, Type: "Runtime.ExitError", Message: "Runtime exited with error: exit status 3"}},
			"it ended its worker: Runtime exited with error: exit status 3"},
	} {
		if err := faulted(&c.o); err.Error() != c.says {
			t.Errorf("%q, want %q", err, c.says)
		}
	}
}

// TestKeep: what is kept set up is torn down once, in the end.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(passing)
		o := Options{Invoker: f, Workers: 1, Keep: true}
		var workers []string
		for range 3 {
			out, err := Run(t.Context(), tests(1), o)
			if err != nil {
				t.Fatal(err)
			}
			workers = out.Workers
		}
		before := f.calls
		Finish(t.Context(), workers, o)
		if before != 3 || f.calls != 4 {
			t.Errorf("%d calls for three tests, and %d to finish", before, f.calls-before)
		}
	})
}
