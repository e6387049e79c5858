package runtimeapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

// MaxExtensions is how many extensions an environment may have, external and internal.
const MaxExtensions = 10

const (
	headerExtension  = "Lambda-Extension-Identifier"
	headerExtensionE = "Lambda-Extension-Function-Error-Type"

	eventInvoke   = "INVOKE"
	eventShutdown = "SHUTDOWN"
)

// extensionState has the names that AWS's errors use:
//
//	Started -> Registered -> Ready <-> Running; InitError, ExitError
type extensionState string

const (
	extensionStarted    extensionState = "Started"
	extensionRegistered extensionState = "Registered"
	extensionReady      extensionState = "Ready"
	extensionRunning    extensionState = "Running"
	extensionInitError  extensionState = "InitError"
	extensionExitError  extensionState = "ExitError"
)

// extension is one participant beside the runtime. The server's lock guards it.
type extension struct {
	id, name string
	external bool
	state    extensionState
	wants    []string    // event types
	events   chan []byte // to its call of next: at most one INVOKE and one SHUTDOWN
}

func newExtension(id, name string, external bool) *extension {
	return &extension{id: id, name: name, external: external, state: extensionStarted, events: make(chan []byte, 2)}
}

// Extension is one as others see it.
type Extension struct {
	Name     string
	External bool
	Events   []string // that it wants to know of
	Shutdown bool     // one of them is SHUTDOWN
}

// Extensions lists those that have registered.
func (s *Server) Extensions() []Extension {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Extension
	for _, x := range s.extensions {
		if x.state != extensionStarted {
			all = append(all, Extension{Name: x.name, External: x.external, Events: x.wants, Shutdown: slices.Contains(x.wants, eventShutdown)})
		}
	}
	return all
}

// notify tells the extensions that want to know of an invocation. The lock is held.
func (s *Server) notify(inv *Invocation) {
	var event []byte
	for _, x := range s.extensions {
		if !slices.Contains(x.wants, eventInvoke) {
			continue
		}
		if event == nil {
			event = invokeEvent(inv)
		}
		x.state = extensionRunning
		x.events <- event
	}
}

// Shutdown tells the extensions that want to know that the environment ends: reason is "spindown",
// "timeout" or "failure". It is called once.
func (s *Server) Shutdown(reason string, deadline time.Time) {
	event, _ := json.Marshal(struct {
		Type     string `json:"eventType"`
		Reason   string `json:"shutdownReason"`
		Deadline int64  `json:"deadlineMs"`
	}{eventShutdown, reason, deadline.UnixMilli()})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.extensions {
		if slices.Contains(x.wants, eventShutdown) {
			x.events <- event
		}
	}
}

func invokeEvent(inv *Invocation) []byte {
	event, _ := json.Marshal(struct {
		Type     string  `json:"eventType"`
		Deadline int64   `json:"deadlineMs"`
		ID       string  `json:"requestId"`
		ARN      string  `json:"invokedFunctionArn"`
		Tracing  Tracing `json:"tracing"`
	}{eventInvoke, inv.Deadline.UnixMilli(), inv.ID, inv.ARN, NewTracing(inv.TraceID)})
	return event
}

// endRegistration ends the time in which extensions may register and subscribe: the runtime is
// initialized. The lock is held.
func (s *Server) endRegistration() {
	if !s.open {
		return
	}
	s.open = false
	s.telemetry.close()
	s.listening.Store(len(s.telemetry.subscribers) > 0)
}

// registration is the body of a register request.
type registration struct {
	Events []string `json:"events"`
	Keys   []string `json:"configurationKeys"`
}

func (s *Server) handleRegister(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get("Lambda-Extension-Name")
	if name == "" {
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	var body registration
	if err := json.NewDecoder(io.LimitReader(r.Body, maxControl)).Decode(&body); err != nil {
		refuse(w, http.StatusForbidden, "InvalidRequestFormat", err.Error())
		return
	}
	if len(body.Keys) > 0 {
		refuse(w, http.StatusForbidden, "InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead")
		return
	}
	x, errorType, message := s.register(name, body.Events)
	if x == nil {
		refuse(w, http.StatusForbidden, errorType, message)
		return
	}
	answer := map[string]string{
		"functionName": s.config.FunctionName, "functionVersion": s.config.FunctionVersion, "handler": s.config.Handler,
	}
	for feature := range strings.SplitSeq(r.Header.Get("Lambda-Extension-Accept-Feature"), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			answer["accountId"] = s.config.AccountID
		}
	}
	w.Header().Set(headerExtension, x.id)
	writeJSON(w, http.StatusOK, answer)
}

// maxControl is what a request that is no response or error may have.
const maxControl = 64 << 10

// register registers an extension, or says why not.
func (s *Server) register(name string, events []string) (x *extension, errorType, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.extensions, func(x *extension) bool { return x.name == name })
	external := i >= 0 && s.extensions[i].external
	for _, e := range events {
		switch {
		case e == eventShutdown && !external:
			return nil, "Extension.InvalidEventType", e + ": ShutdownEventNotSupportedForInternalExtension"
		case e != eventInvoke && e != eventShutdown:
			return nil, "Extension.InvalidEventType", e + ": ErrorInvalidEventType"
		}
	}
	switch {
	case external && s.extensions[i].state != extensionStarted:
		return nil, "Extension.InvalidExtensionState", extensionTransition(s.extensions[i].state, extensionRegistered, name)
	case external:
		x = s.extensions[i]
	case !s.open:
		return nil, "Extension.RegistrationClosed", "Extension registration closed already"
	case i >= 0:
		return nil, "Extension.InvalidExtensionState", "Extension with this name already registered"
	case len(s.extensions) >= MaxExtensions:
		return nil, "Extension.TooManyExtensions", fmt.Sprintf("Extension limit (%d) reached", MaxExtensions)
	default:
		x = newExtension(s.config.ID(), name, false)
		s.extensions = append(s.extensions, x)
	}
	x.state = extensionRegistered
	x.wants = slices.Compact(slices.Sorted(slices.Values(events)))
	if external && !slices.ContainsFunc(s.extensions, func(x *extension) bool { return x.external && x.state == extensionStarted }) {
		close(s.external)
	}
	return x, "", ""
}

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// identified finds the extension that calls.
func (s *Server) identified(handle func(http.ResponseWriter, *http.Request, *extension)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(headerExtension)
		switch {
		case id == "":
			refuse(w, http.StatusForbidden, "Extension.MissingExtensionIdentifier", "Missing "+headerExtension+" header")
			return
		case !uuidPattern.MatchString(id):
			refuse(w, http.StatusForbidden, "Extension.InvalidExtensionIdentifier", "Invalid "+headerExtension)
			return
		}
		s.mu.Lock()
		i := slices.IndexFunc(s.extensions, func(x *extension) bool { return strings.EqualFold(x.id, id) && x.state != extensionStarted })
		var x *extension
		if i >= 0 {
			x = s.extensions[i]
		}
		s.mu.Unlock()
		if x == nil {
			refuse(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "Unknown extension "+id)
			return
		}
		handle(w, r, x)
	}
}

// handleExtensionNext ends the extension's work on the event before, and waits for another.
func (s *Server) handleExtensionNext(w http.ResponseWriter, r *http.Request, x *extension) {
	s.mu.Lock()
	switch x.state {
	case extensionRegistered, extensionRunning:
		x.state = extensionReady
		s.rest()
	case extensionReady: // asked again, after a lost connection
	default:
		from := x.state
		s.mu.Unlock()
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionState", extensionTransition(from, extensionReady, x.id))
		return
	}
	s.mu.Unlock()
	select {
	case event := <-x.events:
		w.Header().Set("Lambda-Extension-Event-Identifier", s.config.ID())
		w.Header().Set("Content-Type", "application/json")
		w.Write(event)
	case <-r.Context().Done():
	case <-s.closed:
	}
}

func (s *Server) handleExtensionInitError(w http.ResponseWriter, r *http.Request, x *extension) {
	s.extensionFailed(w, r, x, extensionInitError, "Extension.InitError", extensionRegistered)
}

func (s *Server) handleExtensionExitError(w http.ResponseWriter, r *http.Request, x *extension) {
	s.extensionFailed(w, r, x, extensionExitError, "Extension.ExitError", extensionRegistered, extensionReady, extensionRunning)
}

// extensionFailed notes that an extension cannot go on, which it may say in some of its states.
func (s *Server) extensionFailed(w http.ResponseWriter, r *http.Request, x *extension, to extensionState, errorType string, from ...extensionState) {
	reported := r.Header.Get(headerExtensionE)
	if reported == "" {
		refuse(w, http.StatusForbidden, "Extension.MissingHeader", headerExtensionE+" not found")
		return
	}
	io.Copy(io.Discard, io.LimitReader(r.Body, maxHeader))
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case x.state == to: // said again
	case !slices.Contains(from, x.state):
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionState", extensionTransition(x.state, to, x.id))
		return
	default:
		x.state = to
		s.emit("platform.extension", extensionRecord{Name: x.name, State: string(to), Events: append([]string{}, x.wants...), ErrorType: reported})
		s.fail(Failure{Answer: Failed(assay.FaultCrash, errorType, reported), Extension: x.name})
	}
	accept(w)
}

func extensionTransition(from, to extensionState, who string) string {
	return fmt.Sprintf("State transition from %s to %s failed for extension %s. Error: State transition is not allowed", from, to, who)
}

// extensionRecord is the record of platform.extension.
type extensionRecord struct {
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Events    []string `json:"events"`
	ErrorType string   `json:"errorType,omitempty"`
}
