package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/wire/wiretest"
)

// handler is a streaming control in this process.
type handler struct{ http.HandlerFunc }

func (handler) Invoke(context.Context, *assay.Invocation) (*assay.Observation, error) {
	return nil, errors.New("only streams")
}

func get(t *testing.T, address, path string) *http.Response {
	t.Helper()
	res, err := client(t).RoundTrip(newRequest(t, "GET", "http://"+address+path, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func newRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Each event reaches the client before the service sends the next.
func TestEventsAreNotHeldBack(t *testing.T) {
	got := make(chan string)
	upstream := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			if want := fmt.Sprintf("data: %d\n", i); <-got != want {
				t.Errorf("the client did not get %q", want)
			}
		}
	}))
	l := &lane{}
	in := bufio.NewReader(get(t, serve(t, service(t, upstream), l), "/events").Body)
	for range 3 {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		_, _ = in.ReadString('\n')
		got <- line
	}
	if k := l.last(t); string(k.control.Body) != "data: 0\n\ndata: 1\n\ndata: 2\n\n" {
		t.Errorf("observed %q", k.control.Body)
	}
}

// The service has the first bytes of an upload before the client sends the last, and answers while the
// client is still sending.
func TestBothWaysAtOnce(t *testing.T) {
	upstream := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		line := bufio.NewReader(r.Body)
		for {
			s, err := line.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, strings.ToUpper(s))
			_ = rc.Flush()
		}
	}))
	l := &lane{}
	body, upload := io.Pipe()
	go func() { _, _ = io.WriteString(upload, "first\n") }()
	res, err := client(t).RoundTrip(newRequest(t, "POST", "http://"+serve(t, service(t, upstream), l)+"/", body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answers := bufio.NewReader(res.Body)
	for _, word := range []string{"first\n", "second\n", "third\n"} {
		if word != "first\n" {
			_, _ = io.WriteString(upload, word)
		}
		if s, err := answers.ReadString('\n'); s != strings.ToUpper(word) {
			t.Fatalf("got %q, %v", s, err)
		}
	}
	upload.Close()
	_, _ = io.Copy(io.Discard, answers)
	if k := l.last(t); k.inv == nil || string(k.inv.Request.Body) != "first\nsecond\nthird\n" {
		t.Errorf("offered %+v, dropped %q", k.inv, k.reason)
	}
}

func TestExpectContinue(t *testing.T) {
	const body = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	head := []string{"POST / HTTP/1.1", "Host: x", "Content-Length: 4", "Expect: 100-continue", "", ""}
	for name, c := range map[string]struct {
		upstream func(net.Conn, *bufio.Reader)
		want     []int // the statuses the client sees before it sends its body
		reason   string
	}{
		"refused before the body": {
			upstream: func(conn net.Conn, in *bufio.Reader) {
				_, _ = io.WriteString(conn, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
			},
			want: []int{401}, reason: gateway.DropBodyUnread,
		},
		"asked for the body": {
			upstream: func(conn net.Conn, in *bufio.Reader) {
				_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
				_, _ = io.ReadFull(in, make([]byte, 4))
				_, _ = io.WriteString(conn, body)
			},
			want: []int{100},
		},
	} {
		t.Run(name, func(t *testing.T) {
			upstream := wiretest.Accept(t, func(conn net.Conn) {
				in := bufio.NewReader(conn)
				if r, err := http.ReadRequest(in); err == nil && r.Header.Get("Expect") == "100-continue" {
					c.upstream(conn, in)
				}
			})
			l := &lane{}
			conn, in := wiretest.Dial(t, serve(t, service(t, upstream), l))
			wiretest.Send(t, conn, head...)
			for _, want := range c.want {
				res, err := http.ReadResponse(in, nil)
				if err != nil || res.StatusCode != want {
					t.Fatalf("got %+v, %v; want %d", res, err, want)
				}
				if want >= 400 && !res.Close {
					t.Error("the body would be taken for the next request")
				}
			}
			if c.reason == "" {
				wiretest.Send(t, conn, "body")
				if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 200 {
					t.Fatalf("got %+v, %v", res, err)
				}
			}
			if k := l.last(t); k.reason != c.reason {
				t.Errorf("dropped %q, want %q", k.reason, c.reason)
			}
		})
	}
}

func TestUpgrade(t *testing.T) {
	upstream := wiretest.Accept(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		if r, err := http.ReadRequest(in); err != nil || r.Header.Get("Upgrade") != "echo" {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello\n")
		_, _ = io.Copy(conn, in)
	})
	l := &lane{}
	conn, in := wiretest.Dial(t, serve(t, service(t, upstream), l))
	wiretest.Send(t, conn, "GET /ws HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: echo", "", "")
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != 101 || res.Header.Get("Upgrade") != "echo" {
		t.Fatalf("got %+v, %v", res, err)
	}
	wiretest.Send(t, conn, "ping\n")
	for _, want := range []string{"hello\n", "ping\n"} {
		if line, err := in.ReadString('\n'); line != want {
			t.Fatalf("got %q, %v; want %q", line, err, want)
		}
	}
	if k := l.last(t); k.reason != gateway.DropUpgrade {
		t.Errorf("dropped %q", k.reason)
	}
	conn.Close()
}

// A client that leaves cancels a streaming control; that is no fault of the control's.
func TestClientLeaves(t *testing.T) {
	canceled := make(chan struct{})
	upstream := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begun")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(canceled)
	}))
	l := &lane{}
	conn, in := wiretest.Dial(t, serve(t, service(t, upstream), l))
	wiretest.Send(t, conn, "GET / HTTP/1.1", "Host: x", "", "")
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 200 {
		t.Fatalf("got %+v, %v", res, err)
	}
	conn.Close()
	<-canceled
	if k := l.last(t); k.reason != gateway.DropClientGone {
		t.Errorf("dropped %q", k.reason)
	}
}

func TestClientLeavesWithinItsBody(t *testing.T) {
	begun := make(chan struct{})
	upstream := wiretest.Accept(t, func(conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		close(begun)
		_, _ = io.Copy(io.Discard, r.Body)
	})
	l := &lane{}
	conn, _ := wiretest.Dial(t, serve(t, service(t, upstream), l))
	wiretest.Send(t, conn, "POST / HTTP/1.1", "Host: x", "Content-Length: 100000", "", noise[:50000])
	<-begun // the upload streams: its end has not been sent
	conn.Close()
	if k := l.last(t); k.reason != gateway.DropClientGone {
		t.Errorf("dropped %q", k.reason)
	}
}

// A control that cannot be reached, or that breaks off, is an outcome of the trial.
func TestControlFails(t *testing.T) {
	closed := wiretest.Accept(t, func(net.Conn) {})
	for name, c := range map[string]struct {
		path   string
		status int
		body   string
	}{
		"no answer":   {"/", 502, `{"message":"Bad Gateway"}`},
		"half a body": {"/short", 200, "only this"},
	} {
		t.Run(name, func(t *testing.T) {
			upstream := closed
			if c.status == 200 {
				upstream = raw(t, respond)
			}
			l := &lane{}
			res := get(t, serve(t, service(t, upstream), l), c.path)
			body, err := io.ReadAll(res.Body)
			if res.StatusCode != c.status || string(body) != c.body || (err != nil) != (c.status == 200) {
				t.Errorf("the client got %d %q, %v", res.StatusCode, body, err)
			}
			o := l.last(t).control
			if o.Fault == nil || o.Fault.Kind != assay.FaultTransport || o.Status != c.status || string(o.Body) != c.body {
				t.Errorf("observed %+v", o)
			}
		})
	}
}

// A panic of a control goes on to the server, and the ticket ends.
func TestControlPanics(t *testing.T) {
	l := &lane{}
	conn, in := wiretest.Dial(t, serve(t, handler{func(http.ResponseWriter, *http.Request) { panic("a bug") }}, l))
	wiretest.Send(t, conn, "GET / HTTP/1.1", "Host: x", "", "")
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("the client got %v", err)
	}
	if o := l.last(t).control; o.Fault == nil {
		t.Errorf("observed %+v", o)
	}
}

// A lane without room for a body costs the client nothing, and the copy is given up at once: where the length is
// known before the first byte is kept.
func TestNoRoom(t *testing.T) {
	for _, length := range []int64{int64(len(noise)), -1} {
		l := &lane{room: func(int) int { return 100 << 10 }}
		address := serve(t, service(t, raw(t, respond)), l)
		r := newRequest(t, "POST", "http://"+address+"/echo", strings.NewReader(noise))
		r.ContentLength = length
		res, err := client(t).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || !strings.HasSuffix(string(body), noise) {
			t.Errorf("got %d bytes, %v", len(body), err)
		}
		k := l.last(t)
		if length > 0 && (k.asked != 1 || k.reserved != len(noise)) || length < 0 && (k.asked == 1 || k.reserved > 400<<10) {
			t.Errorf("of length %d: asked %d times for %d bytes", length, k.asked, k.reserved)
		}
		if k.reason != "too_large" {
			t.Errorf("dropped %q", k.reason)
		}
	}
}

// bounded is a lane whose tickets hold so much of one body.
type bounded struct {
	*lane
	max int64
}

type boundedTicket struct {
	*ticket
	max int64
}

func (l bounded) Choose(r *assay.Request) assay.Ticket {
	return boundedTicket{l.lane.Choose(r).(*ticket), l.max}
}
func (t boundedTicket) MaxBody() int64 { return t.max }

// Of an answer longer than the ticket holds the beginning is kept, and the observation says so; the client has it all.
func TestLongAnswersAreCut(t *testing.T) {
	const most = 1000
	chunked := handler{func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, noise[:600])
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, noise[600:])
	}}
	function := returns(&assay.Observation{Status: 200, Body: []byte(noise), BodySize: int64(len(noise))}, nil)
	for name, control := range map[string]assay.Invoker{
		"relayed": service(t, raw(t, respond)), "streamed": chunked, "relayed chunks": service(t, listen(t, chunked)), "a function's": function,
	} {
		t.Run(name, func(t *testing.T) {
			l := &lane{}
			res := get(t, serve(t, control, bounded{l, most}), "/large")
			if body, err := io.ReadAll(res.Body); string(body) != noise || err != nil {
				t.Errorf("the client got %d bytes, %v", len(body), err)
			}
			k := l.last(t)
			if k.control == nil || string(k.control.Body) != noise[:most] || k.control.BodySize != int64(len(noise)) || k.reserved != most {
				t.Errorf("dropped %q, reserved %d, observed %+v", k.reason, k.reserved, k.control)
			}
		})
	}
}

// What is offered shares nothing with the client's request, and leaves out what concerns connections.
func TestSnapshot(t *testing.T) {
	l := &lane{}
	change := handler{func(w http.ResponseWriter, r *http.Request) {
		for _, values := range r.Header {
			for i := range values {
				values[i] = "changed"
			}
		}
		r.URL.Path, r.URL.RawQuery = "/changed", "changed"
	}}
	conn, in := wiretest.Dial(t, serve(t, change, l))
	wiretest.Send(t, conn, "GET /a%2Fb?c=%zz;d HTTP/1.1", "Host: example.com", "X-A: 1", "X-A: 2", "Connection: X-Hop",
		"X-Hop: 1", "TE: trailers", "Keep-Alive: 5", "", "")
	if _, err := http.ReadResponse(in, nil); err != nil {
		t.Fatal(err)
	}
	inv := l.last(t).inv
	q := inv.Request
	if q.Method != "GET" || q.Scheme != "http" || q.Host != "example.com" || q.Path != "/a%2Fb" ||
		q.Query != "c=%zz;d" || q.Proto != "HTTP/1.1" || q.RemoteAddr != conn.LocalAddr().String() {
		t.Errorf("request %+v", q)
	}
	if h := fmt.Sprint(q.Header); h != "map[X-A:[1 2]]" {
		t.Errorf("header %s", h)
	}
	if len(inv.ID) != 36 || inv.ID[14] != '4' || inv.Received.IsZero() {
		t.Errorf("invocation %q at %v", inv.ID, inv.Received)
	}
}
