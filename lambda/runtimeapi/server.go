// Package runtimeapi is what the processes of one execution environment see of Lambda: the Runtime API,
// the Extensions API, and the Telemetry and Logs APIs. Invocations and platform events come in from the
// environment and go out to the processes; their answers come in over HTTP, and go out, streamed if the
// function streams, to whoever sent the invocation.
package runtimeapi

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assaylab/assay"
)

// Config of a Server. Only Listener and ID must be set.
type Config struct {
	Listener net.Listener  // closed by Close
	ID       func() string // a new UUID at each call

	FunctionName, FunctionVersion, Handler, AccountID string // as extensions are told

	Init InitStart // as telemetry tells it; Server adds nothing

	// External are the names of the extensions that run as processes of their own. Others that
	// register are internal: they live in the runtime's process.
	External []string

	// Dial reaches a port inside the environment, for telemetry; 127.0.0.1 if nil.
	Dial func(ctx context.Context, port int) (net.Conn, error)

	Pace Pace             // of streamed responses; none if zero
	Now  func() time.Time // the date on telemetry; time.Now if nil
}

// Server is the API of one environment, on an address of its own. It checks each call against the
// state of the caller; the environment hands invocations in and hears what comes of them.
type Server struct {
	config Config

	ready    chan struct{} // see Ready
	external chan struct{} // closed when all external extensions have registered
	failures chan Failure  // see Failures

	server   *http.Server
	closed   chan struct{}
	serving  sync.WaitGroup // Serve and the connections
	stop     context.CancelFunc
	delivery sync.WaitGroup // of telemetry

	listening atomic.Bool // some subscriber wants telemetry, or may still want it

	mu         sync.Mutex
	open       bool      // init is not over: extensions may register, and subscribe to telemetry
	fresh      bool      // init is not complete
	busy       bool      // init or an invocation is not complete
	began      time.Time // init, or the invocation under way
	runtime    runtime
	extensions []*extension
	telemetry  telemetry
}

// New serves on the listener.
func New(config Config) *Server {
	if config.Dial == nil {
		config.Dial = dialLoopback
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	s := &Server{
		config: config, ready: make(chan struct{}, 1), external: make(chan struct{}), failures: make(chan Failure, 1),
		closed: make(chan struct{}), open: true, fresh: true, busy: true, runtime: newRuntime(),
	}
	s.began = config.Now()
	s.listening.Store(true)
	s.emit("platform.initStart", config.Init)
	var deliver context.Context
	deliver, s.stop = context.WithCancel(context.Background())
	s.telemetry.context = deliver
	for _, name := range config.External[:min(len(config.External), MaxExtensions)] {
		s.extensions = append(s.extensions, newExtension(config.ID(), name, true))
	}
	if len(config.External) == 0 {
		close(s.external)
	}
	s.server = &http.Server{Handler: s.routes(), ConnState: s.track, MaxHeaderBytes: maxHeader}
	s.serving.Go(func() { s.server.Serve(config.Listener) })
	return s
}

// maxHeader is more than the largest cause of an error that runtimes send in a header, 1 MiB.
const maxHeader = 1<<20 + 64<<10

func dialLoopback(ctx context.Context, port int) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// Registered is closed when every external extension has registered: then the runtime may start.
func (s *Server) Registered() <-chan struct{} { return s.external }

// Ready has one element each time the runtime and all extensions have asked for their next event: init,
// or the invocation before, is complete.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Failure is why an environment cannot go on, as one of its processes says.
type Failure struct {
	Answer
	Extension string // the extension that reported it; "" when the runtime did, at init
}

// Failures has at most one element: the error that the runtime says its init ended with, or that an
// extension reported.
func (s *Server) Failures() <-chan Failure { return s.failures }

func (s *Server) fail(f Failure) {
	select {
	case s.failures <- f:
	default: // the first counts
	}
}

// rest tells the environment when all participants wait for an event. The lock is held.
func (s *Server) rest() {
	if !s.busy || s.runtime.state != stateReady {
		return
	}
	for _, x := range s.extensions {
		if x.state != extensionReady {
			return
		}
	}
	if s.fresh {
		s.fresh = false
		for _, x := range s.extensions {
			s.emit("platform.extension", extensionRecord{Name: x.name, State: string(x.state), Events: append([]string{}, x.wants...)})
		}
	}
	s.busy = false
	s.ready <- struct{}{}
}

// track counts the connections, so that Close can wait for their goroutines.
func (s *Server) track(_ net.Conn, to http.ConnState) {
	switch to {
	case http.StateNew:
		s.serving.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.serving.Done()
	}
}

// Close ends the API. The processes must have ended: what they had sent is read first.
func (s *Server) Close() {
	s.config.Listener.Close()
	close(s.closed)
	s.stop()
	gone := make(chan struct{})
	go func() { s.serving.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-time.After(time.Second): // a child that left the process group holds a connection
	}
	s.server.Close()
	<-gone
	s.delivery.Wait()
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", s.handleNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", s.handleResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", s.handleError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", s.handleInitError)
	mux.HandleFunc("GET /2018-06-01/runtime/restore/next", s.handleRestore)
	mux.HandleFunc("POST /2018-06-01/runtime/restore/error", s.handleRestore)
	mux.HandleFunc("GET /2018-06-01/ping", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "pong") })
	mux.HandleFunc("POST /2020-01-01/extension/register", s.handleRegister)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", s.identified(s.handleExtensionNext))
	mux.HandleFunc("POST /2020-01-01/extension/init/error", s.identified(s.handleExtensionInitError))
	mux.HandleFunc("POST /2020-01-01/extension/exit/error", s.identified(s.handleExtensionExitError))
	for _, end := range []string{"", "/{$}"} { // AWS documents both
		mux.HandleFunc("PUT /2022-07-01/telemetry"+end, s.identified(s.handleTelemetry))
		mux.HandleFunc("PUT /2020-08-15/logs"+end, s.identified(s.handleLogs))
	}
	return mux
}

// ErrorBody is how runtimes and AWS tell an error.
type ErrorBody struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType,omitempty"`
}

// Failed is the answer when the platform has to give one in place of the function.
func Failed(kind assay.FaultKind, errorType, message string) Answer {
	body, _ := json.Marshal(ErrorBody{Message: message, Type: errorType}) // strings always marshal
	return Answer{
		ContentType: "application/json", Body: body, ErrorType: errorType,
		Fault: &assay.Fault{Kind: kind, Type: errorType, Message: message},
	}
}

// accepted is the answer to what a runtime posts. It is written once an invocation, so it is ready made.
const accepted = `{"status":"OK"}`

func accept(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(accepted)))
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, accepted)
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
