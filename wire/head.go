package wire

import (
	"bytes"
	"net/textproto"
	"strings"

	"github.com/assaylab/assay"
)

// head is the first line and the fields of a message, as views of the buffer it was read into.
type head struct {
	size    int // bytes, with the empty line
	fields  []field
	named   bool // Connection names fields beside those it always does
	close   bool // the connection ends after this message
	chunked bool
	length  int64 // of the body; negative: none is told
}

// endOfHead looks for the empty line at or after from, the beginning of a line. It returns where the head ends,
// or 0 and the beginning of the last line so far. Lines end with CRLF; where lenient, with LF as well.
func endOfHead(b []byte, from int, lenient bool) (end, next int, ok bool) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0, from, true
		}
		crlf := i > 0 && b[from+i-1] == '\r'
		if !crlf && !lenient {
			return 0, from, false
		}
		if i == 0 || i == 1 && crlf {
			return from + i + 1, from, true
		}
		from += i + 1
	}
}

// nextLine cuts the first line off b: with its end, and without.
func nextLine(b []byte) (line, bare, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	line, rest = b[:i+1], b[i+1:]
	bare = line[:i]
	if n := len(bare); n > 0 && bare[n-1] == '\r' {
		bare = bare[:n-1]
	}
	return line, bare, rest
}

// parseFields reads the lines up to the empty one.
func (h *head) parseFields(b []byte) bool {
	h.fields, h.named, h.close, h.chunked, h.length = h.fields[:0], false, false, false, -1
	for {
		line, bare, rest := nextLine(b)
		if len(bare) == 0 {
			return true
		}
		f, ok := parseField(line, bare)
		if !ok {
			return false
		}
		if f.kind == connection {
			h.connect(f.value)
		}
		h.fields = append(h.fields, f)
		b = rest
	}
}

// connect notes what a Connection field says.
func (h *head) connect(value []byte) {
	eachToken(value, func(token []byte) {
		switch {
		case equalFold(token, "close"):
			h.close = true
		case equalFold(token, "keep-alive"):
		default:
			h.named = true
		}
	})
}

// endToEnd tells whether a field goes on to the other side.
func (h *head) endToEnd(f *field) bool {
	switch f.kind {
	case plain:
		return !h.named || !h.names(f.name)
	case hopByHop, connection, te, upgrade:
		return false
	}
	return true
}

// names tells whether Connection lists the field.
func (h *head) names(name []byte) bool {
	var found bool
	for i := range h.fields {
		if h.fields[i].kind == connection {
			eachToken(h.fields[i].value, func(token []byte) { found = found || bytes.EqualFold(token, name) })
		}
	}
	return found
}

// count is how many fields are of a kind.
func (h *head) count(k kind) int {
	n := 0
	for i := range h.fields {
		if h.fields[i].kind == k {
			n++
		}
	}
	return n
}

// value is the first one of a kind.
func (h *head) value(k kind) []byte {
	for i := range h.fields {
		if h.fields[i].kind == k {
			return h.fields[i].value
		}
	}
	return nil
}

// header copies the fields that are not hop-by-hop, under their canonical names, without Host. All values
// share one string and one array.
func (h *head) header() assay.Header {
	var text strings.Builder
	size := 0
	for i := range h.fields {
		size += len(h.fields[i].value)
	}
	text.Grow(size)
	for i := range h.fields {
		text.Write(h.fields[i].value)
	}
	all, values := text.String(), make([]string, len(h.fields))
	header := make(assay.Header, len(h.fields))
	for i := range h.fields {
		f := &h.fields[i]
		values[i], all = all[:len(f.value)], all[len(f.value):]
		if f.kind == host || f.kind == transferEncoding || f.kind == trailer || !h.endToEnd(f) {
			continue
		}
		name := canonical(f.name)
		if have := header[name]; have != nil {
			header[name] = append(have, values[i])
			continue
		}
		header[name] = values[i : i+1 : i+1]
	}
	return header
}

// canonical is a field's name as net/http spells it. Common ones cost no memory.
func canonical(name []byte) string {
	if known, ok := common[string(name)]; ok {
		return known
	}
	return textproto.CanonicalMIMEHeaderKey(string(name))
}

// common has the names that nearly all messages have, as they are spelled mostly.
var common = spelled("Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Content-Encoding",
	"Content-Length", "Content-Type", "Cookie", "Date", "Etag", "Last-Modified", "Origin", "Referer", "Server", "Set-Cookie",
	"User-Agent", "Vary", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id")

func spelled(names ...string) map[string]string {
	m := map[string]string{}
	for _, name := range names {
		m[name], m[strings.ToLower(name)] = name, name
	}
	return m
}
