package wire

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/assaylab/assay"
)

// What the relay takes, net/http takes as well and understands alike: method, target, host, fields, and where the
// body begins and ends. Whatever it takes, it sends on as a request that net/http understands so again.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /a%20b?c=d%zz HTTP/1.1\r\nhost: x:80\r\nContent-Length: 3\r\nX: \t y \r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\n",
		"GET /é HTTP/1.1\r\nHost: [::1]\r\nConnection: close, X\r\nX: 1\r\nTE: trailers, gzip\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-A: 1\r\nx-a: 2\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
		"GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		end, _, _ := endOfHead(b, 0, false)
		if end == 0 {
			return
		}
		r := &Request{client: "192.0.2.1:9"}
		if r.parse(b[:end]) != relayed {
			return
		}
		sameRequest(t, r, b[end:], b)
		sent := r.appendTo(nil, &Origin{Host: "service:1", Prefix: "/base"}, "192.0.2.1", &assay.Trace{})
		again, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent)))
		if err != nil || again.Host != "service:1" || again.RequestURI != "/base"+string(r.target) {
			t.Fatalf("sent on as %q: %v", sent, err)
		}
		if lengths := again.ContentLength; lengths != max(r.length, -1) {
			t.Fatalf("sent on with length %d, %d is right", lengths, r.length)
		}
	})
}

// sameRequest compares with what net/http reads.
func sameRequest(t *testing.T, r *Request, body, all []byte) {
	in := bufio.NewReader(bytes.NewReader(all))
	want, err := http.ReadRequest(in)
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", all, err)
	}
	if r.Method() != want.Method || string(r.target) != want.RequestURI || string(r.value(host)) != want.Host {
		t.Fatalf("%q: %s %s %s", all, r.method, r.target, r.value(host))
	}
	h := http.Header(r.Snapshot().Header)
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Te", "Upgrade"} {
		want.Header.Del(name)
	}
	if !r.named && !reflect.DeepEqual(map[string][]string(want.Header), map[string][]string(h)) {
		t.Fatalf("%q: fields %v, net/http reads %v", all, h, want.Header)
	}
	if r.close != want.Close && !r.named {
		t.Fatalf("%q: close %v, net/http says %v", all, r.close, want.Close)
	}
	sameBody(t, r, body, want, in)
}

// sameBody compares the body and what follows it.
func sameBody(t *testing.T, r *Request, p []byte, want *http.Request, in *bufio.Reader) {
	theirs, err := io.ReadAll(want.Body)
	left, _ := io.ReadAll(in)
	var ours []byte
	c := chunks{strict: true}
	n, whole := min(int64(len(p)), r.length), int64(len(p)) >= r.length
	if r.chunked {
		used, bad := c.scan(p, func(data []byte) { ours = append(ours, data...) })
		if bad != nil {
			return // refused, whatever net/http says
		}
		n, whole = int64(used), c.state == chunkDone
	} else {
		ours = p[:n]
	}
	if !whole {
		return // net/http has to wait as well, or knows already what is wrong
	}
	if err != nil || !bytes.Equal(ours, theirs) || !bytes.Equal(p[n:], left) {
		t.Fatalf("a body of %q and then %q; net/http reads %q and then %q, %v", ours, p[n:], theirs, left, err)
	}
}

// Chunks read in pieces are what they are at once.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\nrest"), uint8(1), true)
	f.Add([]byte("3  \r\nabc\r\n0\r\n\r\n"), uint8(2), false)
	f.Add([]byte("000\r\n\r\n"), uint8(3), true)
	f.Add([]byte("ffffffffffffffffff\r\n"), uint8(3), true)
	f.Fuzz(func(t *testing.T, b []byte, step uint8, strict bool) {
		read := func(step int) (data []byte, used int, c chunks, failed bool) {
			c.strict = strict
			for used < len(b) && c.state != chunkDone {
				n, err := c.scan(b[used:min(len(b), used+step)], func(p []byte) { data = append(data, p...) })
				used += n
				if err != nil {
					return data, used, c, true
				}
			}
			return data, used, c, false
		}
		once, n1, c1, failed1 := read(len(b) + 1)
		parts, n2, c2, failed2 := read(int(step%7) + 1)
		if failed1 != failed2 || !bytes.Equal(once, parts) || c1.state != c2.state || !failed1 && n1 != n2 || int64(len(once)) != c1.size {
			t.Fatalf("at once %q to %d, %v; in pieces %q to %d, %v", once, n1, failed1, parts, n2, failed2)
		}
		if c1.state == chunkDone && slices.Sorted(maps.Keys(c1.fields())) == nil && len(c1.trailers) > 2 {
			_ = c1.fields() // hop-by-hop alone
		}
	})
}

// An answer's head never panics, and what is sent on reads as it did.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "HTTP/1.0 404\nX: y\n z\n\n", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\nConnection: X, close\r\nX: 1\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		end, _, _ := endOfHead(b, 0, true)
		if end == 0 {
			return
		}
		var a Answer
		if a.parse(bytes.Clone(b[:end])) != nil {
			return
		}
		sent := a.appendTo(nil, false)
		var again Answer
		if err := again.parse(sent); err != nil {
			t.Fatalf("%q is sent on as %q: %v", b[:end], sent, err)
		}
		was, is := a.Header(), again.Header()
		delete(was, "Content-Length") // once is enough, and none with chunks
		delete(is, "Content-Length")
		if again.Status != a.Status || again.chunked != a.chunked || !a.chunked && again.length != a.length ||
			!reflect.DeepEqual(is, was) && !a.named {
			t.Fatalf("%q is sent on as %q", b[:end], sent)
		}
	})
}
