package lambda

import (
	"cmp"
	"net/http"
	"path/filepath"
	"time"

	"github.com/assaylab/assay/lambda/async"
	"github.com/assaylab/assay/lambda/control"
)

// maxEventBytes is what the payloads of all events not done may measure together.
const maxEventBytes = 256 << 20

// openEvents goes on with the events that are kept.
func (e *Engine) openEvents() (err error) {
	files := &async.Files{Dir: filepath.Join(e.opts.Dir, "queues")}
	e.events, err = async.Open(async.Options{
		Dir: filepath.Join(e.opts.Dir, "events"), Max: e.opts.MaxEvents, MaxBytes: maxEventBytes,
		Invoke: e.try, Policy: e.policy, File: files.Append, Log: e.opts.Log, Now: e.opts.Now,
	})
	return err
}

// InvokeEvent accepts a call that nobody waits for, as AWS's Event invocations: it is kept on the disk
// and tried until the function takes it, by AWS's rules for retries, age and destinations. It fails with
// an *assay.Error with CodeNotFound, or a *control.APIError when too many events are not done.
func (e *Engine) InvokeEvent(call Call) error {
	ref, err := call.reference()
	if err != nil {
		return err
	}
	if _, err := e.Version(ref.Name, ref.Qualifier); err != nil {
		return unknown(ref.Name, err)
	}
	x := newExchange(e.hard, call) // makes what is left out
	room, err := e.events.Add(async.Event{
		ID: x.ID, Function: ref.Name, Qualifier: ref.Qualifier,
		Payload: x.Payload, ClientContext: x.ClientContext, TraceID: x.TraceID,
	})
	switch {
	case err != nil:
		return &control.APIError{Status: http.StatusInternalServerError, Code: "ServiceException", Message: "The event could not be kept: " + err.Error(), Err: err}
	case !room:
		return &control.APIError{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded.", Reason: reasonAccount}
	}
	return nil
}

// try invokes an event's function once.
func (e *Engine) try(event async.Event) async.Outcome {
	r, err := e.Invoke(e.hard, Call{
		Function: event.Function, Qualifier: event.Qualifier, ID: event.ID,
		Payload: event.Payload, ClientContext: event.ClientContext, TraceID: event.TraceID,
	})
	if err != nil || r.Status == http.StatusNotFound {
		return async.Outcome{Gone: true}
	}
	return async.Outcome{
		Status: r.Status, Version: r.Version, FunctionError: r.FunctionError, Response: r.Payload,
		Interrupted: r.Status == 0 || r.Status == http.StatusServiceUnavailable,
	}
}

// policy is what a function's configuration says of its events now.
func (e *Engine) policy(event async.Event) async.Policy {
	p := async.Policy{Retries: async.DefaultRetries, MaxAge: async.DefaultMaxAge}
	if v, err := e.Version(event.Function, event.Qualifier); err == nil && v.DeadLetterConfig != nil {
		p.DeadLetter = v.DeadLetterConfig.TargetArn
	}
	if loop, err := e.GetFunctionRecursionConfig(event.Function); err == nil {
		p.Loops = loop == "Allow"
	}
	c, err := e.GetFunctionEventInvokeConfig(event.Function, event.Qualifier)
	if err != nil {
		return p
	}
	if c.MaximumRetryAttempts != nil {
		p.Retries = *c.MaximumRetryAttempts
	}
	if c.MaximumEventAgeInSeconds != nil {
		p.MaxAge = time.Duration(*c.MaximumEventAgeInSeconds) * time.Second
	}
	if d := c.DestinationConfig; d != nil {
		p.OnSuccess, p.OnFailure = cmp.Or(d.OnSuccess, &control.Destination{}).Destination, cmp.Or(d.OnFailure, &control.Destination{}).Destination
	}
	return p
}
