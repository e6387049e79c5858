package event

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/assaylab/assay"
)

// Invoker lets an engine of functions, which takes events, serve HTTP requests. What it observes is
// what the client of an API would be answered; the function's fault, if any, is kept beside it.
type Invoker struct {
	Next   assay.Invoker
	Format Format // V2 if empty
	Route  Route  // by which requests come
}

// Malformed is the type of the fault of functions that return what no response can be made of.
const Malformed = "MalformedProxyResponse"

// Invoke calls Next with the event of the request. An invocation without a request passes as it is, and
// what comes back is the function's own answer.
func (i *Invoker) Invoke(ctx context.Context, inv *assay.Invocation) (*assay.Observation, error) {
	if inv.Request == nil {
		return i.Next.Invoke(ctx, inv)
	}
	payload, err := i.Route.Encode(i.Format, inv)
	if err != nil {
		return nil, fmt.Errorf("make the event of a request: %w", err)
	}
	call := *inv
	call.Payload = payload
	returned, err := i.Next.Invoke(ctx, &call)
	if err != nil {
		return nil, err
	}
	o := *returned
	i.answer(&o)
	return &o, nil
}

// answer replaces a function's answer by what the client is given for it.
func (i *Invoker) answer(o *assay.Observation) {
	var r Response
	if o.Fault == nil {
		var err error
		if r, err = Decode(i.Format, o.Body); err != nil {
			o.Fault = &assay.Fault{Kind: assay.FaultFunction, Type: Malformed, Message: err.Error()}
		}
	}
	if o.Fault != nil {
		r = i.failure(o.Fault.Kind)
	}
	o.Status, o.Header, o.Body, o.BodySize = r.Status, r.Header, r.Body, int64(len(r.Body))
}

// failure is what API Gateway, a function URL or a load balancer answers when the function does not. To a
// caller that went away it is nothing.
func (i *Invoker) failure(kind assay.FaultKind) Response {
	old := i.Format == V1
	switch {
	case kind == assay.FaultCanceled:
		return Response{}
	case i.Format == ALB:
		return loadBalancer502()
	case i.Format == URL && kind != assay.FaultThrottle:
		return BadGateway()
	case kind == assay.FaultThrottle:
		return message(429, "Too Many Requests")
	case kind == assay.FaultTimeout && old:
		return message(504, "Endpoint request timed out")
	case kind == assay.FaultTimeout:
		return message(503, "Service Unavailable")
	case old:
		return message(502, "Internal server error")
	}
	return message(500, "Internal Server Error")
}

func message(status int, text string) Response {
	body, _ := json.Marshal(map[string]string{"message": text}) // strings always marshal
	return Response{Status: status, Header: assay.Header{"Content-Type": {"application/json"}}, Body: body}
}
