package stream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/assaylab/assay"
)

// The reasons for which offers are given up here.
const (
	dropDefinition = "definition" // nobody knows the definition it was made under
	dropPoison     = "poison"     // workers died of it, or could not end it
)

// maxDeliveries is how often a frame is tried. From the second time on each of its offers travels alone, so
// that one that kills workers takes none with it.
const maxDeliveries = 5

// Work pulls offers and has them tried, so many at once, until ctx ends; then it gives back what it has not
// begun and waits for the rest.
func (s *Stream) Work(ctx context.Context, hand assay.Hand, concurrency int) *Worker {
	w := &Worker{stream: s, hand: hand}
	for range concurrency {
		w.pulling.Go(func() { w.pull(ctx) })
	}
	return w
}

// Worker has offers tried that a stream brings.
type Worker struct {
	stream  *Stream
	hand    assay.Hand
	pulling sync.WaitGroup

	settled, refused, returned, inHand atomic.Int64
}

// Wait returns when the worker has ended.
func (w *Worker) Wait() { w.pulling.Wait() }

// Progress is how many offers a worker has settled (their trials are kept), refused, given back, and has in hand.
type Progress struct{ Kept, Refused, Returned, InHand int64 }

// Progress tells how far the worker came.
func (w *Worker) Progress() Progress {
	return Progress{w.settled.Load(), w.refused.Load(), w.returned.Load(), w.inHand.Load()}
}

// pull works on one frame after the other.
func (w *Worker) pull(ctx context.Context) {
	var pause time.Duration
	for ctx.Err() == nil {
		consumer, err := w.consumer(ctx)
		for err == nil && ctx.Err() == nil {
			pause = 0
			err = w.next(ctx, consumer)
		}
		wait(ctx, &pause)
	}
}

func (w *Worker) consumer(ctx context.Context) (jetstream.Consumer, error) {
	if err := w.stream.prepare(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, exchange)
	defer cancel()
	c, err := w.stream.js.Consumer(ctx, w.stream.offers(), workers)
	w.stream.forget(err)
	return c, err
}

// pullFor is how long one request for a frame stands.
const pullFor = 3 * time.Second

// next works on the next frame, if one comes in time.
func (w *Worker) next(ctx context.Context, consumer jetstream.Consumer) error {
	asking, cancel := context.WithTimeout(ctx, pullFor)
	msg, err := consumer.Next(jetstream.FetchContext(asking))
	cancel()
	switch {
	case err == nil:
		w.work(ctx, msg, consumer.CachedInfo().Config.AckWait)
	case errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) || errors.Is(err, context.DeadlineExceeded):
		return nil
	}
	return err
}

// work has the offers of a frame tried, and ends it only then. Who is silent for longer than patience is taken for dead.
func (w *Worker) work(ctx context.Context, msg jetstream.Msg, patience time.Duration) {
	stop := hold(msg, patience/3)
	defer stop()
	f, err := w.stream.sealer.unpack(msg.Data())
	if err != nil {
		w.stream.opt.Log.Error("an offer cannot be read: do all machines have the same key?", "error", err)
		_ = msg.NakWithDelay(exchange) // until somebody can; its time in the stream is its operators' to limit
		return
	}
	w.inHand.Add(int64(len(f.Offers)))
	defer w.inHand.Add(-int64(len(f.Offers)))
	delivery := deliveries(msg)
	if delivery > 1 && len(f.Offers) > 1 {
		err = w.divide(ctx, f)
	} else {
		var refused []assay.Refusal
		if refused, err = w.try(ctx, f, delivery); err == nil {
			w.settle(msg, f, refused)
			return
		}
	}
	if err != nil {
		w.returned.Add(int64(len(f.Offers)))
		_ = msg.NakWithDelay(delayOf(ctx, delivery)) // unheard, it comes back after a while as well
		return
	}
	_ = msg.Ack()
}

// delayOf is how long a frame waits before another attempt: not at all when it is this worker that ends.
func delayOf(ctx context.Context, delivery uint64) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	return time.Duration(delivery) * 500 * time.Millisecond
}

func deliveries(msg jetstream.Msg) uint64 {
	meta, err := msg.Metadata()
	if err != nil {
		return 1
	}
	return meta.NumDelivered
}

// hold tells the server again and again that the frame is being worked on.
func hold(msg jetstream.Msg, every time.Duration) (stop func()) {
	done := make(chan struct{})
	var holding sync.WaitGroup
	holding.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_ = msg.InProgress() // unheard, somebody else tries as well: each trial counts once
			case <-done:
				return
			}
		}
	})
	return func() { close(done); holding.Wait() }
}

// try has offers tried one after the other. An error means that the frame is to be tried again.
func (w *Worker) try(ctx context.Context, f *frame, delivery uint64) (refused []assay.Refusal, err error) {
	for i := range f.Offers {
		offer := &f.Offers[i]
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		reason, err := w.tryOne(ctx, offer, f.Ledger, delivery)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			refused = append(refused, assay.Refusal{ID: offer.ID, Experiment: offer.Experiment, Since: offer.Since, Time: offer.Time, Reason: reason})
		}
	}
	return refused, nil
}

// tryOne has an offer tried, unless it was kept at an earlier delivery or has had its chances. What has begun
// goes on when this worker is to end.
func (w *Worker) tryOne(ctx context.Context, offer *assay.Trial, from assay.Ledger, delivery uint64) (reason string, err error) {
	if delivery > 1 {
		if kept, err := w.hand.Kept(ctx, offer.ID); kept || err != nil {
			return "", err
		}
	}
	if delivery > maxDeliveries {
		return dropPoison, nil
	}
	reason, err = w.hand.Try(context.WithoutCancel(ctx), offer, from)
	var said *assay.Error
	if errors.As(err, &said) && said.Code == assay.CodeNotFound && delivery >= maxDeliveries {
		return dropDefinition, nil
	}
	return reason, err
}

// settle ends a frame whose offers have been tried. What fails here is repaired by another delivery: whatever comes
// first of an offer counts.
func (w *Worker) settle(msg jetstream.Msg, f *frame, refused []assay.Refusal) {
	ctx, cancel := context.WithTimeout(context.Background(), exchange)
	defer cancel()
	var err error
	if len(refused) > 0 {
		err = w.hand.Refuse(ctx, refused, f.Ledger)
	}
	if err == nil {
		err = msg.Ack()
	}
	if err != nil {
		w.stream.opt.Log.Warn("offers could not be settled; they are tried again", "offers", len(f.Offers), "error", err)
		_ = msg.Nak() // unheard, it comes back by itself
		return
	}
	w.settled.Add(int64(len(f.Offers) - len(refused)))
	w.refused.Add(int64(len(refused)))
}

// divide puts the offers of a frame back, each alone, but for those that were kept.
func (w *Worker) divide(ctx context.Context, f *frame) error {
	if err := w.hand.Note(ctx, f.Ledger); err != nil {
		return err
	}
	for _, offer := range f.Offers {
		kept, err := w.hand.Kept(ctx, offer.ID)
		if err != nil {
			return err
		}
		if kept {
			w.settled.Add(1)
			continue
		}
		data, err := w.stream.sealer.pack(&frame{f.Ledger, []assay.Trial{offer}})
		if err != nil {
			return err
		}
		publishing, cancel := context.WithTimeout(ctx, exchange)
		_, err = w.stream.js.PublishMsg(publishing, &nats.Msg{Subject: w.stream.again(), Data: data}, jetstream.WithMsgID(offer.ID+"/again"))
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}
