package runtimeapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/assaylab/assay"
)

const (
	// MaxPayload is what a synchronous request or response may have: 6 MiB and 100 bytes.
	MaxPayload = 6<<20 + 100
	// MaxStream is what a streamed response may have: 200 MiB.
	MaxStream = 200 << 20

	headerErrorType = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody = "Lambda-Runtime-Function-Error-Body"
	headerMode      = "Lambda-Runtime-Function-Response-Mode"

	streaming = "streaming" // the one value of headerMode
)

// refusal is what the runtime hears when its response is not taken as it is.
type refusal struct {
	status        int
	kind, message string
}

// readResponse reads a response to its end: what the caller gets, and, if that is not what the runtime
// sent, what the runtime hears.
func (s *Server) readResponse(x *Invocation, r *http.Request) (Answer, *refusal) {
	began := s.config.Now()
	var a Answer
	var no *refusal
	switch mode := r.Header.Get(headerMode); {
	case mode != "" && mode != streaming:
		a = Failed(assay.FaultFunction, "Runtime.InvalidResponseModeHeader", "Invalid function response mode: "+mode)
		no = &refusal{http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid " + headerMode + " header value."}
	case mode == streaming && x.Stream != nil:
		a, no = s.stream(x, r)
	default:
		a, no = collect(r, x.Room)
	}
	a.Began = began
	return a, no
}

var errNoRoom = errors.New("there is no room for the response")

// collect reads a response that is answered as a whole. One that there is no room for is taken and thrown away: its
// caller does not want it any more.
func collect(r *http.Request, room func(n int) bool) (Answer, *refusal) {
	body, whole, err := readBody(r, room)
	switch {
	case err == errNoRoom:
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, MaxStream))
		return Failed(assay.FaultTransport, "", errNoRoom.Error()), nil
	case err != nil:
		return truncated()
	case !whole:
		return tooLarge(MaxPayload)
	}
	return responded(r, Answer{ContentType: r.Header.Get("Content-Type"), Body: body}), nil
}

// stream hands a response on as it comes in.
func (s *Server) stream(x *Invocation, r *http.Request) (Answer, *refusal) {
	a := Answer{ContentType: r.Header.Get("Content-Type")}
	if a.ContentType == "" {
		a.ContentType = "application/octet-stream"
	}
	out := &consumer{to: x.Stream(a.ContentType), pace: newBucket(s.config.Pace, time.Now()), left: x.Gone, closed: s.closed}
	_, err := io.Copy(out, io.LimitReader(r.Body, MaxStream))
	var no *refusal
	switch {
	case err != nil:
		a, no = truncated()
	case out.taken == MaxStream && beyond(r.Body):
		a, no = tooLarge(MaxStream)
	default:
		a = responded(r, a)
	}
	a.Streamed = out.taken
	return a, no
}

// beyond tells whether there is more of a body than was read, and reads it to its end.
func beyond(body io.Reader) bool {
	n, _ := io.Copy(io.Discard, io.LimitReader(body, MaxStream))
	return n > 0
}

// consumer takes a streamed response for as long as its listener listens, at a limited pace.
type consumer struct {
	to     io.Writer
	pace   bucket
	left   <-chan struct{} // closed when the listener has gone
	closed <-chan struct{} // closed when the environment ends
	taken  int64
	gone   bool // the listener
}

// maxPart is the largest part that is handed on in one piece.
const maxPart = 64 << 10

func (c *consumer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0 && !c.gone; {
		part := rest[:min(len(rest), maxPart)]
		rest = rest[len(part):]
		c.wait(c.pace.take(len(part), time.Now()))
		_, err := c.to.Write(part)
		c.gone = err != nil
	}
	c.taken += int64(len(p))
	return len(p), nil
}

func (c *consumer) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.left:
		c.gone = true
	case <-c.closed:
		c.gone = true
	}
}

// Pace limits streamed responses. AWS lets 6 MiB through at once, and then 2 MiB a second.
type Pace struct {
	Burst int64 // bytes
	Rate  int64 // bytes a second; 0 for no limit
}

// AWSPace is the pace of functions on AWS.
var AWSPace = Pace{Burst: 6 << 20, Rate: 2 << 20}

// bucket is a token bucket: full at the start, and refilled at the rate, up to the burst.
type bucket struct {
	Pace
	tokens float64 // negative: what is owed
	at     time.Time
}

func newBucket(p Pace, now time.Time) bucket {
	return bucket{Pace: p, tokens: float64(p.Burst), at: now}
}

// take takes tokens, and says how long to wait before using them.
func (b *bucket) take(n int, now time.Time) time.Duration {
	if b.Rate <= 0 {
		return 0
	}
	b.tokens = min(float64(b.Burst), b.tokens+now.Sub(b.at).Seconds()*float64(b.Rate))
	b.at = now
	b.tokens -= float64(n)
	return time.Duration(max(0, -b.tokens/float64(b.Rate)) * float64(time.Second))
}

func truncated() (Answer, *refusal) {
	return Failed(assay.FaultFunction, "Runtime.TruncatedResponse", "The response was truncated"),
		&refusal{http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated"}
}

func tooLarge(limit int) (Answer, *refusal) {
	return Failed(assay.FaultFunction, "Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit)),
		&refusal{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", limit)}
}

// responded is the answer in a response that has been read. Its trailers may turn it into an error:
// runtimes send them when a function fails half-way.
func responded(r *http.Request, a Answer) Answer {
	errorType := r.Trailer.Get(headerErrorType)
	if errorType == "" {
		return a
	}
	detail, err := base64.StdEncoding.DecodeString(r.Trailer.Get(headerErrorBody))
	if err != nil || len(detail) == 0 {
		detail, _ = json.Marshal(ErrorBody{Type: knownErrorType(errorType)})
	}
	return functionError(errorType, detail)
}

// roomy reads as far as there is room.
type roomy struct {
	io.Reader
	room func(n int) bool
}

func (r *roomy) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 && r.room != nil && !r.room(n) {
		return n, errNoRoom
	}
	return n, err
}

// readBody reads a body up to MaxPayload. A longer one is read to its end as well, for few clients
// listen before they have sent everything, but it is not kept.
func readBody(r *http.Request, room func(n int) bool) (body []byte, whole bool, err error) {
	if n := r.ContentLength; n > 0 && n <= MaxPayload {
		if room != nil && !room(int(n)) {
			return nil, false, errNoRoom
		}
		body = make([]byte, n)
		_, err = io.ReadFull(r.Body, body)
		return body, true, err
	}
	body, err = io.ReadAll(&roomy{io.LimitReader(r.Body, MaxPayload+1), room})
	if err != nil || len(body) <= MaxPayload {
		return body, true, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(r.Body, MaxStream))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return nil, false, err
}
