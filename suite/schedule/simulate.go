package schedule

import (
	"container/heap"
	"time"
)

// Machine is what a simulation runs on. Zero functions cost nothing.
type Machine struct {
	Workers int
	Startup func(worker int) time.Duration       // before a worker's first batch
	Call    time.Duration                        // what each invocation costs beside its tests
	Takes   func(worker, test int) time.Duration // what a test truly takes there
}

// Outcome is how a simulated run went.
type Outcome struct {
	Makespan    time.Duration
	Work        time.Duration // by all workers, start-up and calls included
	Invocations int
	Copies      int // leases that were given twice
}

// Floor is the least time that tests can take on m workers: the longest test, or all of them shared out
// evenly.
func Floor(durations []time.Duration, workers int) time.Duration {
	var sum, longest time.Duration
	for _, d := range durations {
		sum, longest = sum+d, max(longest, d)
	}
	return max(longest, sum/time.Duration(max(workers, 1)))
}

// Enough is the number of workers beyond which more cannot shorten a run: the sum over the longest, or
// over target if that is longer; at most limit.
func Enough(durations []time.Duration, target time.Duration, limit int) int {
	sum, bound := time.Duration(0), target
	for _, d := range durations {
		sum, bound = sum+d, max(bound, d)
	}
	if bound == 0 {
		return 1
	}
	return max(1, min(limit, int((sum+bound-1)/bound)))
}

// event is a worker that becomes free.
type event struct {
	at     time.Duration
	worker int
	lease  Lease
	first  bool // it brings no results
	wake   bool // it was idle, and looks for stragglers
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].worker < e[j].worker
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

// Simulate runs tasks on a machine, in no time.
func Simulate(tasks []Task, m Machine) Outcome {
	s := &simulation{queue: New(tasks, m.Workers), machine: m, done: make([]bool, len(tasks)), left: len(tasks)}
	for w := range m.Workers {
		at := time.Duration(0)
		if m.Startup != nil {
			at = m.Startup(w)
		}
		s.out.Work += at
		s.events = append(s.events, event{at: at, worker: w, first: true})
	}
	heap.Init(&s.events)
	for s.left > 0 && len(s.events) > 0 {
		s.step(heap.Pop(&s.events).(event))
	}
	return s.out
}

type simulation struct {
	queue   *Queue
	machine Machine
	events  events
	idle    []int
	waking  bool
	done    []bool
	left    int
	out     Outcome
}

// step lets a worker hand in what it has, and take what is next.
func (s *simulation) step(e event) {
	if !e.first {
		s.queue.Done(e.lease)
	}
	for _, i := range e.lease.Tests {
		if !s.done[i] {
			s.done[i], s.left = true, s.left-1
			s.out.Makespan = max(s.out.Makespan, e.at)
			s.queue.Observe(s.machine.Takes(e.worker, i))
		}
	}
	if e.wake {
		s.waking = false
	}
	if !s.take(e.worker, e.at) {
		s.idle = append(s.idle, e.worker)
	}
	if len(s.idle) == 0 || s.waking {
		return
	}
	if at, ok := s.queue.Wake(); ok { // a straggler may become due before anything else happens
		s.waking = true
		heap.Push(&s.events, event{at: max(at, e.at), worker: s.idle[0], first: true, wake: true})
		s.idle = s.idle[1:]
	}
}

func (s *simulation) take(worker int, now time.Duration) bool {
	l, ok := s.queue.Take(worker, now)
	if !ok {
		return false
	}
	took := s.machine.Call
	for _, i := range l.Tests {
		took += s.machine.Takes(worker, i)
	}
	s.out.Work += took
	s.out.Invocations++
	if l.Copy {
		s.out.Copies++
	}
	heap.Push(&s.events, event{at: now + took, worker: worker, lease: l})
	return true
}
