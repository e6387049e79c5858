package trial

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaylab/assay"
)

// named gives a plan's experiment another name.
func named(name string, p *Plan) *Plan {
	p.Experiment.Name = name
	return p
}

// crowd is an invoker that notes how many calls there were at once.
type crowd struct{ now, most, calls atomic.Int64 }

func (c *crowd) Invoke(context.Context, *assay.Invocation) (*assay.Observation, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	c.calls.Add(1)
	time.Sleep(10 * time.Millisecond)
	return observed(200, "a"), nil
}

// TestAllLanesTogether: calls at once and trials waiting are bounded for all, and no lane starves.
func TestAllLanesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Options{Store: &memory{}, Concurrency: 5, Queue: 60})
		var all crowd
		var lanes []*Lane
		for i := range 4 {
			lanes = append(lanes, lane(t, f, named(fmt.Sprint("e", i), plan(&all))))
		}
		offerMany(lanes[0], 200)
		if got := ledgerNamed(t, f, "e0").Dropped[DropQueueFull]; got != 200-5-60 {
			t.Errorf("queue_full = %d, want what exceeds 5 under way and 60 waiting", got)
		}
		time.Sleep(35 * time.Millisecond) // there is room in the queue again
		for _, l := range lanes[1:] {
			offerMany(l, 5)
		}
		time.Sleep(35 * time.Millisecond)
		for _, l := range lanes[1:] {
			if n := ledgerNamed(t, f, l.name).Sampled; l.waits() == int(n) {
				t.Errorf("lane %s starves: all of its %d trials wait", l.name, n)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if all.most.Load() != 5 || f.waiting.Load() != 0 || f.places.taken != 0 {
			t.Errorf("%d calls at once, want 5; %d wait and %d places are taken at the end", all.most.Load(), f.waiting.Load(), f.places.taken)
		}
		f.Close(context.Background())
	})
}

func (l *Lane) waits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

func ledgerNamed(t *testing.T, f *Floor, name string) assay.Ledger {
	t.Helper()
	l, _, ok := f.Ledger(name)
	if !ok {
		t.Fatal("no lane")
	}
	return l
}

// TestPlacesUnderLoad: with real goroutines, every offer is kept and every place given back.
func TestPlacesUnderLoad(t *testing.T) {
	store := &memory{}
	f := New(Options{Store: store, Concurrency: 3, Queue: 1 << 20})
	var sources sync.WaitGroup
	for i := range 6 {
		p := named(fmt.Sprint("e", i), plan(answers(200, "a")))
		p.Experiment.Budget.Concurrency, p.Experiment.Budget.Queue = 1+i%3, 1<<20
		l := lane(t, f, p)
		sources.Go(func() { offerMany(l, 500) })
	}
	sources.Wait()
	f.Close(context.Background())
	if n := len(store.kept()); n != 3000 || f.places.taken != 0 || f.waiting.Load() != 0 || len(f.places.waiting) != 0 {
		t.Errorf("%d kept of 3000; %d places taken, %d waiting, %d lanes waiting", n, f.places.taken, f.waiting.Load(), len(f.places.waiting))
	}
}

// TestAHungCandidateGrowsNothing: neither goroutines nor bytes held grow with the traffic, whatever the traffic.
func TestAHungCandidateGrowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Options{Store: &memory{}})
		p := plan(hangs)
		p.Experiment.Budget.Memory, p.Experiment.Protect.Breaker = 1<<20, -1
		l := lane(t, f, p)
		before := runtime.NumGoroutine()
		var most int64
		for i := range 20_000 {
			r := &assay.Request{Method: "GET", Path: "/"}
			if ticket := l.Choose(r); ticket.Reserve(8<<10, 8<<10) {
				r.Body = make([]byte, 8<<10)
				ticket.Offer(&assay.Invocation{ID: fmt.Sprint(i), Request: r}, observed(200, "a"))
			}
			most = max(most, l.held.Load())
			if i%1000 == 0 {
				time.Sleep(time.Second)
			}
		}
		synctest.Wait()
		s, _ := f.State("e")
		if grown := runtime.NumGoroutine() - before; grown > 2*p.Experiment.Budget.Concurrency {
			t.Errorf("%d more goroutines for %d calls at once", grown, s.Calls)
		}
		if most > p.Experiment.Budget.Memory || s.Calls > p.Experiment.Budget.Concurrency || s.Waiting > p.Experiment.Budget.Queue {
			t.Errorf("held %d of %d bytes: %+v", most, p.Experiment.Budget.Memory, s)
		}
		if d := ledgerOf(t, f).Dropped; d[DropMemory] < 19_000 {
			t.Errorf("dropped %v", d)
		}
		f.Close(context.Background())
		if l.held.Load() != 0 || f.held.Load() != 0 {
			t.Errorf("%d bytes held at the end", l.held.Load())
		}
	})
}

// TestAnAnswerIsHeldWithinTheBudget: room is asked for before it is taken, and given back.
func TestAnAnswerIsHeldWithinTheBudget(t *testing.T) {
	store := &memory{}
	f := New(Options{Store: store})
	defer f.Close(context.Background())
	const chunk = 64 << 10
	var refused atomic.Int64
	endless := assay.InvokerFunc(func(ctx context.Context, _ *assay.Invocation) (*assay.Observation, error) {
		room, taken := assay.RoomIn(ctx), 0
		for room(chunk) {
			taken += chunk
		}
		refused.Store(int64(taken))
		return &assay.Observation{Fault: &assay.Fault{Kind: assay.FaultTransport, Message: "no room"}}, nil
	})
	p := plan(endless)
	p.Experiment.Budget.Memory = 1 << 20
	l := lane(t, f, p)
	serve(l, "x")
	for l.held.Load() != 0 || ledgerOf(t, f).Dropped[DropMemory] == 0 {
		runtime.Gosched()
	}
	if got := refused.Load(); got > 1<<20 || got < 1<<20-chunk-20 {
		t.Errorf("an answer took %d bytes of a budget of %d", got, 1<<20)
	}
}

// weighty takes so much to compare, and tells when it does.
type weighty struct {
	byBody
	weight  int64
	holding func()
}

func (w weighty) Weigh(_, _ *assay.Observation) int64 { return w.weight }

func (w weighty) Compare(a, b *assay.Observation) []assay.Difference {
	w.holding()
	return w.byBody.Compare(a, b)
}

// TestComparingIsHeldWithinTheBudget: what has no room is dropped and counted, and all is given back.
func TestComparingIsHeldWithinTheBudget(t *testing.T) {
	for _, c := range []struct {
		name    string
		weight  int64
		holding func()
		kept    int
		dropped map[string]int64
	}{
		{"room", 1 << 20, func() {}, 1, map[string]int64{}},
		{"no room", DefaultMemory, func() {}, 0, map[string]int64{DropMemory: 1}},
		{"a panic", 1 << 20, func() { panic("a defect") }, 0, map[string]int64{DropPanic: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &memory{}
			f := New(Options{Store: store})
			p, held := plan(answers(200, "a")), int64(0)
			p.Comparator = weighty{weight: c.weight, holding: func() { held = f.held.Load(); c.holding() }}
			l := lane(t, f, p)
			serve(l, "x")
			f.Close(context.Background())
			if got := l.current.Load().ledger.snapshot().Dropped; len(store.kept()) != c.kept || !maps.Equal(got, c.dropped) {
				t.Errorf("%d are kept, want %d; dropped %v, want %v", len(store.kept()), c.kept, got, c.dropped)
			}
			if reached := c.weight < DefaultMemory; reached && held < c.weight || !reached && held != 0 {
				t.Errorf("%d bytes are held while a trial of %d is compared", held, c.weight)
			}
			if left := f.held.Load(); left != 0 {
				t.Errorf("%d bytes are held still", left)
			}
		})
	}
}
