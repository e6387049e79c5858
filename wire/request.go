package wire

import (
	"bytes"
	"net/http"

	"github.com/assaylab/assay"
)

// maxFields is how many fields a relayed message may have; net/http counts bytes alone.
const maxFields = 256

// Request is the head of a client's request. It is valid until the exchange ends.
type Request struct {
	head
	method, target []byte
	hasPath        int // where the query begins in target, or its length
	client         string
}

// verdict is what a head's reader makes of it.
type verdict uint8

const (
	relayed    verdict = iota
	incomplete         // more bytes are needed
	foreign            // not refused, but net/http's
	malformed          // refused
)

// parse reads a whole head. What it takes, net/http takes as well, and understands alike.
func (r *Request) parse(b []byte) verdict {
	line, bare, rest := nextLine(b)
	if len(line) == 0 {
		return malformed
	}
	method, after, ok1 := bytes.Cut(bare, []byte{' '})
	target, version, ok2 := bytes.Cut(after, []byte{' '})
	if !ok1 || !ok2 || len(method) == 0 || !only(&tokens, method) || len(target) == 0 || !only(&paths, target) {
		return malformed
	}
	if string(version) != "HTTP/1.1" {
		if len(version) == len("HTTP/1.1") && bytes.HasPrefix(version, []byte("HTTP/")) {
			return foreign
		}
		return malformed
	}
	r.size, r.method, r.target = len(b), method, target
	r.hasPath = len(target)
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		r.hasPath = i
	}
	if !r.parseFields(rest) {
		return malformed
	}
	return r.judge()
}

// judge decides by the fields.
func (r *Request) judge() verdict {
	if v := r.frame(); v != relayed {
		return v
	}
	hosts := r.count(host)
	switch {
	case hosts != 1 || !validHost(r.value(host)):
		return malformed
	case len(r.fields) > maxFields,
		string(r.method) == http.MethodConnect,
		r.target[0] != '/' || !wellEncoded(r.target[:r.hasPath]),
		r.count(expect) > 0, r.count(trailer) > 0,
		r.count(upgrade) > 0 && r.names([]byte("upgrade")):
		return foreign
	}
	return relayed
}

// frame finds out where the body ends (RFC 9112, section 6.3). What two readers could take in two ways is malformed.
func (r *Request) frame() verdict {
	lengths, codings := r.count(contentLength), r.count(transferEncoding)
	switch {
	case lengths+codings == 0:
		r.length = 0
	case lengths+codings > 1:
		return malformed
	case codings == 1:
		if !equalFold(r.value(transferEncoding), "chunked") {
			return foreign // net/http answers 501
		}
		r.chunked = true
	default:
		n, ok := parseLength(r.value(contentLength))
		if !ok {
			return malformed
		}
		r.length = n
	}
	return relayed
}

func validHost(value []byte) bool { return only(&hostBytes, value) }

// wellEncoded tells whether each percent sign begins an encoded byte.
func wellEncoded(path []byte) bool {
	for {
		i := bytes.IndexByte(path, '%')
		if i < 0 {
			return true
		}
		if len(path) < i+3 || !hexDigit(path[i+1]) || !hexDigit(path[i+2]) {
			return false
		}
		path = path[i+3:]
	}
}

func hexDigit(c byte) bool {
	c |= 0x20 // digits have that bit
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
}

// bodiless tells that nothing follows the head.
func (r *Request) bodiless() bool { return !r.chunked && r.length == 0 }

// idempotent tells whether a request does the same when it is made twice.
func (r *Request) idempotent() bool { return assay.SafeMethod(string(r.method)) }

// Method is the request's method.
func (r *Request) Method() string { return string(r.method) }

// Path is the target without the query, as the client sent it.
func (r *Request) Path() string { return string(r.target[:r.hasPath]) }

// Snapshot copies the request without its body.
func (r *Request) Snapshot() *assay.Request {
	q := &assay.Request{
		Method: r.Method(), Scheme: "http", Host: string(r.value(host)), Path: r.Path(),
		Proto: "HTTP/1.1", RemoteAddr: r.client, Header: r.header(),
	}
	if r.hasPath < len(r.target) {
		q.Query = string(r.target[r.hasPath+1:])
	}
	return q
}

// BodyLength is the body's length in bytes; -1 if it is not known before its end.
func (r *Request) BodyLength() int64 { return r.length }

// appendTo writes the head as the service at o is sent it, with a trace in the place of the client's if there is one.
func (r *Request) appendTo(b []byte, o *Origin, client string, trace *assay.Trace) []byte {
	traced := trace.Parent != ""
	b = append(append(b, r.method...), ' ')
	b = append(append(b, o.Prefix...), r.target...)
	b = append(b, " HTTP/1.1\r\n"...)
	for i := range r.fields {
		switch f := &r.fields[i]; {
		case f.kind == host:
			b = appendField(b, "Host", o.Host)
		case traced && (equalFold(f.name, "traceparent") || equalFold(f.name, "tracestate")):
		case f.kind != forwardedFor && r.endToEnd(f):
			b = append(b, f.line...)
		}
	}
	if traced {
		b = appendTrace(b, trace)
	}
	if r.takesTrailers() {
		b = append(b, "Te: trailers\r\n"...)
	}
	return append(r.appendForwarded(b, client), "\r\n"...)
}

func appendTrace(b []byte, trace *assay.Trace) []byte {
	b = appendField(b, "Traceparent", trace.Parent)
	if trace.State != "" {
		b = appendField(b, "Tracestate", trace.State)
	}
	return b
}

// appendForwarded says for whom the request is made, as plainhttp does.
func (r *Request) appendForwarded(b []byte, client string) []byte {
	b = append(b, "X-Forwarded-For: "...)
	for i := range r.fields {
		if f := &r.fields[i]; f.kind == forwardedFor {
			b = append(append(b, f.value...), ", "...)
		}
	}
	b = append(append(b, client...), "\r\n"...)
	if h := r.value(host); r.count(forwardedHost) == 0 && len(h) > 0 {
		b = appendField(b, "X-Forwarded-Host", h)
	}
	if r.count(forwardedProto) == 0 {
		b = append(b, "X-Forwarded-Proto: http\r\n"...)
	}
	return b
}

func (r *Request) takesTrailers() bool {
	var takes bool
	for i := range r.fields {
		if r.fields[i].kind == te {
			eachToken(r.fields[i].value, func(token []byte) { takes = takes || equalFold(token, "trailers") })
		}
	}
	return takes
}

func appendField[T string | []byte](b []byte, name string, value T) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), "\r\n"...)
}
