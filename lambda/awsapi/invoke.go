package awsapi

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/lambda/control"
)

// Engine invokes functions. An error is a *control.APIError, or an *assay.Error with CodeNotFound where
// there is no such function.
type Engine interface {
	Invoke(context.Context, lambda.Call) (*lambda.Result, error)
	InvokeStream(context.Context, lambda.Call, lambda.Sink) (*lambda.Result, error)
	// InvokeEvent accepts a call that nobody waits for.
	InvokeEvent(lambda.Call) error
}

// maxSync is the payload that a synchronous invocation may have: 6 MiB and 100 bytes.
const maxSync = 6<<20 + 100

// invokes tells whether the body is a payload.
func (c *call) invokes() bool {
	return c.op.Name == "Invoke" || c.op.Name == "InvokeWithResponseStream" || c.op.Name == "InvokeAsync"
}

func (c *call) isEvent() bool {
	return c.op.Name == "InvokeAsync" || c.op.Name == "Invoke" && c.r.Header.Get("X-Amz-Invocation-Type") == "Event"
}

func invoke(c *call) (any, error) {
	in, err := c.invocation()
	if err != nil {
		return nil, err
	}
	switch c.r.Header.Get("X-Amz-Invocation-Type") {
	case "Event":
		return status(http.StatusAccepted), c.opts.Engine.InvokeEvent(in)
	case "DryRun":
		return status(http.StatusNoContent), nil
	}
	r, err := c.opts.Engine.Invoke(c.r.Context(), in)
	if err != nil {
		return nil, err
	}
	if err := refused(r); err != nil {
		return nil, err
	}
	return invoked{r}, nil
}

// invokeAsync is the predecessor of Event invocations.
func invokeAsync(c *call) (any, error) {
	in, err := c.invocation()
	if err != nil {
		return nil, err
	}
	return accepted{http.StatusAccepted}, c.opts.Engine.InvokeEvent(in)
}

// invocation reads what all ways to invoke have in common, and looks whether the function is there.
func (c *call) invocation() (lambda.Call, error) {
	name, qualifier, err := c.function()
	if err != nil {
		return lambda.Call{}, err
	}
	if _, err := c.opts.Plane.Version(name, qualifier); err != nil {
		return lambda.Call{}, noSuchVersion(name, qualifier)
	}
	if len(c.body) > 0 && !json.Valid(c.body) {
		return lambda.Call{}, badContent("Could not parse request body into json: Could not parse payload into json")
	}
	client, err := base64.StdEncoding.DecodeString(c.r.Header.Get("X-Amz-Client-Context"))
	if err != nil || len(client) > 0 && !json.Valid(client) {
		return lambda.Call{}, badContent("Client context must be a valid Base64-encoded JSON object.")
	}
	return lambda.Call{
		Function: name, Qualifier: qualifier, ID: c.id, Payload: c.body,
		ClientContext: strings.NewReplacer("\r", " ", "\n", " ").Replace(string(client)),
		TraceID:       c.r.Header.Get("X-Amzn-Trace-Id"),
		Tail:          c.r.Header.Get("X-Amz-Log-Type") == "Tail",
	}, nil
}

// noSuchVersion is Invoke's own: where there is no qualifier it names $LATEST.
func noSuchVersion(name, qualifier string) *control.APIError {
	arn := control.Reference{Name: name, Qualifier: cmp.Or(qualifier, control.Latest)}.ARN()
	return &control.APIError{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "Function not found: " + arn}
}

func badContent(message string) *control.APIError {
	return &control.APIError{Status: http.StatusBadRequest, Code: "InvalidRequestContentException", Message: message}
}

// refused is the error of an invocation that never ran.
func refused(r *lambda.Result) error {
	switch r.Status {
	case http.StatusOK:
		return nil
	case 0:
		return &goneError{context.Canceled}
	}
	var said struct{ Reason string }
	json.Unmarshal(r.Payload, &said) // only throttles have one
	e := &control.APIError{Status: r.Status, Code: r.Fault.Type, Message: r.Fault.Message, Reason: said.Reason}
	if r.Status == http.StatusTooManyRequests {
		e.Message = "Rate Exceeded."
	}
	return e
}

// status is an answer of nothing but a status.
type status int

func (s status) write(c *call) { c.w.WriteHeader(int(s)) }

// invoked is what a function answered, or how it failed.
type invoked struct{ *lambda.Result }

func (r invoked) write(c *call) {
	h := c.w.Header()
	r.head(h)
	h.Set("Content-Type", cmp.Or(r.ContentType, "application/json"))
	if r.FunctionError != "" {
		h.Set("X-Amz-Function-Error", r.FunctionError)
	}
	if c.r.Header.Get("X-Amz-Log-Type") == "Tail" {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(r.Log))
	}
	h.Set("Content-Length", strconv.Itoa(len(r.Payload)))
	c.w.Write(r.Payload)
}

// head has what the answers to buffered and streamed invocations have in common.
func (r invoked) head(h http.Header) {
	h.Set("X-Amz-Executed-Version", r.Version)
	h.Set("X-Amzn-Trace-Id", r.TraceID)
	h.Set("X-Amzn-Remapped-Content-Length", "0")
}
