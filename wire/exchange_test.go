package wire_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/wire"
	"github.com/assaylab/assay/wire/wiretest"
)

// The client gets the service's bytes: but for what concerns one connection, and the spelling of line ends.
func TestAnswersAreByteExact(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 40_000)
	for name, c := range map[string]struct {
		answer string
		want   string // "": the answer
		last   bool   // the service closes
		ends   bool   // so does the relay
	}{
		"order, case, spaces": {answer: "HTTP/1.1 200 Fine by me\r\nx-B: 2\r\nSet-Cookie: b=1\r\nX-a:  1 \r\nset-cookie: a=2, c\r\nCONTENT-LENGTH: 2\r\nX-E:\r\n\r\nok"},
		"no reason":           {answer: "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"},
		"not even a space":    {answer: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"},
		"other letters":       {answer: "HTTP/1.1 200 OK\r\nX: \xe9\xff\r\nContent-Length: 0\r\n\r\n"},
		"chunks":              {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n003;a=\"b\"\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"},
		"padded chunks":       {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3  \r\nabc\r\n0\r\n\r\n"},
		"trailers":            {answer: "HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\ny: 2\r\n\r\n"},
		"early hints":         {answer: "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		"nothing to say":      {answer: "HTTP/1.1 204 No Content\r\n\r\n"},
		"not modified":        {answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nContent-Type: a/b\r\n\r\n"},
		"a large body":        {answer: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(large), large)},
		"a large chunk":       {answer: fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(large), large)},
		"a large head":        {answer: "HTTP/1.1 200 OK\r\nX: " + large + "\r\nContent-Length: 2\r\n\r\nok"},
		"hop by hop": {answer: "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nA: 1\r\nConnection: keep-alive, X-Hop\r\nx-hop: 1\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok",
			want: "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 2\r\n\r\nok"},
		"bare LF":        {answer: "HTTP/1.1 200 OK\nA: 1\nContent-Length: 2\n\nok", want: ok2("A: 1\r\n")},
		"folded":         {answer: "HTTP/1.1 200 OK\r\nA: 1\r\n\t2\r\nContent-Length: 2\r\n\r\nok", want: ok2("A: 1  \t2\r\n")},
		"a length twice": {answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", want: ok2("")},
		"a length with chunks": {answer: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
			want: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"},
		"closes": {answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", last: true, want: ok2("")},
		"until the end": {answer: "HTTP/1.1 200 OK\r\nA: 1\r\n\r\n" + large, last: true, ends: true,
			want: "HTTP/1.1 200 OK\r\nA: 1\r\nConnection: close\r\n\r\n" + large},
		"HTTP/1.0": {answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", last: true, want: ok2("")},
		"HTTP/1.0 until the end": {answer: "HTTP/1.0 200 OK\r\n\r\nok", last: true, ends: true,
			want: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := start(t, &to{origin: origin(t, wiretest.Saying(t, c.answer, c.last))}, &http.Server{Handler: handedOver})
			conn, in := wiretest.Dial(t, address)
			if c.want == "" {
				c.want = c.answer
			}
			times := 3
			if c.ends {
				times = 1
			}
			for range times {
				wiretest.Send(t, conn, get("/"))
				expect(t, in, c.want)
			}
			if c.ends {
				if more := rest(t, in); more != "" {
					t.Errorf("and then %q", more)
				}
			}
		})
	}
}

func ok2(fields string) string {
	return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 2\r\n\r\nok"
}

// What is no answer becomes 502, what ends early ends the client's connection, and the next client is served.
func TestUnusableAnswers(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"nothing":             {"", " 502 "},
		"half a head":         {"HTTP/1.1 200 OK\r\nA: ", " 502 "},
		"another protocol":    {"SSH-2.0 hello\r\n", " 502 "},
		"HTTP/2":              {"HTTP/2.0 200 OK\r\n\r\n", " 502 "},
		"a status of letters": {"HTTP/1.1 2xx OK\r\n\r\n", " 502 "},
		"a status too low":    {"HTTP/1.1 099 OK\r\n\r\n", " 502 "},
		"switched unasked":    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", " 502 "},
		"two lengths":         {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", " 502 "},
		"unknown coding":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab", " 502 "},
		"a bad name":          {"HTTP/1.1 200 OK\r\nA b: c\r\nContent-Length: 0\r\n\r\n", " 502 "},
		"a bare CR":           {"HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n", " 502 "},
		"an endless head":     {"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 2<<20), " 502 "},
		"half a body":         {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "\r\n\r\nhalf"},
		"half a chunk":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "\r\n\r\n5\r\nab"},
		"no chunk":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", "\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			heard := make(chan error, 9)
			o := origin(t, wiretest.Saying(t, c.answer, true))
			o.Told = func(err error) { heard <- err }
			address, _ := start(t, &to{origin: o}, &http.Server{Handler: handedOver})
			conn, in := wiretest.Dial(t, address)
			wiretest.Send(t, conn, get("/", "Connection: close\r\n"))
			got := rest(t, in)
			if !strings.Contains(got, c.want) || strings.Count(got, "HTTP/1.1 ") != 1 || strings.Contains(got, "\r\n0\r\n") {
				t.Errorf("the client got %.300q", got)
			}
			if err := <-heard; (err != nil) != (c.want == " 502 ") || err != nil && wire.Fault(err).Kind != assay.FaultTransport {
				t.Errorf("told %v", err)
			}
		})
	}
}

// The service is sent what the client sent: but for what concerns one connection.
func TestRequestsAreByteExact(t *testing.T) {
	const forwarded = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: x\r\nX-Forwarded-Proto: http\r\n\r\n"
	for name, c := range map[string]struct{ sent, want string }{
		"order, case, spaces": {"GET /a%2fb?c=%zz;d HTTP/1.1\r\nb: 2\r\nHOST: x\r\nA:  1 \r\nb: 3\r\nX-E:\r\n\r\n",
			"GET /base/a%2fb?c=%zz;d HTTP/1.1\r\nb: 2\r\nHost: SERVICE\r\nA:  1 \r\nb: 3\r\nX-E:\r\n" + forwarded},
		"hop by hop": {"GET / HTTP/1.1\r\nHost: x\r\nKeep-Alive: 1\r\nConnection: a, keep-alive\r\nA: 1\r\nTE: gzip, trailers\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\nUpgrade: h2c\r\n\r\n",
			"GET /base/ HTTP/1.1\r\nHost: SERVICE\r\nTe: trailers\r\n" + forwarded},
		"Connection names what it may not": {"POST / HTTP/1.1\r\nHost: x\r\nConnection: content-length, host, x-forwarded-for\r\nX-Forwarded-For: 1\r\nContent-Length: 1\r\n\r\na",
			"POST /base/ HTTP/1.1\r\nHost: SERVICE\r\nContent-Length: 1\r\nX-Forwarded-For: 1, 127.0.0.1\r\nX-Forwarded-Host: x\r\nX-Forwarded-Proto: http\r\n\r\na"},
		"behind proxies": {"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1, 2\r\nForwarded: for=3\r\nx-forwarded-for: 4\r\nX-Forwarded-Host: y\r\nX-Forwarded-Proto: https\r\n\r\n",
			"GET /base/ HTTP/1.1\r\nHost: SERVICE\r\nForwarded: for=3\r\nX-Forwarded-Host: y\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 1, 2, 4, 127.0.0.1\r\n\r\n"},
		"a body": {"PUT / HTTP/1.1\r\nHost: x\r\ncontent-length: 3\r\n\r\nabc",
			"PUT /base/ HTTP/1.1\r\nHost: SERVICE\r\ncontent-length: 3\r\n" + forwarded + "abc"},
		"chunks with trailers": {"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\nA: b\r\n\r\n",
			"PUT /base/ HTTP/1.1\r\nHost: SERVICE\r\nTransfer-Encoding: chunked\r\n" + forwarded + "1;x\r\na\r\n0\r\nA: b\r\n\r\n"},
		"two slashes": {"GET //a/../b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /base//a/../b HTTP/1.1\r\nHost: SERVICE\r\n" + forwarded},
	} {
		t.Run(name, func(t *testing.T) {
			upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
				for {
					want := replaced(c.want, conn)
					got := make([]byte, len(want))
					if n, err := io.ReadFull(in, got); string(got[:n]) != want {
						if n > 0 {
							t.Errorf("the service got %q, %v\nwant %q", got[:n], err, want)
						}
						return
					}
					_, _ = io.WriteString(conn, ok)
				}
			})
			o := origin(t, upstream)
			o.Prefix = "/base"
			address, _ := start(t, &to{origin: o}, &http.Server{Handler: handedOver})
			conn, in := wiretest.Dial(t, address)
			for range 2 {
				wiretest.Send(t, conn, c.sent)
				expect(t, in, ok)
			}
			for _, b := range []byte(c.sent) { // and byte by byte
				wiretest.Send(t, conn, string(b))
			}
			expect(t, in, ok)
		})
	}
}

// What is not relayed is net/http's, with every byte, also of the requests behind it.
func TestHandOver(t *testing.T) {
	for name, c := range map[string]struct{ sent, want string }{
		"not wanted":     {"GET /other HTTP/1.1\r\nHost: x\r\n\r\n", "GET /other "},
		"HTTP/1.0":       {"GET /old HTTP/1.0\r\n\r\n", "GET /old "},
		"absolute":       {"GET http://x/abs HTTP/1.1\r\nHost: x\r\n\r\n", "GET http://x/abs "},
		"asterisk":       {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		"expects":        {"POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na", "POST /e a"},
		"upgrades":       {"GET /u HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "GET /u "},
		"announces":      {"POST /t HTTP/1.1\r\nHost: x\r\nTrailer: A\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n", "POST /t a"},
		"a large head":   {"GET /l HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 100_000) + "\r\n\r\n", "GET /l "},
		"many fields":    {"GET /f HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 300) + "\r\n", "GET /f "},
		"a whole body":   {"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST /other abc"},
		"with one after": {"GET /other HTTP/1.1\r\nHost: x\r\n\r\nGET /more HTTP/1.1\r\nHost: x\r\n\r\n", "GET /more "},
	} {
		t.Run(name, func(t *testing.T) {
			router := &to{origin: origin(t, wiretest.Saying(t, ok, false)), refuse: func(r *wire.Request) bool { return r.Path() == "/other" }}
			address, _ := start(t, router, &http.Server{Handler: handedOver})
			conn, in := wiretest.Dial(t, address)
			wiretest.Send(t, conn, get("/first"))
			expect(t, in, ok)
			wiretest.Send(t, conn, c.sent+"GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			got := rest(t, in)
			if !strings.Contains(got, "\r\n\r\n"+c.want) || !strings.Contains(got, "Handed-Over: 1") && c.want != "" || router.count() != 1 {
				t.Errorf("relayed %d, got %q", router.count(), got)
			}
		})
	}
}

// Requests sent without waiting are answered in their order, those with bodies among them.
func TestPipelining(t *testing.T) {
	echo := service(t, func(conn net.Conn, in *bufio.Reader) {
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(r.URL.Path)+len(body), r.URL.Path, body)
		}
	})
	address, _ := start(t, &to{origin: origin(t, echo)}, &http.Server{Handler: handedOver})
	conn, in := wiretest.Dial(t, address)
	var all, want strings.Builder
	for i := range 200 {
		path, body := fmt.Sprintf("/%d", i), strings.Repeat("b", i*i%40_000)
		switch i % 3 {
		case 0:
			body = ""
			all.WriteString(get(path))
		case 1:
			fmt.Fprintf(&all, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
		case 2:
			all.WriteString("POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
			if body != "" {
				fmt.Fprintf(&all, "%x\r\n%s\r\n", len(body), body)
			}
			all.WriteString("0\r\n\r\n")
		}
		fmt.Fprintf(&want, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(path)+len(body), path, body)
	}
	var sending sync.WaitGroup
	sending.Go(func() { _, _ = io.WriteString(conn, all.String()) })
	expect(t, in, want.String())
	sending.Wait()
}

// A service that says more than it was asked is not believed: the next client gets its own answer.
func TestNothingIsLeftOnAConnection(t *testing.T) {
	const more = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
	for name, answer := range map[string]string{"at once": ok + more, "to HEAD": ok, "to 204": "HTTP/1.1 204 No\r\n\r\n" + more} {
		t.Run(name, func(t *testing.T) {
			var connections atomic.Int32
			upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
				connections.Add(1)
				for {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					_, _ = io.WriteString(conn, answer)
				}
			})
			address, _ := start(t, &to{origin: origin(t, upstream)}, &http.Server{Handler: handedOver})
			conn, in := wiretest.Dial(t, address)
			const times = 5
			for range times {
				if name == "to HEAD" {
					wiretest.Send(t, conn, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
					expect(t, in, strings.TrimSuffix(ok, "ok"))
					continue
				}
				wiretest.Send(t, conn, get("/"))
				expect(t, in, strings.TrimSuffix(answer, more))
			}
			if n := connections.Load(); n != times {
				t.Errorf("%d exchanges on %d connections", times, n)
			}
		})
	}
}

// A request is made twice only if that changes nothing, and only on a connection that had been idle.
func TestRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		request  string
		served   int // requests that a connection answers before it ends at the next
		requests int32
		status   string
	}{
		"a GET":               {get("/"), 1, 3, "200"},
		"a GET with a body":   {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na", 1, 2, "502"},
		"a POST":              {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 1, 2, "502"},
		"a DELETE":            {"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 1, 2, "502"},
		"on a new connection": {get("/"), 0, 1, "502"},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			upstream := service(t, func(conn net.Conn, in *bufio.Reader) {
				for n := 0; ; n++ {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					requests.Add(1)
					if n == c.served {
						return
					}
					_, _ = io.WriteString(conn, ok)
				}
			})
			address, _ := start(t, &to{origin: origin(t, upstream)}, &http.Server{Handler: handedOver})
			conn, in := wiretest.Dial(t, address)
			for range c.served {
				wiretest.Send(t, conn, get("/"))
				expect(t, in, ok)
			}
			wiretest.Send(t, conn, c.request)
			expect(t, in, "HTTP/1.1 "+c.status)
			if n := requests.Load(); n != c.requests {
				t.Errorf("the service had %d requests", n)
			}
		})
	}
}

// recorder is a tap.
type recorder struct {
	mu             sync.Mutex
	sent, answered []byte
	status         int
	header         assay.Header
	done           chan wire.Outcome
}

func (r *recorder) Sent(p []byte) { r.mu.Lock(); defer r.mu.Unlock(); r.sent = append(r.sent, p...) }
func (r *recorder) Began(a *wire.Answer) {
	r.status, r.header = a.Status, a.Header()
}
func (r *recorder) Answered(p []byte)   { r.answered = append(r.answered, p...) }
func (r *recorder) Done(o wire.Outcome) { r.done <- o }

// tapped relays one exchange to upstream and returns what was seen of it.
func tapped(t *testing.T, upstream string, talk func(net.Conn, *bufio.Reader)) (*recorder, wire.Outcome) {
	r := &recorder{done: make(chan wire.Outcome, 1)}
	address, _ := start(t, &to{origin: origin(t, upstream), tap: func() wire.Tap { return r }}, &http.Server{Handler: handedOver})
	conn, in := wiretest.Dial(t, address)
	talk(conn, in)
	return r, <-r.done
}

func TestTap(t *testing.T) {
	answer := "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 201 Made\r\nA: 1\r\na: 2\r\nTransfer-Encoding: chunked\r\nConnection: b\r\nB: 1\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: 9\r\n\r\n"
	r, o := tapped(t, wiretest.Saying(t, answer, false), func(conn net.Conn, in *bufio.Reader) {
		wiretest.Send(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n")
		wiretest.Send(t, conn, "1\r\n!\r\n0\r\n\r\n")
		expect(t, in, "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 201 Made\r\n")
	})
	if got := fmt.Sprintf("%s %d %v %s %+v", r.sent, r.status, r.header, r.answered, o); got !=
		"xyz! 201 map[A:[1 2]] abc {Trailer:map[T:[9]] Size:3 Whole:true Gone:false Err:<nil>}" {
		t.Error(got)
	}
}

func TestTapOfFaults(t *testing.T) {
	r, o := tapped(t, wiretest.Saying(t, "", true), func(conn net.Conn, in *bufio.Reader) {
		wiretest.Send(t, conn, get("/"))
		expect(t, in, "HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\n")
	})
	if r.status != 502 || string(r.answered) != `{"message":"Bad Gateway"}` || o.Gone || !o.Whole || !errors.Is(o.Err, io.ErrUnexpectedEOF) {
		t.Errorf("%d %s %+v", r.status, r.answered, o)
	}
	r, o = tapped(t, wiretest.Saying(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", true), func(conn net.Conn, in *bufio.Reader) {
		wiretest.Send(t, conn, get("/"))
		_ = rest(t, in)
	})
	if r.status != 200 || string(r.answered) != "half" || o.Size != 4 || !errors.Is(o.Err, io.ErrUnexpectedEOF) {
		t.Errorf("%d %s %+v", r.status, r.answered, o)
	}
}

// A service that cannot be connected to in time is told from one that refuses.
func TestConnecting(t *testing.T) {
	for status, fails := range map[string]error{
		"504": context.DeadlineExceeded, "502": errors.New("refused"),
	} {
		o := &wire.Origin{Host: "service", Dial: func(context.Context) (net.Conn, error) { return nil, fails }}
		address, _ := start(t, &to{origin: o}, &http.Server{Handler: handedOver})
		conn, in := wiretest.Dial(t, address)
		for range 2 { // nothing was begun: the client's connection is as good as before
			wiretest.Send(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
			res, err := http.ReadResponse(in, nil)
			if err != nil || !strings.HasPrefix(res.Status, status) {
				t.Fatalf("got %+v, %v; want %s", res, err, status)
			}
			_, _ = io.Copy(io.Discard, res.Body)
		}
	}
}
