package plainhttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/remote/plainhttp"
	"github.com/assaylab/assay/wire/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering starts a server that gives every request the same answer.
func answering(t *testing.T, answer string) string {
	return wiretest.Saying(t, answer, strings.Contains(answer, "Connection: close"))
}

func service(t *testing.T, base string, o plainhttp.Options) *plainhttp.Service {
	t.Helper()
	s, err := plainhttp.New(base, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func invocation(method, path string) *assay.Invocation {
	return &assay.Invocation{ID: "id-1", Request: &assay.Request{
		Method: method, Scheme: "https", Host: "example.com", Path: path, RemoteAddr: "192.0.2.1:99",
	}}
}

func invoke(t *testing.T, s *plainhttp.Service, inv *assay.Invocation) *assay.Observation {
	t.Helper()
	o, err := s.Invoke(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestNew(t *testing.T) {
	for base, says := range map[string]string{
		"ftp://x":              "scheme",
		"127.0.0.1:9000":       "parsed",
		"/path":                "scheme",
		"http://":              "no host",
		"http://:80":           "no host",
		"http://u:secret@x":    "credentials",
		"http://x/?a=b":        "query",
		"http://x/#a":          "fragment",
		"http://x/%zz":         "parsed",
		"http://127.0.0.1:1/a": "",
		"https://x":            "",
	} {
		_, err := plainhttp.New(base, plainhttp.Options{})
		var e *assay.Error
		switch {
		case says == "" && err != nil:
			t.Errorf("%s: %v", base, err)
		case says != "" && (!errors.As(err, &e) || e.Code != assay.CodeInvalid || !strings.Contains(e.What, says)):
			t.Errorf("%s: %v does not say %q", base, err, says)
		case says != "" && strings.Contains(err.Error(), "secret"):
			t.Errorf("a password is told: %v", err)
		}
	}
}

// Control and candidate are sent the same request, but for the mark.
func TestSameRequestBothWays(t *testing.T) {
	var mu sync.Mutex
	var got []string
	upstream := wiretest.Answer(t, func(conn net.Conn, r *http.Request, _ int) bool {
		body, _ := io.ReadAll(r.Body)
		mark := r.Header.Get(assay.TrialHeader)
		r.Header.Del(assay.TrialHeader)
		mu.Lock()
		defer mu.Unlock()
		account := fmt.Sprintf("%s %s %s %d %q", r.Method, r.RequestURI, r.Host, r.ContentLength, body)
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			account += fmt.Sprintf("\n%s: %q", name, r.Header[name])
		}
		got = append(got, account, mark)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		return true
	})
	s := service(t, "http://"+upstream+"/base%2F/", plainhttp.Options{})
	for name, c := range map[string]struct {
		method, path, query, body string
		header                    http.Header
		want                      string
	}{
		"plain": {method: "GET", path: "/a|b%2Fc", query: "x=1;y=%zz", header: http.Header{"Accept": {"*/*", "a"}},
			want: "GET /base%2F/a|b%2Fc?x=1;y=%zz HOST 0 \"\"\nAccept: [\"*/*\" \"a\"]\n" +
				"X-Forwarded-For: [\"192.0.2.1\"]\nX-Forwarded-Host: [\"example.com\"]\nX-Forwarded-Proto: [\"http\"]"},
		"hop by hop": {method: "GET", path: "/", header: http.Header{"Connection": {"X-Hop, close"}, "X-Hop": {"1"},
			"Proxy-Connection": {"1"}, "Keep-Alive": {"1"}, "User-Agent": {"me"}},
			want: "GET /base%2F/ HOST 0 \"\"\nUser-Agent: [\"me\"]\n" +
				"X-Forwarded-For: [\"192.0.2.1\"]\nX-Forwarded-Host: [\"example.com\"]\nX-Forwarded-Proto: [\"http\"]"},
		"behind a proxy": {method: "DELETE", path: "//x", header: http.Header{"Forwarded": {"for=a"},
			"X-Forwarded-For": {"10.0.0.1", "10.0.0.2"}, "X-Forwarded-Host": {"front"}, "X-Forwarded-Proto": {"https"}},
			want: "DELETE /base%2F//x HOST 0 \"\"\nForwarded: [\"for=a\"]\n" +
				"X-Forwarded-For: [\"10.0.0.1, 10.0.0.2, 192.0.2.1\"]\nX-Forwarded-Host: [\"front\"]\nX-Forwarded-Proto: [\"https\"]"},
		"body": {method: "POST", path: "/", body: "\x00binary", header: http.Header{"Content-Encoding": {"gzip"}},
			want: "POST /base%2F/ HOST 7 \"\\x00binary\"\nContent-Encoding: [\"gzip\"]\nContent-Length: [\"7\"]\n" +
				"X-Forwarded-For: [\"192.0.2.1\"]\nX-Forwarded-Host: [\"example.com\"]\nX-Forwarded-Proto: [\"http\"]"},
		"empty post": {method: "POST", path: "/",
			want: "POST /base%2F/ HOST 0 \"\"\nContent-Length: [\"0\"]\n" +
				"X-Forwarded-For: [\"192.0.2.1\"]\nX-Forwarded-Host: [\"example.com\"]\nX-Forwarded-Proto: [\"http\"]"},
	} {
		t.Run(name, func(t *testing.T) {
			got = nil
			target := c.path + "?" + c.query
			if c.query == "" {
				target = c.path
			}
			r := httptest.NewRequest(c.method, "/", strings.NewReader(c.body))
			r.RequestURI, r.URL.RawQuery = target, c.query
			r.Host, r.RemoteAddr = "example.com", "192.0.2.1:99"
			r.Header = c.header.Clone()
			s.ServeHTTP(httptest.NewRecorder(), r)

			inv := invocation(c.method, c.path)
			inv.Request.Scheme, inv.Request.Query, inv.Request.Body = "http", c.query, []byte(c.body)
			inv.Request.Header = assay.Header(c.header.Clone())
			if o := invoke(t, s, inv); o.Fault != nil || o.Status != 200 {
				t.Fatalf("observed %+v", o)
			}
			if !reflect.DeepEqual(http.Header(inv.Request.Header), c.header) {
				t.Errorf("the snapshot was changed: %v", inv.Request.Header)
			}

			want := strings.Replace(c.want, "HOST", upstream, 1)
			if len(got) != 4 || got[0] != want || got[2] != want || got[1] != "" || got[3] != "id-1" {
				t.Errorf("got %q\nwant %q twice, the second marked", got, want)
			}
		})
	}
}

func TestObservations(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		limit  int64
		want   string // status, header, body of size, trailer
	}{
		"redirect": {answer: "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n",
			want: `302 map[Content-Length:[0] Location:[/x] Set-Cookie:[a=1 b=2]] "" 0 map[]`},
		"trailers": {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n2\r\nab\r\n0\r\nX-A: 1\r\n\r\n",
			want: `200 map[] "ab" 2 map[X-A:[1]]`},
		"gzip": {answer: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
			want: `200 map[Content-Encoding:[gzip] Content-Length:[3]] "abc" 3 map[]`},
		"hop by hop": {answer: "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n",
			want: `200 map[Content-Length:[0]] "" 0 map[]`},
		"hints": {answer: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			want: `200 map[Content-Length:[0]] "" 0 map[]`},
		"at the limit": {answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", limit: 5,
			want: `200 map[Content-Length:[5]] "abcde" 5 map[]`},
		"over the limit": {answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", limit: 3,
			want: `200 map[Content-Length:[5]] "abc" 5 map[]`},
		"another protocol": {answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nwords",
			want: `101 map[] "" 0 map[]`},
	} {
		t.Run(name, func(t *testing.T) {
			s := service(t, "http://"+answering(t, c.answer), plainhttp.Options{MaxBody: c.limit})
			o := invoke(t, s, invocation("GET", "/"))
			if got := fmt.Sprintf("%d %v %q %d %v", o.Status, o.Header, o.Body, o.BodySize, o.Trailer); got != c.want || o.Fault != nil {
				t.Errorf("got  %s, fault %v\nwant %s", got, o.Fault, c.want)
			}
			if o.Started.IsZero() || o.Duration <= 0 || o.Arm != "" || o.Role != "" {
				t.Errorf("observed %+v", o)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	silent := wiretest.Answer(t, func(conn net.Conn, r *http.Request, _ int) bool {
		_, _ = io.Copy(io.Discard, conn) // until the client closes
		return false
	})
	broken := answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nbegun")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		address string
		ctx     context.Context
		kind    assay.FaultKind
		status  int
		body    string
	}{
		"refused":    {"127.0.0.1:1", nil, assay.FaultTransport, 0, ""},
		"not HTTP":   {answering(t, "SSH-2.0 hello\r\n"), nil, assay.FaultTransport, 0, ""},
		"closed":     {answering(t, "Connection: close"), nil, assay.FaultTransport, 0, ""},
		"broken off": {broken, nil, assay.FaultTransport, 200, "begun"},
		"canceled":   {silent, canceled, assay.FaultCanceled, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.ctx == nil {
				c.ctx = t.Context()
			}
			o, err := service(t, "http://"+c.address, plainhttp.Options{}).Invoke(c.ctx, invocation("GET", "/"))
			if err != nil {
				t.Fatal(err)
			}
			if o.Fault == nil || o.Fault.Kind != c.kind || o.Fault.Message == "" || o.Status != c.status ||
				string(o.Body) != c.body || o.BodySize != int64(len(c.body)) {
				t.Errorf("observed %+v, fault %+v", o, o.Fault)
			}
		})
	}
}

func TestInvokeNeedsARequest(t *testing.T) {
	s := service(t, "http://127.0.0.1:1", plainhttp.Options{})
	var e *assay.Error
	if o, err := s.Invoke(t.Context(), &assay.Invocation{Payload: []byte("{}")}); o != nil || !errors.As(err, &e) {
		t.Errorf("got %v, %v", o, err)
	}
}

// A service that takes a request on a reused connection and closes it without an answer has crashed:
// a candidate's call is not repeated, a client's is.
func TestOnceOnly(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "DELETE"} {
		t.Run(method, func(t *testing.T) {
			var requests atomic.Int32
			upstream := wiretest.Answer(t, func(conn net.Conn, r *http.Request, before int) bool {
				requests.Add(1)
				if before > 0 {
					return false
				}
				_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				return err == nil
			})
			s := service(t, "http://"+upstream, plainhttp.Options{})
			if o := invoke(t, s, invocation(method, "/")); o.Fault != nil {
				t.Fatal(o.Fault)
			}
			if o := invoke(t, s, invocation(method, "/")); o.Fault == nil || o.Fault.Kind != assay.FaultTransport {
				t.Errorf("observed %+v", o)
			}
			if n := requests.Load(); n != 2 {
				t.Errorf("the service had %d requests", n)
			}
		})
	}
}

func TestControlIsRepeatedOnAStaleConnection(t *testing.T) {
	upstream := wiretest.Answer(t, func(conn net.Conn, r *http.Request, before int) bool {
		if before > 0 {
			return false
		}
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		return err == nil
	})
	s := service(t, "http://"+upstream, plainhttp.Options{})
	for range 3 {
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, httptest.NewRequest("GET", "/", nil)); w.Code != 200 {
			t.Errorf("got %d", w.Code)
		}
	}
}

// faulty is a writer that wants to know of faults.
type faulty struct {
	*httptest.ResponseRecorder
	fault assay.Fault
}

func (f *faulty) Fault(fault assay.Fault) { f.fault = fault }

func TestControlFaults(t *testing.T) {
	late := func(context.Context, string, string) (net.Conn, error) { return nil, context.DeadlineExceeded }
	gone, leave := context.WithCancel(t.Context())
	leave()
	for name, c := range map[string]struct {
		options plainhttp.Options
		ctx     context.Context
		kind    assay.FaultKind
		status  int
		body    string
	}{
		"refused":  {plainhttp.Options{}, t.Context(), assay.FaultTransport, 502, `{"message":"Bad Gateway"}`},
		"time-out": {plainhttp.Options{Dial: late}, t.Context(), assay.FaultTimeout, 504, `{"message":"Gateway Timeout"}`},
		"gone":     {plainhttp.Options{}, gone, assay.FaultCanceled, 502, `{"message":"Bad Gateway"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := &faulty{ResponseRecorder: httptest.NewRecorder()}
			s := service(t, "http://127.0.0.1:1", c.options)
			s.ServeHTTP(w, httptest.NewRequestWithContext(c.ctx, "GET", "/", nil))
			if w.fault.Kind != c.kind || w.Code != c.status || w.Body.String() != c.body {
				t.Errorf("got %d %s, fault %+v", w.Code, w.Body, w.fault)
			}
		})
	}
}

// A chunked answer is asked to stay chunked: of one that is over at once the server would add the length.
func TestChunkedStaysChunked(t *testing.T) {
	s := service(t, "http://"+answering(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), plainhttp.Options{})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header().Get("Transfer-Encoding"); got != "chunked" {
		t.Errorf("the server is told %q", got)
	}
}

// Over TLS the service may speak HTTP/2.
func TestHTTP2(t *testing.T) {
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d %s", r.Proto, r.RequestURI, r.ContentLength, body)
	}))
	upstream.EnableHTTP2 = true
	upstream.StartTLS()
	t.Cleanup(upstream.Close)
	s := service(t, upstream.URL, plainhttp.Options{TLS: upstream.Client().Transport.(*http.Transport).TLSClientConfig})
	get := invocation("GET", "/a%2Fb")
	if o := invoke(t, s, get); string(o.Body) != "HTTP/2.0 /a%2Fb 0 " && string(o.Body) != "HTTP/2.0 /a%2Fb -1 " {
		t.Errorf("observed %+v %s", o.Fault, o.Body)
	}
	post := invocation("POST", "/")
	post.Request.Body = []byte("work")
	if o := invoke(t, s, post); string(o.Body) != "HTTP/2.0 / 4 work" {
		t.Errorf("observed %+v %s", o.Fault, o.Body)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("POST", "/x", bytes.NewReader([]byte("work"))))
	if w.Body.String() != "HTTP/2.0 /x 4 work" {
		t.Errorf("the client got %d %s", w.Code, w.Body)
	}
}

// pipe dials a service in memory that answers by path: it may hang before or within its answer.
func pipe(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		in := bufio.NewReader(there)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			switch r.URL.Path {
			case "/hang":
			case "/half":
				_, _ = io.WriteString(there, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun")
			default:
				_, _ = io.WriteString(there, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}
	}()
	return here, nil
}

// A service that hangs costs exactly the time its context allows, wherever it hangs.
func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service(t, "http://upstream", plainhttp.Options{Dial: pipe})
		for path, want := range map[string]string{"/hang": `0 ""`, "/half": `200 "begun"`} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			o, err := s.Invoke(ctx, invocation("GET", path))
			cancel()
			if err != nil || o.Fault == nil || o.Fault.Kind != assay.FaultTimeout || o.Duration != time.Second {
				t.Errorf("%s: observed %+v, %v", path, o, err)
			}
			if got := fmt.Sprintf("%d %q", o.Status, o.Body); got != want {
				t.Errorf("%s: got %s, want %s", path, got, want)
			}
		}
	})
}

// An idle connection is kept for less time than common servers keep it.
func TestIdleConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		s := service(t, "http://upstream", plainhttp.Options{
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				dials++
				return pipe(ctx, network, address)
			},
		})
		for _, c := range []struct {
			pause time.Duration
			dials int
		}{{0, 1}, {3 * time.Second, 1}, {5 * time.Second, 2}} {
			time.Sleep(c.pause)
			if o := invoke(t, s, invocation("GET", "/")); o.Fault != nil || dials != c.dials {
				t.Errorf("after %v: fault %v, dialed %d times, want %d", c.pause, o.Fault, dials, c.dials)
			}
		}
		s.Close()
	})
}
