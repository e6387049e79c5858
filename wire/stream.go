package wire

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
)

// bufferSize holds nearly every head, with a small body. A request's head that does not fit is net/http's.
const bufferSize = 16 << 10

// largeSize is what long bodies are copied in.
const largeSize = 256 << 10

// buffer holds bytes that were read: those from r to w are not used yet.
type buffer struct {
	data []byte
	r, w int
}

var (
	buffers = sync.Pool{New: func() any { return &buffer{data: make([]byte, bufferSize)} }}
	large   = sync.Pool{New: func() any { return &buffer{data: make([]byte, largeSize)} }}
)

func (b *buffer) unread() []byte { return b.data[b.r:b.w] }

// take removes the first n unread bytes. They stay valid until the next fill.
func (b *buffer) take(n int) []byte {
	p := b.data[b.r : b.r+n]
	b.r += n
	return p
}

// room is the space behind the unread bytes; all of it when there are none.
func (b *buffer) room() []byte {
	if b.r == b.w {
		b.r, b.w = 0, 0
	}
	return b.data[b.w:]
}

// compact moves the unread bytes to the front.
func (b *buffer) compact() {
	if b.r > 0 {
		b.w = copy(b.data, b.unread())
		b.r = 0
	}
}

func (b *buffer) full() bool { return b.r == 0 && b.w == len(b.data) }

// grow doubles a buffer, up to limit; false if it has that size. The larger one is not pooled.
func (b *buffer) grow(limit int) bool {
	if len(b.data) >= limit {
		return false
	}
	data := make([]byte, 2*len(b.data))
	b.w = copy(data, b.unread())
	b.data, b.r = data, 0
	return true
}

func release(b *buffer) {
	b.r, b.w = 0, 0
	switch len(b.data) {
	case bufferSize:
		buffers.Put(b)
	case largeSize:
		large.Put(b)
	}
}

// stream is a connection with what was read from it. While it waits for a first byte it holds no buffer: ten
// thousand idle connections cost no more than their goroutines.
type stream struct {
	net.Conn
	raw syscall.RawConn // nil if this is no socket: then it takes a buffer at once, and cannot be looked at
	in  *buffer         // nil: nothing was read

	// What is done with the socket itself, made once, and how it ended.
	try, tell func(fd uintptr) bool
	look      func(fd uintptr)
	n         int
	err       error
	unsaid    []byte
	state     peeked
}

// peeked is what a look at a connection tells.
type peeked uint8

const (
	silent peeked = iota // open, with nothing to read
	speaks               // there is something to read
	ended                // closed by the other side, or broken
)

func newStream(c net.Conn) *stream {
	s := &stream{Conn: c}
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw = raw
			s.try, s.tell, s.look = s.readSome, s.tellSome, s.peekSome
		}
	}
	return s
}

// fill reads once, at least one byte.
func (s *stream) fill() error {
	if s.in == nil && s.raw != nil {
		if err := s.raw.Read(s.try); err != nil {
			return err
		}
		return s.result(s.n, s.err)
	}
	if s.in == nil {
		s.in = buffers.Get().(*buffer)
	}
	n, err := s.Conn.Read(s.in.room())
	s.in.w += n
	if n > 0 {
		return nil
	}
	return s.result(n, err)
}

// ask writes p and reads the beginning of what is said to it. Nothing may be there to be read before. It is
// Write and fill with one system call less: it does not look for an answer before one can have come.
func (s *stream) ask(p []byte) error {
	if s.in != nil || s.raw == nil {
		if _, err := s.Write(p); err != nil {
			return err
		}
		return s.fill()
	}
	s.unsaid, s.n, s.err = p, 0, nil
	if err := s.raw.Read(s.tell); err != nil {
		return err
	}
	if s.err != nil || len(s.unsaid) == 0 {
		return s.result(s.n, s.err)
	}
	if _, err := s.Write(s.unsaid); err != nil { // it did not fit into the socket
		return err
	}
	return s.fill()
}

// tellSome writes at its first call, and lets the runtime wait for the answer. The runtime has begun to look for
// news before, so it misses none.
func (s *stream) tellSome(fd uintptr) bool {
	if len(s.unsaid) == 0 {
		return s.readSome(fd)
	}
	n, err := syscall.Write(int(fd), s.unsaid)
	s.unsaid = s.unsaid[max(n, 0):]
	if err != nil && err != syscall.EAGAIN && err != syscall.EINTR {
		s.err = err
		return true
	}
	return len(s.unsaid) > 0
}

func (s *stream) result(n int, err error) error {
	switch {
	case n > 0:
		return nil
	case err != nil:
		return err
	default:
		return io.EOF
	}
}

// readSome takes a buffer only if there is something to put into it. At false the runtime waits and calls again.
func (s *stream) readSome(fd uintptr) bool {
	b := buffers.Get().(*buffer)
	for {
		s.n, s.err = syscall.Read(int(fd), b.data)
		if s.err != syscall.EINTR {
			break
		}
	}
	if s.n > 0 {
		s.in, b.w = b, s.n
		return true
	}
	s.n = 0
	buffers.Put(b)
	return s.err != syscall.EAGAIN
}

// maxAnswerHead bounds the head of a service's answer.
const maxAnswerHead = 1 << 20

var errAnswerHead = errors.New("the head of the service's answer is too large")

// readHead reads the next head of a service.
func (s *stream) readHead(a *Answer) error {
	for scanned := 0; ; {
		if s.in != nil {
			end, next, _ := endOfHead(s.in.unread(), scanned, true)
			if end > 0 {
				return a.parse(s.in.take(end))
			}
			if !mayBeAnswer(s.in.unread()) {
				return errAnswer // what speaks another protocol may wait for more
			}
			scanned = next
			s.in.compact()
			if s.in.full() && !s.in.grow(maxAnswerHead) {
				return errAnswerHead
			}
		}
		if err := s.fill(); err != nil {
			return err
		}
	}
}

// drop gives the buffer back if nothing in it is unread.
func (s *stream) drop() {
	if s.in != nil && s.in.r == s.in.w {
		release(s.in)
		s.in = nil
	}
}

// widen takes a large buffer for the rest of a body: left bytes, if that is known.
func (s *stream) widen(left int64) {
	filled := s.in.w == len(s.in.data)
	if (filled || left > bufferSize) && s.in.r == s.in.w && len(s.in.data) < largeSize {
		release(s.in)
		s.in = large.Get().(*buffer)
	}
}

// close ends the connection. What was read is lost.
func (s *stream) close() {
	s.Conn.Close()
	if s.in != nil {
		release(s.in)
		s.in = nil
	}
}

// peek looks at the connection without reading. One that is no socket seems silent.
func (s *stream) peek() peeked {
	if s.raw == nil {
		return silent
	}
	if s.raw.Control(s.look) != nil {
		return ended
	}
	return s.state
}

func (s *stream) peekSome(fd uintptr) {
	var b [1]byte
	n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		s.state = silent
	case err != nil || n == 0:
		s.state = ended
	default:
		s.state = speaks
	}
}
