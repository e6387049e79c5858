package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/assaylab/assay"
)

// Call is a request that the program makes itself.
type Call struct {
	Method, Target string
	Header         assay.Header // Host, Content-Length and Transfer-Encoding are left out
	Body           []byte
	Keep           int64 // bytes of the answer's body to keep; what exceeds it is read and counted
	// Room, if not nil, is asked before n more bytes of it are held. At false the call ends with ErrNoRoom.
	Room func(n int) bool
}

// ErrNoRoom ends a call whose answer there is no room for.
var ErrNoRoom = errors.New("there is no room for the answer")

// Reply is what a service said to a Call, as far as it came.
type Reply struct {
	Status  int
	Header  assay.Header
	Trailer assay.Header
	Body    []byte
	Size    int64 // of the whole body, also where Body is its beginning
}

// Do makes a call, once: never again on another connection, whatever happens. It ends when ctx does, with ctx's
// error. With an error the reply is what came before it.
func (o *Origin) Do(ctx context.Context, c *Call) (Reply, error) {
	var reply Reply
	if !c.valid() {
		return reply, fmt.Errorf("not a request that can be sent: %q %q", c.Method, c.Target)
	}
	l, err := o.take(ctx)
	if err != nil {
		return reply, err
	}
	stop := context.AfterFunc(ctx, func() { _ = l.SetDeadline(longAgo) })
	r := reader{stream: l.stream, reply: &reply, keep: c.Keep, room: c.Room}
	err = r.exchange(o, c)
	switch {
	case !stop(): // the connection may be given no time any more
		l.close()
		if err != nil {
			err = ctx.Err()
		}
	case err == nil && r.reusable():
		o.put(l)
	default:
		l.close()
	}
	return reply, err
}

// valid tells whether nothing in the call could be read as something else.
func (c *Call) valid() bool {
	ok := c.Method != "" && c.Target != "" && only(&tokens, []byte(c.Method)) && only(&paths, []byte(c.Target))
	for name, all := range c.Header {
		ok = ok && name != "" && only(&tokens, []byte(name))
		for _, v := range all {
			ok = ok && only(&fieldBytes, []byte(v))
		}
	}
	return ok
}

func (c *Call) appendTo(b []byte, o *Origin) []byte {
	b = append(append(append(b, c.Method...), ' '), o.Prefix...)
	b = append(append(b, c.Target...), " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", o.Host)
	for _, name := range slices.Sorted(maps.Keys(c.Header)) {
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue
		}
		for _, value := range c.Header[name] {
			b = appendField(b, name, value)
		}
	}
	if len(c.Body) > 0 || c.Method == http.MethodPost || c.Method == http.MethodPut || c.Method == http.MethodPatch {
		b = appendField(b, "Content-Length", strconv.Itoa(len(c.Body)))
	}
	return append(append(b, "\r\n"...), c.Body...)
}

// reader reads one answer.
type reader struct {
	*stream
	answer Answer
	reply  *Reply
	keep   int64
	room   func(n int) bool
	full   bool // there was no room
	until  bool // the connection's end is the body's
}

func (r *reader) exchange(o *Origin, c *Call) error {
	out := buffers.Get().(*buffer)
	defer release(out)
	if err := r.ask(c.appendTo(out.data[:0], o)); err != nil {
		return unexpected(err)
	}
	for {
		if err := r.readHead(&r.answer); err != nil {
			return unexpected(err)
		}
		if !r.answer.informational() || r.answer.Status == http.StatusSwitchingProtocols {
			break
		}
	}
	r.reply.Status, r.reply.Header = r.answer.Status, r.answer.header()
	if r.answer.Status == http.StatusSwitchingProtocols || !r.answer.hasBody(c.Method == http.MethodHead) {
		return nil
	}
	r.until = r.answer.untilClose()
	return r.readBody()
}

func (r *reader) reusable() bool {
	return !r.answer.close && !r.until && r.answer.Status != http.StatusSwitchingProtocols
}

func (r *reader) readBody() error {
	f := framing{chunked: r.answer.chunked, left: r.answer.length}
	if f.left > 0 {
		r.hold(int(min(f.left, r.keep)))
	}
	for {
		n, done, err := f.step(r.in.unread(), r.take)
		r.in.take(n)
		if r.full {
			return ErrNoRoom
		}
		if done {
			r.reply.Trailer = f.fields()
		}
		if done || err != nil {
			return err
		}
		r.widen(f.left)
		switch err := r.fill(); {
		case err == io.EOF && r.until:
			return nil
		case err != nil:
			return unexpected(err)
		}
	}
}

// take keeps a piece of the body, as much as is wanted.
func (r *reader) take(data []byte) {
	r.reply.Size += int64(len(data))
	if rest := r.keep - int64(len(r.reply.Body)); rest > 0 {
		data = data[:min(rest, int64(len(data)))]
		if r.hold(len(data)) {
			r.reply.Body = append(r.reply.Body, data...)
		}
	}
}

// hold makes room for n more bytes of the body; false if there is none.
func (r *reader) hold(n int) bool {
	body := r.reply.Body
	if cap(body)-len(body) >= n {
		return true
	}
	size := min(max(len(body)+n, 2*cap(body)), int(r.keep))
	if r.full = r.full || r.room != nil && !r.room(size-cap(body)); r.full {
		return false
	}
	r.reply.Body = append(make([]byte, 0, size), body...)
	return true
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
