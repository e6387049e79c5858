package trial

import (
	"context"
	"errors"
	"time"

	"github.com/assaylab/assay"
)

// Reasons for which an offer that came over a stream is dropped.
const (
	DropStream     = "stream"     // the stream takes no more, or cannot be reached, and the room before it is full
	DropDefinition = "definition" // the definition it was offered under is not known any more
	DropPoison     = "poison"     // workers died of it, or could not end it, too often
)

// rememberedEvidence is how many earlier questions of an experiment are known still, for offers that were
// made under them and lie in a stream.
const rememberedEvidence = 4

// carry hands an offer to the carrier. The ticket, and the memory it holds, end when the offer has left.
func (l *Lane) carry(t *task) (refused string) {
	l.mu.Lock()
	refused = l.shutFor
	l.mu.Unlock()
	if refused != "" {
		return refused
	}
	e := &t.ticket.gen.plan.Experiment
	return l.floor.opt.Carrier.Carry(&assay.Trial{
		ID: t.inv.ID, Experiment: e.Name, Version: e.Version, Since: e.Since, Time: t.inv.Received,
		Invocation: *t.inv, Control: *t.control, Rare: t.ticket.rare,
	}, t.ticket)
}

// Ledger implements assay.Sender.
func (t *ticket) Ledger() assay.Ledger { return t.gen.ledger.snapshot() }

// Handed implements assay.Sender.
func (t *ticket) Handed() {
	if t.end() {
		t.gen.ledger.strata.count(t.stratum, func(s *assay.TrafficStratum) { s.Trials++ }) // made elsewhere
		t.gen.ledger.hand(1)
		t.lane.floor.keeper.touch(t.gen.ledger)
	}
}

// Dropped implements assay.Sender.
func (t *ticket) Dropped(reason string) { t.drop(reason) }

// Doubtful implements assay.Sender.
func (t *ticket) Doubtful() {
	if t.end() {
		t.gen.ledger.doubt(1)
	}
}

// brought is what a ticket has of an offer that was sampled elsewhere: what its source had counted, and who
// waits for its end, told "" when the trial is kept.
type brought struct {
	version int
	from    assay.Ledger
	end     chan string
}

// Try implements assay.Hand.
func (f *Floor) Try(ctx context.Context, offer *assay.Trial, from assay.Ledger) (refused string, err error) {
	l, g, refused, err := f.lookup(offer)
	if refused != "" || err != nil {
		return refused, err
	}
	t := &ticket{lane: l, gen: g, rare: offer.Rare, brought: &brought{version: offer.Version, from: from, end: make(chan string, 1)}}
	t.handed.Store(true)
	inv, control := offer.Invocation, offer.Control
	if !t.charge(weight(&inv, &control)) {
		t.drop(DropMemory)
	} else if refused := l.put(&task{ticket: t, inv: &inv, control: &control}); refused != "" {
		t.drop(refused)
	}
	select {
	case refused = <-t.brought.end:
	case <-ctx.Done():
		return "", ctx.Err() // it may be kept yet
	}
	if refused == DropShutdown || refused == DropStore && f.ctx.Err() != nil {
		return "", &assay.Error{Code: assay.CodeConflict, What: "this worker is stopping"}
	}
	return refused, nil
}

// lookup finds the plan of the evidence that an offer belongs to. A definition may still be on its way.
func (f *Floor) lookup(offer *assay.Trial) (l *Lane, g *generation, refused string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l = f.lanes[offer.Experiment]; l == nil {
		if offer.Version <= f.ended[offer.Experiment] {
			return nil, nil, DropDeleted, nil
		}
		return nil, nil, "", unknownOffer(offer)
	}
	now := l.current.Load()
	for _, g := range append([]*generation{now}, l.past...) {
		if g.ledger.since == offer.Since {
			return l, g, "", nil
		}
	}
	if offer.Since > now.ledger.since {
		return nil, nil, "", unknownOffer(offer)
	}
	return nil, nil, DropDefinition, nil
}

func unknownOffer(offer *assay.Trial) error {
	return &assay.Error{Code: assay.CodeNotFound, What: "the definition of experiment " + offer.Experiment + " that an offer was made under is not known here yet"}
}

// Kept implements assay.Hand.
func (f *Floor) Kept(ctx context.Context, id string) (bool, error) {
	_, err := f.opt.Store.Trial(ctx, id)
	if made := (*assay.Error)(nil); errors.As(err, &made) && made.Code == assay.CodeNotFound {
		return false, nil
	}
	return err == nil, err
}

// Note implements assay.Hand.
func (f *Floor) Note(ctx context.Context, from assay.Ledger) error {
	return f.opt.Store.Keep(ctx, assay.Batch{Ledgers: []assay.Ledger{from}})
}

// Refuse implements assay.Hand.
func (f *Floor) Refuse(ctx context.Context, all []assay.Refusal, from assay.Ledger) error {
	return f.opt.Store.Keep(ctx, assay.Batch{Refusals: all, Ledgers: []assay.Ledger{from}})
}

// othersEvery is how often a laboratory that is not alone looks how many trials others have taken.
const othersEvery = time.Second

// lookAtOthers lets experiments end that have a number of trials to make, whoever makes them.
func (f *Floor) lookAtOthers() {
	ticker := time.NewTicker(othersEvery)
	defer ticker.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-ticker.C:
		}
		for _, g := range f.bounded() {
			e := &g.plan.Experiment
			if counts, err := f.opt.Store.Counts(f.ctx, e.Name, e.Since); err == nil {
				g.ledger.look(counts)
			}
		}
	}
}

// bounded are the plans in force that end by themselves.
func (f *Floor) bounded() (all []*generation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.lanes {
		if g := l.current.Load(); g != nil && g.plan.Experiment.Until != (assay.Until{}) {
			all = append(all, g)
		}
	}
	return all
}
