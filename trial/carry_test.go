package trial

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaylab/assay"
)

// carrier remembers what it took, and refuses for a reason if it has one.
type carrier struct {
	mu      sync.Mutex
	offers  []*assay.Trial
	senders []assay.Sender
	refuses string
	latest  assay.Ledger
	closed  string
}

func (c *carrier) Carry(offer *assay.Trial, from assay.Sender) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuses == "" {
		c.offers, c.senders = append(c.offers, offer), append(c.senders, from)
	}
	return c.refuses
}

func (c *carrier) Latest(_ context.Context, of assay.Ledger) (assay.Ledger, error) {
	return of.Latest(c.latest), nil
}

func (c *carrier) Close(_ context.Context, reason string) { c.closed = reason }

// carried is a floor whose offers leave, with the call of a candidate that must not be made here.
func carried(t *testing.T, c *carrier, store *memory) (*Floor, *Lane) {
	f := New(Options{Store: store, Source: "gateway", Carrier: c})
	return f, lane(t, f, plan(assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) {
		t.Error("a candidate was called on a machine that hands its offers over")
		return observed(200, "a"), nil
	})))
}

func TestOffersAreCarried(t *testing.T) {
	c := &carrier{}
	f, l := carried(t, c, &memory{})
	defer f.Close(t.Context())
	offerMany(l, 3)
	if len(c.offers) != 3 || f.held.Load() == 0 {
		t.Fatalf("%d offers were carried, and %d bytes are held for them", len(c.offers), f.held.Load())
	}
	if o := c.offers[1]; o.ID != "1" || o.Experiment != "e" || o.Version != 1 || o.Since != 1 || string(o.Control.Body) != "a" || o.Invocation.Request.Path != "/" {
		t.Errorf("offered %+v", o)
	}
	if from := c.senders[0].Ledger(); from.Source != "gateway" || from.Sampled != 3 || from.Handed != 0 {
		t.Errorf("the source had counted %+v", from)
	}
	c.senders[0].Handed()
	c.senders[1].Dropped(DropStream)
	c.senders[2].Doubtful()
	c.senders[2].Handed() // too late
	now := ledgerOf(t, f)
	if now.Handed != 1 || now.Dropped[DropStream] != 1 || now.Unsettled() != 1 || l.current.Load().ledger.inFlight() != 0 {
		t.Errorf("of three offers one was handed over, one dropped, and one is in doubt: %+v", now)
	}
	if f.held.Load() != 0 {
		t.Errorf("%d bytes are held for nothing", f.held.Load())
	}
}

func TestACarrierThatRefuses(t *testing.T) {
	c := &carrier{refuses: DropStream}
	f, l := carried(t, c, &memory{})
	offerMany(l, 5)
	if now := ledgerOf(t, f); now.Dropped[DropStream] != 5 || f.held.Load() != 0 {
		t.Errorf("%+v, with %d bytes held", now, f.held.Load())
	}
	f.Close(t.Context())
	if c.closed != DropShutdown {
		t.Errorf("the carrier was closed with %q", c.closed)
	}
}

// What lies in the stream was handed over, whether or not the source came to write that down before it was killed.
func TestWhatLiesInTheStreamIsNotLost(t *testing.T) {
	store := &memory{ledgers: map[string]assay.Ledger{"e": {Experiment: "e", Since: 1, Source: "gateway", Sampled: 10, Handed: 4}}}
	f, _ := carried(t, &carrier{latest: assay.Ledger{Sampled: 12, Handed: 9}}, store)
	defer f.Close(t.Context())
	if now := ledgerOf(t, f); now.Sampled != 12 || now.Handed != 9 || now.Dropped[DropKilled] != 3 {
		t.Errorf("%+v, want 9 of 12 handed over, and 3 killed", now)
	}
}

// brings is an offer that another machine sampled, and what that had counted.
func brings(id string, since, version int) (*assay.Trial, assay.Ledger) {
	r := &assay.Request{Method: "GET", Path: "/"}
	return &assay.Trial{
		ID: id, Experiment: "e", Since: since, Version: version, Time: time.Unix(1, 0),
		Invocation: assay.Invocation{ID: id, Request: r}, Control: *observed(200, "a"),
	}, assay.Ledger{Experiment: "e", Since: since, Source: "gateway", Requests: 5, Offered: 5, Sampled: 5, Handed: 5}
}

func TestOffersThatAreBroughtAreTried(t *testing.T) {
	store := &memory{}
	f := New(Options{Store: store, Source: "worker"})
	defer f.Close(t.Context())
	lane(t, f, plan(answers(200, "b")))
	offer, from := brings("one", 1, 3)
	if refused, err := f.Try(t.Context(), offer, from); refused != "" || err != nil {
		t.Fatalf("refused as %q, %v", refused, err)
	}
	kept := store.kept()
	if len(kept) != 1 || kept[0].ID != "one" || kept[0].Version != 3 || kept[0].Outcome() != assay.OutcomeMismatch {
		t.Fatalf("kept is %+v", kept)
	}
	if l := store.ledgers["e"]; l.Source != "gateway" || l.Handed != 5 {
		t.Errorf("with it %+v is kept", l)
	}
	if own := ledgerOf(t, f); own.Sampled != 0 || own.Handed != 0 || f.held.Load() != 0 {
		t.Errorf("the worker counts %+v as its own, and holds %d bytes", own, f.held.Load())
	}
	for id, want := range map[string]bool{"one": true, "two": false} {
		if found, err := f.Kept(t.Context(), id); found != want || err != nil {
			t.Errorf("%s is kept: %v, %v", id, found, err)
		}
	}
	store.err = errors.New("away")
	if _, err := f.Kept(t.Context(), "two"); err == nil {
		t.Error("a store that is away knows what it keeps")
	}
}

// TestDefinitionsOfOffers: offers of earlier questions are tried under those, for as long as they are known; for later
// ones the worker waits.
func TestDefinitionsOfOffers(t *testing.T) {
	store := &memory{}
	f := New(Options{Store: store, Source: "worker"})
	defer f.Close(t.Context())
	const last = 10
	for version := 1; version <= last; version++ {
		p := plan(answers(200, "a"))
		p.Experiment.Version, p.Experiment.Since = version, version
		lane(t, f, p)
	}
	for since := 1; since <= last+1; since++ {
		offer, from := brings("x", since, since)
		refused, err := f.Try(t.Context(), offer, from)
		switch {
		case since > last:
			wantCode(t, err, assay.CodeNotFound)
		case err != nil, (refused == DropDefinition) != (since < last-rememberedEvidence):
			t.Errorf("an offer under version %d ends as %q, %v", since, refused, err)
		}
	}
	offer, from := brings("x", last, last)
	f.Remove("e")
	if refused, err := f.Try(t.Context(), offer, from); refused != DropDeleted || err != nil {
		t.Errorf("an offer of a deleted experiment ends as %q, %v", refused, err)
	}
	offer, from = brings("x", last+2, last+2) // it was made anew
	_, err := f.Try(t.Context(), offer, from)
	wantCode(t, err, assay.CodeNotFound)
}

func wantCode(t *testing.T, err error, code assay.ErrorCode) {
	t.Helper()
	var made *assay.Error
	if !errors.As(err, &made) || made.Code != code {
		t.Errorf("%v, want %s", err, code)
	}
}

func TestOffersWithoutRoomAreRefused(t *testing.T) {
	f := New(Options{Store: &memory{}, Source: "worker"})
	defer f.Close(t.Context())
	p := plan(answers(200, "a"))
	p.Experiment.Budget.Memory = 100
	lane(t, f, p)
	offer, from := brings("x", 1, 1)
	offer.Control.Body = make([]byte, 1000)
	if refused, err := f.Try(t.Context(), offer, from); refused != DropMemory || err != nil {
		t.Errorf("refused as %q, %v", refused, err)
	}
	if f.held.Load() != 0 {
		t.Errorf("%d bytes are held", f.held.Load())
	}
}

// A worker that stops gives back what it could not end: somebody else tries it.
func TestAWorkerThatStopsRefusesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Options{Store: &memory{}, Source: "worker"})
		var calls atomic.Int32
		lane(t, f, plan(assay.InvokerFunc(func(ctx context.Context, _ *assay.Invocation) (*assay.Observation, error) {
			calls.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		})))
		ended := make(chan error, 1)
		go func() {
			offer, from := brings("x", 1, 1)
			refused, err := f.Try(context.Background(), offer, from)
			if refused != "" {
				t.Errorf("refused as %q", refused)
			}
			ended <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		f.Close(ctx)
		wantCode(t, <-ended, assay.CodeConflict)
		if calls.Load() != 1 {
			t.Errorf("the candidate was called %d times", calls.Load())
		}
	})
}

func TestWhatComesToNothingIsNoted(t *testing.T) {
	store := &memory{}
	f := New(Options{Store: store, Source: "worker"})
	defer f.Close(t.Context())
	_, from := brings("x", 1, 1)
	refusals := []assay.Refusal{{ID: "x", Experiment: "e", Since: 1, Reason: DropPoison}}
	if err := errors.Join(f.Note(t.Context(), from), f.Refuse(t.Context(), refusals, from)); err != nil {
		t.Fatal(err)
	}
	if len(store.refusals) != 1 || store.refusals[0] != refusals[0] || store.ledgers["e"].Handed != 5 {
		t.Errorf("the store was told %+v, %+v", store.refusals, store.ledgers)
	}
}

// An experiment that has its trials ends at each gateway, whichever sampled them.
func TestOthersUseUpTrials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		f := New(Options{Store: store, Source: "one"})
		defer f.Close(t.Context())
		p := plan(answers(200, "a"))
		p.Experiment.Until = assay.Until{Trials: 10}
		lane(t, f, p)
		other := assay.Ledger{Experiment: "e", Since: 1, Source: "two", Requests: 12, Offered: 12, Sampled: 12, Handed: 10, Dropped: map[string]int64{"memory": 2}}
		if err := store.Keep(t.Context(), assay.Batch{Ledgers: []assay.Ledger{other}}); err != nil {
			t.Fatal(err)
		}
		if _, done, _ := f.Ledger("e"); done {
			t.Error("it is done before it can know")
		}
		time.Sleep(othersEvery + time.Millisecond)
		synctest.Wait()
		if _, done, _ := f.Ledger("e"); !done {
			t.Error("it does not end by the other's trials")
		}
	})
}
