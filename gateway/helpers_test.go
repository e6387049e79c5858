package gateway_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/remote/plainhttp"
	"github.com/assaylab/assay/wire"
	"github.com/assaylab/assay/wire/wiretest"
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
	return wiretest.Serve(t, wire.New(g, &http.Server{Handler: g, ErrorLog: quiet}))
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
	return wiretest.Answer(t, func(conn net.Conn, r *http.Request, _ int) bool {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return false
		}
		response, keepAlive := answer(r, body)
		_, err = conn.Write(response)
		return err == nil && keepAlive
	})
}
