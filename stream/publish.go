package stream

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/assaylab/assay"
)

// A frame holds at most so many offers, and about so many bytes.
const (
	frameOffers = 64
	frameBytes  = 256 << 10
)

// The reasons for which offers are dropped here.
const (
	dropStream   = "stream"
	dropTooLarge = "too_large"
)

// waiting is an offer that waits for the stream.
type waiting struct {
	offer *assay.Trial
	from  assay.Sender
}

// evidence is what frames are of.
type evidence struct {
	experiment string
	since      int
}

// publisher brings offers into the stream, from one goroutine. Whoever offers finds room at once or not at all:
// JetStream's own asynchronous publishing can make its caller wait.
type publisher struct {
	stream *Stream
	ctx    context.Context // ends attempts, when time is up
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	mu     sync.Mutex
	queues map[evidence][]waiting
	order  []evidence // of the queues that are not empty, the one that is next first
	count  int
	closed string // why nothing is taken any more
}

func newPublisher(s *Stream) *publisher {
	p := &publisher{stream: s, wake: make(chan struct{}, 1), done: make(chan struct{}), queues: map[evidence][]waiting{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	go p.run()
	return p
}

// Carry implements assay.Carrier.
func (s *Stream) Carry(offer *assay.Trial, from assay.Sender) (refused string) {
	return s.publisher.put(waiting{offer, from})
}

// close takes no more, and publishes what waits until ctx ends.
func (p *publisher) close(ctx context.Context, reason string) {
	p.mu.Lock()
	if p.closed == "" {
		p.closed = reason
	}
	p.mu.Unlock()
	p.signal()
	select {
	case <-p.done:
	case <-ctx.Done():
	}
	p.cancel()
	<-p.done
}

func (p *publisher) put(w waiting) (refused string) {
	of := evidence{w.offer.Experiment, w.offer.Since}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed != "":
		return p.closed
	case p.count >= p.stream.opt.Waiting:
		return dropStream
	}
	if len(p.queues[of]) == 0 {
		p.order = append(p.order, of)
	}
	p.queues[of] = append(p.queues[of], w)
	p.count++
	p.signal()
	return ""
}

func (p *publisher) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run publishes until it is closed and nothing waits.
func (p *publisher) run() {
	defer close(p.done)
	for {
		batch, closed := p.take()
		switch {
		case len(batch) > 0:
			p.publish(batch)
		case closed:
			return
		default:
			<-p.wake
		}
	}
}

// take returns the offers of one frame, of the experiment whose turn it is.
func (p *publisher) take() (batch []waiting, closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.order) == 0 {
		return nil, p.closed != ""
	}
	of := p.order[0]
	queue, n, size := p.queues[of], 0, 0
	for n < min(len(queue), frameOffers) && (n == 0 || size < frameBytes) {
		size += bodies(queue[n].offer)
		n++
	}
	batch = slices.Clone(queue[:n])
	clear(queue[:n])
	p.order = p.order[1:]
	if p.queues[of] = queue[n:]; len(queue) > n {
		p.order = append(p.order, of)
	} else {
		delete(p.queues, of)
	}
	p.count -= n
	return batch, false
}

func bodies(o *assay.Trial) int {
	n := len(o.Control.Body) + len(o.Control.Log) + len(o.Invocation.Payload)
	if r := o.Invocation.Request; r != nil {
		n += len(r.Body)
	}
	return n
}

// publish brings a frame into the stream, however long that takes: nobody can tell of an attempt that was not
// answered whether it came to something, so it is made again, with the same id.
func (p *publisher) publish(batch []waiting) {
	f := &frame{Ledger: batch[0].from.Ledger()}
	f.Ledger.Handed += int64(len(batch))
	for _, w := range batch {
		f.Offers = append(f.Offers, *w.offer)
	}
	data, err := p.stream.sealer.pack(f)
	if err != nil {
		p.stream.opt.Log.Error("offers cannot be sent", "error", err)
		tell(batch, func(s assay.Sender) { s.Dropped(dropStream) })
		return
	}
	switch err := p.send(p.stream.subject(f.Ledger), f.Offers[0].ID, data); {
	case err == nil:
		tell(batch, assay.Sender.Handed)
	case errors.Is(err, nats.ErrMaxPayload) && len(batch) > 1:
		p.publish(batch[:len(batch)/2])
		p.publish(batch[len(batch)/2:])
	case errors.Is(err, nats.ErrMaxPayload):
		tell(batch, func(s assay.Sender) { s.Dropped(dropTooLarge) })
	case errors.Is(err, errNotSent):
		tell(batch, func(s assay.Sender) { s.Dropped(p.reason()) })
	default:
		tell(batch, assay.Sender.Doubtful)
	}
}

func tell(batch []waiting, what func(assay.Sender)) {
	for _, w := range batch {
		what(w.from)
	}
}

func (p *publisher) reason() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// errNotSent says that time was up, and that no attempt can have come to something.
var errNotSent = errors.New("not sent")

// send publishes one message until the stream has it. It gives up when it is larger than the server allows,
// and when time is up.
func (p *publisher) send(subject, id string, data []byte) error {
	var pause time.Duration
	doubt := false
	for {
		err := p.attempt(subject, id, data)
		if err == nil || errors.Is(err, nats.ErrMaxPayload) {
			return err
		}
		if pause == 0 {
			p.stream.opt.Log.Warn("the stream does not take offers: they wait, as far as there is room", "error", err)
		}
		doubt = doubt || !refused(err)
		if !wait(p.ctx, &pause) {
			if doubt {
				return err
			}
			return errNotSent
		}
	}
}

func (p *publisher) attempt(subject, id string, data []byte) error {
	if err := cmp.Or(p.ctx.Err(), p.stream.prepare(p.ctx)); err != nil {
		return errors.Join(errNotSent, err)
	}
	ctx, cancel := context.WithTimeout(p.ctx, exchange)
	defer cancel()
	_, err := p.stream.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data}, jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
	p.stream.forget(err)
	return err
}

// refused tells whether an attempt is known to have come to nothing: the server said so, or was not there.
func refused(err error) bool {
	var said *jetstream.APIError
	return errors.As(err, &said) || errors.Is(err, errNotSent) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrConnectionClosed)
}

// Latest implements assay.Carrier.
func (s *Stream) Latest(ctx context.Context, of assay.Ledger) (assay.Ledger, error) {
	ctx, cancel := context.WithTimeout(ctx, exchange)
	defer cancel()
	if err := s.Reached(ctx); err != nil {
		return of, err
	}
	str, err := s.js.Stream(ctx, s.offers())
	if err != nil {
		return of, err
	}
	msg, err := str.GetLastMsgForSubject(ctx, s.subject(of))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return of, nil
	}
	if err != nil {
		return of, err
	}
	f, err := s.sealer.unpack(msg.Data)
	if err != nil {
		return of, err
	}
	return f.Ledger, nil
}
