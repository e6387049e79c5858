package runtimeapi

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
)

const (
	headerErrorType = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody = "Lambda-Runtime-Function-Error-Body"
	headerMode      = "Lambda-Runtime-Function-Response-Mode"
)

// state of the runtime, with the names that AWS's errors use:
//
//	Started -> InitError | Ready -> Running -> ResponseSent -> Ready
type state string

const (
	stateStarted   state = "Started"
	stateInitError state = "InitError"
	stateReady     state = "Ready"
	stateRunning   state = "Running"
	stateSent      state = "ResponseSent"
)

// Invoke gives the runtime, which must be ready, an invocation.
func (s *Server) Invoke(x *Invocation) {
	s.mu.Lock()
	s.state, s.current = stateRunning, x
	s.mu.Unlock()
	s.next <- x
}

// handleNext completes the invocation before, and waits for another.
func (s *Server) handleNext(w http.ResponseWriter, r *http.Request) {
	if !s.becomeReady(w) {
		return
	}
	select {
	case x := <-s.next:
		s.writeInvocation(w, x)
	case <-r.Context().Done():
	case <-s.closed:
	}
}

func (s *Server) becomeReady(w http.ResponseWriter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case stateReady: // asked again, after a lost connection
		return true
	case stateStarted, stateSent:
		s.state, s.current = stateReady, nil
		s.ready <- struct{}{}
		return true
	}
	refuseTransition(w, s.state, stateReady)
	return false
}

func (s *Server) writeInvocation(w http.ResponseWriter, x *Invocation) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(x.Payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", x.ID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(x.Deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", x.ARN)
	h.Set("Lambda-Runtime-Trace-Id", x.TraceID)
	if x.ClientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", x.ClientContext)
	}
	w.Write(x.Payload)
}

// claim checks that a post is for the invocation under way, and gives it.
func (s *Server) claim(w http.ResponseWriter, r *http.Request, to state) *Invocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != stateRunning && s.state != stateSent:
		refuseTransition(w, s.state, to)
	case s.state == stateSent || s.current.ID != r.PathValue("id"):
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	default:
		return s.current
	}
	return nil
}

// settle answers the exchange and moves on, unless another post was faster.
func (s *Server) settle(w http.ResponseWriter, x *Invocation, a Answer) bool {
	s.mu.Lock()
	taken := s.state == stateRunning && s.current == x
	if taken {
		s.state = stateSent
	}
	s.mu.Unlock()
	if !taken {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return false
	}
	x.Answer(a)
	return true
}

func (s *Server) handleResponse(w http.ResponseWriter, r *http.Request) {
	x := s.claim(w, r, "InvocationResponse")
	if x == nil {
		return
	}
	if mode := r.Header.Get(headerMode); mode != "" && mode != "streaming" {
		message := "Invalid function response mode: " + mode
		if s.settle(w, x, Failed(assay.FaultFunction, "Runtime.InvalidResponseModeHeader", message)) {
			refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid "+headerMode+" header value.")
		}
		return
	}
	body, whole, err := readBody(r)
	switch {
	case err != nil:
		if s.settle(w, x, Failed(assay.FaultFunction, "Runtime.TruncatedResponse", "The response was truncated")) {
			refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		}
	case !whole:
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxPayload)
		if s.settle(w, x, Failed(assay.FaultFunction, "Function.ResponseSizeTooLarge", message)) {
			refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", MaxPayload))
		}
	case s.settle(w, x, responded(r, body)):
		accept(w)
	}
}

// responded is the answer in a response. Its trailers may turn it into an error: aws-lambda-go sends
// them when the reader that a handler returned fails half-way.
func responded(r *http.Request, body []byte) Answer {
	if errorType := r.Trailer.Get(headerErrorType); errorType != "" {
		detail, err := base64.StdEncoding.DecodeString(r.Trailer.Get(headerErrorBody))
		if err != nil || len(detail) == 0 {
			detail, _ = json.Marshal(ErrorBody{Type: knownErrorType(errorType)})
		}
		return functionError(errorType, detail)
	}
	return Answer{ContentType: r.Header.Get("Content-Type"), Body: body}
}

func (s *Server) handleError(w http.ResponseWriter, r *http.Request) {
	x := s.claim(w, r, "InvocationErrorResponse")
	if x == nil {
		return
	}
	if s.settle(w, x, readError(r)) {
		accept(w)
	}
}

func (s *Server) handleInitError(w http.ResponseWriter, r *http.Request) {
	a := readError(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateStarted {
		refuseTransition(w, s.state, stateInitError)
		return
	}
	s.state = stateInitError
	s.initError <- a
	accept(w)
}

// readError is the answer in the body of an error.
func readError(r *http.Request) Answer {
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
		ErrorBody
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
func functionError(errorType string, body []byte) Answer {
	var e ErrorBody
	json.Unmarshal(body, &e) // a body in another shape names nothing
	if e.Type == "" {
		e.Type = knownErrorType(errorType)
	}
	return Answer{
		ContentType: "application/json", Body: body,
		Fault: &assay.Fault{Kind: assay.FaultFunction, Type: e.Type, Message: e.Message},
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

// readBody reads a body up to MaxPayload. A longer one is read to its end as well, for few clients
// listen before they have sent everything, but it is not kept.
func readBody(r *http.Request) (body []byte, whole bool, err error) {
	body, err = io.ReadAll(io.LimitReader(r.Body, MaxPayload+1))
	if err != nil || len(body) <= MaxPayload {
		return body, true, err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return nil, false, err
}

// handleRegister lets an internal extension register without events: that is how aws-lambda-go's
// WithEnableSIGTERM asks for SIGTERM. Extensions that want events are not supported.
func (s *Server) handleRegister(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Events []string `json:"events"`
	}
	err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Header.Get("Lambda-Extension-Name") == "":
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionName", "Extension name is missing")
	case err != nil:
		refuse(w, http.StatusForbidden, "InvalidRequestFormat", "Invalid request format")
	case s.state != stateStarted:
		refuse(w, http.StatusForbidden, "Extension.RegistrationClosed", "Extension registration closed already")
	case len(body.Events) > 0:
		refuse(w, http.StatusForbidden, "Extension.InvalidEventType", "Events for extensions are not supported by this engine yet")
	default:
		s.sigterm = true
		w.Header().Set("Lambda-Extension-Identifier", rand.Text())
		writeJSON(w, http.StatusOK, map[string]string{
			"functionName": s.function.Name, "functionVersion": s.function.Version, "handler": s.function.Handler,
		})
	}
}

// handleExtensionNext never answers: there are no events.
func (s *Server) handleExtensionNext(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closed:
	}
}

func refuseTransition(w http.ResponseWriter, from, to state) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition",
		fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", from, to))
}
