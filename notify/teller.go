package notify

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

// What a channel is given.
const (
	maxPending = 100              // events that wait; what exceeds them is found again at a later look
	attempts   = 8                // then an event is given up
	firstWait  = time.Second      // before the second attempt; each later one waits twice as long
	sendWithin = 10 * time.Second // one attempt
	grace      = 2 * time.Second  // of the attempt under way when the channel ends: one that succeeds is remembered
)

// Outcomes of attempts to tell, for metrics.
const (
	Sent    = "sent"
	Failed  = "failed"   // an attempt; another follows
	GivenUp = "given_up" // after all attempts
)

// counts counts outcomes.
type counts struct {
	mu sync.Mutex
	by map[string]float64
}

func (c *counts) add(outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]float64{}
	}
	c.by[outcome]++
}

// Counts returns how many attempts to tell came to what, since the program started.
func (n *Notifier) Counts() map[string]float64 {
	n.counts.mu.Lock()
	defer n.counts.mu.Unlock()
	all := map[string]float64{Sent: 0, Failed: 0, GivenUp: 0}
	for outcome, v := range n.counts.by {
		all[outcome] = v
	}
	return all
}

// teller tells one channel, one event after the other.
type teller struct {
	id       string
	channel  assay.Channel
	notifier *Notifier
	wants    func(assay.Occasion) bool // the notifier's lock guards it
	queue    chan Event
	stop     context.CancelFunc
	ended    chan struct{}

	mu      sync.Mutex
	pending map[string]bool // by id of the event
}

func newTeller(id string, c assay.Channel, n *Notifier) *teller {
	ctx, stop := context.WithCancel(context.Background())
	t := &teller{
		id: id, channel: c, notifier: n, queue: make(chan Event, maxPending), stop: stop, ended: make(chan struct{}), pending: map[string]bool{},
	}
	go func() {
		defer close(t.ended)
		t.run(ctx)
	}()
	return t
}

// offer takes an event that the channel wants and was not told. It never waits. The notifier's lock is held.
func (t *teller) offer(e Event) {
	if !t.wants(e.Kind) || t.notifier.memory.knows(t.id, &e) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pending[e.ID] {
		return
	}
	select {
	case t.queue <- e:
		t.pending[e.ID] = true
	default:
	}
}

func (t *teller) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-t.queue:
			if !t.tell(ctx, &e) {
				return
			}
			t.notifier.remembered(t.notifier.memory.note(t.id, &e))
			t.mu.Lock()
			delete(t.pending, e.ID)
			t.mu.Unlock()
		}
	}
}

// tell tries until it succeeds or is hopeless; false when ctx ended first.
func (t *teller) tell(ctx context.Context, e *Event) (settled bool) {
	n := t.notifier
	wait := firstWait
	for attempt := 1; ; attempt++ {
		err := t.attempt(ctx, e)
		if err == nil {
			n.counts.add(Sent)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		n.counts.add(Failed)
		if attempt == attempts || errors.Is(err, errHopeless) {
			n.counts.add(GivenUp)
			n.opt.Log.Error("somebody could not be told of an event, and will not be", "channel", t.channel.Kind, "event", e.ID, "attempts", attempt, "error", err)
			return true
		}
		select {
		case <-time.After(wait):
			wait *= 2
		case <-ctx.Done():
			return false
		}
	}
}

// attempt sends once. It outlives ctx by a little.
func (t *teller) attempt(ctx context.Context, e *Event) error {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel()
		case <-own.Done():
		}
	})()
	return Send(own, t.channel, e, t.notifier.opt.Env, t.notifier.opt.Now())
}

// Send tells a channel of an event, once. Now is when, as it is signed.
func Send(ctx context.Context, c assay.Channel, e *Event, env func(string) (string, bool), now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	secret, err := read(c.Secret, env)
	if err != nil {
		return err
	}
	switch c.Kind {
	case assay.ChannelSlack:
		return sendSlack(ctx, c, e, env)
	case assay.ChannelGitHub:
		return sendGitHub(ctx, c, e, secret, env)
	case assay.ChannelEmail:
		return sendMail(ctx, c, e, secret)
	}
	return sendWebhook(ctx, c.URL, secret, e, now)
}

// Sample is an event to try channels with.
func Sample(now time.Time) *Event {
	return &Event{
		ID: "test/" + now.UTC().Format(time.RFC3339Nano), Kind: assay.OnVerdict, Time: now, Experiment: "test", Candidate: "test",
		Outcome: string(assay.Inconclusive), Title: "Assay can tell you of events", Text: "`assay notify test` has sent this; nothing happened.",
	}
}
