package wire_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaylab/assay/wire/wiretest"
)

// hanging takes requests and does not answer until its clients go; it tells of both.
func hanging(t *testing.T, say string) (address string, asked, left chan struct{}) {
	asked, left = make(chan struct{}, 9), make(chan struct{}, 9)
	return service(t, func(conn net.Conn, in *bufio.Reader) {
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		_, _ = io.WriteString(conn, say)
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, in)
		left <- struct{}{}
	}), asked, left
}

// A client that leaves ends the service's work as well, whatever it waits for.
func TestClientLeaves(t *testing.T) {
	for name, c := range map[string]struct{ say, send string }{
		"before the answer": {"", get("/")},
		"within the answer": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", get("/")},
		"within its body":   {"", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"},
		"after its body":    {"", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"},
		"within chunks":     {"", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upstream, asked, left := hanging(t, c.say)
			_, o := tapped(t, upstream, func(conn net.Conn, in *bufio.Reader) {
				wiretest.Send(t, conn, c.send)
				<-asked
				expect(t, in, c.say)
				conn.Close()
			})
			<-left
			if !o.Gone {
				t.Errorf("told %+v", o)
			}
		})
	}
}

// An answer may come before the request is whole. A client that goes on sending is heard to the end.
func TestEarlyAnswers(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n"
	t.Run("the service reads on", func(t *testing.T) {
		upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
			for {
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				_, _ = io.WriteString(conn, ok)
				_, _ = io.Copy(io.Discard, r.Body)
			}
		})
		address, _ := start(t, &to{origin: origin(t, upstream)}, &http.Server{Handler: handedOver})
		conn, in := wiretest.Dial(t, address)
		for range 2 {
			wiretest.Send(t, conn, head+"half")
			expect(t, in, ok)
			wiretest.Send(t, conn, "half")
		}
		wiretest.Send(t, conn, get("/"))
		expect(t, in, ok)
	})
	t.Run("the service closes", func(t *testing.T) {
		upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
			if _, err := http.ReadRequest(in); err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
			}
		})
		address, _ := start(t, &to{origin: origin(t, upstream)}, &http.Server{Handler: handedOver})
		conn, in := wiretest.Dial(t, address)
		wiretest.Send(t, conn, head+"half")
		expect(t, in, "HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
		if more := rest(t, in); more != "" {
			t.Errorf("and then %q", more)
		}
	})
}

// A long upload and its answer pass at the same time, in both framings.
func TestLongBodies(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 200_000)
	echo := service(t, func(conn net.Conn, in *bufio.Reader) {
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3200000\r\n\r\n")
			if n, err := io.Copy(conn, r.Body); n != int64(len(body)) || err != nil {
				t.Errorf("the service read %d, %v", n, err)
			}
		}
	})
	address, _ := start(t, &to{origin: origin(t, echo)}, &http.Server{Handler: handedOver})
	c := &http.Transport{}
	t.Cleanup(c.CloseIdleConnections)
	for _, length := range []int64{int64(len(body)), -1} {
		for range 3 {
			r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://"+address, strings.NewReader(body))
			r.ContentLength = length
			res, err := c.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			res.Body.Close()
			if string(got) != body || err != nil {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
		}
	}
}

// Slow and idle clients are given the time that net/http's server would give them.
func TestTimeouts(t *testing.T) {
	const patience = 300 * time.Millisecond
	for name, c := range map[string]struct {
		header, idle time.Duration
		send         string
	}{
		"nothing":              {patience, time.Hour, ""},
		"half a head":          {patience, time.Hour, "GET / HTTP/1.1\r\nHost"},
		"half another head":    {patience, time.Hour, get("/") + "GET / HT"},
		"idle between two":     {time.Hour, patience, get("/")},
		"idle after a handing": {time.Hour, patience, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := start(t, &to{origin: origin(t, wiretest.Saying(t, ok, false))},
				&http.Server{Handler: handedOver, ReadHeaderTimeout: c.header, IdleTimeout: c.idle})
			conn, in := wiretest.Dial(t, address)
			wiretest.Send(t, conn, c.send)
			_ = rest(t, in) // or the test does not end
		})
	}
}

// A service that hangs is waited for: there is no time-out for answers.
func TestShutdown(t *testing.T) {
	release := make(chan struct{})
	asked := make(chan struct{})
	upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		close(asked)
		<-release
		_, _ = io.WriteString(conn, ok)
	})
	address, s := start(t, &to{origin: origin(t, upstream)}, &http.Server{Handler: handedOver})
	_, fresh := wiretest.Dial(t, address)
	busy, in := wiretest.Dial(t, address)
	wiretest.Send(t, busy, get("/"))
	<-asked
	handed, old := wiretest.Dial(t, address)
	wiretest.Send(t, handed, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if _, err := old.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.Shutdown(t.Context()) }()
	_ = rest(t, fresh)
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("it still takes connections")
	}
	close(release)
	expect(t, in, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	if more := rest(t, in); more != "" {
		t.Errorf("and then %q", more)
	}
	_ = rest(t, old)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestShutdownGivesUp(t *testing.T) {
	upstream, asked, left := hanging(t, "")
	address, s := start(t, &to{origin: origin(t, upstream)}, &http.Server{Handler: handedOver})
	conn, in := wiretest.Dial(t, address)
	wiretest.Send(t, conn, get("/"))
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("all went well")
	}
	_ = rest(t, in)
	<-left
}

// Clients, services and the end of everything, all at once.
func TestCloseUnderLoad(t *testing.T) {
	o := origin(t, wiretest.Saying(t, ok, false))
	address, s := start(t, &to{origin: o}, &http.Server{Handler: handedOver})
	var clients sync.WaitGroup
	served := make(chan struct{}, 1000)
	for range 8 {
		clients.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				return
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			for {
				if _, err := io.WriteString(conn, get("/")); err != nil {
					return
				}
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				select {
				case served <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 500 {
		<-served
	}
	s.Close()
	clients.Wait()
}

// An idle connection to the service is closed in time, and none is kept after the end.
func TestIdleServices(t *testing.T) {
	gone := make(chan struct{}, 2)
	upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
		for {
			if _, err := http.ReadRequest(in); err != nil {
				gone <- struct{}{}
				return
			}
			_, _ = io.WriteString(conn, ok)
		}
	})
	o := origin(t, upstream)
	o.IdleTimeout = time.Millisecond
	address, _ := start(t, &to{origin: o}, &http.Server{Handler: handedOver})
	conn, in := wiretest.Dial(t, address)
	wiretest.Send(t, conn, get("/"))
	expect(t, in, ok)
	<-gone
	o.Close()
	wiretest.Send(t, conn, get("/"))
	expect(t, in, ok)
	<-gone
}
