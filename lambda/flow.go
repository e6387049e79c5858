package lambda

import (
	"bytes"
	"io"
)

// flowParts is how many parts of a streamed answer, of at most 64 KiB, wait for a slow listener before
// the function does.
const flowParts = 16

// flow carries a streamed answer from the API's goroutine to the caller's, who alone uses all but Write.
type flow struct {
	parts chan []byte     // the first one is the content type
	gone  chan struct{}   // closed by the caller, who listens no longer
	over  <-chan struct{} // closed when there is an answer, which may be that time is up

	begun bool // the sink has begun
	left  bool // gone is closed
}

func newFlow(over <-chan struct{}) *flow {
	return &flow{parts: make(chan []byte, flowParts), gone: make(chan struct{}), over: over}
}

// begin is called once, before anything is written.
func (f *flow) begin(contentType string) io.Writer {
	f.Write([]byte(contentType))
	return f
}

// Write hands a copy of p on. It fails when nobody wants more.
func (f *flow) Write(p []byte) (int, error) {
	select {
	case f.parts <- bytes.Clone(p):
		return len(p), nil
	case <-f.gone:
	case <-f.over:
	}
	return 0, io.ErrClosedPipe
}

// next has the parts as they come. There are none of no flow.
func (f *flow) next() <-chan []byte {
	if f == nil {
		return nil
	}
	return f.parts
}

// pass gives the sink a part.
func (f *flow) pass(sink Sink, part []byte) {
	switch {
	case !f.begun:
		f.begun = true
		sink.Begin(string(part))
	case !f.left:
		if _, err := sink.Write(part); err != nil {
			f.leave()
		}
	}
}

// leave tells that the caller listens no longer.
func (f *flow) leave() {
	if !f.left {
		f.left = true
		close(f.gone)
	}
}

// drain gives the sink what has come before the answer.
func (f *flow) drain(sink Sink) {
	for {
		select {
		case part := <-f.next():
			f.pass(sink, part)
		default:
			return
		}
	}
}
