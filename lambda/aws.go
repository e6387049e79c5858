package lambda

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
)

// maxEvent is what the payload of an Event invocation may have.
const maxEvent = 1 << 20

// ServeHTTP speaks AWS Lambda's own API (restJson1): Invoke, GetFunction, GetFunctionConfiguration and
// ListFunctions. Requests are not authenticated. Other operations get an error in AWS's form.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.api.ServeHTTP(w, r) }

func (e *Engine) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", e.serveInvoke)
	mux.HandleFunc("GET /2015-03-31/functions/{name}", e.serveFunction)
	mux.HandleFunc("GET /2015-03-31/functions/{name}/configuration", e.serveConfiguration)
	mux.HandleFunc("GET /2015-03-31/functions", e.serveList)
	mux.HandleFunc("GET /2015-03-31/functions/{$}", e.serveList)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, &awsError{status: http.StatusNotImplemented, code: "NotImplementedException", message: r.Method + " " + r.URL.Path + " is not supported by the embedded engine yet."})
	})
	return mux
}

// awsError is an error as AWS sends it.
type awsError struct {
	status  int
	code    string
	message string
	reason  string // of throttling
}

// lowerCase are the exceptions whose member is "message"; the others have "Message".
var lowerCase = map[string]bool{
	"InvalidParameterValueException": true, "ResourceConflictException": true, "TooManyRequestsException": true,
	"PreconditionFailedException": true, "InvalidRequestContentException": true, "RequestTooLargeException": true,
	"ValidationException": true,
}

func writeError(w http.ResponseWriter, e *awsError) {
	body := map[string]string{"Type": "User"}
	switch {
	case e.code == "ValidationException": // comes from the layer before Lambda
		delete(body, "Type")
	case e.status >= 500:
		body["Type"] = "Service"
	}
	if lowerCase[e.code] {
		body["message"] = e.message
	} else {
		body["Message"] = e.message
	}
	if e.reason != "" {
		body["Reason"] = e.reason
	}
	if e.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("X-Amzn-ErrorType", e.code)
	if w.Header().Get("X-Amzn-RequestId") == "" {
		w.Header().Set("X-Amzn-RequestId", newID())
	}
	writeJSON(w, e.status, body)
}

// refer reads the function's name and qualifier from a request and finds the function.
func (e *Engine) refer(r *http.Request) (reference, *function, *awsError) {
	name, qualifier := r.PathValue("name"), r.URL.Query().Get("Qualifier")
	ref, ok := parseReference(name)
	switch {
	case !ok:
		return ref, nil, &awsError{status: 400, code: "ValidationException", message: fmt.Sprintf(
			"1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", name, namePattern)}
	case ref.qualifier != "" && qualifier != "" && ref.qualifier != qualifier:
		return ref, nil, &awsError{status: 400, code: "InvalidParameterValueException", message: "The derived qualifier from the function name does not match the specified qualifier."}
	case ref.region != "" && ref.region != assay.EmbeddedRegion:
		return ref, nil, &awsError{status: 404, code: "ResourceNotFoundException", message: fmt.Sprintf("Functions from '%s' are not reachable in this region ('%s')", ref.region, assay.EmbeddedRegion)}
	}
	if ref.qualifier == "" {
		ref.qualifier = qualifier
	}
	f, err := e.find(ref.name)
	if err != nil || ref.qualifier != "" && ref.qualifier != latest {
		return ref, nil, &awsError{status: 404, code: "ResourceNotFoundException", message: "Function not found: " + ref.arn()}
	}
	return ref, f, nil
}

func (e *Engine) serveInvoke(w http.ResponseWriter, r *http.Request) {
	ref, _, problem := e.refer(r)
	if problem != nil {
		if problem.status == http.StatusNotFound && ref.qualifier == "" && strings.HasPrefix(problem.message, "Function not found") {
			problem.message += ":" + latest // Invoke alone says so
		}
		writeError(w, problem)
		return
	}
	x, problem := readInvoke(r)
	if problem != nil {
		writeError(w, problem)
		return
	}
	w.Header().Set("X-Amzn-RequestId", x.id)
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		e.serveRequestResponse(w, r, ref, x)
	case "Event":
		e.serveEvent(w, ref, x)
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
	default:
		writeError(w, &awsError{status: 400, code: "ValidationException", message: fmt.Sprintf(
			"1 validation error detected: Value '%s' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]", kind)})
	}
}

// readInvoke makes an exchange of an Invoke request.
func readInvoke(r *http.Request) (*exchange, *awsError) {
	limit := int64(maxPayload)
	if r.Header.Get("X-Amz-Invocation-Type") == "Event" {
		limit = maxEvent
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return nil, &awsError{status: 400, code: "InvalidRequestContentException", message: "The request body could not be read: " + err.Error()}
	case int64(len(payload)) > limit:
		return nil, &awsError{status: 413, code: "RequestTooLargeException", message: tooLargeMessage(limit)}
	case len(payload) > 0 && !json.Valid(payload):
		return nil, &awsError{status: 400, code: "InvalidRequestContentException", message: "Could not parse request body into json: Could not parse payload into json"}
	}
	client, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Amz-Client-Context"))
	if err != nil || len(client) > 0 && !json.Valid(client) {
		return nil, &awsError{status: 400, code: "InvalidRequestContentException", message: "Client context must be a valid Base64-encoded JSON object."}
	}
	x := newExchange(r.Context(), "", payload)
	x.clientContext = strings.NewReplacer("\r", " ", "\n", " ").Replace(string(client))
	x.trace = r.Header.Get("X-Amzn-Trace-Id")
	return x, nil
}

func tooLargeMessage(limit int64) string {
	return fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit)
}

func (e *Engine) serveRequestResponse(w http.ResponseWriter, r *http.Request, ref reference, x *exchange) {
	var a answer
	if _, err := e.invoke(ref, x, func(given answer) { a = given }); err != nil {
		writeError(w, &awsError{status: 404, code: "ResourceNotFoundException", message: "Function not found: " + ref.arn()})
		return
	}
	switch a.status {
	case 0: // the client has gone
		return
	case http.StatusOK:
	case http.StatusTooManyRequests:
		writeError(w, &awsError{status: a.status, code: a.fault.Type, message: "Rate Exceeded.", reason: reasonReserved})
		return
	default:
		writeError(w, &awsError{status: a.status, code: a.fault.Type, message: a.fault.Message})
		return
	}
	h := w.Header()
	h.Set("Content-Type", cmp.Or(a.contentType, "application/json"))
	h.Set("X-Amz-Executed-Version", latest)
	h.Set("X-Amzn-Trace-Id", x.trace)
	h.Set("X-Amzn-Remapped-Content-Length", "0")
	if a.fault != nil {
		h.Set("X-Amz-Function-Error", "Unhandled")
	}
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		select {
		case <-x.done: // the last lines come when the runtime asks for more
			h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(x.log))
		case <-r.Context().Done():
			return
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.Write(a.body)
}

// serveEvent accepts an invocation that nobody waits for. It is tried once.
func (e *Engine) serveEvent(w http.ResponseWriter, ref reference, x *exchange) {
	e.mu.Lock()
	full := e.closed || e.events >= e.opts.MaxEvents
	if !full {
		e.events++
		e.work.Add(1)
	}
	e.mu.Unlock()
	if full {
		writeError(w, &awsError{status: 429, code: "TooManyRequestsException", message: "Rate Exceeded.", reason: reasonAccount})
		return
	}
	x.ctx, x.patient = e.hard, true
	go e.runEvent(ref, x)
	w.WriteHeader(http.StatusAccepted)
}

// runEvent is owned by Close, which waits for it: an event that waits for an environment then is
// answered that the engine is closing.
func (e *Engine) runEvent(ref reference, x *exchange) {
	defer e.work.Done()
	o, err := e.invoke(ref, x, func(answer) {})
	if err == nil && o.Fault != nil {
		err = errors.New(o.Fault.Type + ": " + o.Fault.Message)
	}
	if err != nil {
		e.opts.Log.Warn("an Event invocation failed", "function", ref.name, "request", x.id, "error", err)
	}
	e.mu.Lock()
	e.events--
	e.mu.Unlock()
}
