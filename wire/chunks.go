package wire

import (
	"bytes"
	"errors"

	"github.com/assaylab/assay"
)

// The longest line in chunked framing, and the longest trailer section.
const (
	maxChunkLine = 4 << 10
	maxTrailers  = 16 << 10
)

var errChunks = errors.New("malformed chunks")

// chunks reads chunked framing (RFC 9112, section 7.1) piece by piece. The zero value is at its beginning.
type chunks struct {
	strict   bool // of a request: no white space after a size
	state    chunkState
	left     int64 // of a chunk's data
	digits   int
	line     int    // bytes of the line so far
	trailers []byte // the trailer section, with the empty line
	size     int64  // bytes of data so far
}

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkPadding
	chunkExtension
	chunkSizeEnd // LF is next
	chunkData
	chunkDataCR // CR is next
	chunkDataLF
	chunkTrailers
	chunkDone
)

// scan reads what it can of p and returns how many bytes that is: all, unless the body ends within. Data is
// handed to f, without framing.
func (c *chunks) scan(p []byte, f func(data []byte)) (n int, err error) {
	for n < len(p) && c.state != chunkDone {
		switch c.state {
		case chunkData:
			data := p[n:]
			if int64(len(data)) > c.left {
				data = data[:c.left]
			}
			if f != nil {
				f(data)
			}
			n += len(data)
			c.size += int64(len(data))
			if c.left -= int64(len(data)); c.left == 0 {
				c.state = chunkDataCR
			}
			continue
		case chunkTrailers:
			used, err := c.trailer(p[n:])
			if err != nil {
				return n, err
			}
			n += used
			continue
		}
		if !c.framing(p[n]) {
			return n, errChunks
		}
		n++
	}
	return n, nil
}

// framing takes one byte between data.
func (c *chunks) framing(b byte) bool {
	if c.line++; c.line > maxChunkLine {
		return false
	}
	switch c.state {
	case chunkSize:
		return c.sizeByte(b)
	case chunkPadding:
		if b == '\r' {
			c.state = chunkSizeEnd
		}
		return b == '\r' || b == ' ' || b == '\t'
	case chunkExtension:
		if b == '\r' {
			c.state = chunkSizeEnd
			return true
		}
		return fieldBytes[b]
	case chunkSizeEnd:
		c.state = chunkData
		if c.left == 0 {
			c.state = chunkTrailers
		}
		c.line, c.digits = 0, 0
		return b == '\n'
	case chunkDataCR:
		c.state = chunkDataLF
		return b == '\r'
	default:
		c.state, c.line = chunkSize, 0
		return b == '\n'
	}
}

func (c *chunks) sizeByte(b byte) bool {
	switch {
	case hexDigit(b) && c.digits < 15:
		c.digits++
		c.left = c.left<<4 | int64(unhex(b))
		return true
	case c.digits == 0:
		return false
	case b == '\r':
		c.state = chunkSizeEnd
		return true
	case b == ';':
		c.state = chunkExtension
		return true
	case !c.strict && (b == ' ' || b == '\t'): // some services pad sizes
		c.state = chunkPadding
		return true
	}
	return false
}

func unhex(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b&^0x20 - 'A' + 10
}

// trailer collects the trailer section up to its empty line, and returns how much of p belongs to it.
func (c *chunks) trailer(p []byte) (int, error) {
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		i = len(p) - 1
	}
	if len(c.trailers)+i+1 > maxTrailers {
		return 0, errChunks
	}
	begin := bytes.LastIndexByte(c.trailers, '\n') + 1
	c.trailers = append(c.trailers, p[:i+1]...)
	line := c.trailers[begin:]
	if line[len(line)-1] != '\n' {
		return i + 1, nil
	}
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return 0, errChunks
	}
	if len(line) == 2 {
		c.state = chunkDone
		return i + 1, nil
	}
	if f, ok := parseField(line, line[:len(line)-2]); !ok || f.kind == host || f.kind == contentLength || f.kind == transferEncoding || f.kind == trailer {
		return 0, errChunks // RFC 9110, section 6.5.1
	}
	return i + 1, nil
}

// fields are the trailers; nil if there are none.
func (c *chunks) fields() assay.Header {
	var h head
	if c.state != chunkDone || len(c.trailers) <= 2 || !h.parseFields(c.trailers) {
		return nil
	}
	return h.header()
}

// framing follows a body to its end: chunks, so many bytes, or (negative) all there are until the connection ends.
type framing struct {
	chunks
	chunked bool
	left    int64
}

// step returns how many bytes of p belong to the body and its framing, and whether that was all. Data is handed to
// f, without framing, if f is not nil.
func (b *framing) step(p []byte, f func(data []byte)) (n int, done bool, err error) {
	if b.chunked {
		n, err = b.scan(p, f)
		return n, b.state == chunkDone, err
	}
	if n = len(p); b.left >= 0 {
		n = int(min(int64(n), b.left))
		b.left -= int64(n)
	}
	if f != nil && n > 0 {
		f(p[:n])
	}
	return n, b.left == 0, nil
}
