package clients

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Conn is a client's connection. A Write that the client does not read ends it.
type Conn struct {
	net.Conn
	listener *Listener
	leave    func()

	raw syscall.RawConn // nil if this is no socket, or nothing is limited: then writes wait as they do
	say func(fd uintptr) bool

	mu     sync.Mutex // of writing
	unsaid []byte
	err    error
	credit credit
	since  time.Time // when the socket was full; zero: it is not
	timer  *time.Timer
	slow   atomic.Bool
}

func newConn(l *Listener, c net.Conn) *Conn {
	g := &Conn{Conn: c, listener: l, credit: newCredit(l.Limits), leave: sync.OnceFunc(func() { l.open.Add(-1) })}
	if sc, ok := c.(syscall.Conn); ok && l.Limits.Patience > 0 {
		if raw, err := sc.SyscallConn(); err == nil {
			g.raw, g.say = raw, g.saySome
		}
	}
	return g
}

// Close gives the room back.
func (c *Conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// Write writes all of p while the client reads at its pace; else it ends the connection, with ErrSlow.
func (c *Conn) Write(p []byte) (int, error) {
	if c.raw == nil {
		return c.Conn.Write(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsaid, c.err, c.since = p, nil, time.Time{}
	err := c.raw.Write(c.say)
	if !c.since.IsZero() {
		c.timer.Stop()
	}
	n := len(p) - len(c.unsaid)
	c.unsaid = nil
	switch {
	case n == len(p):
		return n, nil
	case c.slow.Load():
		return n, ErrSlow
	}
	return n, &net.OpError{Op: "write", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: errors.Join(c.err, err)}
}

// saySome writes what the socket takes. At false the runtime waits until it takes more, and calls again.
func (c *Conn) saySome(fd uintptr) bool {
	said := 0
	for len(c.unsaid) > 0 && c.err == nil {
		n, err := syscall.Write(int(fd), c.unsaid)
		switch {
		case n > 0:
			c.unsaid = c.unsaid[n:]
			said += n
		case err == syscall.EAGAIN:
			c.settle(said)
			c.wait()
			return false
		case err != syscall.EINTR:
			c.err = err
		}
	}
	c.settle(said)
	return true
}

// settle charges the client for the wait that has ended, if there was one, and thanks it for what it took since.
func (c *Conn) settle(said int) {
	var waited time.Duration
	if !c.since.IsZero() {
		waited = time.Since(c.since)
	}
	c.credit.moved(said, waited)
}

// wait gives the client what is left of its credit.
func (c *Conn) wait() {
	c.since = time.Now()
	if c.timer == nil {
		c.timer = time.AfterFunc(c.credit.left, c.cutOff)
		return
	}
	c.timer.Reset(c.credit.left)
}

// cutOff ends a connection that is not read. What it was sent is not kept for it either.
func (c *Conn) cutOff() {
	c.slow.Store(true)
	c.listener.count(&c.listener.readers)
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Conn.Close()
}

// SyscallConn implements syscall.Conn.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// CloseWrite ends what is sent.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SetLinger is that of a *net.TCPConn.
func (c *Conn) SetLinger(seconds int) error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.SetLinger(seconds)
	}
	return errors.ErrUnsupported
}

// Sender is a client that is to send a body.
type Sender struct {
	listener *Listener
	credit   credit
	deadline func(time.Time) error
}

// Sender reads one body from the connection, for which deadline sets when a read fails.
func (c *Conn) Sender(deadline func(time.Time) error) *Sender {
	return &Sender{c.listener, newCredit(c.listener.Limits), deadline}
}

// Read has read fill p, and fails with ErrSlow when the client has not sent at its pace.
func (s *Sender) Read(p []byte, read func([]byte) (int, error)) (int, error) {
	if s.credit.limits.Patience <= 0 {
		return read(p)
	}
	began := time.Now()
	_ = s.deadline(began.Add(s.credit.left)) // where it cannot be set, there is none
	n, err := read(p)
	s.credit.moved(n, time.Since(began))
	if n == 0 && s.credit.left <= 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		s.listener.count(&s.listener.senders)
		return 0, ErrSlow
	}
	return n, err
}
