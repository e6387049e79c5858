package gateway_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/remote/plainhttp"
	"github.com/assaylab/assay/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lane is an assay.Lane that samples every request and keeps what becomes of it.
type lane struct {
	room   func(n int) int // bytes that the nth ticket grants; nil: no limit
	refuse func(n int) bool

	mu      sync.Mutex
	asked   int
	tickets []*ticket
}

func (l *lane) Choose(r *assay.Request) assay.Ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.asked
	l.asked++
	if l.refuse != nil && l.refuse(n) {
		return nil
	}
	t := &ticket{room: 1 << 30, ended: make(chan struct{})}
	if l.room != nil {
		t.room = l.room(n)
	}
	l.tickets = append(l.tickets, t)
	return t
}

// last waits until the newest ticket has ended and returns it.
func (l *lane) last(t *testing.T) *ticket {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tickets) == 0 {
		t.Fatal("no request was sampled")
	}
	newest := l.tickets[len(l.tickets)-1]
	<-newest.ended
	return newest
}

// ticket checks that only one goroutine uses it at a time: it has no lock for what it counts.
type ticket struct {
	room  int
	ended chan struct{}

	once     sync.Once
	inv      *assay.Invocation
	control  *assay.Observation
	reason   string
	reserved int
	asked    int // how often
}

func (t *ticket) Reserve(n, _ int) bool {
	t.asked++
	if t.reserved += n; t.reserved > t.room {
		t.Drop("too_large")
		return false
	}
	return true
}

func (t *ticket) Offer(inv *assay.Invocation, o *assay.Observation) {
	t.once.Do(func() { t.inv, t.control = inv, o; close(t.ended) })
}

func (t *ticket) Drop(reason string) {
	t.once.Do(func() { t.reason = reason; close(t.ended) })
}

// front puts a gateway behind an address: relay as a laboratory does, byNetHTTP without relaying anything.
type front func(testing.TB, *gateway.Gateway) string

func byNetHTTP(t testing.TB, g *gateway.Gateway) string { return listen(t, g) }

// serve starts a gateway in front of control, behind a wire, and returns its address.
func serve(t testing.TB, control assay.Invoker, l assay.Lane) string {
	t.Helper()
	return serveBy(t, relay, control, l)
}

func serveBy(t testing.TB, front front, control assay.Invoker, l assay.Lane) string {
	t.Helper()
	g := gateway.New(gateway.Options{})
	set(t, g, gateway.Route{Experiment: "x", Path: "/*", Control: control, Lane: l})
	return front(t, g)
}

// relay serves a gateway as a laboratory does.
func relay(t testing.TB, g *gateway.Gateway) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := wire.New(g, &http.Server{Handler: g, ErrorLog: quiet})
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Serve(l); err != http.ErrServerClosed {
			t.Errorf("the server ended: %v", err)
		}
	})
	t.Cleanup(func() { s.Close(); serving.Wait() })
	return l.Addr().String()
}

func set(t testing.TB, g *gateway.Gateway, routes ...gateway.Route) {
	t.Helper()
	if err := g.Set(routes); err != nil {
		t.Fatal(err)
	}
}

func listen(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// service returns the HTTP service at address as an arm.
func service(t testing.TB, address string) *plainhttp.Service {
	t.Helper()
	s, err := plainhttp.New("http://"+address, plainhttp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// client returns a client that shows answers as they are.
func client(t testing.TB) *http.Transport {
	c := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// raw starts a server that answers each request with the bytes that answer returns, and closes the
// connection after it if told so.
func raw(t testing.TB, answer func(r *http.Request, body []byte) (response []byte, keepAlive bool)) string {
	return accept(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			response, keepAlive := answer(r, body)
			if _, err := conn.Write(response); err != nil || !keepAlive {
				return
			}
		}
	})
}

// accept starts a server that hands every connection to serve and closes it afterwards.
func accept(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return l.Addr().String()
}

// dial connects to address for the length of the test.
func dial(t testing.TB, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReader(conn)
}

func send(t testing.TB, w io.Writer, lines ...string) {
	t.Helper()
	if _, err := io.WriteString(w, strings.Join(lines, "\r\n")); err != nil {
		t.Fatal(err)
	}
}
