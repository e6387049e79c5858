package schedule

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// lognormal is n durations whose logarithms are normal, the longest one at a place of the listing.
func lognormal(seed uint64, n int, median time.Duration, sigma float64, longest string) []time.Duration {
	r := rand.New(rand.NewPCG(seed, 1))
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = time.Duration(float64(median) * math.Exp(sigma*r.NormFloat64()))
	}
	at := slices.Index(all, slices.Max(all))
	to := map[string]int{"first": 0, "middle": n / 2, "last": n - 1, "": at}[longest]
	all[at], all[to] = all[to], all[at]
	return all
}

func known(durations []time.Duration) []Task {
	tasks := make([]Task, len(durations))
	for i, d := range durations {
		tasks[i] = Task{Estimate: d, Known: true}
	}
	return tasks
}

func on(workers int, durations []time.Duration) Machine {
	return Machine{Workers: workers, Takes: func(_, i int) time.Duration { return durations[i] }}
}

func ratio(o Outcome, durations []time.Duration, workers int) float64 {
	return float64(o.Makespan) / float64(Floor(durations, workers))
}

// TestSecondRun: with durations known, runs end within 2 % of the floor wherever the longest test stands.
func TestSecondRun(t *testing.T) {
	for seed := range uint64(50) {
		for _, place := range []string{"first", "middle", "last"} {
			d := lognormal(seed, 400, 300*time.Millisecond, 1, place)
			if r := ratio(Simulate(known(d), on(8, d)), d, 8); r > 1.02 {
				t.Errorf("seed %d, longest %s: %.3f times the floor", seed, place, r)
			}
		}
	}
}

// TestFirstRun: with nothing known, the longest test at either end of the listing or in its middle costs
// nothing.
func TestFirstRun(t *testing.T) {
	sum := 0.0
	for seed := range uint64(50) {
		for _, place := range []string{"first", "middle", "last"} {
			d := lognormal(seed, 400, 300*time.Millisecond, 1, place)
			r := ratio(Simulate(make([]Task, 400), on(8, d)), d, 8)
			if sum += r / 150; r > 1.20 { // another of the long ones comes late
				t.Errorf("seed %d, longest %s: %.3f times the floor", seed, place, r)
			}
		}
	}
	if sum > 1.08 {
		t.Errorf("%.3f times the floor in the mean", sum)
	}
}

// TestUnknownFirst: a new long test among known short ones does not come last.
func TestUnknownFirst(t *testing.T) {
	d := lognormal(1, 400, 300*time.Millisecond, 0.5, "")
	tasks := known(d)
	d[200] = 15 * time.Second
	tasks[200] = Task{}
	if r := ratio(Simulate(tasks, on(8, d)), d, 8); r > 1.02 {
		t.Errorf("%.3f times the floor", r)
	}
}

// TestNoisyHistory: durations that vary by a third from run to run still end near the floor.
func TestNoisyHistory(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	d := lognormal(3, 400, 300*time.Millisecond, 1, "last")
	tasks := known(d)
	for i := range tasks {
		tasks[i].Estimate = time.Duration(float64(d[i]) * math.Exp(0.3*r.NormFloat64()))
	}
	if got := ratio(Simulate(tasks, on(8, d)), d, 8); got > 1.05 {
		t.Errorf("%.3f times the floor", got)
	}
}

// TestScopesStayTogether: while there is work for all, a scope's tests go to one worker; at the end its
// rest is shared.
func TestScopesStayTogether(t *testing.T) {
	tasks := make([]Task, 80)
	for i := range tasks {
		tasks[i] = Task{Estimate: 100 * time.Millisecond, Known: true, Scope: string(rune('a' + i/10))}
	}
	q := New(tasks, 4)
	owner := map[string]int{}
	for n := 0; n < 40; n++ {
		l, ok := q.Take(n%4, 0)
		if !ok {
			t.Fatal("nothing to do")
		}
		for _, i := range l.Tests {
			if w, seen := owner[tasks[i].Scope]; seen && w != n%4 {
				t.Fatalf("scope %s went to two workers", tasks[i].Scope)
			}
			owner[tasks[i].Scope] = n % 4
		}
		q.Done(l)
	}
	one := make([]Task, 40)
	d := make([]time.Duration, 40)
	for i := range one {
		d[i] = time.Second
		one[i] = Task{Estimate: d[i], Known: true, Scope: "all"}
	}
	if r := ratio(Simulate(one, on(8, d)), d, 8); r > 1.25 {
		t.Errorf("one scope on eight workers: %.2f times the floor", r)
	}
}

// TestEveryTestOnce: whatever order workers come in, each test is leased once, and those of a process apart
// from others, all together, in their order.
func TestEveryTestOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		tasks := make([]Task, r.IntN(60)+1)
		for i := range tasks {
			tasks[i] = Task{Estimate: time.Duration(r.IntN(500)) * time.Millisecond, Known: r.IntN(3) > 0}
			if r.IntN(9) == 0 {
				tasks[i].Process = string(rune('p' + r.IntN(3)))
			}
			if r.IntN(2) == 0 {
				tasks[i].Scope = string(rune('a' + r.IntN(4)))
				tasks[i].Whole = tasks[i].Scope == "a"
			}
			if !tasks[i].Known {
				tasks[i].Estimate = 0
			}
		}
		processes := map[string][]int{}
		for i, task := range tasks {
			processes[task.Process] = append(processes[task.Process], i)
		}
		q, seen := New(tasks, 5), map[int]int{}
		for {
			l, ok := q.Take(r.IntN(5), 0)
			if !ok {
				break
			}
			for _, i := range l.Tests {
				seen[i]++
				if tasks[i].Process != tasks[l.Tests[0]].Process || l.Fresh != (tasks[i].Process != "") {
					t.Fatalf("test %d of process %q is in %+v", i, tasks[i].Process, l)
				}
			}
			if want := processes[tasks[l.Tests[0]].Process]; l.Fresh && !slices.Equal(l.Tests, want) {
				t.Fatalf("a process runs %v, want %v", l.Tests, want)
			}
			q.Done(l)
			q.Observe(time.Millisecond)
		}
		if len(seen) != len(tasks) || q.left != 0 {
			t.Fatalf("%d of %d tests were leased, %v left", len(seen), len(tasks), q.left)
		}
		for i, n := range seen {
			if n != 1 {
				t.Fatalf("test %d was leased %d times", i, n)
			}
		}
	}
}

// TestWhole: a scope that is set up anew for each batch is handed out in one piece, or in as many as the
// floor asks for.
func TestWhole(t *testing.T) {
	tasks := make([]Task, 40)
	for i := range tasks {
		tasks[i] = Task{Estimate: time.Second, Known: true, Scope: "small", Whole: true}
		if i >= 10 {
			tasks[i].Scope = "large" // thirty of forty seconds on four workers: three pieces
		}
	}
	q, pieces := New(tasks, 4), map[string][]int{}
	for {
		l, ok := q.Take(0, 0)
		if !ok {
			break
		}
		scope := tasks[l.Tests[0]].Scope
		pieces[scope] = append(pieces[scope], len(l.Tests))
		q.Done(l)
	}
	if len(pieces["small"]) != 1 || len(pieces["large"]) < 3 || len(pieces["large"]) > 4 {
		t.Errorf("pieces: %v", pieces)
	}
}

// TestTheSwiftest: tests that take next to nothing are handed out as well, whole and on more workers than nanoseconds.
func TestTheSwiftest(t *testing.T) {
	q := New([]Task{{Estimate: 3, Known: true, Scope: "a", Whole: true}, {Estimate: 2, Known: true, Scope: "b", Whole: true}}, 8)
	for range 2 {
		if l, ok := q.Take(0, 0); !ok || len(l.Tests) != 1 {
			t.Errorf("handed out %v", l.Tests)
		}
	}
}

// TestStragglers: some workers are slow and start late; copies of what they hold end the run in time.
func TestStragglers(t *testing.T) {
	d := lognormal(4, 4000, time.Second, 1, "")
	slow := func(w int) bool { return w%20 == 0 }
	r := rand.New(rand.NewPCG(4, 4))
	start := make([]time.Duration, 200)
	for i := range start {
		start[i] = time.Duration((0.2 + 2.8*r.Float64()) * float64(time.Second))
	}
	start[0] = 0
	m := Machine{Workers: 200, Startup: func(w int) time.Duration { return start[w] }, Takes: func(w, i int) time.Duration {
		if slow(w) {
			return 3 * d[i]
		}
		return d[i]
	}}
	d[0] = 120 * time.Second // and goes to a slow one first
	with := Simulate(known(d), m)
	if got := ratio(with, d, 200); got > 2.5 || with.Copies == 0 {
		t.Errorf("%.3f times the floor with %d copies", got, with.Copies)
	}
}

// TestThousandWorkers is the scale that is promised: 1,000 workers and 100,000 tests within 2 % of the
// floor, with at most a second of computing in all.
func TestThousandWorkers(t *testing.T) {
	d := lognormal(5, 100_000, time.Second, 0.8, "last")
	began := time.Now()
	o := Simulate(known(d), on(1000, d))
	took := time.Since(began)
	if r := ratio(o, d, 1000); r > 1.02 {
		t.Errorf("%.4f times the floor", r)
	}
	t.Logf("%.4f of the floor, %d invocations, %v of computing", ratio(o, d, 1000), o.Invocations, took)
}

func BenchmarkThousandWorkers(b *testing.B) {
	d := lognormal(5, 100_000, time.Second, 0.8, "last")
	tasks := known(d)
	for b.Loop() {
		Simulate(tasks, on(1000, d))
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/run")
}

// TestAhead: what is left is shared out evenly, unless one test takes longer; leases count down, and tests
// that nothing is known of are taken for the mean.
func TestAhead(t *testing.T) {
	d := []time.Duration{4 * time.Second, 2 * time.Second, 2 * time.Second}
	q := New(known(d), 2)
	if got := q.Ahead(0); got != 4*time.Second {
		t.Errorf("at the start: %v", got)
	}
	q.Take(0, 0)
	q.Take(1, 0)
	if got := q.Ahead(time.Second); got != 3*time.Second {
		t.Errorf("after a second: %v", got)
	}
	if got := q.Ahead(time.Hour); got != 2*time.Second { // the one that waits
		t.Errorf("after an hour: %v", got)
	}
	q = New(make([]Task, 11), 2)
	if got := q.Ahead(0); got != 0 {
		t.Errorf("with nothing known: %v", got)
	}
	l, _ := q.Take(0, 0)
	q.Done(l)
	q.Observe(3 * time.Second)
	if got := q.Ahead(0); got != 15*time.Second {
		t.Errorf("of ten tests like the first: %v", got)
	}
}

// TestBest: the number of workers follows what waiting is worth, and no more are chosen than shorten the run.
func TestBest(t *testing.T) {
	d := lognormal(6, 1000, time.Second, 0.5, "")
	r := Rates{Worker: 1.7 * 0.0000166667, Waiting: 60.0 / 3600, Startup: time.Second}
	enough := Enough(d, time.Millisecond, 1000)
	if n := r.Best(d, 1000); n < enough/2 || n > enough {
		t.Errorf("waiting at $60 an hour: %d workers, %d are enough", n, enough)
	}
	if n := r.Best(d, 7); n != 7 {
		t.Errorf("%d workers of 7", n)
	}
	last := 1000
	for _, hour := range []float64{60, 1, 0.01, 0} {
		r.Waiting = hour / 3600
		n := r.Best(d, 1000)
		if n > last || hour == 0 && n != 1 {
			t.Errorf("waiting at $%v an hour: %d workers, and %d when it was worth more", hour, n, last)
		}
		last = n
	}
	d[0] = 1000 * time.Second // nothing ends before that
	r.Waiting = 60.0 / 3600
	if n := r.Best(d, 1000); n > 3 {
		t.Errorf("%d workers beside one test that takes half of all time", n)
	}
	if n := r.Best(nil, 10); n != 1 {
		t.Errorf("%d workers for nothing", n)
	}
}

// TestFirstRunOfManyShort: tests that nothing is known of travel several together when those that have ended were short,
// and never many, nor when those were long.
func TestFirstRunOfManyShort(t *testing.T) {
	for _, c := range []struct {
		took        time.Duration
		least, most int // batches
	}{{time.Millisecond, 1_000, 1_200}, {time.Second, 10_000, 10_000}} {
		q, batches := New(make([]Task, 10_000), 4), 0
		for l, ok := q.Take(0, 0); ok; l, ok = q.Take(0, 0) {
			for range l.Tests {
				q.Observe(c.took)
			}
			if batches++; len(l.Tests) > maxBlind {
				t.Fatalf("%d tests that nothing is known of in a batch", len(l.Tests))
			}
			q.Done(l)
		}
		if batches < c.least || batches > c.most {
			t.Errorf("tests of %v in %d batches", c.took, batches)
		}
	}
}
