package lambda

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

const (
	// maxPayload is what a synchronous request or response may have: 6 MiB and 100 bytes.
	maxPayload = 6<<20 + 100

	headerErrorType = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody = "Lambda-Runtime-Function-Error-Body"
	headerMode      = "Lambda-Runtime-Function-Response-Mode"
)

// state of the runtime, with the names that AWS's errors use.
type state string

const (
	stateStarted   state = "Started"
	stateInitError state = "InitError"
	stateReady     state = "Ready"
	stateRunning   state = "Running"
	stateSent      state = "ResponseSent"
)

// runtimeAPI is the Lambda Runtime API as one environment's process sees it, on a port of its own. It
// checks each call against the runtime's state; the environment hands exchanges in and hears what
// comes of them.
//
//	Started -> InitError | Ready -> Running -> ResponseSent -> Ready
type runtimeAPI struct {
	function *assay.Function
	// answered is called with each answer as it comes in, before the runtime hears that it was taken.
	answered func(*exchange, answer)

	next   chan *exchange // to the runtime's call of next
	ready  chan struct{}  // one element each time the runtime asks for the next invocation anew
	initio chan answer    // one: the error that init ended with

	listener net.Listener
	server   *http.Server
	closed   chan struct{}
	serving  sync.WaitGroup // Serve and the connections

	mu      sync.Mutex
	state   state
	current *exchange
	sigterm bool // an internal extension is registered, which makes AWS send SIGTERM before SIGKILL
}

// newRuntimeAPI listens.
func newRuntimeAPI(function *assay.Function, answered func(*exchange, answer)) (*runtimeAPI, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	api := &runtimeAPI{
		function: function, answered: answered, state: stateStarted, listener: listener,
		next: make(chan *exchange, 1), ready: make(chan struct{}, 1), initio: make(chan answer, 1), closed: make(chan struct{}),
	}
	api.server = &http.Server{Handler: api.routes(), ConnState: api.track}
	api.serving.Go(func() { api.server.Serve(listener) })
	return api, nil
}

func (api *runtimeAPI) address() string { return api.listener.Addr().String() }

// track counts the connections, so that close can wait for their goroutines.
func (api *runtimeAPI) track(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		api.serving.Add(1)
	case http.StateClosed:
		api.serving.Done()
	}
}

// close ends the API. The process must have ended: what it had sent is read first.
func (api *runtimeAPI) close() {
	api.listener.Close()
	close(api.closed)
	gone := make(chan struct{})
	go func() { api.serving.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-time.After(time.Second): // a child that left the process group holds a connection
	}
	api.server.Close()
	<-gone
}

func (api *runtimeAPI) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", api.handleNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", api.handleResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", api.handleError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", api.handleInitError)
	mux.HandleFunc("GET /2018-06-01/ping", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "pong") })
	mux.HandleFunc("POST /2020-01-01/extension/register", api.handleRegister)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", api.handleExtensionNext)
	return mux
}

// deliver gives the runtime, which must be ready, an invocation.
func (api *runtimeAPI) deliver(x *exchange) {
	api.mu.Lock()
	api.state, api.current = stateRunning, x
	api.mu.Unlock()
	api.next <- x
}

// handleNext completes the invocation before, and waits for another.
func (api *runtimeAPI) handleNext(w http.ResponseWriter, r *http.Request) {
	if !api.becomeReady(w) {
		return
	}
	select {
	case x := <-api.next:
		api.writeInvocation(w, x)
	case <-r.Context().Done():
	case <-api.closed:
	}
}

func (api *runtimeAPI) becomeReady(w http.ResponseWriter) bool {
	api.mu.Lock()
	defer api.mu.Unlock()
	switch api.state {
	case stateReady: // asked again, after a lost connection
		return true
	case stateStarted, stateSent:
		api.state, api.current = stateReady, nil
		api.ready <- struct{}{}
		return true
	}
	refuseTransition(w, api.state, stateReady)
	return false
}

func (api *runtimeAPI) writeInvocation(w http.ResponseWriter, x *exchange) {
	h := w.Header()
	deadline := x.began.Add(api.function.Timeout)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(x.payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", x.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", x.arn)
	h.Set("Lambda-Runtime-Trace-Id", x.trace)
	if x.clientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", x.clientContext)
	}
	w.Write(x.payload)
}

// claim checks that a post is for the invocation under way, and gives it.
func (api *runtimeAPI) claim(w http.ResponseWriter, r *http.Request, to state) *exchange {
	api.mu.Lock()
	defer api.mu.Unlock()
	switch {
	case api.state != stateRunning && api.state != stateSent:
		refuseTransition(w, api.state, to)
	case api.state == stateSent || api.current.id != r.PathValue("id"):
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	default:
		return api.current
	}
	return nil
}

// settle answers the exchange and moves on, unless another post was faster.
func (api *runtimeAPI) settle(w http.ResponseWriter, x *exchange, a answer) bool {
	api.mu.Lock()
	taken := api.state == stateRunning && api.current == x
	if taken {
		api.state = stateSent
	}
	api.mu.Unlock()
	if !taken {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return false
	}
	api.answered(x, a)
	return true
}

func (api *runtimeAPI) handleResponse(w http.ResponseWriter, r *http.Request) {
	x := api.claim(w, r, "InvocationResponse")
	if x == nil {
		return
	}
	if mode := r.Header.Get(headerMode); mode != "" && mode != "streaming" {
		message := "Invalid function response mode: " + mode
		if api.settle(w, x, failed(assay.FaultFunction, "Runtime.InvalidResponseModeHeader", message)) {
			refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid "+headerMode+" header value.")
		}
		return
	}
	body, whole, err := readBody(r)
	switch {
	case err != nil:
		if api.settle(w, x, failed(assay.FaultFunction, "Runtime.TruncatedResponse", "The response was truncated")) {
			refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		}
	case !whole:
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload)
		if api.settle(w, x, failed(assay.FaultFunction, "Function.ResponseSizeTooLarge", message)) {
			refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", maxPayload))
		}
	case api.settle(w, x, responded(r, body)):
		accept(w)
	}
}

// responded is the answer in a response. Its trailers may turn it into an error: aws-lambda-go sends
// them when the reader that a handler returned fails half-way.
func responded(r *http.Request, body []byte) answer {
	if errorType := r.Trailer.Get(headerErrorType); errorType != "" {
		detail, err := base64.StdEncoding.DecodeString(r.Trailer.Get(headerErrorBody))
		if err != nil || len(detail) == 0 {
			detail, _ = json.Marshal(errorBody{Type: knownErrorType(errorType)})
		}
		return functionError(errorType, detail)
	}
	return answer{status: http.StatusOK, contentType: r.Header.Get("Content-Type"), body: body}
}

func (api *runtimeAPI) handleError(w http.ResponseWriter, r *http.Request) {
	x := api.claim(w, r, "InvocationErrorResponse")
	if x == nil {
		return
	}
	if api.settle(w, x, readError(r)) {
		accept(w)
	}
}

func (api *runtimeAPI) handleInitError(w http.ResponseWriter, r *http.Request) {
	a := readError(r)
	api.mu.Lock()
	defer api.mu.Unlock()
	if api.state != stateStarted {
		refuseTransition(w, api.state, stateInitError)
		return
	}
	api.state = stateInitError
	api.initio <- a
	accept(w)
}

// readError is the answer in the body of an error.
func readError(r *http.Request) answer {
	body, whole, err := readBody(r)
	if err != nil || !whole {
		body = []byte(`"Invalid error body"`)
	}
	if r.Header.Get("Content-Type") == "application/vnd.aws.lambda.error.cause+json" {
		body = withoutCause(body)
	}
	return functionError(r.Header.Get(headerErrorType), body)
}

// withoutCause drops what is meant for X-Ray alone.
func withoutCause(body []byte) []byte {
	var e struct {
		errorBody
		StackTrace []json.RawMessage `json:"stackTrace,omitempty"`
	}
	if json.Unmarshal(body, &e) != nil {
		return []byte(`"Invalid error body"`)
	}
	body, _ = json.Marshal(e) // was JSON before
	return body
}

// functionError is the answer of a function that failed. The type its body names is the function's
// own; the header's is what AWS sorts it by.
func functionError(errorType string, body []byte) answer {
	var e errorBody
	json.Unmarshal(body, &e) // a body in another shape names nothing
	if e.Type == "" {
		e.Type = knownErrorType(errorType)
	}
	return answer{
		status: http.StatusOK, contentType: "application/json", body: body,
		fault: &assay.Fault{Kind: assay.FaultFunction, Type: e.Type, Message: e.Message},
	}
}

var errorTypes = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)

// knownErrorType is the error-type rule of the Runtime API.
func knownErrorType(s string) string {
	switch {
	case errorTypes.MatchString(s):
		return s
	case strings.HasPrefix(s, "Function."):
		return "Function.Unknown"
	}
	return "Runtime.Unknown"
}

// readBody reads a body up to maxPayload. A longer one is read to its end as well, for few clients
// listen before they have sent everything, but it is not kept.
func readBody(r *http.Request) (body []byte, whole bool, err error) {
	body, err = io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err != nil || len(body) <= maxPayload {
		return body, true, err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return nil, false, err
}

// handleRegister lets an internal extension register without events: that is how aws-lambda-go's
// WithEnableSIGTERM asks for SIGTERM. Extensions that want events are not supported.
func (api *runtimeAPI) handleRegister(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Events []string `json:"events"`
	}
	err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&body)
	api.mu.Lock()
	defer api.mu.Unlock()
	switch {
	case r.Header.Get("Lambda-Extension-Name") == "":
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionName", "Extension name is missing")
	case err != nil:
		refuse(w, http.StatusForbidden, "InvalidRequestFormat", "Invalid request format")
	case api.state != stateStarted:
		refuse(w, http.StatusForbidden, "Extension.RegistrationClosed", "Extension registration closed already")
	case len(body.Events) > 0:
		refuse(w, http.StatusForbidden, "Extension.InvalidEventType", "Events for extensions are not supported by this engine yet")
	default:
		api.sigterm = true
		w.Header().Set("Lambda-Extension-Identifier", newID())
		writeJSON(w, http.StatusOK, map[string]string{
			"functionName": api.function.Name, "functionVersion": latest, "handler": api.function.Handler,
		})
	}
}

// handleExtensionNext never answers: there are no events.
func (api *runtimeAPI) handleExtensionNext(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-api.closed:
	}
}

func (api *runtimeAPI) wantsTerm() bool {
	api.mu.Lock()
	defer api.mu.Unlock()
	return api.sigterm
}

func accept(w http.ResponseWriter) {
	writeJSON(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func refuseTransition(w http.ResponseWriter, from, to state) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition",
		fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", from, to))
}

func refuse(w http.ResponseWriter, status int, errorType, message string) {
	writeJSON(w, status, errorBody{Message: message, Type: errorType})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, _ := json.Marshal(v) // maps and structs of strings and numbers always marshal
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}
