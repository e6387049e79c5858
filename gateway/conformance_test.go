package gateway_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/assaylab/assay/gateway"
)

var quiet = log.New(io.Discard, "", 0)

// The service of these tests answers by path, in bytes that the Go HTTP server would not write.
var answers = map[string]string{
	"/bare":    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html",
	"/odd":     "HTTP/1.1 200 Fine\r\ncOnTeNt-TyPe: text/odd\r\nx-ODD: a , b\r\nCONTENT-length: 2\r\n\r\nok",
	"/dup":     "HTTP/1.1 200 OK\r\nSet-Cookie: b=2; Path=/\r\nX-M: 1\r\nSet-Cookie: a=1, x\r\nX-M:\r\nX-M: 1\r\nContent-Length: 0\r\n\r\n",
	"/chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	"/trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Other\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\nX-Other: b\r\n\r\n",
	"/late":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Unannounced: 7\r\n\r\n",
	"/nothing": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"/hints": "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nX-Hint: 1\r\n\r\n" +
		"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
	"/304":      "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Type: text/x\r\nContent-Length: 99\r\n\r\n",
	"/304/bare": "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\n\r\n",
	"/204":      "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
	"/redirect": "HTTP/1.1 302 Found\r\nLocation: /elsewhere?a=b;c\r\nContent-Length: 0\r\n\r\n",
	"/moved":    "HTTP/1.1 308 Permanent Redirect\r\nLocation: http://other.example/\r\nContent-Length: 0\r\n\r\n",
	"/404":      "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
	"/500":      "HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\noops",
	"/999":      "HTTP/1.1 999 Beyond\r\nContent-Length: 1\r\n\r\n!",
	"/date":     "HTTP/1.1 200 OK\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nServer: raw\r\nContent-Length: 0\r\n\r\n",
	"/gzip":     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\nContent-Length: " + length(zipped) + "\r\n\r\n" + zipped,
	"/large":    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: " + length(noise) + "\r\n\r\n" + noise,

	// These end with the connection.
	"/close":         "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nuntil the end",
	"/close/1.0":     "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end",
	"/short":         "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nonly this",
	"/short/chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n5\r\nxy",
}

var (
	noise  = random(rand.New(rand.NewPCG(7, 7)), 1<<20)
	zipped = zip(strings.Repeat("compress me ", 100))
)

func length(s string) string { return fmt.Sprint(len(s)) }

func random(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func zip(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// respond answers with the canned bytes, or with an account of the request it got, leaving out what a
// proxy has to change.
func respond(r *http.Request, body []byte) ([]byte, bool) {
	if canned, ok := answers[r.URL.Path]; ok {
		if r.Method == http.MethodHead {
			canned = heads(canned)
		}
		return []byte(canned), !strings.Contains(canned, "Connection: close") && !strings.HasPrefix(canned, "HTTP/1.0")
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		r.Header.Del(name)
	}
	var account bytes.Buffer
	fmt.Fprintf(&account, "%s %s %s length %d encoding %v trailer %v\n",
		r.Method, r.RequestURI, r.Proto, r.ContentLength, r.TransferEncoding, r.Trailer)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&account, "%s: %q\n", name, r.Header[name])
	}
	account.Write(body)
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", account.Len())
	if r.Method == http.MethodHead {
		return []byte(head), true
	}
	return append([]byte(head), account.Bytes()...), true
}

// heads returns the response without its body.
func heads(response string) string {
	head, rest, _ := strings.Cut(response, "\r\n\r\n")
	head += "\r\n\r\n"
	if strings.HasPrefix(head, "HTTP/1.1 1") {
		return head + heads(rest)
	}
	return head
}

// request is what a client sends.
type request struct {
	method, target string
	header         http.Header
	body           []byte
	chunked        bool
	trailer        http.Header
	secure         bool
}

// seen is what a client gets.
type seen struct {
	Status  int
	Header  http.Header
	Body    string
	Trailer http.Header
	Hints   []string
	Broken  bool
}

func (q request) to(t testing.TB, c *http.Transport, address string) seen {
	var got seen
	r := &http.Request{
		Method: q.method, URL: &url.URL{Scheme: "http", Host: address, Opaque: q.target},
		Header: http.Header{}, Body: http.NoBody, ContentLength: int64(len(q.body)), Trailer: q.trailer.Clone(),
	}
	maps.Copy(r.Header, q.header)
	if q.secure {
		r.URL.Scheme = "https"
	}
	if path, query, ok := strings.Cut(q.target, "?"); ok {
		r.URL.Opaque, r.URL.RawQuery, r.URL.ForceQuery = path, query, query == ""
	}
	if len(q.body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(q.body))
	}
	if q.chunked {
		r.ContentLength = -1
	}
	r = r.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			got.Hints = append(got.Hints, fmt.Sprint(code, h))
			return nil
		},
	}))
	res, err := c.RoundTrip(r)
	if err != nil {
		t.Errorf("%s %s: %v", q.method, q.target, err)
		return seen{}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	got.Status, got.Header, got.Body, got.Trailer, got.Broken = res.StatusCode, res.Header, string(body), res.Trailer, err != nil
	got.Header.Del("Connection")
	if q.method == http.MethodHead { // an announcement of trailers is framing, where nothing is framed
		got.Header.Del("Trailer")
		got.Trailer = nil
	}
	return got
}

// mixed makes a request of any kind.
func mixed(r *rand.Rand, paths []string) request {
	q := request{
		method: pick(r, "GET", "GET", "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "REPORT"),
		target: pick(r, slices.Concat(paths, []string{
			"/echo", "/echo?a=1;b=2&c=%zz", "/echo?", "/a%2Fb/%41%7e", "/a|b^c", "/a//b/../c/./", "/~u/é", "/x?y=?#"})...),
		header: http.Header{
			"User-Agent":      pick(r, nil, []string{""}, []string{"curl/8"}),
			"Accept-Encoding": pick(r, nil, []string{"gzip, br"}),
			"Cookie":          pick(r, nil, []string{"a=1; b=2"}),
			"X-Multi":         pick(r, nil, []string{"1", "", "1", "é"}),
			"Authorization":   pick(r, nil, []string{"Basic eDp5"}),
			"Te":              pick(r, nil, []string{"trailers"}),
			"Forwarded":       pick(r, nil, []string{"for=1.2.3.4"}),
		},
	}
	maps.DeleteFunc(q.header, func(_ string, values []string) bool { return values == nil })
	if q.method == "POST" || q.method == "PUT" || q.method == "PATCH" {
		q.body = []byte(random(r, pick(r, 0, 1, 100, 5_000, 300_000)))
		q.chunked = len(q.body) > 0 && r.IntN(3) == 0
		if q.chunked && r.IntN(2) == 0 {
			q.trailer = http.Header{"X-Checksum": {"abc"}}
		}
	}
	return q
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func difference(direct, through seen) string {
	if a, b := fmt.Sprintf("%+v", direct.brief()), fmt.Sprintf("%+v", through.brief()); a != b {
		return fmt.Sprintf("direct:  %.600s\nthrough: %.600s", a, b)
	}
	if direct.Body != through.Body {
		return "another body"
	}
	return ""
}

// brief leaves out long bodies, for people.
func (s seen) brief() seen {
	if len(s.Body) > 1000 {
		s.Body = length(s.Body)
	}
	return s
}

// A thousand requests of all kinds get the same answer through Assay as without it, whatever the lane
// does; and what the lane is offered is what the client sent and got.
func TestThousandMixedRequests(t *testing.T) {
	mixedRequests(t, relay, 1000)
}

// And so through net/http alone, which serves what is not relayed.
func TestMixedRequestsByNetHTTP(t *testing.T) {
	mixedRequests(t, byNetHTTP, 300)
}

func mixedRequests(t *testing.T, front front, requests int) {
	upstream := raw(t, respond)
	l := &lane{
		refuse: func(n int) bool { return n%5 == 0 },
		room: func(n int) int {
			if n%5 == 1 {
				return n % 300
			}
			return 1 << 30
		},
	}
	through := serveBy(t, front, service(t, upstream), l)
	c := client(t)
	paths := slices.Sorted(maps.Keys(answers))

	const workers = 4
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(42, uint64(worker)))
			for range requests / workers {
				q := mixed(r, paths)
				if d := difference(q.to(t, c, upstream), q.to(t, c, through)); d != "" {
					t.Errorf("%s %s %v\n%s", q.method, q.target, q.header, d)
				}
			}
		})
	}
	all.Wait()
	checkTickets(t, l, requests)
}

// Every kind of answer once, for a readable failure.
func TestAnswers(t *testing.T) {
	t.Run("relayed", func(t *testing.T) { everyAnswer(t, relay) })
	t.Run("by net/http", func(t *testing.T) { everyAnswer(t, byNetHTTP) })
}

func everyAnswer(t *testing.T, front front) {
	upstream := raw(t, respond)
	l := &lane{}
	through := serveBy(t, front, service(t, upstream), l)
	c := client(t)
	for _, path := range slices.Sorted(maps.Keys(answers)) {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(method+path, func(t *testing.T) {
				q := request{method: method, target: path}
				direct := q.to(t, c, upstream)
				if d := difference(direct, q.to(t, c, through)); d != "" {
					t.Fatal(d)
				}
				checkObservation(t, l.last(t), direct)
			})
		}
	}
}

func checkObservation(t *testing.T, k *ticket, direct seen) {
	t.Helper()
	if k.control == nil {
		t.Fatalf("dropped: %s", k.reason)
	}
	o := *k.control
	got := seen{
		Status: o.Status, Header: http.Header(o.Header), Body: string(o.Body), Trailer: http.Header(o.Trailer),
		Broken: o.Fault != nil, Hints: direct.Hints,
	}
	if len(direct.Trailer) == 0 {
		direct.Trailer = got.Trailer
	}
	if d := difference(direct, got); d != "" {
		t.Errorf("observed otherwise:\n%s", d)
	}
	if o.BodySize != int64(len(o.Body)) || o.Arm != "control" || o.Role != "control" || o.Duration <= 0 {
		t.Errorf("size %d of %d, arm %q, role %q, duration %v", o.BodySize, len(o.Body), o.Arm, o.Role, o.Duration)
	}
}

func checkTickets(t *testing.T, l *lane, requests int) {
	t.Helper()
	var offered, dropped int
	for _, k := range l.tickets {
		<-k.ended
		if k.reason != "" {
			dropped++
			continue
		}
		offered++
		if n := len(k.inv.Request.Body) + len(k.control.Body); n != k.reserved {
			t.Errorf("%d bytes offered, %d reserved", n, k.reserved)
		}
	}
	if l.asked != requests || offered == 0 || dropped == 0 || offered+dropped != len(l.tickets) {
		t.Errorf("asked %d of %d, tickets %d, offered %d, dropped %d", l.asked, requests, len(l.tickets), offered, dropped)
	}
}

// A client that speaks HTTP/2 to the gateway gets what one without it gets over HTTP/1.1.
func TestHTTP2Client(t *testing.T) {
	upstream := raw(t, respond)
	l := &lane{}
	g := gateway.New(gateway.Options{})
	set(t, g, gateway.Route{Path: "/*", Control: service(t, upstream), Lane: l})
	s := httptest.NewUnstartedServer(g)
	s.EnableHTTP2, s.Config.ErrorLog = true, quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	secure := s.Client().Transport.(*http.Transport)
	secure.DisableCompression = true

	for _, path := range []string{"/bare", "/dup", "/chunked", "/trailer", "/nothing", "/hints", "/304", "/204", "/gzip", "/large", "/short"} {
		t.Run(path, func(t *testing.T) {
			q := request{method: "GET", target: path}
			direct := q.to(t, client(t), upstream)
			if direct.Status == 304 {
				direct.Header.Del("Content-Length") // of what was not sent: not over HTTP/2
			}
			q.secure = true
			if d := difference(direct, q.to(t, secure, s.Listener.Addr().String())); d != "" {
				t.Fatal(d)
			}
			if k := l.last(t); k.inv == nil || k.inv.Request.Scheme != "https" || k.inv.Request.Proto != "HTTP/2.0" {
				t.Errorf("offered %+v", k.inv)
			}
		})
	}
}
