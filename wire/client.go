package wire

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// lingerTime is how long a client may still send what nobody reads, so that it gets to read its answer.
const lingerTime = 500 * time.Millisecond

// phase is what a client's connection waits for.
type phase = int32

const (
	fresh    phase = iota // for the first byte ever
	idle                  // for the first byte of another request
	reading               // for the rest of a head
	relaying              // for the service, or for itself
	closing               // for nothing any more
)

// client is a client's connection.
type client struct {
	server *Server
	*stream
	remote  string // its address
	address string // without the port
	request Request
	x       exchange

	phase atomic.Int32
	since atomic.Int64 // the server's tick at which the phase began

	mu      sync.Mutex
	waiting *stream // to the service of which it awaits an answer; nil: none, or it is still sending
	service *stream // the same, also while sending
	left    bool    // it closed its connection meanwhile
}

func newClient(s *Server, conn net.Conn) *client {
	c := &client{server: s, stream: newStream(conn), remote: conn.RemoteAddr().String()}
	c.address = c.remote
	if host, _, err := net.SplitHostPort(c.remote); err == nil {
		c.address = host
	}
	c.since.Store(s.tick.Load())
	return c
}

// serve reads requests and has them relayed, until one of both sides has enough or the connection is handed over.
func (c *client) serve() {
	handedOver := false
	defer func() {
		if r := recover(); r != nil {
			c.server.log("wire: panic serving %v: %v\n%s", c.remote, r, debug.Stack())
		}
		if !handedOver {
			c.close()
		}
	}()
	for {
		switch c.readRequest() {
		case relayed:
			to, ok := c.server.Router.Relay(&c.request)
			if ok {
				if !c.relay(to) {
					return
				}
				continue
			}
			fallthrough
		case foreign:
			handedOver = c.handOver()
			return
		case malformed:
			c.refuse()
			return
		default:
			return
		}
	}
}

// readRequest reads the next head; incomplete when the connection ended first.
func (c *client) readRequest() verdict {
	for scanned := 0; ; {
		if c.in != nil {
			unread := c.in.unread()
			end, next, ok := endOfHead(unread, scanned, false)
			if end > 0 {
				return c.parse(unread[:end])
			}
			if !ok {
				return malformed
			}
			scanned = next
			c.in.compact()
			if c.in.full() {
				return foreign
			}
		}
		if c.fill() != nil || !c.begin() {
			return incomplete
		}
	}
}

// begin says that a head has begun: its time does not begin again with each piece of it.
func (c *client) begin() bool { return c.phase.Load() == reading || c.enter(reading) }

func (c *client) parse(b []byte) verdict {
	c.request.client = c.remote
	return c.request.parse(b)
}

// relay has one exchange, and tells whether another may follow.
func (c *client) relay(to Exchange) bool {
	if !c.enter(relaying) {
		return false
	}
	c.in.take(c.request.size)
	out, fields := buffers.Get().(*buffer), c.x.answer.fields
	c.x = exchange{client: c, to: to.To, tap: to.Tap, trace: to.Trace, request: &c.request, out: out.data[:0]}
	c.x.answer.fields = fields
	again := c.x.run()
	release(out)
	if c.x.upload != nil && !c.x.upload.whole {
		c.linger()
	}
	c.drop()
	next := idle
	if c.in != nil {
		next = reading
	}
	return again && c.enter(next) && !c.server.stopping.Load()
}

// enter begins a phase, unless the server has closed the connection.
func (c *client) enter(p phase) bool {
	c.since.Store(c.server.tick.Load())
	for {
		now := c.phase.Load()
		if now == closing {
			return false
		}
		if c.phase.CompareAndSwap(now, p) {
			return true
		}
	}
}

// await says which service the client waits for from now on, and whether the request was sent to its end.
func (c *client) await(service *stream, sent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.service, c.waiting = service, nil
	if sent {
		c.waiting = service
	}
	if c.left {
		_ = service.SetDeadline(longAgo)
	}
}

// sent says that the rest of the request was sent, or will not be.
func (c *client) sent(whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if whole {
		c.waiting = c.service
	}
}

// settle says that it waits no more, and tells whether the client left meanwhile.
func (c *client) settle() (left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting, c.service = nil, nil
	left, c.left = c.left, false
	return left
}

func (c *client) gone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left
}

// check is called by the server now and then: it ends the wait for an answer that nobody wants any more.
func (c *client) check() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting != nil && !c.left && c.peek() == ended {
		c.left = true
		_ = c.waiting.SetDeadline(longAgo)
	}
}

// shut closes the connection if it is in a phase.
func (c *client) shut(in phase) {
	if c.phase.CompareAndSwap(in, closing) {
		c.Conn.Close()
	}
}

// kill closes the connection whatever it waits for.
func (c *client) kill() {
	c.phase.Store(closing)
	c.Conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	if c.service != nil {
		_ = c.service.SetDeadline(longAgo)
	}
}

// putBack makes p what is read next.
func (c *client) putBack(p []byte) {
	if len(p) > 0 {
		c.in.r, c.in.w = 0, copy(c.in.data, p)
	}
}

// handOver gives the connection to net/http's server, with the bytes that were read.
func (c *client) handOver() bool {
	read := bytes.Clone(c.in.unread())
	release(c.in)
	c.in = nil
	return c.server.handed.give(&handed{Conn: c.Conn, read: read})
}

// refuse answers what is no request, as net/http's server does.
func (c *client) refuse() {
	_, err := fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request",
		http.StatusBadRequest, http.StatusText(http.StatusBadRequest))
	if err == nil {
		c.linger()
	}
}

// linger lets the client read what it was sent last: closing a connection with unread bytes resets it.
func (c *client) linger() {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = c.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.Copy(io.Discard, io.LimitReader(c.Conn, largeSize))
	}
}

// reset makes the connection's end visible as a failure.
func (c *client) reset() {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
}
