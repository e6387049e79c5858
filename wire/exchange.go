package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/clients"
)

var errGone = fmt.Errorf("the client went away: %w", context.Canceled)

// Exchange says where a request goes.
type Exchange struct {
	To  *Origin
	Tap Tap // nil: nobody listens
	// Trace is sent in the place of the client's; none: the client's passes as it is.
	Trace assay.Trace
}

// Tap is told what passes. Sent may be called by another goroutine than the others are; Done comes last. What they
// are given is the relay's again when they return.
type Tap interface {
	// Sent has a piece of the request's body, without framing.
	Sent(data []byte)
	// Began has the head of the final answer.
	Began(*Answer)
	// Answered has a piece of the answer's body, without framing.
	Answered(data []byte)
	// Done has the rest.
	Done(Outcome)
}

// Outcome is how an exchange ended.
type Outcome struct {
	Trailer assay.Header // of a chunked answer
	Size    int64        // bytes of the answer's body
	Whole   bool         // the request was sent to its end
	Gone    bool         // the client went away first, or was cut off
	Err     error        // the service could not be reached, or broke off; the answer may be the relay's own
}

// exchange is one request on its way to a service, and the answer on its way back.
type exchange struct {
	client  *client
	to      *Origin
	tap     Tap
	trace   assay.Trace
	request *Request
	isHead  bool
	up      *link
	upload  *upload // nil: the request was sent at once
	out     []byte  // written next
	answer  Answer
	heard   bool // the service began a final answer
	begun   bool // the client was sent something of it, or of the relay's own
	closing bool // its connection ends with the answer
	body    framing
	size    int64
}

// run relays, and tells whether the client's connection can be used again.
func (x *exchange) run() (again bool) {
	x.isHead = string(x.request.method) == http.MethodHead
	x.closing = x.request.close
	x.out = x.request.appendTo(x.out[:0], x.to, x.client.address, &x.trace)
	err := x.takeBody()
	if err == nil {
		err = x.open()
	}
	if err == nil {
		err = x.pass()
	}
	return x.end(err)
}

// takeBody adds to the head what came of the body with it.
func (x *exchange) takeBody() error {
	if x.request.bodiless() {
		return nil
	}
	u := &upload{client: x.client, tap: x.tap}
	u.body = framing{chunks: chunks{strict: true}, chunked: x.request.chunked, left: x.request.length}
	p := x.client.in.unread()
	n, err := u.step(p)
	x.out = append(x.out, p[:n]...)
	x.client.in.take(n)
	if !u.whole {
		u.done = make(chan struct{})
		x.upload = u
	}
	return err
}

// open sends the request and waits for the first bytes of an answer. A request that can be made twice is, once,
// if a connection that had been idle turns out to be closed (RFC 9110, section 9.2.2).
func (x *exchange) open() error {
	l, err := x.to.take(x.client.server.ctx)
	for err == nil {
		x.up = l
		x.client.await(l.stream, x.upload == nil)
		if err = x.ask(l.stream); err == nil {
			return nil
		}
		l.close()
		if !l.reused || !x.request.bodiless() || !x.request.idempotent() || x.client.gone() {
			break
		}
		l, err = x.to.dial(x.client.server.ctx)
	}
	return err
}

// ask sends what there is of the request, and waits for the first bytes of an answer.
func (x *exchange) ask(service *stream) error {
	if x.upload == nil {
		return service.ask(x.out)
	}
	if _, err := service.Write(x.out); err != nil {
		return err
	}
	x.upload.start(service)
	return service.fill()
}

// pass gives the client the answer, from interim heads to the end of the body.
func (x *exchange) pass() error {
	for {
		if err := x.up.readHead(&x.answer); err != nil {
			return err
		}
		if !x.answer.informational() {
			x.heard = true
			return x.passFinal()
		}
		if x.answer.Status == http.StatusSwitchingProtocols {
			return errAnswer // nobody asked for it
		}
		if err := x.write(x.answer.appendTo(x.out[:0], false)); err != nil {
			return err
		}
	}
}

// passFinal gives the client the final answer.
func (x *exchange) passFinal() error {
	a := &x.answer
	body := a.hasBody(x.isHead)
	x.closing = x.closing || x.client.server.stopping.Load() ||
		body && a.untilClose() || a.close && x.upload.pending()
	x.began()
	x.out = a.appendTo(x.out[:0], x.closing)
	if !body {
		return x.write(x.out)
	}
	x.body = framing{chunked: a.chunked, left: a.length}
	return x.passBody()
}

// passBody copies the body as it comes, the first piece with the head.
func (x *exchange) passBody() error {
	for first := true; ; first = false {
		piece, done, err := x.piece()
		if first {
			piece = x.withHead(piece)
		}
		if gone := x.write(piece); gone != nil {
			return gone
		}
		if done || err != nil {
			return err
		}
		x.up.widen(x.body.left)
		switch err := x.up.fill(); {
		case err == io.EOF && x.answer.untilClose():
			return nil
		case err != nil:
			return err
		}
	}
}

// withHead puts the head in front of the body's first piece: a write less, and one packet for short answers.
func (x *exchange) withHead(piece []byte) []byte {
	x.out = append(x.out, piece...)
	return x.out
}

// piece takes what has arrived of the body.
func (x *exchange) piece() (p []byte, done bool, err error) {
	n, done, err := x.body.step(x.up.in.unread(), x.answered)
	if err != nil {
		err = errAnswer
	}
	return x.up.in.take(n), done, err
}

func (x *exchange) began() {
	x.begun = true
	if x.tap != nil {
		x.tap.Began(&x.answer)
	}
}

func (x *exchange) answered(data []byte) {
	x.size += int64(len(data))
	if x.tap != nil && len(data) > 0 {
		x.tap.Answered(data)
	}
}

func (x *exchange) write(p []byte) error {
	if _, err := x.client.Write(p); err != nil {
		return errGone
	}
	return nil
}

// end settles the exchange, whatever became of it.
func (x *exchange) end(err error) (again bool) {
	whole := x.upload.end(err != nil || x.answer.close)
	left := x.client.settle()
	switch {
	case err == nil:
		again = !x.closing
	case left || x.upload.abandoned() || errors.Is(err, errGone):
		err = errGone
	case x.upload.tooSlow():
		err = clients.ErrSlow
		again = x.fail(err)
	case x.upload.malformed():
		err = errChunks
		again = x.fail(err)
	default:
		err = unexpected(err)
		again = x.fail(err)
	}
	x.report(err, whole)
	x.release(err == nil && whole && !left)
	return again && whole
}

// fail answers in the service's place, or breaks the answer off.
func (x *exchange) fail(err error) (again bool) {
	if x.begun {
		if x.answer.untilClose() {
			x.client.reset()
		}
		return false
	}
	status := http.StatusBadGateway
	switch {
	case err == errChunks:
		status = http.StatusBadRequest
	case err == clients.ErrSlow:
		status = http.StatusRequestTimeout
	case isTimeout(err):
		status = http.StatusGatewayTimeout
	}
	head, body := ownAnswer(status)
	if x.answer.parse(head) != nil {
		return false
	}
	x.closing = x.closing || x.upload != nil
	x.began()
	x.answered(body)
	x.out = append(x.answer.appendTo(x.out[:0], x.closing), body...)
	return x.write(x.out) == nil && !x.closing
}

func (x *exchange) report(err error, whole bool) {
	switch {
	case x.heard:
		x.to.told(nil)
	case err != errGone && err != errChunks && err != clients.ErrSlow:
		x.to.told(err)
	}
	if x.tap == nil {
		return
	}
	o := Outcome{Trailer: x.body.fields(), Size: x.size, Whole: whole, Gone: err == errGone || err == clients.ErrSlow, Err: err}
	x.tap.Done(o)
}

// release keeps the connection to the service if nothing is left on it.
func (x *exchange) release(clean bool) {
	switch {
	case x.up == nil:
	case clean && !x.answer.close && !(x.answer.untilClose() && x.answer.hasBody(x.isHead)):
		x.to.put(x.up)
	default:
		x.up.close()
	}
}
