// Package schedule decides which worker runs which tests, and when. In come tests with what is known of
// their durations, and a clock's readings; out go leases of small batches. It is pure: a run of a
// thousand workers can be simulated in a moment, and Plan predicts a real one so.
//
// Tests are pulled, in descending order of what they took before, so that the makespan is at most
// sum/m + (1 - 1/m) * longest whatever the estimates are worth (Graham, 1966), and within 1 + 1/k of the
// best if they are right (Graham, 1969). Tests that nothing is known of come first: they may be the
// long ones. Batches shrink to single tests as work runs out, and an idle worker takes half of what
// another holds, so that tests of one scope stay together just while that costs no time.
package schedule

import (
	"cmp"
	"slices"
	"time"
)

// Task is a test as the queue sees it.
type Task struct {
	Estimate time.Duration
	Known    bool   // whether Estimate means anything
	Scope    string // tests of one scope share a set-up; "" for none
	Whole    bool   // its scope is set up anew for each batch: it is handed out in as few as may be

	// Process names a process that runs the tests of that name and no others, in their order; "" for any.
	Process string
}

// Lease is a batch that a worker has. Tests are indexes of the queue's tasks.
type Lease struct {
	ID     int
	Worker int
	Tests  []int
	Began  time.Duration
	Copy   bool // another worker runs the same: the first answer counts
	Fresh  bool // in a process of its own
}

const (
	maxGrain = 200 * time.Millisecond // of a batch, so that results come often and little is lost with one
	maxBatch = 100                    // tests
	maxBlind = 10                     // tests that nothing is known of: one of them may be long, and those behind it wait
)

// unit is tests that are handed out together if possible, in their own order.
type unit struct {
	tests    []int
	estimate time.Duration
	unknown  bool
	process  bool // in one process of their own
	whole    bool // handed out in one piece
}

// Queue hands tests to workers. Its methods are called by one goroutine at a time.
type Queue struct {
	tasks   []Task
	workers int

	units  []unit        // waiting, the next one first
	again  []int         // tests to run once more, alone
	held   map[int]*unit // by worker: what is left of the unit it works on
	leases map[int]*Lease
	copied map[int]bool // leases that have been given to another worker as well
	taken  int          // leases so far

	left     time.Duration // the estimate of what is waiting and held
	blind    int           // tests of it that nothing is known of
	observed time.Duration // by tests that have ended
	ended    int
}

// New returns a queue for so many workers.
func New(tasks []Task, workers int) *Queue {
	q := &Queue{tasks: tasks, workers: max(workers, 1), held: map[int]*unit{}, leases: map[int]*Lease{}, copied: map[int]bool{}}
	q.units = units(tasks, q.workers)
	for i := range tasks {
		q.count(i, 1)
	}
	return q
}

// count books a test as waiting, or as handed out by -1.
func (q *Queue) count(test, n int) {
	q.left += time.Duration(n) * q.tasks[test].Estimate
	if !q.tasks[test].Known {
		q.blind += n
	}
}

// grain is how long a batch is to take: less and less as work runs out. What is not known is as long as what has ended.
func (q *Queue) grain() time.Duration {
	left := q.left
	if q.ended > 0 {
		left += time.Duration(q.blind) * (q.observed / time.Duration(q.ended))
	}
	return min(left/time.Duration(4*q.workers), maxGrain)
}

// units groups tests by scope and puts those first that nothing is known of, then the longest.
func units(tasks []Task, workers int) []unit {
	var all []unit
	type group struct{ process, scope string }
	at := map[group]int{}
	for i, t := range tasks {
		g := group{t.Process, t.Scope}
		if t.Process != "" {
			g.scope = ""
		}
		n, begun := at[g]
		if !begun || g == (group{}) {
			n = len(all)
			at[g] = n
			all = append(all, unit{process: t.Process != "", whole: t.Process != "" || t.Whole && t.Scope != ""})
		}
		u := &all[n]
		u.tests = append(u.tests, i)
		u.estimate += t.Estimate
		u.unknown = u.unknown || !t.Known
	}
	unknown, known := all[:0:0], all[:0:0]
	for _, u := range cut(all, tasks, workers) {
		if u.unknown {
			unknown = append(unknown, u)
		} else {
			known = append(known, u)
		}
	}
	slices.SortStableFunc(known, func(a, b unit) int { return cmp.Compare(b.estimate, a.estimate) })
	return append(inward(unknown), known...)
}

// cut divides what is handed out in one piece for its set-up alone, and would take longer than all the
// work shared out evenly.
func cut(all []unit, tasks []Task, workers int) (out []unit) {
	var sum time.Duration
	for _, u := range all {
		sum += u.estimate
	}
	share := max(sum/time.Duration(max(workers, 1)), 1)
	for _, u := range all {
		if !u.whole || u.process || u.unknown || u.estimate <= share {
			out = append(out, u)
			continue
		}
		piece := u.estimate/(u.estimate/share+1) + 1
		part := unit{whole: true}
		for _, i := range u.tests {
			if len(part.tests) > 0 && part.estimate+tasks[i].Estimate/2 > piece {
				out = append(out, part)
				part = unit{whole: true}
			}
			part.tests, part.estimate = append(part.tests, i), part.estimate+tasks[i].Estimate
		}
		out = append(out, part)
	}
	return out
}

// probes is how many tests that nothing is known of are taken from all over the listing first.
const probes = 17

// inward orders what nothing is known of: a few from evenly spread places, the ends first, and the rest
// from both ends to the middle. People write the slow tests last, or first, or by themselves somewhere;
// and neighbours, whose file is imported once, stay together for the most part.
func inward(all []unit) []unit {
	taken, out := make([]bool, len(all)), make([]unit, 0, len(all))
	take := func(i int) {
		if !taken[i] {
			taken[i] = true
			out = append(out, all[i])
		}
	}
	for _, i := range spread(len(all)) {
		take(i)
	}
	for i, j := 0, len(all)-1; i <= j; i, j = i+1, j-1 {
		take(j)
		take(i)
	}
	return out
}

// spread is up to so many places as there are probes: both ends, the middle, the middles of the halves,
// and so on.
func spread(n int) (places []int) {
	if n == 0 {
		return nil
	}
	places = []int{n - 1, 0}
	for halves := [][2]int{{0, n - 1}}; len(halves) > 0 && len(places) < probes; halves = halves[1:] {
		low, high := halves[0][0], halves[0][1]
		if high-low < 2 {
			continue
		}
		middle := (low + high + 1) / 2
		places = append(places, middle)
		halves = append(halves, [2]int{low, middle}, [2]int{middle, high})
	}
	return places
}

// Take gives a worker its next batch; false if there is nothing that it could do now.
func (q *Queue) Take(worker int, now time.Duration) (Lease, bool) {
	tests := q.next(worker)
	if len(tests) == 0 {
		return q.straggler(worker, now)
	}
	return q.lease(worker, tests, now, false), true
}

func (q *Queue) lease(worker int, tests []int, now time.Duration, duplicate bool) Lease {
	q.taken++
	l := &Lease{ID: q.taken, Worker: worker, Tests: tests, Began: now, Copy: duplicate, Fresh: q.tasks[tests[0]].Process != ""}
	q.leases[l.ID] = l
	return *l
}

func (q *Queue) next(worker int) []int {
	if n := len(q.again); n > 0 {
		tests := q.again[:1:1]
		q.again = q.again[1:]
		return tests
	}
	u := q.held[worker]
	if u == nil && len(q.units) > 0 {
		u = &q.units[0]
		q.units = q.units[1:]
	}
	if u == nil {
		u = q.steal()
	}
	if u == nil {
		return nil
	}
	if u.whole {
		for _, i := range u.tests {
			q.count(i, -1)
		}
		return u.tests
	}
	return q.batch(worker, u)
}

// batch cuts as much off a unit as is worth an invocation, and fills up with further ones.
func (q *Queue) batch(worker int, u *unit) []int {
	grain := q.grain()
	var tests []int
	var sum time.Duration
	for u != nil {
		n := 0
		for n < len(u.tests) && (len(tests) == 0 || q.fits(u.tests[n], tests, sum, grain)) {
			i := u.tests[n]
			tests, sum, n = append(tests, i), sum+q.expected(i), n+1
			q.count(i, -1)
			u.estimate -= q.tasks[i].Estimate
		}
		u.tests = u.tests[n:]
		if len(u.tests) > 0 {
			q.held[worker] = u
			return tests
		}
		delete(q.held, worker)
		u = nil
		if len(q.units) > 0 && q.fits(q.units[0].tests[0], tests, sum, grain) {
			u = &q.units[0]
			q.units = q.units[1:]
		}
	}
	return tests
}

// fits tells whether a test may be in a batch with others that are expected to take sum already.
func (q *Queue) fits(test int, others []int, sum, grain time.Duration) bool {
	t := q.tasks[test]
	if len(others) >= maxBatch || !t.Known && len(others) >= maxBlind {
		return false
	}
	return t.Process == "" && !t.Whole && (t.Known || q.ended > 0) && sum+q.expected(test) <= grain
}

// expected is what a test will take: as before, or as tests of this run did in the mean.
func (q *Queue) expected(test int) time.Duration {
	if t := q.tasks[test]; t.Known || q.ended == 0 {
		return t.Estimate
	}
	return q.observed / time.Duration(q.ended)
}

// steal takes half of what some worker holds and has not been given yet: where most is left.
func (q *Queue) steal() *unit {
	var from *unit
	for _, u := range q.held {
		if from == nil || u.estimate > from.estimate || u.estimate == from.estimate && len(u.tests) > len(from.tests) {
			from = u
		}
	}
	if from == nil {
		return nil
	}
	cut := len(from.tests) / 2
	stolen := &unit{tests: from.tests[cut:], unknown: from.unknown}
	from.tests = from.tests[:cut:cut]
	for _, i := range stolen.tests {
		stolen.estimate += q.tasks[i].Estimate
	}
	from.estimate -= stolen.estimate
	if cut == 0 {
		for w, u := range q.held {
			if u == from {
				delete(q.held, w)
			}
		}
	}
	return stolen
}

// patience is how much longer than expected a lease may take, beside a third of that, before it is a
// straggler. Copies are made by workers with nothing else to do, so they cost no time.
const patience = 500 * time.Millisecond

// straggler gives a worker with nothing to do a copy of the lease that is overdue longest.
func (q *Queue) straggler(worker int, now time.Duration) (Lease, bool) {
	var worst *Lease
	var late time.Duration
	for _, l := range q.leases {
		if due, ok := q.due(l); ok && now-due >= late && l.Worker != worker {
			worst, late = l, now-due
		}
	}
	if worst == nil {
		return Lease{}, false
	}
	q.copied[worst.ID] = true
	return q.lease(worker, worst.Tests, now, true), true
}

// due is when a lease becomes a straggler. Those never do whose tests have not been timed, and those
// that are copies or have one.
func (q *Queue) due(l *Lease) (time.Duration, bool) {
	var sum time.Duration
	for _, i := range l.Tests {
		if !q.tasks[i].Known {
			return 0, false
		}
		sum += q.tasks[i].Estimate
	}
	return l.Began + sum + sum/3 + patience, !l.Copy && !q.copied[l.ID]
}

// Wake is when an idle worker should ask again although nothing has happened; false for never.
func (q *Queue) Wake() (at time.Duration, ok bool) {
	for _, l := range q.leases {
		if due, may := q.due(l); may && (!ok || due < at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// Done ends a lease.
func (q *Queue) Done(l Lease) { delete(q.leases, l.ID) }

// Observe tells what a test took.
func (q *Queue) Observe(took time.Duration) { q.observed, q.ended = q.observed+took, q.ended+1 }

// Again has a test run once more, by itself.
func (q *Queue) Again(test int) { q.again = append(q.again, test) }

// Return takes tests of a lease back that nobody has run: they are what is handed out next.
func (q *Queue) Return(l Lease, tests []int) {
	if len(tests) == 0 {
		return
	}
	u := unit{tests: tests, process: l.Fresh, whole: l.Fresh || q.tasks[tests[0]].Whole}
	for _, i := range tests {
		u.estimate += q.tasks[i].Estimate
		u.unknown = u.unknown || !q.tasks[i].Known
		q.count(i, 1)
	}
	q.units = slices.Insert(q.units, 0, u)
}

// Drop forgets what waits: nothing more is handed out.
func (q *Queue) Drop() {
	q.units, q.again, q.held, q.left = nil, nil, map[int]*unit{}, 0
	q.blind = 0
	for id := range q.leases {
		q.copied[id] = true
	}
}

// Ahead is how long the rest will take from now on, as far as is known: what is left shared out evenly, or
// the longest test of it.
func (q *Queue) Ahead(now time.Duration) time.Duration {
	var sum, longest time.Duration
	wait := func(tests []int) {
		for _, i := range tests {
			sum, longest = sum+q.expected(i), max(longest, q.expected(i))
		}
	}
	wait(q.again)
	for _, u := range q.units {
		wait(u.tests)
	}
	for _, u := range q.held {
		wait(u.tests)
	}
	for _, l := range q.leases {
		left := l.Began - now
		for _, i := range l.Tests {
			left += q.expected(i)
		}
		if left > 0 && !l.Copy {
			sum, longest = sum+left, max(longest, left)
		}
	}
	return max(longest, sum/time.Duration(q.workers))
}

// Leases are the batches that workers have now, in no order.
func (q *Queue) Leases() []Lease {
	all := make([]Lease, 0, len(q.leases))
	for _, l := range q.leases {
		all = append(all, *l)
	}
	return all
}
