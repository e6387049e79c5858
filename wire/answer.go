package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/assaylab/assay"
)

var errAnswer = errors.New("the service's answer is not HTTP/1.1")

// Answer is the head of a service's final answer.
type Answer struct {
	head
	Status int
	reason []byte // after the status
	old    bool   // HTTP/1.0
}

// parse reads a whole head. Services are trusted more than clients: lines may end with LF alone, be folded, and
// lengths may be repeated.
func (a *Answer) parse(b []byte) error {
	unfold(b)
	_, bare, rest := nextLine(b)
	if len(bare) < len("HTTP/1.1 200") || string(bare[:7]) != "HTTP/1." || bare[8] != ' ' {
		return errAnswer
	}
	a.old = bare[7] == '0'
	a.Status, a.reason = 0, bare[9:]
	for _, c := range bare[9:12] {
		if c < '0' || c > '9' {
			return errAnswer
		}
		a.Status = a.Status*10 + int(c-'0')
	}
	if bare[7] != '0' && bare[7] != '1' || len(bare) > 12 && bare[12] != ' ' || a.Status < 100 || !only(&fieldBytes, bare) {
		return errAnswer
	}
	a.size = len(b)
	if !a.parseFields(rest) {
		return errAnswer
	}
	return a.frame()
}

// mayBeAnswer tells whether a head may begin so.
func mayBeAnswer(b []byte) bool {
	const begin = "HTTP/1."
	n := min(len(b), len(begin))
	return string(b[:n]) == begin[:n]
}

// unfold makes one line of a field that goes on in the next (RFC 9112, section 5.2).
func unfold(b []byte) {
	for i := 1; i < len(b)-1; i++ {
		j := bytes.IndexByte(b[i:len(b)-1], '\n')
		if j < 0 {
			return
		}
		i += j
		if next := b[i+1]; next == ' ' || next == '\t' {
			b[i] = ' '
			if b[i-1] == '\r' {
				b[i-1] = ' '
			}
		}
	}
}

// frame finds the body's length, of answers that have a body.
func (a *Answer) frame() error {
	if a.old {
		a.close = true
	} else if a.count(transferEncoding) > 0 {
		if a.count(transferEncoding) > 1 || !equalFold(a.value(transferEncoding), "chunked") {
			return errAnswer
		}
		a.chunked = true
		return nil
	}
	for i := range a.fields {
		if f := &a.fields[i]; f.kind == contentLength {
			n, ok := parseLength(f.value)
			if !ok || a.length >= 0 && a.length != n {
				return errAnswer
			}
			a.length = n
		}
	}
	return nil
}

// informational tells whether another head follows.
func (a *Answer) informational() bool { return a.Status < 200 }

// hasBody tells whether a body follows (RFC 9112, section 6.3).
func (a *Answer) hasBody(isHead bool) bool {
	return !isHead && a.Status != http.StatusNoContent && a.Status != http.StatusNotModified
}

// untilClose tells whether the connection's end is the body's.
func (a *Answer) untilClose() bool { return !a.chunked && a.length < 0 }

// BodyLength is the body's length in bytes; negative if it is not known before its end.
func (a *Answer) BodyLength() int64 { return a.length }

// Header copies the fields that concern more than the connection.
func (a *Answer) Header() assay.Header { return a.header() }

// appendTo writes the head as the client is sent it.
func (a *Answer) appendTo(b []byte, close bool) []byte {
	b = append(append(append(b, "HTTP/1.1 "...), a.reason...), "\r\n"...)
	told := false
	for i := range a.fields {
		f := &a.fields[i]
		switch {
		case !a.endToEnd(f):
			continue
		case f.kind == contentLength:
			if a.chunked || told {
				continue
			}
			told = true
		case f.kind == transferEncoding && !a.chunked:
			continue
		}
		b = appendLine(b, f.line)
	}
	if close {
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}

// appendLine adds a line that may have ended with LF alone.
func appendLine(b, line []byte) []byte {
	if n := len(line); n < 2 || line[n-2] != '\r' {
		return append(append(b, line[:n-1]...), "\r\n"...)
	}
	return append(b, line...)
}

// ownAnswer is what the relay says in the service's place.
func ownAnswer(status int) (head, body []byte) {
	text := http.StatusText(status)
	body = []byte(`{"message":"` + text + `"}`)
	head = fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nDate: %s\r\nContent-Length: %d\r\n\r\n",
		status, text, time.Now().UTC().Format(http.TimeFormat), len(body))
	return head, body
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// Fault sorts an error of an exchange.
func Fault(err error) *assay.Fault {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return &assay.Fault{Kind: assay.FaultCanceled, Message: err.Error()}
	case isTimeout(err):
		return &assay.Fault{Kind: assay.FaultTimeout, Message: err.Error()}
	}
	return &assay.Fault{Kind: assay.FaultTransport, Message: err.Error()}
}
