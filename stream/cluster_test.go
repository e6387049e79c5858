package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stream/natstest"
)

// TestAClusterLosesNothingWithANode kills the node that leads the offers' stream while they travel.
func TestAClusterLosesNothingWithANode(t *testing.T) {
	nodes := natstest.Cluster(t, 3)
	var urls []string
	for _, n := range nodes {
		urls = append(urls, strings.TrimPrefix(n.URL, "nats://"))
	}
	all := "nats://" + strings.Join(urls, ",")
	copies := func(o *Options) { o.Replicas = 3 }
	gateway, worker := open(t, all, copies), open(t, all, copies)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := gateway.Reached(ctx); err != nil {
		t.Fatal(err)
	}
	from, h := newSource("gateway"), newHand()
	defer work(t, worker, h, 4)()
	for i := range 200 {
		from.offer(gateway, fmt.Sprint("before-", i))
	}
	await(t, "those before are kept", func() bool { return h.settled() == 200 })
	leader(t, gateway, nodes).Kill()
	for i := range 200 {
		from.offer(gateway, fmt.Sprint("after-", i))
	}
	await(t, "all are kept", func() bool { return h.settled() == 400 })
	if l := from.Ledger(); l.Handed != 400 || l.Unsettled() != 0 {
		t.Errorf("counted %+v", l)
	}
}

func leader(t *testing.T, s *Stream, nodes []*natstest.Server) *natstest.Server {
	t.Helper()
	str, err := s.js.Stream(t.Context(), s.offers())
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		if str.CachedInfo().Cluster.Leader == fmt.Sprint("node-", i) {
			return n
		}
	}
	t.Fatalf("no node leads: %+v", str.CachedInfo().Cluster)
	return nil
}

// board is what one machine has seen of definitions.
type board struct {
	mu  sync.Mutex
	all map[string]assay.Experiment
}

func (b *board) version(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all[name].Version
}

func follow(t *testing.T, s *Stream) *board {
	t.Helper()
	b := &board{all: map[string]assay.Experiment{}}
	ctx, cancel := context.WithCancel(t.Context())
	caught := make(chan struct{}, 100)
	var following sync.WaitGroup
	following.Go(func() {
		s.Follow(ctx, func(e assay.Experiment) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.all[e.Name] = e
		}, func() { caught <- struct{}{} })
	})
	t.Cleanup(func() { cancel(); following.Wait() })
	<-caught
	return b
}

func TestOfTwoChangesAtOnceOneWins(t *testing.T) {
	server := natstest.Start(t)
	one, two := open(t, server.URL), open(t, server.URL)
	first, second := follow(t, one), follow(t, two)
	if err := one.Post(t.Context(), assay.Experiment{Name: "e", Version: 1}); err != nil {
		t.Fatal(err)
	}
	await(t, "both know version 1", func() bool { return first.version("e") == 1 && second.version("e") == 1 })
	var won, told int
	for range 10 {
		next := first.version("e") + 1
		results := make(chan error, 2)
		for _, s := range []*Stream{one, two} {
			go func() { results <- s.Post(t.Context(), assay.Experiment{Name: "e", Version: next}) }()
		}
		for range 2 {
			var said *assay.Error
			switch err := <-results; {
			case err == nil:
				won++
			case errors.As(err, &said) && said.Code == assay.CodeConflict:
				told++
			default:
				t.Fatal(err)
			}
		}
		await(t, "both know the next version", func() bool { return first.version("e") == next && second.version("e") == next })
	}
	if won != 10 || told != 10 {
		t.Errorf("%d changes came into force and %d were refused, want 10 and 10", won, told)
	}
}

func TestWhoWasCutOffCatchesUp(t *testing.T) {
	server := natstest.Start(t)
	one, two := open(t, server.URL), open(t, server.URL)
	seen := follow(t, two)
	if err := one.Post(t.Context(), assay.Experiment{Name: "e", Version: 1}); err != nil {
		t.Fatal(err)
	}
	await(t, "the other knows", func() bool { return seen.version("e") == 1 })
	server.Kill()
	var said *assay.Error
	if err := one.Post(t.Context(), assay.Experiment{Name: "e", Version: 2}); !errors.As(err, &said) || said.Code != assay.CodeUnreachable {
		t.Errorf("without a server: %v", err)
	}
	server.Run()
	await(t, "it is in force", func() bool { return one.Post(t.Context(), assay.Experiment{Name: "e", Version: 2}) == nil })
	await(t, "the other has caught up", func() bool { return seen.version("e") == 2 })
}
