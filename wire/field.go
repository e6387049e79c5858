package wire

import "bytes"

// kind tells the fields apart that a relay has to know.
type kind uint8

const (
	plain kind = iota
	hopByHop
	connection
	contentLength
	expect
	forwardedFor
	forwardedHost
	forwardedProto
	host
	te
	trailer
	transferEncoding
	upgrade
)

// field is one line of a head, in views of the buffer it was read into.
type field struct {
	line  []byte // with its end
	name  []byte
	value []byte // without white space around it
	kind  kind
}

// kindOf looks a name up. Few names have the same length, so few are compared.
func kindOf(name []byte) kind {
	var is string
	var k kind
	switch len(name) {
	case 2:
		is, k = "te", te
	case 4:
		is, k = "host", host
	case 6:
		is, k = "expect", expect
	case 7:
		if equalFold(name, "trailer") {
			return trailer
		}
		is, k = "upgrade", upgrade
	case 10:
		if equalFold(name, "keep-alive") {
			return hopByHop
		}
		is, k = "connection", connection
	case 14:
		is, k = "content-length", contentLength
	case 15:
		is, k = "x-forwarded-for", forwardedFor
	case 16:
		if equalFold(name, "proxy-connection") {
			return hopByHop
		}
		is, k = "x-forwarded-host", forwardedHost
	case 17:
		if equalFold(name, "transfer-encoding") {
			return transferEncoding
		}
		is, k = "x-forwarded-proto", forwardedProto
	case 18:
		is, k = "proxy-authenticate", hopByHop
	case 19:
		is, k = "proxy-authorization", hopByHop
	}
	if k != plain && equalFold(name, is) {
		return k
	}
	return plain
}

// equalFold compares a name with one in lower case. Names are ASCII.
func equalFold(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i := range len(lower) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// Sets of bytes.
var (
	tokens     = set("!#$%&'*+-.^_`|~" + digits + letters)     // RFC 9110, section 5.6.2
	hostBytes  = set("!$%&'()*+,-.:;=[]_~" + digits + letters) // RFC 3986, section 3.2.2, and a port
	fieldBytes = except(" \t")                                 // RFC 9110, section 5.5
	paths      = except("")                                    // what net/http takes in a target
)

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

func set(of string) (s [256]bool) {
	for i := range len(of) {
		s[of[i]] = true
	}
	return s
}

// except is every byte but spaces and control characters, and those given.
func except(also string) (s [256]bool) {
	s = set(also)
	for i := range s {
		s[i] = s[i] || i > ' ' && i != 0x7f
	}
	return s
}

func only(of *[256]bool, b []byte) bool {
	for _, c := range b {
		if !of[c] {
			return false
		}
	}
	return true
}

// parseField reads one line, its end left away.
func parseField(line, bare []byte) (field, bool) {
	colon := bytes.IndexByte(bare, ':')
	if colon <= 0 || !only(&tokens, bare[:colon]) {
		return field{}, false
	}
	f := field{line: line, name: bare[:colon], value: bytes.Trim(bare[colon+1:], " \t")}
	f.kind = kindOf(f.name)
	return f, only(&fieldBytes, f.value)
}

// eachToken calls f with the members of a comma-separated list (RFC 9110, section 5.6.1).
func eachToken(value []byte, f func(token []byte)) {
	for len(value) > 0 {
		token, rest, _ := bytes.Cut(value, []byte{','})
		if token = bytes.Trim(token, " \t"); len(token) > 0 {
			f(token)
		}
		value = rest
	}
}

// parseLength reads a Content-Length: digits alone.
func parseLength(value []byte) (int64, bool) {
	if len(value) == 0 || len(value) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
