// Package clients bounds what those who call an address may take of it. In comes a listener; out goes one that
// takes as many connections at once as there is room for and refuses the others, and that cuts off who neither
// reads nor sends what it is waited for: nobody holds a connection by doing nothing. Connections that are idle
// because there is nothing to read or to send (events, WebSockets, keep-alive) are left alone here.
package clients

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"
)

// ErrSlow says that a client was cut off.
var ErrSlow = errors.New("the client sends or reads too slowly")

// Limits of one address. What is zero is not limited.
type Limits struct {
	Connections int           // at once
	Patience    time.Duration // for which a client may do nothing while it is waited for
	Pace        int64         // bytes a second with which it keeps being waited for
	// Silent refuses without an answer: clients expect TLS.
	Silent bool
}

// Counts tell what became of an address's clients since it listens.
type Counts struct {
	Open    int64 // connections now
	Refused int64 // connections for which there was no room
	Readers int64 // cut off because they did not read
	Senders int64 // cut off because they did not send
}

// The answer to whom there is no room for, and how long it has to read that.
const (
	refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n" +
		"Content-Length: 57\r\n\r\n" + `{"message":"As many clients as may be are connected now"}`
	refusalTime = 500 * time.Millisecond
	maxRefusals = 256 // that have time to be read; others are closed at once
)

// noteEvery is how often it is said that clients are refused or cut off.
const noteEvery = time.Minute

// Listener takes an address's connections. Accept gives *Conn.
type Listener struct {
	net.Listener
	Limits Limits
	Log    *slog.Logger // nil: nothing is said

	open, refused, readers, senders, leaving, noted atomic.Int64
}

// Counts returns what there was so far.
func (l *Listener) Counts() Counts {
	return Counts{l.open.Load(), l.refused.Load(), l.readers.Load(), l.senders.Load()}
}

// Accept returns the next connection that there is room for.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if n := l.open.Add(1); l.Limits.Connections <= 0 || n <= int64(l.Limits.Connections) {
			return newConn(l, c), nil
		}
		l.open.Add(-1)
		l.refuse(c)
	}
}

// refuse answers a connection without waiting for it.
func (l *Listener) refuse(c net.Conn) {
	l.count(&l.refused)
	half, ok := c.(interface{ CloseWrite() error })
	if l.Limits.Silent || !ok || l.leaving.Load() >= maxRefusals {
		c.Close()
		return
	}
	l.leaving.Add(1)
	_ = c.SetWriteDeadline(time.Now().Add(refusalTime)) // its socket is empty: this does not wait
	_, _ = io.WriteString(c, refusal)
	_ = half.CloseWrite()
	time.AfterFunc(refusalTime, func() { c.Close(); l.leaving.Add(-1) })
}

// count adds one to a counter, and says so now and then.
func (l *Listener) count(n *atomic.Int64) {
	n.Add(1)
	last, now := l.noted.Load(), time.Now().UnixNano()
	if l.Log == nil || now-last < int64(noteEvery) || !l.noted.CompareAndSwap(last, now) {
		return
	}
	c := l.Counts()
	l.Log.Warn("clients are refused, or cut off because they are too slow", "address", l.Addr().String(),
		"open", c.Open, "refused", c.Refused, "not_reading", c.Readers, "not_sending", c.Senders)
}

// credit is for how long a client may still be waited for: waiting spends it, bytes earn it. A client that keeps
// the pace is waited for as long as it takes; one that does not, for the patience there is at first.
type credit struct {
	limits Limits
	left   time.Duration
}

func newCredit(l Limits) credit { return credit{l, l.Patience} }

// moved settles a wait that ended with so many bytes.
func (c *credit) moved(n int, waited time.Duration) {
	if n <= 0 {
		c.left -= waited
		return
	}
	earned := c.limits.Patience
	if c.limits.Pace > 0 && int64(n) < c.limits.Pace*int64(earned/time.Second+1) {
		earned = time.Duration(int64(n) * int64(time.Second) / c.limits.Pace)
	}
	c.left = min(c.left-waited+earned, c.limits.Patience)
}
