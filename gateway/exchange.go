package gateway

import (
	"bufio"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/assaylab/assay"
)

// exchange copies the bodies of one exchange as they pass, within what the ticket grants. It is safe
// for concurrent use: a control may read the request while it writes the answer, and even a moment
// after it has returned.
type exchange struct {
	mu     sync.Mutex
	ticket assay.Ticket
	unread int64 // of the request's body; negative: unknown
	kept   kept
}

// kept is what an exchange has copied.
type kept struct {
	request bodyCopy
	answer  bodyCopy
	whole   bool // the request was read to its end
	failed  bool // the request could not be read to its end
	over    bool // the ticket has ended, nothing is kept any more
}

// bodyCopy is as much of a body as was kept.
type bodyCopy struct {
	bytes    []byte
	reserved int
	expected int64 // the whole body's length, if it is known
}

// atOnce is the length from which room for a whole body is asked for at its beginning: one that does not fit is
// then not copied at all, and one that does is copied once.
const atOnce = 32 << 10

func newExchange(t assay.Ticket, length int64) *exchange {
	return &exchange{ticket: t, unread: length, kept: kept{over: t == nil, request: bodyCopy{expected: length}}}
}

// maxBody is how much of an answer is kept.
func maxBody(t assay.Ticket) int64 {
	if b, ok := t.(assay.Bounded); ok {
		return b.MaxBody()
	}
	return math.MaxInt64
}

// sent copies what the control read of the request, with the error it got.
func (x *exchange) sent(p []byte, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unread -= int64(len(p))
	x.kept.whole = x.kept.whole || err == io.EOF || x.unread == 0
	x.kept.failed = x.kept.failed || err != nil && err != io.EOF
	x.keep(&x.kept.request, p)
}

// began notes the answer's status, and how long its body will be; negative: unknown.
func (x *exchange) began(status int, length int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.kept.over && !decide(x.ticket, status) {
		x.kept = kept{over: true}
	}
	if !x.kept.over {
		x.kept.answer.expected = min(length, maxBody(x.ticket))
	}
}

// answered copies what the control wrote of the answer, up to the longest that the ticket holds.
func (x *exchange) answered(p []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.kept.over {
		room := maxBody(x.ticket) - int64(len(x.kept.answer.bytes))
		x.keep(&x.kept.answer, p[:min(int64(len(p)), room)])
	}
}

func (x *exchange) keep(body *bodyCopy, p []byte) {
	if x.kept.over || len(p) == 0 {
		return
	}
	need := len(body.bytes) + len(p)
	if need > body.reserved {
		if body.bytes == nil && body.expected > atOnce {
			need = int(body.expected)
		}
		if !x.ticket.Reserve(need-body.reserved, need) {
			x.kept = kept{over: true}
			return
		}
		body.reserved = need
	}
	if body.bytes == nil {
		body.bytes = make([]byte, 0, need)
	}
	body.bytes = append(body.bytes, p...)
}

// readWhole notes that the control was sent the request to its end.
func (x *exchange) readWhole() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.kept.whole = true
}

// drop ends the ticket before the exchange ends.
func (x *exchange) drop(reason string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ticket != nil {
		x.ticket.Drop(reason)
	}
	x.kept = kept{over: true}
}

// close returns what was kept; what passes later is not.
func (x *exchange) close() kept {
	x.mu.Lock()
	defer x.mu.Unlock()
	k := x.kept
	k.whole = k.whole || x.unread == 0
	x.kept = kept{over: true}
	return k
}

// watched is a request's body that an exchange copies.
type watched struct {
	io.ReadCloser
	exchange *exchange
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.exchange.sent(p[:n], err)
	return n, err
}

// recorder is the client's writer, observed.
type recorder struct {
	http.ResponseWriter
	exchange  *exchange
	status    int
	header    assay.Header
	announced []string // the Trailer fields
	size      int64
	fault     *assay.Fault
}

var _ assay.FaultWriter = (*recorder)(nil)

// Unwrap lets http.ResponseController reach the client's writer: flushing and deadlines need no
// observing.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader notes the final status and fields; informational ones pass.
func (r *recorder) WriteHeader(status int) {
	if status >= 200 && r.status == 0 {
		r.status = status
		r.header = endToEnd(r.Header())
		r.announced = r.Header()["Trailer"]
		length, err := strconv.ParseInt(r.header.Get("Content-Length"), 10, 64)
		if err != nil {
			length = -1
		}
		r.exchange.began(status, length)
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	n, err := r.ResponseWriter.Write(p)
	r.size += int64(n)
	r.exchange.answered(p[:n])
	return n, err
}

// Hijack hands the connection over; what passes then is no answer to compare.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.exchange.drop(DropUpgrade)
	}
	return conn, rw, err
}

// Fault notes that the answer stands for a fault.
func (r *recorder) Fault(f assay.Fault) { r.fault = &f }

// observation is what was seen, without the body and times.
func (r *recorder) observation() assay.Observation {
	return assay.Observation{
		Status:   r.status,
		Header:   r.header,
		Trailer:  trailers(r.Header(), r.announced),
		BodySize: r.size,
		Fault:    r.fault,
	}
}
