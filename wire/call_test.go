package wire_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/wire"
)

func TestDo(t *testing.T) {
	for name, c := range map[string]struct {
		call         wire.Call
		sent, answer string
		want         string
	}{
		"a GET": {wire.Call{Method: "GET", Target: "/a?b=c", Header: assay.Header{"B": {"2", ""}, "A": {"1"}, "Host": {"y"}, "Content-Length": {"7"}}, Keep: 9},
			"GET /base/a?b=c HTTP/1.1\r\nHost: SERVICE\r\nA: 1\r\nB: 2\r\nB: \r\n\r\n", ok, "200 map[Content-Length:[2]] ok 2 map[]"},
		"a POST": {wire.Call{Method: "POST", Target: "/", Body: []byte("abc"), Keep: 9},
			"POST /base/ HTTP/1.1\r\nHost: SERVICE\r\nContent-Length: 3\r\n\r\nabc", ok, "200 map[Content-Length:[2]] ok 2 map[]"},
		"an empty POST": {wire.Call{Method: "POST", Target: "/", Keep: 1},
			"POST /base/ HTTP/1.1\r\nHost: SERVICE\r\nContent-Length: 0\r\n\r\n", ok, "200 map[Content-Length:[2]] o 2 map[]"},
		"HEAD": {wire.Call{Method: "HEAD", Target: "/", Keep: 9}, "HEAD /base/ HTTP/1.1\r\nHost: SERVICE\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "200 map[Content-Length:[99]]  0 map[]"},
		"chunks": {wire.Call{Method: "GET", Target: "/", Keep: 3}, "GET /base/ HTTP/1.1\r\nHost: SERVICE\r\n\r\n",
			"HTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\nT: 1\r\n\r\n",
			"200 map[] abc 4 map[T:[1]]"},
	} {
		t.Run(name, func(t *testing.T) {
			var connections atomic.Int32
			upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
				connections.Add(1)
				for {
					want := replaced(c.sent, conn)
					got := make([]byte, len(want))
					if n, err := io.ReadFull(in, got); string(got[:n]) != want {
						if n > 0 {
							t.Errorf("the service got %q, %v; want %q", got[:n], err, want)
						}
						return
					}
					_, _ = io.WriteString(conn, c.answer)
				}
			})
			o := origin(t, upstream)
			o.Prefix = "/base"
			for range 3 {
				r, err := o.Do(t.Context(), &c.call)
				if got := fmt.Sprintf("%d %v %s %d %v", r.Status, r.Header, r.Body, r.Size, r.Trailer); got != c.want || err != nil {
					t.Errorf("got %s, %v\nwant %s", got, err, c.want)
				}
			}
			if n := connections.Load(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// What could be read as something else is not sent.
func TestDoRefuses(t *testing.T) {
	o := origin(t, "127.0.0.1:1")
	for name, c := range map[string]wire.Call{
		"a method of two lines": {Method: "GET / HTTP/1.1\r\nX:", Target: "/"},
		"no target":             {Method: "GET"},
		"a target of two":       {Method: "GET", Target: "/ HTTP/1.1\r\nX: y\r\n\r\n"},
		"a space":               {Method: "GET", Target: "/a b"},
		"a name of two lines":   {Method: "GET", Target: "/", Header: assay.Header{"X: y\r\nZ": {"1"}}},
		"a value of two lines":  {Method: "GET", Target: "/", Header: assay.Header{"X": {"1\r\nY: 2"}}},
	} {
		if _, err := o.Do(t.Context(), &c); err == nil || wire.Fault(err).Kind != assay.FaultTransport || errors.As(err, new(*net.OpError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A call ends with its context, wherever the service hangs, and its connection with it.
func TestDoEndsInTime(t *testing.T) {
	for name, say := range map[string]string{"before": "", "within": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"} {
		t.Run(name, func(t *testing.T) {
			upstream, asked, left := hanging(t, say)
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-asked; cancel() }()
			r, err := origin(t, upstream).Do(ctx, &wire.Call{Method: "GET", Target: "/", Keep: 9})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%+v, %v", r, err)
			}
			<-left

			ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if _, err = origin(t, upstream).Do(ctx, &wire.Call{Method: "GET", Target: "/"}); wire.Fault(err).Kind != assay.FaultTimeout {
				t.Errorf("then %v", err)
			}
		})
	}
}

// A call is never made twice.
func TestDoOnce(t *testing.T) {
	var requests atomic.Int32
	upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
		for n := 0; ; n++ {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			requests.Add(1)
			if n > 0 {
				return
			}
			_, _ = io.WriteString(conn, ok)
		}
	})
	o := origin(t, upstream)
	_, first := o.Do(t.Context(), &wire.Call{Method: "GET", Target: "/"})
	_, second := o.Do(t.Context(), &wire.Call{Method: "GET", Target: "/"})
	if first != nil || second == nil || requests.Load() != 2 {
		t.Errorf("%v, %v, %d requests", first, second, requests.Load())
	}
}
