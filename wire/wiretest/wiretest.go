// Package wiretest speaks HTTP by hand, for tests. In come functions that serve connections, and bytes; out go
// addresses on loopback, and connections that end with their test.
package wiretest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Accept starts a server that hands every connection to serve and closes it afterwards.
func Accept(t testing.TB, serve func(net.Conn)) (address string) {
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

// Answer starts a server that calls answer for each request, with the number of those that came before it on its
// connection, which it closes at false.
func Answer(t testing.TB, answer func(conn net.Conn, r *http.Request, before int) (again bool)) (address string) {
	t.Helper()
	return Accept(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for before := 0; ; before++ {
			r, err := http.ReadRequest(in)
			if err != nil || !answer(conn, r, before) {
				return
			}
		}
	})
}

// Saying starts a server that reads each request and answers it with the same bytes, and closes after the first if
// told so.
func Saying(t testing.TB, answer string, last bool) (address string) {
	t.Helper()
	return Answer(t, func(conn net.Conn, r *http.Request, _ int) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		_, err := io.WriteString(conn, answer)
		return err == nil && !last
	})
}

// Serve runs a server at an address of its own for the length of the test.
func Serve(t testing.TB, s interface {
	Serve(net.Listener) error
	Close() error
}) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Serve(l); err != http.ErrServerClosed {
			t.Errorf("the server ended: %v", err)
		}
	})
	t.Cleanup(func() { s.Close(); serving.Wait() })
	return l.Addr().String()
}

// Dial connects to address for the length of the test, or for a minute: a test that hangs fails.
func Dial(t testing.TB, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn, bufio.NewReader(conn)
}

// Send writes lines, with CRLF between them.
func Send(t testing.TB, w io.Writer, lines ...string) {
	t.Helper()
	if _, err := io.WriteString(w, strings.Join(lines, "\r\n")); err != nil {
		t.Fatal(err)
	}
}
