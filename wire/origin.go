package wire

import (
	"context"
	"net"
	"sync"
	"time"
)

// Origin is a service that answers over plain HTTP/1.1, with the connections to it that are idle. Host and Dial
// are needed.
type Origin struct {
	Host        string // of the Host field
	Prefix      string // in front of each request's target; percent-encoded, without a slash at its end
	Dial        func(context.Context) (net.Conn, error)
	IdleTimeout time.Duration // closes connections that were idle so long; less than the service's own
	MaxIdle     int
	// Told, if not nil, is called with what became of each exchange: nil when the service answered.
	Told func(error)

	mu     sync.Mutex
	idle   []*link // the longest idle first
	timer  *time.Timer
	closed bool
}

// link is a connection to a service.
type link struct {
	*stream
	reused bool
	since  time.Time // idle since
}

// Close closes the idle connections, now and whenever one becomes idle. Exchanges go on.
func (o *Origin) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.timer != nil {
		o.timer.Stop()
	}
	for _, l := range o.idle {
		l.Conn.Close()
	}
	o.idle = nil
}

// take returns the connection that was used last, or a new one. One on which the service has said something
// meanwhile, or which it has closed, is not used again.
func (o *Origin) take(ctx context.Context) (*link, error) {
	for l := o.pop(); l != nil; l = o.pop() {
		if l.peek() == silent {
			return l, nil
		}
		l.Conn.Close()
	}
	return o.dial(ctx)
}

func (o *Origin) dial(ctx context.Context) (*link, error) {
	c, err := o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &link{stream: newStream(c)}, nil
}

func (o *Origin) pop() *link {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(o.idle)
	if n == 0 {
		return nil
	}
	l := o.idle[n-1]
	o.idle[n-1] = nil
	o.idle = o.idle[:n-1]
	return l
}

// put keeps a connection for the next exchange. Nothing that was read from it may be left.
func (o *Origin) put(l *link) {
	l.drop()
	l.reused, l.since = true, time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.in != nil || o.closed || len(o.idle) >= o.MaxIdle {
		l.Conn.Close()
		return
	}
	o.idle = append(o.idle, l)
	if len(o.idle) == 1 {
		o.wake(o.IdleTimeout)
	}
}

// wake looks for expired connections after d.
func (o *Origin) wake(d time.Duration) {
	if o.timer == nil {
		o.timer = time.AfterFunc(d, o.expire)
		return
	}
	o.timer.Reset(d)
}

func (o *Origin) expire() {
	o.mu.Lock()
	defer o.mu.Unlock()
	now, n := time.Now(), 0
	for n < len(o.idle) && now.Sub(o.idle[n].since) >= o.IdleTimeout {
		o.idle[n].Conn.Close()
		n++
	}
	o.idle = append(o.idle[:0], o.idle[n:]...)
	if len(o.idle) > 0 && !o.closed {
		o.wake(o.IdleTimeout - now.Sub(o.idle[0].since))
	}
}

func (o *Origin) told(err error) {
	if o.Told != nil {
		o.Told(err)
	}
}
