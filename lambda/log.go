package lambda

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
)

const (
	ringBytes = 256 << 10 // of lines kept for a function
	tailBytes = 4 << 10   // of an invocation's log in X-Amz-Log-Result
	lineBytes = 256 << 10 // a longer line is cut, as in CloudWatch
)

// line is a line of a log, with its end.
type line struct {
	text    []byte
	version string // that wrote it
	stream  string // of the environment
}

// ring keeps the last lines of a function's log, from all its environments.
type ring struct {
	mu     sync.Mutex
	lines  []line
	first  int64 // the number of lines[0]
	bytes  int
	closed bool
	grown  chan struct{} // closed at the next line; nil while nobody waits
}

func (r *ring) add(l line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, l)
	r.bytes += len(l.text)
	for r.bytes > ringBytes && len(r.lines) > 1 {
		r.bytes -= len(r.lines[0].text)
		r.lines[0] = line{}
		r.lines = r.lines[1:]
		r.first++
	}
	r.wake()
}

// close ends the followers.
func (r *ring) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.wake()
}

func (r *ring) wake() {
	if r.grown != nil {
		close(r.grown)
		r.grown = nil
	}
}

// since returns the lines from number n on that are still kept, the number after the last, and a
// channel that is closed when there are more. Without a channel there will be none.
func (r *ring) since(n int64) (lines []line, next int64, grown <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = r.first + int64(len(r.lines))
	lines = append(lines, r.lines[min(max(n-r.first, 0), int64(len(r.lines))):]...)
	if r.closed {
		return lines, next, nil
	}
	if r.grown == nil {
		r.grown = make(chan struct{})
	}
	return lines, next, r.grown
}

// copyTo writes the lines that are wanted to w, and goes on with new ones, if follow, until ctx ends.
func (r *ring) copyTo(ctx context.Context, w io.Writer, wanted func(line) bool, follow bool) error {
	for next := int64(0); ; {
		lines, after, grown := r.since(next)
		next = after
		for _, l := range lines {
			if !wanted(l) {
				continue
			}
			if _, err := w.Write(l.text); err != nil {
				return err
			}
		}
		if !follow || grown == nil {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil
		}
	}
}

// recorder is the log of one environment: its lines go to the function's ring, and the last of them
// are the tail of the invocation under way.
type recorder struct {
	ring    *ring
	version string
	stream  string

	mu   sync.Mutex
	each func(line []byte) // hears of each line of the process, if not nil
	part []byte            // a line not ended yet
	tail []byte            // at most twice tailBytes
}

// Write takes output of the process as it comes.
func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keepTail(p)
	rest := p
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		r.part = append(r.part, rest[:i+1]...)
		r.endLine()
		rest = rest[i+1:]
	}
	r.part = append(r.part, rest...)
	if len(r.part) >= lineBytes {
		r.endLine()
	}
	return len(p), nil
}

// tell lets each hear of every line of the process from now on.
func (r *recorder) tell(each func(line []byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.each = each
}

func (r *recorder) line(text []byte) line { return line{text, r.version, r.stream} }

// beside is a recorder of another process of the same environment.
func (r *recorder) beside() *recorder {
	return &recorder{ring: r.ring, version: r.version, stream: r.stream}
}

// printf writes a line of the platform's own.
func (r *recorder) printf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endLine()
	line := fmt.Appendf(nil, format, args...)
	if len(line) == 0 {
		return
	}
	r.keepTail(line)
	r.ring.add(r.line(line))
}

func (r *recorder) endLine() {
	if len(r.part) == 0 {
		return
	}
	if r.part[len(r.part)-1] != '\n' {
		r.part = append(r.part, '\n')
	}
	r.ring.add(r.line(r.part))
	if r.each != nil {
		r.each(r.part)
	}
	r.part = nil
}

func (r *recorder) keepTail(p []byte) {
	r.tail = append(r.tail, p[max(0, len(p)-tailBytes):]...)
	if len(r.tail) > 2*tailBytes {
		r.tail = append(r.tail[:0], r.tail[len(r.tail)-tailBytes:]...)
	}
}

// begin starts the tail of a new invocation.
func (r *recorder) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tail = r.tail[:0]
}

// last returns the tail: at most tailBytes.
func (r *recorder) last() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.tail[max(0, len(r.tail)-tailBytes):])
}
