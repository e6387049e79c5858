package lambda

import (
	"errors"
	"net/http"

	"github.com/assaylab/assay/lambda/control"
)

// InvokeEvent accepts a call that nobody waits for, as AWS's Event invocations. It fails with an
// *control.APIError when too many are under way. The call is tried once.
func (e *Engine) InvokeEvent(call Call) error {
	e.mu.Lock()
	full := e.closed || e.events >= e.opts.MaxEvents
	if !full {
		e.events++
		e.work.Add(1)
	}
	e.mu.Unlock()
	if full {
		return &control.APIError{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded.", Reason: reasonAccount}
	}
	call.Patient = true
	go e.runEvent(call)
	return nil
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
