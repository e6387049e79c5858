package runtimeapi

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/assaylab/assay"
)

// state of the runtime, with the names that AWS's errors use:
//
//	Started -> InitError | Ready -> Running -> InvocationResponse | InvocationErrorResponse -> ResponseSent -> Ready
type state string

const (
	stateStarted       state = "Started"
	stateInitError     state = "InitError"
	stateReady         state = "Ready"
	stateRunning       state = "Running"
	stateResponse      state = "InvocationResponse"
	stateErrorResponse state = "InvocationErrorResponse"
	stateSent          state = "ResponseSent"
	stateRestoreReady  state = "RestoreReady"
	stateRestoreError  state = "RestoreError"
)

// runtime is the runtime's part of the state. The server's lock guards it.
type runtime struct {
	state   state
	current *Invocation      // from Running to ResponseSent
	next    chan *Invocation // to the runtime's call of next
	answer  Answer           // of current, once it is in
	sent    time.Time        // when answer was whole
}

func newRuntime() runtime { return runtime{state: stateStarted, next: make(chan *Invocation, 1)} }

// Invocation is one event for the runtime, and where its answer goes.
type Invocation struct {
	ID            string // the request id
	ARN           string // as invoked
	TraceID       string // X-Amzn-Trace-Id
	ClientContext string // JSON on one line; "" for none
	Identity      string // Cognito's, JSON on one line; "" for none
	Payload       []byte
	Deadline      time.Time
	Room          func(n int) bool // asked before n more bytes of a collected response are held; nil: there is

	// Stream is called when a streamed response begins, and takes its bytes, one Write for each part
	// as it comes. Once a Write fails, the rest is thrown away. When Stream is nil, the response is
	// collected, up to MaxPayload.
	Stream func(contentType string) io.Writer
	Gone   <-chan struct{} // closed when nobody listens to the stream any longer; may be nil

	// Answer is called once, before the runtime hears that its answer was taken. It may not be called
	// at all if the process ends.
	Answer func(Answer)
}

// Answer is what the runtime posted: a response, or, with a fault, an error.
type Answer struct {
	ContentType string
	Body        []byte // a response that was not streamed, or the error
	Streamed    int64  // bytes that Stream's writer was given or would have been
	ErrorType   string // by the error-type rule, such as "Runtime.Unknown"; "" for a response
	ErrorCause  []byte // for X-Ray, JSON; nil for none
	Fault       *assay.Fault
	Began       time.Time // when the response began to come in
}

// Invoke gives the runtime, and the extensions that want to know, an invocation. All must be ready.
func (s *Server) Invoke(x *Invocation) {
	s.mu.Lock()
	s.busy, s.began = true, s.config.Now()
	s.runtime.state, s.runtime.current, s.runtime.answer = stateRunning, x, Answer{}
	s.notify(x)
	s.mu.Unlock()
	s.runtime.next <- x
}

// Withdraw takes back an invocation that the runtime has not asked for yet, and tells whether it could.
func (s *Server) Withdraw() bool {
	select {
	case <-s.runtime.next:
		return true
	default:
		return false
	}
}

// handleNext completes the invocation before, and waits for another.
func (s *Server) handleNext(w http.ResponseWriter, r *http.Request) {
	if !s.becomeReady(w) {
		return
	}
	select {
	case x := <-s.runtime.next:
		writeInvocation(w, x)
	case <-r.Context().Done():
	case <-s.closed:
	}
}

func (s *Server) becomeReady(w http.ResponseWriter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.runtime.state {
	case stateReady: // asked again, after a lost connection
		return true
	case stateStarted:
		s.emitInitDone("success", "")
		s.endRegistration()
	case stateSent:
		s.emitDone("success", "")
	default:
		refuseTransition(w, s.runtime.state, stateReady)
		return false
	}
	s.runtime.state, s.runtime.current = stateReady, nil
	s.rest()
	return true
}

func writeInvocation(w http.ResponseWriter, x *Invocation) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(x.Payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", x.ID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(x.Deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", x.ARN)
	for _, f := range [...]struct{ name, value string }{
		{"Lambda-Runtime-Trace-Id", x.TraceID},
		{"Lambda-Runtime-Client-Context", x.ClientContext},
		{"Lambda-Runtime-Cognito-Identity", x.Identity},
	} {
		if f.value != "" {
			h.Set(f.name, f.value)
		}
	}
	w.Write(x.Payload)
}

// claim checks that a post is for the invocation under way, which it then answers: no other post can.
func (s *Server) claim(w http.ResponseWriter, r *http.Request, to state) *Invocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.runtime.current
	switch {
	case x == nil:
		refuseTransition(w, s.runtime.state, to)
	case x.ID != r.PathValue("id") || s.runtime.state == stateSent:
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	case s.runtime.state != stateRunning:
		refuseTransition(w, s.runtime.state, to)
	default:
		s.runtime.state = to
		return x
	}
	return nil
}

// settle answers an invocation that was claimed, and moves on.
func (s *Server) settle(x *Invocation, a Answer) {
	x.Answer(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runtime.state, s.runtime.answer, s.runtime.sent = stateSent, a, s.config.Now()
}

func (s *Server) handleResponse(w http.ResponseWriter, r *http.Request) {
	x := s.claim(w, r, stateResponse)
	if x == nil {
		return
	}
	a, refusal := s.readResponse(x, r)
	s.settle(x, a)
	if refusal != nil {
		refuse(w, refusal.status, refusal.kind, refusal.message)
		return
	}
	accept(w)
}

func (s *Server) handleError(w http.ResponseWriter, r *http.Request) {
	if x := s.claim(w, r, stateErrorResponse); x != nil {
		s.settle(x, readError(r))
		accept(w)
	}
}

func (s *Server) handleInitError(w http.ResponseWriter, r *http.Request) {
	a := readError(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runtime.state != stateStarted {
		refuseTransition(w, s.runtime.state, stateInitError)
		return
	}
	s.runtime.state = stateInitError
	s.fail(Failure{Answer: a})
	accept(w)
}

// handleRestore refuses what only an environment that is made from a snapshot may call.
func (s *Server) handleRestore(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := stateRestoreReady
	if r.Method == http.MethodPost {
		to = stateRestoreError
	}
	refuseTransition(w, s.runtime.state, to)
}

func refuseTransition(w http.ResponseWriter, from, to state) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition",
		fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", from, to))
}
