package clients_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay/clients"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is long enough for a client that is starved of the processor, where it is not to be cut off.
const patience = 2 * time.Second

// serve runs net/http's server behind the limits.
func serve(t *testing.T, limits clients.Limits, h http.HandlerFunc) *clients.Listener {
	t.Helper()
	return serveOn(t, listen(t), limits, h)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func serveOn(t *testing.T, inner net.Listener, limits clients.Limits, h http.HandlerFunc) *clients.Listener {
	t.Helper()
	l := &clients.Listener{Listener: inner, Limits: limits}
	s := &http.Server{Handler: l.Handler(h)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Close(); serving.Wait() })
	return l
}

func dial(t *testing.T, l *clients.Listener, say string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute)) // a test that hangs fails
	if _, err := io.WriteString(c, say); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

func status(t *testing.T, in *bufio.Reader) int {
	t.Helper()
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	r.Body.Close()
	return r.StatusCode
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// As many connections are served as there is room for, others are told so, and the next is served when one closes.
func TestRoom(t *testing.T) {
	l := serve(t, clients.Limits{Connections: 2}, func(http.ResponseWriter, *http.Request) {})
	first, in := dial(t, l, get)
	if got := status(t, in); got != 200 {
		t.Fatal(got)
	}
	_, second := dial(t, l, get)
	if got := status(t, second); got != 200 {
		t.Fatal(got)
	}
	_, third := dial(t, l, get)
	if got := status(t, third); got != 503 {
		t.Errorf("a third is answered %d where there is room for two", got)
	}
	if c := l.Counts(); c.Open != 2 || c.Refused != 1 {
		t.Errorf("counted %+v", c)
	}
	first.Close()
	for l.Counts().Open == 2 {
		time.Sleep(time.Millisecond) // until the server has noticed
	}
	_, fourth := dial(t, l, get)
	if got := status(t, fourth); got != 200 {
		t.Errorf("the next is answered %d", got)
	}
}

// Who expects TLS is refused without an answer.
func TestSilentRefusal(t *testing.T) {
	l := serve(t, clients.Limits{Connections: 1, Silent: true}, func(http.ResponseWriter, *http.Request) {})
	_, first := dial(t, l, get)
	status(t, first)
	second, in := dial(t, l, "")
	if said, err := io.ReadAll(in); len(said) > 0 {
		t.Errorf("told %q, %v", said, err)
	}
	second.Close()
}

// Bodies that are sent too slowly are not waited for, whatever their framing; those with the pace are, for as long
// as it takes. What comes late within the patience is no matter.
func TestSenders(t *testing.T) {
	limits := clients.Limits{Patience: patience, Pace: 1000}
	l := serve(t, limits, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	})
	const known, chunked = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, c := range map[string]struct {
		head, piece string
		pieces      int
		every       time.Duration
		want        int
	}{
		"nothing":               {known, "", 0, 0, 408},
		"nothing of chunks":     {chunked, "", 0, 0, 408},
		"drops":                 {known, "x", 1 << 30, patience / 6, 408},
		"drops in chunks":       {chunked, "1\r\nx\r\n", 1 << 30, patience / 6, 408},
		"at the pace":           {known, strings.Repeat("x", 200), 50, patience / 33, 200},
		"at the pace in chunks": {chunked, "c8\r\n" + strings.Repeat("x", 200) + "\r\n", 50, patience / 33, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, in := dial(t, l, c.head)
			var sending sync.WaitGroup
			defer sending.Wait()
			ended := make(chan struct{})
			defer close(ended)
			sending.Go(func() {
				for range c.pieces {
					if _, err := io.WriteString(conn, c.piece); err != nil {
						return
					}
					select {
					case <-time.After(c.every):
					case <-ended:
						return
					}
				}
				if c.want == 200 && c.head == chunked {
					_, _ = io.WriteString(conn, "0\r\n\r\n")
				}
			})
			if got := status(t, in); got != c.want {
				t.Errorf("answered %d, want %d", got, c.want)
			}
		})
	}
}

// narrow gives connections that hold little of what is not read yet.
type narrow struct{ net.Listener }

const little = 8 << 10

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(little)
	}
	return c, err
}

// Waiting is spent by each write to its end: a client that lets every single one wait a little is too slow as well.
func TestReadersOfSmallPieces(t *testing.T) {
	l := serveOn(t, narrow{listen(t)}, clients.Limits{Patience: patience, Pace: 1 << 20}, func(w http.ResponseWriter, r *http.Request) {
		for range 1 << 20 {
			if _, err := w.Write(make([]byte, little)); err != nil {
				return
			}
		}
	})
	conn, _ := dial(t, l, get)
	_ = conn.(*net.TCPConn).SetReadBuffer(little)
	for drop := make([]byte, 2*little); l.Counts().Readers == 0; time.Sleep(patience / 10) {
		if _, err := io.ReadFull(conn, drop); err != nil {
			break // or the test does not end: all of it would take a day
		}
	}
}

// A client that reads nothing, or in drops, is cut off; one with the pace is not, nor is one for which there is nothing
// to read.
func TestReaders(t *testing.T) {
	l := serve(t, clients.Limits{Patience: patience, Pace: 1 << 20}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			w.WriteHeader(200)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(patience + patience/4) // nothing happens
			_, _ = io.WriteString(w, "data: x\n\n")
			return
		}
		piece := make([]byte, 1<<20)
		for range 64 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		dial(t, l, get)
		for l.Counts().Readers == 0 {
			time.Sleep(time.Millisecond) // or the test does not end
		}
	})
	t.Run("drops", func(t *testing.T) {
		t.Parallel()
		conn, _ := dial(t, l, get)
		for drop := make([]byte, 100); ; time.Sleep(time.Millisecond) {
			if _, err := conn.Read(drop); err != nil {
				return // or the test does not end: all of it would take ten minutes
			}
		}
	})
	t.Run("at the pace", func(t *testing.T) {
		t.Parallel()
		_, in := dial(t, l, get)
		if r, err := http.ReadResponse(in, nil); err != nil {
			t.Error(err)
		} else if n, err := io.Copy(io.Discard, r.Body); n != 64<<20 || err != nil {
			t.Errorf("read %d, %v", n, err)
		}
	})
	t.Run("nothing to read", func(t *testing.T) {
		t.Parallel()
		_, in := dial(t, l, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
		if got := status(t, in); got != 200 {
			t.Error(got)
		}
	})
	t.Run("another protocol", func(t *testing.T) {
		t.Parallel()
		upgraded := serve(t, clients.Limits{Patience: patience, Pace: 1000}, func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for { // until it is not read any more
				if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		})
		dial(t, upgraded, get)
		for upgraded.Counts().Open > 0 || upgraded.Counts().Readers != 1 {
			time.Sleep(time.Millisecond)
		}
	})
}
