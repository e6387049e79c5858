package wire_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaylab/assay/clients"
	"github.com/assaylab/assay/wire"
	"github.com/assaylab/assay/wire/wiretest"
)

// patience is short where a client is to be cut off, and long where one is not: it may be starved of the processor.
const (
	patience     = 300 * time.Millisecond
	longPatience = 3 * time.Second
)

// limited runs a server whose clients are bounded.
func limited(t *testing.T, patience time.Duration, router wire.Router, h *http.Server) *clients.Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &clients.Listener{Listener: inner, Limits: clients.Limits{Connections: 100, Patience: patience, Pace: 10_000}}
	serve(t, router, h, l)
	return l
}

// drip sends a piece again and again until the connection ends.
func drip(t *testing.T, conn net.Conn, piece string) {
	var sending sync.WaitGroup
	sending.Go(func() {
		for ; ; time.Sleep(patience / 6) {
			if _, err := io.WriteString(conn, piece); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { conn.Close(); sending.Wait() })
}

// A head has its time as a whole, however many pieces it comes in.
func TestDrippingHeads(t *testing.T) {
	for name, before := range map[string]string{"first": "", "later": get("/")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := limited(t, patience, &to{origin: origin(t, wiretest.Saying(t, ok, false))}, &http.Server{Handler: handedOver, ReadHeaderTimeout: patience})
			conn, in := wiretest.Dial(t, l.Addr().String())
			wiretest.Send(t, conn, before+"GET / HTTP/1.1\r\nX: ")
			drip(t, conn, "x")
			_ = rest(t, in) // or the test does not end
		})
	}
}

// A client that does not send its body at the pace is told so, and its tap that it went away.
func TestSlowBodies(t *testing.T) {
	const known, chunked = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, c := range map[string]struct{ head, piece string }{
		"nothing": {known + "half", ""}, "drops": {known, "x"}, "drops in chunks": {chunked, "1\r\nx\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upstream, _, left := hanging(t, "")
			tap := &recorder{done: make(chan wire.Outcome, 1)}
			l := limited(t, patience, &to{origin: origin(t, upstream), tap: func() wire.Tap { return tap }}, &http.Server{Handler: handedOver})
			conn, in := wiretest.Dial(t, l.Addr().String())
			wiretest.Send(t, conn, c.head)
			if c.piece != "" {
				drip(t, conn, c.piece)
			}
			expect(t, in, "HTTP/1.1 408 Request Timeout\r\n")
			<-left
			o := <-tap.done
			if n := l.Counts().Senders; !o.Gone || n != 1 {
				t.Errorf("told %+v; %d counted", o, n)
			}
		})
	}
}

// A client that sends as fast as its service reads has time, however slow the service is.
func TestSlowServices(t *testing.T) {
	t.Parallel()
	const size = 16 << 20 // more than sockets hold
	upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		time.Sleep(longPatience + patience) // while the client's bytes wait
		if n, err := io.CopyN(io.Discard, in, size); err != nil {
			t.Errorf("read %d, %v", n, err)
		}
		time.Sleep(longPatience + patience) // while the client waits
		_, _ = io.WriteString(conn, ok)
	})
	l := limited(t, longPatience, &to{origin: origin(t, upstream)}, &http.Server{Handler: handedOver})
	conn, in := wiretest.Dial(t, l.Addr().String())
	wiretest.Send(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n")
	wiretest.Send(t, conn, strings.Repeat("x", size))
	expect(t, in, ok)
}

// A client that does not read its answer is cut off, and the service with it.
func TestSlowReaders(t *testing.T) {
	left := make(chan struct{})
	upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
		for piece := make([]byte, 1<<20); ; {
			if _, err := conn.Write(piece); err != nil {
				close(left)
				return
			}
		}
	})
	l := limited(t, patience, &to{origin: origin(t, upstream)}, &http.Server{Handler: handedOver})
	conn, _ := wiretest.Dial(t, l.Addr().String())
	wiretest.Send(t, conn, get("/"))
	<-left
	if n := l.Counts().Readers; n != 1 {
		t.Errorf("%d counted", n)
	}
}

// What is handed over takes its room until it closes.
func TestHandedOverAreCounted(t *testing.T) {
	l := limited(t, longPatience, &to{origin: origin(t, wiretest.Saying(t, ok, false))}, &http.Server{Handler: handedOver})
	conn, in := wiretest.Dial(t, l.Addr().String())
	wiretest.Send(t, conn, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if n := l.Counts().Open; n != 1 {
		t.Errorf("%d are open", n)
	}
	conn.Close()
	for l.Counts().Open > 0 {
		time.Sleep(time.Millisecond) // or the test does not end
	}
}
