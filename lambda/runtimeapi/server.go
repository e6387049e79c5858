// Package runtimeapi is what the processes of one execution environment see of Lambda: the Runtime API,
// and the Extensions API beside it. Invocations come in from the environment, events go out to the
// processes; their answers come in over HTTP, and go out to whoever sent the invocation.
package runtimeapi

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

// MaxPayload is what a synchronous request or response may have: 6 MiB and 100 bytes.
const MaxPayload = 6<<20 + 100

// Function is what the environment runs, as extensions are told.
type Function struct {
	Name, Version, Handler string
}

// Invocation is one event for the runtime, and where its answer goes.
type Invocation struct {
	ID            string // the request id
	ARN           string // as invoked
	TraceID       string // X-Amzn-Trace-Id
	ClientContext string // JSON on one line; "" for none
	Payload       []byte
	Deadline      time.Time

	// Answer is called once, before the runtime hears that its answer was taken. It may not be called
	// at all if the process ends.
	Answer func(Answer)
}

// Answer is what the runtime posted: a response, or, with a fault, an error.
type Answer struct {
	ContentType string
	Body        []byte
	Fault       *assay.Fault
}

// ErrorBody is how runtimes and AWS tell an error.
type ErrorBody struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType,omitempty"`
}

// Failed is the answer when the platform has to give one in place of the function.
func Failed(kind assay.FaultKind, errorType, message string) Answer {
	body, _ := json.Marshal(ErrorBody{Message: message, Type: errorType}) // strings always marshal
	return Answer{ContentType: "application/json", Body: body, Fault: &assay.Fault{Kind: kind, Type: errorType, Message: message}}
}

// Server is the API of one environment, on an address of its own. It checks each call against the
// state of the caller; the environment hands invocations in and hears what comes of them.
type Server struct {
	function Function

	next      chan *Invocation // to the runtime's call of next
	ready     chan struct{}    // one element each time the runtime asks for the next invocation anew
	initError chan Answer      // one: the error that init ended with

	listener net.Listener
	server   *http.Server
	closed   chan struct{}
	serving  sync.WaitGroup // Serve and the connections

	mu      sync.Mutex
	state   state
	current *Invocation
	sigterm bool // an internal extension is registered, which makes AWS send SIGTERM before SIGKILL
}

// New serves on a listener, which Close closes.
func New(listener net.Listener, function Function) *Server {
	s := &Server{
		function: function, state: stateStarted, listener: listener,
		next: make(chan *Invocation, 1), ready: make(chan struct{}, 1), initError: make(chan Answer, 1), closed: make(chan struct{}),
	}
	s.server = &http.Server{Handler: s.routes(), ConnState: s.track}
	s.serving.Go(func() { s.server.Serve(listener) })
	return s
}

// Ready has one element each time the runtime asks for the next invocation anew: init, or the
// invocation before, is complete.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// InitError has at most one element: the error that the runtime says init ended with.
func (s *Server) InitError() <-chan Answer { return s.initError }

// Closed is closed when Close has begun.
func (s *Server) Closed() <-chan struct{} { return s.closed }

// WantsTerm tells whether an extension is registered, for which AWS sends SIGTERM before SIGKILL.
func (s *Server) WantsTerm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sigterm
}

// track counts the connections, so that Close can wait for their goroutines.
func (s *Server) track(_ net.Conn, to http.ConnState) {
	switch to {
	case http.StateNew:
		s.serving.Add(1)
	case http.StateClosed:
		s.serving.Done()
	}
}

// Close ends the API. The processes must have ended: what they had sent is read first.
func (s *Server) Close() {
	s.listener.Close()
	close(s.closed)
	gone := make(chan struct{})
	go func() { s.serving.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-time.After(time.Second): // a child that left the process group holds a connection
	}
	s.server.Close()
	<-gone
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", s.handleNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", s.handleResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", s.handleError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", s.handleInitError)
	mux.HandleFunc("GET /2018-06-01/ping", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "pong") })
	mux.HandleFunc("POST /2020-01-01/extension/register", s.handleRegister)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", s.handleExtensionNext)
	return mux
}

func accept(w http.ResponseWriter) {
	writeJSON(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func refuse(w http.ResponseWriter, status int, errorType, message string) {
	writeJSON(w, status, ErrorBody{Message: message, Type: errorType})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, _ := json.Marshal(v) // maps and structs of strings and numbers always marshal
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}
