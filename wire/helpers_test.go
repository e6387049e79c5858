package wire_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay/wire"
	"github.com/assaylab/assay/wire/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// to relays every request to one service, and counts.
type to struct {
	origin *wire.Origin
	tap    func() wire.Tap
	refuse func(*wire.Request) bool

	mu      sync.Mutex
	relayed int
}

func (r *to) Relay(q *wire.Request) (wire.Exchange, bool) {
	if r.refuse != nil && r.refuse(q) {
		return wire.Exchange{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.relayed++
	e := wire.Exchange{To: r.origin}
	if r.tap != nil {
		e.Tap = r.tap()
	}
	return e, true
}

func (r *to) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.relayed
}

// origin is the service at address.
func origin(t testing.TB, address string) *wire.Origin {
	o := &wire.Origin{
		Host: address, IdleTimeout: 4 * time.Second, MaxIdle: 16,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", address)
		},
	}
	t.Cleanup(o.Close)
	return o
}

// start runs a server in front of router, with fallback for what it hands over.
func start(t testing.TB, router wire.Router, h *http.Server) (address string, s *wire.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l.Addr().String(), serve(t, router, h, l)
}

func serve(t testing.TB, router wire.Router, h *http.Server, l net.Listener) *wire.Server {
	h.ErrorLog = log.New(io.Discard, "", 0)
	s := wire.New(router, h)
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Close(); serving.Wait() })
	return s
}

// handedOver answers what is handed over with what it understood of it.
var handedOver = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Handed-Over", "1")
	_, _ = io.WriteString(w, r.Method+" "+r.RequestURI+" "+string(body))
})

// service is a server whose connections are served by hand.
func service(t testing.TB, serve func(net.Conn, *bufio.Reader)) string {
	return wiretest.Accept(t, func(conn net.Conn) { serve(conn, bufio.NewReader(conn)) })
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// expect reads exactly what is wanted.
func expect(t testing.TB, in io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(in, got)
	if string(got[:n]) != want {
		t.Fatalf("got  %q, %v\nwant %q", got[:n], err, want)
	}
}

// rest reads to the end of the connection.
func rest(t testing.TB, in io.Reader) string {
	t.Helper()
	b, _ := io.ReadAll(in)
	return string(b)
}

func get(path string, fields ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

// replaced has the service's own address in place of SERVICE.
func replaced(s string, service net.Conn) string {
	return strings.ReplaceAll(s, "SERVICE", service.LocalAddr().String())
}
