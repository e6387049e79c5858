package async

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/assaylab/assay/lambda/control"
)

// Record is what destinations get, as AWS writes it.
type Record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  RequestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *ResponseContext `json:"responseContext,omitempty"` // not of an event that never ran
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

// RequestContext says which event it was, and what became of it.
type RequestContext struct {
	RequestID   string `json:"requestId"`
	FunctionARN string `json:"functionArn"`            // with its qualifier, also $LATEST
	Condition   string `json:"condition"`              // Success, RetriesExhausted, EventAgeExceeded
	Invokes     int    `json:"approximateInvokeCount"` // tries that the function began
}

// ResponseContext says how the last try ended.
type ResponseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

const stamp = "2006-01-02T15:04:05.000Z"

func record(e Event, condition string, now time.Time) []byte {
	r := Record{
		Version: "1.0", Timestamp: now.UTC().Format(stamp), RequestPayload: payload(e.Payload),
		RequestContext: RequestContext{RequestID: e.ID, FunctionARN: e.arn(), Condition: condition, Invokes: e.Tries},
	}
	if e.Tries > 0 {
		r.ResponseContext = &ResponseContext{e.Last.Status, e.Last.Version, e.Last.FunctionError}
		r.ResponsePayload = payload(e.Last.Response)
	}
	text, _ := json.Marshal(r) // payloads are JSON
	return text
}

// arn is the function's as it was invoked.
func (e Event) arn() string {
	qualifier := e.Qualifier
	if qualifier == "" {
		qualifier = control.Latest
	}
	return control.Reference{Name: e.Function, Qualifier: qualifier}.ARN()
}

// payload is JSON as it is, and anything else as a string.
func payload(p []byte) json.RawMessage {
	switch {
	case len(p) == 0:
		return json.RawMessage("null")
	case json.Valid(p):
		return p
	}
	text, _ := json.Marshal(string(p)) // a string
	return text
}

// letter is an event that was given up, as a dead-letter queue has it: AWS's message attributes beside
// the event itself.
type letter struct {
	Body       json.RawMessage      `json:"body"`
	Attributes map[string]attribute `json:"messageAttributes"`
}

type attribute struct {
	Value string `json:"stringValue"`
	Type  string `json:"dataType"`
}

// send takes a record to a destination.
func (q *Queue) send(e Event, policy Policy, destination string, message []byte) {
	if destination == "" {
		return
	}
	if name, ok := control.FileQueue(destination); ok {
		q.report(e, destination, q.opts.File(name, message))
		return
	}
	q.forward(e, policy, destination, message)
}

func (q *Queue) deadLetter(e Event, policy Policy) {
	name, ok := control.FileQueue(policy.DeadLetter)
	if !ok {
		if policy.DeadLetter != "" {
			q.forward(e, policy, policy.DeadLetter, e.Payload)
		}
		return
	}
	var said struct {
		Message string `json:"errorMessage"`
	}
	json.Unmarshal(e.Last.Response, &said) // another shape says nothing
	text, _ := json.Marshal(letter{Body: payload(e.Payload), Attributes: map[string]attribute{
		"RequestID": {e.ID, "String"}, "ErrorCode": {"200", "Number"}, "ErrorMessage": {strings.ToValidUTF8(said.Message, "?"), "String"},
	}})
	q.report(e, policy.DeadLetter, q.opts.File(name, text))
}

// forward makes a message an event of another function.
func (q *Queue) forward(e Event, policy Policy, destination string, message []byte) {
	ref, _ := control.ParseReference(destination) // was checked when it was configured
	if e.Depth+1 >= maxDepth && !policy.Loops {
		q.opts.Log.Warn("a record was dropped: events call each other without end", "function", e.Function, "request", e.ID, "destination", destination)
		return
	}
	now := q.opts.Now()
	next := Event{ID: uuid.NewString(), Function: ref.Name, Qualifier: ref.Qualifier, Payload: message, TraceID: e.TraceID, Depth: e.Depth + 1, Accepted: now, Due: now}
	room, err := q.Add(next)
	if !room && err == nil && q.ctx.Err() != nil { // it is the next queue's
		room, err = true, q.keep(next)
	}
	if err != nil || !room {
		q.opts.Log.Error("a record was dropped: the queue is full or cannot be written", "function", e.Function, "request", e.ID, "destination", destination, "error", err)
	}
}

func (q *Queue) report(e Event, destination string, err error) {
	if err != nil {
		q.opts.Log.Error("a record cannot be delivered", "function", e.Function, "request", e.ID, "destination", destination, "error", err)
	}
}
