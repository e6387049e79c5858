package wire

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/assaylab/assay/clients"
)

// uploadGrace is how long the rest of a request may still take when its answer is over.
const uploadGrace = 5 * time.Second

var longAgo = time.Unix(1, 0)

// upload sends the part of a request's body that did not come with its head, while the answer may come already.
// Its methods but step and run work on a nil upload: there is nothing to send.
type upload struct {
	client  *client
	up      *stream
	tap     Tap
	body    framing
	started bool
	done    chan struct{}
	sender  *clients.Sender // nil: the client is waited for as long as it takes

	mu    sync.Mutex
	until time.Time // when the upload ends in any case, once that is known

	// Of the goroutine until done is closed.
	whole    bool   // the service was sent everything
	gone     bool   // the client did not send everything
	slow     bool   // nor will it: it takes too long
	bad      bool   // what it sent is malformed
	leftover []byte // the beginning of its next request
}

// start runs the upload. end waits for it.
func (u *upload) start(to *stream) {
	if u != nil && !u.started {
		u.started, u.up = true, to
		go u.run()
	}
}

func (u *upload) run() {
	defer close(u.done)
	b := u.buffer()
	defer release(b)
	if limited, ok := u.client.Conn.(*clients.Conn); ok {
		u.sender = limited.Sender(u.wait)
	}
	for !u.whole && u.copy(b.data) {
	}
	_ = u.wait(time.Time{})
	u.client.sent(u.whole)
	if u.gone || u.bad || u.slow {
		_ = u.up.SetReadDeadline(longAgo) // nobody waits for the answer any more
	}
}

// buffer is large for long bodies. With chunks, what is read too much has to fit into the client's buffer.
func (u *upload) buffer() *buffer {
	if u.body.chunked || u.body.left <= bufferSize {
		return buffers.Get().(*buffer)
	}
	return large.Get().(*buffer)
}

// copy passes what it reads at once, and tells whether to go on.
func (u *upload) copy(p []byte) bool {
	if !u.body.chunked {
		p = p[:min(int64(len(p)), u.body.left)]
	}
	n, err := u.read(p)
	used, bad := u.step(p[:n])
	if bad != nil {
		return false
	}
	u.leftover = append(u.leftover, p[used:n]...)
	if _, refused := u.up.Write(p[:used]); refused != nil {
		u.whole = false
		return false // its answer tells why
	}
	if err != nil && !u.whole {
		u.slow = errors.Is(err, clients.ErrSlow)
		u.gone = !u.slow && !errors.Is(err, os.ErrDeadlineExceeded)
		return false
	}
	return true
}

func (u *upload) read(p []byte) (int, error) {
	if u.sender == nil {
		return u.client.Read(p)
	}
	return u.sender.Read(p, u.client.Read)
}

// wait sets until when the client is waited for, unless that is settled.
func (u *upload) wait(until time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.until.IsZero() {
		return nil
	}
	return u.client.SetReadDeadline(until)
}

// settle sets when the upload ends in any case.
func (u *upload) settle(until time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.until = until
	_, _ = u.client.SetReadDeadline(until), u.up.SetWriteDeadline(until)
}

// step follows the body through p and returns how much of it belongs to it.
func (u *upload) step(p []byte) (n int, err error) {
	var sent func([]byte)
	if u.tap != nil {
		sent = u.tap.Sent
	}
	n, u.whole, err = u.body.step(p, sent)
	u.bad = err != nil
	return n, err
}

// pending tells whether the request is still being sent.
func (u *upload) pending() bool {
	if u == nil {
		return false
	}
	select {
	case <-u.done:
		return !u.whole
	default:
		return true
	}
}

// end waits for the upload: for the rest as long as grace allows, or not at all. It tells whether the service
// was sent everything.
func (u *upload) end(abort bool) (whole bool) {
	if u == nil {
		return true
	}
	if !u.started {
		return false
	}
	if u.pending() {
		until := time.Now().Add(uploadGrace)
		if abort {
			until = longAgo
		}
		u.settle(until)
		<-u.done
		_, _ = u.client.SetReadDeadline(time.Time{}), u.up.SetWriteDeadline(time.Time{})
	}
	u.client.putBack(u.leftover)
	return u.whole
}

func (u *upload) abandoned() bool { return u != nil && u.gone }
func (u *upload) malformed() bool { return u != nil && u.bad }
func (u *upload) tooSlow() bool   { return u != nil && u.slow }
