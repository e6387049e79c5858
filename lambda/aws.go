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
	"github.com/assaylab/assay/lambda/control"
	"github.com/assaylab/assay/lambda/runtimeapi"
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
func (e *Engine) refer(r *http.Request) (control.Reference, *awsError) {
	name, qualifier := r.PathValue("name"), r.URL.Query().Get("Qualifier")
	ref, ok := control.ParseReference(name)
	switch {
	case !ok:
		return ref, &awsError{status: 400, code: "ValidationException", message: fmt.Sprintf(
			"1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", name, control.NamePattern)}
	case ref.Qualifier != "" && qualifier != "" && ref.Qualifier != qualifier:
		return ref, &awsError{status: 400, code: "InvalidParameterValueException", message: "The derived qualifier from the function name does not match the specified qualifier."}
	case ref.Region != "" && ref.Region != assay.EmbeddedRegion:
		return ref, &awsError{status: 404, code: "ResourceNotFoundException", message: fmt.Sprintf("Functions from '%s' are not reachable in this region ('%s')", ref.Region, assay.EmbeddedRegion)}
	}
	if ref.Qualifier == "" {
		ref.Qualifier = qualifier
	}
	if _, err := e.Resolve(ref.Name, ref.Qualifier, e.opts.Random); err != nil {
		return ref, &awsError{status: 404, code: "ResourceNotFoundException", message: "Function not found: " + ref.ARN()}
	}
	return ref, nil
}

func (e *Engine) serveInvoke(w http.ResponseWriter, r *http.Request) {
	ref, problem := e.refer(r)
	if problem != nil {
		if problem.status == http.StatusNotFound && ref.Qualifier == "" && strings.HasPrefix(problem.message, "Function not found") {
			problem.message += ":" + latest // Invoke alone says so
		}
		writeError(w, problem)
		return
	}
	call, problem := readInvoke(r)
	if problem != nil {
		writeError(w, problem)
		return
	}
	w.Header().Set("X-Amzn-RequestId", call.ID)
	call.Function, call.Qualifier = ref.Name, ref.Qualifier
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		e.serveRequestResponse(w, r, call)
	case "Event":
		e.serveEvent(w, call)
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
	default:
		writeError(w, &awsError{status: 400, code: "ValidationException", message: fmt.Sprintf(
			"1 validation error detected: Value '%s' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]", kind)})
	}
}

// readInvoke makes a call of an Invoke request, but for the function's name.
func readInvoke(r *http.Request) (Call, *awsError) {
	limit := int64(runtimeapi.MaxPayload)
	if r.Header.Get("X-Amz-Invocation-Type") == "Event" {
		limit = maxEvent
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return Call{}, &awsError{status: 400, code: "InvalidRequestContentException", message: "The request body could not be read: " + err.Error()}
	case int64(len(payload)) > limit:
		return Call{}, &awsError{status: 413, code: "RequestTooLargeException", message: tooLargeMessage(limit)}
	case len(payload) > 0 && !json.Valid(payload):
		return Call{}, &awsError{status: 400, code: "InvalidRequestContentException", message: "Could not parse request body into json: Could not parse payload into json"}
	}
	client, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Amz-Client-Context"))
	if err != nil || len(client) > 0 && !json.Valid(client) {
		return Call{}, &awsError{status: 400, code: "InvalidRequestContentException", message: "Client context must be a valid Base64-encoded JSON object."}
	}
	return Call{
		ID: newID(), Payload: payload, TraceID: r.Header.Get("X-Amzn-Trace-Id"), Tail: r.Header.Get("X-Amz-Log-Type") == "Tail",
		ClientContext: strings.NewReplacer("\r", " ", "\n", " ").Replace(string(client)),
	}, nil
}

func tooLargeMessage(limit int64) string {
	return fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit)
}

func (e *Engine) serveRequestResponse(w http.ResponseWriter, r *http.Request, call Call) {
	result, err := e.Invoke(r.Context(), call)
	if err != nil {
		writeError(w, &awsError{status: 404, code: "ResourceNotFoundException", message: "Function not found: " + control.Reference{Name: call.Function, Qualifier: call.Qualifier}.ARN()})
		return
	}
	switch result.Status {
	case 0: // the client has gone
		return
	case http.StatusOK:
	case http.StatusTooManyRequests:
		writeError(w, &awsError{status: result.Status, code: result.Fault.Type, message: "Rate Exceeded.", reason: reasonReserved})
		return
	default:
		writeError(w, &awsError{status: result.Status, code: result.Fault.Type, message: result.Fault.Message})
		return
	}
	h := w.Header()
	h.Set("Content-Type", cmp.Or(result.ContentType, "application/json"))
	h.Set("X-Amz-Executed-Version", result.Version)
	h.Set("X-Amzn-Trace-Id", result.TraceID)
	h.Set("X-Amzn-Remapped-Content-Length", "0")
	if result.FunctionError != "" {
		h.Set("X-Amz-Function-Error", result.FunctionError)
	}
	if call.Tail {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(result.Log))
	}
	h.Set("Content-Length", strconv.Itoa(len(result.Payload)))
	w.Write(result.Payload)
}

// serveEvent accepts an invocation that nobody waits for. It is tried once.
func (e *Engine) serveEvent(w http.ResponseWriter, call Call) {
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
	call.Patient = true
	go e.runEvent(call)
	w.WriteHeader(http.StatusAccepted)
}

// runEvent is owned by Close, which waits for it: an event that waits for an environment then is
// answered that the engine is closing.
func (e *Engine) runEvent(call Call) {
	defer e.work.Done()
	result, err := e.Invoke(e.hard, call)
	if err == nil && result.Fault != nil {
		err = errors.New(result.Fault.Type + ": " + result.Fault.Message)
	}
	if err != nil {
		e.opts.Log.Warn("an Event invocation failed", "function", call.Function, "request", call.ID, "error", err)
	}
	e.mu.Lock()
	e.events--
	e.mu.Unlock()
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, _ := json.Marshal(v) // what is written here always marshals
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}
