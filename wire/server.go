package wire

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Router says what becomes of a request.
type Router interface {
	// Relay returns where a request goes, or false: its connection is then net/http's. It is called once for
	// each request that could be relayed.
	Relay(*Request) (Exchange, bool)
}

// Server relays what its Router wants relayed, and hands every other connection to HTTP.
type Server struct {
	Router Router
	// HTTP serves the connections handed over. Its ReadHeaderTimeout and IdleTimeout hold for all, to a quarter
	// of a second; its ErrorLog is told of panics.
	HTTP *http.Server

	ctx      context.Context
	cancel   context.CancelFunc
	stopping atomic.Bool
	tick     atomic.Int64
	handed   *handover

	mu       sync.Mutex
	listener net.Listener
	clients  map[*client]struct{}
	running  sync.WaitGroup // of the clients
}

// interval is how often clients are looked after.
const interval = 250 * time.Millisecond

// New returns a server. Serve it once; Shutdown or Close ends it.
func New(router Router, h *http.Server) *Server {
	s := &Server{Router: router, HTTP: h, clients: map[*client]struct{}{}, handed: newHandover()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Serve takes connections until the server is shut down, and returns http.ErrServerClosed then. Connections that
// are no plain sockets (TLS) are net/http's from the beginning.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.listener = l
	s.handed.address = l.Addr()
	s.mu.Unlock()
	if s.stopping.Load() {
		l.Close()
		return http.ErrServerClosed
	}
	var helpers sync.WaitGroup
	defer helpers.Wait()
	helpers.Go(func() { _ = s.HTTP.Serve(s.handed) })
	helpers.Go(s.lookAfter)
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.take(conn)
		case s.stopping.Load():
			return http.ErrServerClosed
		case temporary(err):
			s.log("wire: accept: %v", err)
			time.Sleep(5 * time.Millisecond) // file descriptors run out; so does net/http's server
		default:
			s.Close()
			return err
		}
	}
}

func temporary(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED)
}

func (s *Server) take(conn net.Conn) {
	if _, socket := conn.(syscall.Conn); !socket {
		if !s.handed.give(conn) {
			conn.Close()
		}
		return
	}
	c := newClient(s, conn)
	if !s.add(c) {
		conn.Close()
		return
	}
	go func() {
		defer s.remove(c)
		c.serve()
	}()
}

func (s *Server) add(c *client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	s.clients[c] = struct{}{}
	s.running.Add(1)
	return true
}

func (s *Server) remove(c *client) {
	s.mu.Lock()
	delete(s.clients, c)
	s.mu.Unlock()
	s.running.Done()
}

// lookAfter closes clients that are idle or slow for too long, and notices those that left, until the server ends.
func (s *Server) lookAfter() {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.look(s.tick.Add(1))
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Server) look(now int64) {
	for _, c := range s.all() {
		waited := time.Duration(now-c.since.Load()-1) * interval
		switch p := c.phase.Load(); {
		case p == relaying && due(now-c.since.Load()):
			c.check()
		case p == idle && s.HTTP.IdleTimeout > 0 && waited >= s.HTTP.IdleTimeout,
			(p == reading || p == fresh) && s.HTTP.ReadHeaderTimeout > 0 && waited >= s.HTTP.ReadHeaderTimeout:
			c.shut(p)
		}
	}
}

// due tells whether to look whether a client has left: at once, and later each second.
func due(ticks int64) bool { return ticks < 8 || ticks%4 == 0 }

func (s *Server) all() []*client {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*client, 0, len(s.clients))
	for c := range s.clients {
		all = append(all, c)
	}
	return all
}

// Shutdown takes no more connections and requests, waits for the exchanges under way, and closes everything when
// ctx ends first, with its error. Connections of other protocols are left alone, as by net/http.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	for _, c := range s.all() {
		c.shut(idle)
		c.shut(fresh)
	}
	done := make(chan struct{})
	go func() { s.running.Wait(); close(done) }()
	err := error(nil)
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	err = errors.Join(err, s.HTTP.Shutdown(ctx))
	if err != nil {
		s.kill()
	}
	<-done
	s.cancel()
	return err
}

// Close ends everything at once.
func (s *Server) Close() error {
	s.stop()
	s.kill()
	s.running.Wait()
	s.cancel()
	return nil
}

func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping.Store(true)
	if s.listener != nil {
		s.listener.Close()
	}
}

func (s *Server) kill() {
	s.cancel()
	for _, c := range s.all() {
		c.kill()
	}
	s.handed.Close()
	s.HTTP.Close()
}

func (s *Server) log(format string, args ...any) {
	if s.HTTP.ErrorLog != nil {
		s.HTTP.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

// handover is the listener of net/http's server.
type handover struct {
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
	address net.Addr
}

func newHandover() *handover {
	return &handover{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// give hands a connection over; false if nobody takes it any more.
func (h *handover) give(c net.Conn) bool {
	select {
	case h.conns <- c:
		return true
	case <-h.closed:
		return false
	}
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error   { h.once.Do(func() { close(h.closed) }); return nil }
func (h *handover) Addr() net.Addr { return h.address }

// handed is a connection with bytes that were read from it and are read again.
type handed struct {
	net.Conn
	read []byte
}

func (h *handed) Read(p []byte) (int, error) {
	if len(h.read) > 0 {
		n := copy(p, h.read)
		h.read = h.read[n:]
		return n, nil
	}
	h.read = nil
	return h.Conn.Read(p)
}

// CloseWrite lets net/http end its side first.
func (h *handed) CloseWrite() error {
	if half, ok := h.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
