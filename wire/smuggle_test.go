package wire_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/assaylab/assay/wire"
	"github.com/assaylab/assay/wire/wiretest"
)

// Requests that two readers could take in two ways, and what is no request at all.
var smuggled = map[string]string{
	// Where the body ends.
	"length and chunks":             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
	"chunks and length":             "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG",
	"two lengths":                   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	"a length twice":                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
	"a list of lengths":             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na",
	"a signed length":               "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
	"a negative length":             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\na",
	"a hexadecimal length":          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na",
	"a length with a space":         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1 1\r\n\r\nab",
	"an empty length":               "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n",
	"a length beyond all":           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\na",
	"chunks twice":                  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"chunks and identity":           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	"chunks in a list":              "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
	"gzip in chunks":                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"a coding that nobody knows":    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
	"identity":                      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n",
	"an empty coding":               "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n",
	"a coding in quotes":            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
	"a coding after a vertical tab": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
	// Lines.
	"a bare LF":                   "GET / HTTP/1.1\nHost: x\r\n\r\n",
	"a bare LF after a field":     "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
	"a bare LF at the end":        "GET / HTTP/1.1\r\nHost: x\r\n\n",
	"a bare CR in a value":        "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
	"a bare CR in the first line": "GET /\r HTTP/1.1\r\nHost: x\r\n\r\n",
	"a folded field":              "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
	"a field that begins folded":  "GET / HTTP/1.1\r\n X: a\r\nHost: x\r\n\r\n",
	"a folded coding":             "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
	"an empty line first":         "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"NUL in a value":              "GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
	"DEL in a value":              "GET / HTTP/1.1\r\nHost: x\r\nX: a\x7fb\r\n\r\n",
	// Names.
	"a space before the colon": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 1\r\n\r\na",
	"a tab before the colon":   "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
	"no name":                  "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
	"no colon":                 "GET / HTTP/1.1\r\nHost: x\r\nX\r\n\r\n",
	"a space in a name":        "GET / HTTP/1.1\r\nHost: x\r\nX Y: z\r\n\r\n",
	"a name in other letters":  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length\xa0: 1\r\n\r\na",
	"NUL in a name":            "GET / HTTP/1.1\r\nHost: x\r\nX\x00: z\r\n\r\n",
	// First lines and hosts.
	"two spaces before the target":  "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
	"two spaces before the version": "GET /  HTTP/1.1\r\nHost: x\r\n\r\n",
	"a tab in the first line":       "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n",
	"no target":                     "GET HTTP/1.1\r\nHost: x\r\n\r\n",
	"no version":                    "GET /\r\nHost: x\r\n\r\n",
	"a space at the end":            "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
	"a space at the beginning":      " GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"another protocol":              "GET / HTTPS/1.1\r\nHost: x\r\n\r\n",
	"a version in small letters":    "GET / http/1.1\r\nHost: x\r\n\r\n",
	"HTTP/1.10":                     "GET / HTTP/1.10\r\nHost: x\r\n\r\n",
	"HTTP/2.0 in words":             "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
	"HTTP/3.7":                      "GET / HTTP/3.7\r\nHost: x\r\n\r\n",
	"no method":                     " / HTTP/1.1\r\nHost: x\r\n\r\n",
	"a colon in the method":         "GET: / HTTP/1.1\r\nHost: x\r\n\r\n",
	"no host":                       "GET / HTTP/1.1\r\nX: y\r\n\r\n",
	"two hosts":                     "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
	"a host twice":                  "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
	"a path as host":                "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n",
	"a host with a space":           "GET / HTTP/1.1\r\nHost: x y\r\n\r\n",
	"half an encoded byte":          "GET /%z HTTP/1.1\r\nHost: x\r\n\r\n",
	"a control byte in the path":    "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
	"another field announced":       "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n",
}

// Malformed chunks are found when the head was sent on: then what was sent stays unfinished.
var malformedChunks = map[string]string{
	"no size":                      "\r\nabc\r\n0\r\n\r\n",
	"a size that is none":          "x\r\nabc\r\n0\r\n\r\n",
	"a signed size":                "+3\r\nabc\r\n0\r\n\r\n",
	"a prefixed size":              "0x3\r\nabc\r\n0\r\n\r\n",
	"a size beyond all":            "10000000000000003\r\nabc\r\n0\r\n\r\n",
	"white space before a size":    " 3\r\nabc\r\n0\r\n\r\n",
	"white space after a size":     "3 \r\nabc\r\n0\r\n\r\n",
	"a bare LF after a size":       "3\nabc\r\n0\r\n\r\n",
	"a bare CR in an extension":    "3;a\rb\r\nabc\r\n0\r\n\r\n",
	"a bare LF in an extension":    "3;a\nb\r\nabc\r\n0\r\n\r\n",
	"a chunk longer than its size": "2\r\nabc\r\n0\r\n\r\n",
	"a bare LF after a chunk":      "3\r\nabc\n0\r\n\r\n",
	"a bare LF at the end":         "3\r\nabc\r\n0\r\n\n",
	"a length in the trailers":     "3\r\nabc\r\n0\r\nContent-Length: 7\r\n\r\n",
	"a coding in the trailers":     "3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
	"a host in the trailers":       "3\r\nabc\r\n0\r\nHost: y\r\n\r\n",
	"no name in the trailers":      "3\r\nabc\r\n0\r\n: y\r\n\r\n",
	"a folded trailer":             "3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n",
	"an endless extension":         "3;" + strings.Repeat("x", 5<<10) + "\r\nabc\r\n0\r\n\r\n",
	"endless trailers":             "0\r\n" + strings.Repeat("A: bbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n", 1000) + "\r\n",
}

const next = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

// None of them reaches the service: the client gets 400 and the end of the connection, or what net/http's server
// says to it.
func TestMalformedRequests(t *testing.T) {
	router := &to{origin: origin(t, service(t, func(_ net.Conn, in *bufio.Reader) {
		if line, _ := in.ReadString('\n'); line != "" {
			t.Errorf("the service was sent %q", line)
		}
	}))}
	address, _ := start(t, router, &http.Server{Handler: handedOver})
	theirs, _ := start(t, &to{refuse: func(*wire.Request) bool { return true }}, &http.Server{Handler: handedOver})
	for name, raw := range smuggled {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := converse(t, address, raw+next)
			refused := strings.HasPrefix(got, "HTTP/1.1 400 Bad Request\r\n") && strings.Contains(got, "\r\nConnection: close\r\n") &&
				strings.Count(got, "HTTP/1.1 ") == 1
			if want := converse(t, theirs, raw+next); !refused && (got != want || strings.Contains(got, " 200 ")) {
				t.Errorf("got %q\nnet/http says %q", got, want)
			}
		})
	}
}

// converse sends everything at once and reads to the end.
func converse(t *testing.T, address, raw string) string {
	conn, in := wiretest.Dial(t, address)
	wiretest.Send(t, conn, raw)
	return rest(t, in)
}

func TestMalformedChunks(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, raw := range malformedChunks {
		for _, way := range []string{"at once", "in pieces"} {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				var mu sync.Mutex
				var whole bool
				address, _ := start(t, &to{origin: origin(t, service(t, func(conn net.Conn, in *bufio.Reader) {
					all, _ := io.ReadAll(in)
					r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(all)))
					if err != nil {
						return
					}
					_, err = io.Copy(io.Discard, r.Body)
					mu.Lock()
					whole = whole || err == nil
					mu.Unlock()
				}))}, &http.Server{Handler: handedOver})
				conn, in := wiretest.Dial(t, address)
				if way == "at once" {
					wiretest.Send(t, conn, head+raw+next)
				} else {
					wiretest.Send(t, conn, head)
					for part := range bytes.Lines([]byte(raw + next)) {
						if _, err := conn.Write(part); err != nil {
							break // it has been refused already
						}
					}
				}
				if got := rest(t, in); !strings.HasPrefix(got, "HTTP/1.1 400 ") || strings.Count(got, "HTTP/1.1 ") != 1 {
					t.Errorf("the client got %q", got)
				}
				mu.Lock()
				defer mu.Unlock()
				if whole {
					t.Error("the service took it for a whole request")
				}
			})
		}
	}
}
