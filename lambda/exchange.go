package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/assaylab/assay"
)

// exchange is one invocation on its way through the engine, and its answer on the way back.
type exchange struct {
	ctx           context.Context // the caller's; when it ends, nobody waits for the answer
	id            string          // the request id
	arn           string          // as invoked
	payload       []byte
	clientContext string // JSON
	trace         string // X-Amzn-Trace-Id
	patient       bool   // waits for capacity where others are throttled

	// Set by the environment that takes it, before it is answered.
	cold  bool
	init  time.Duration // what it waited for, without the time that counts as its own
	began time.Time     // when the function's time-out started

	answers chan answer   // takes one, ever: see answer
	done    chan struct{} // closed when the environment has written the last line of its log
	log     []byte        // the whole tail; set before done is closed
}

func newExchange(ctx context.Context, id string, payload []byte) *exchange {
	if !plainName.MatchString(id) { // it becomes a header and a part of a path
		id = newID()
	}
	if len(payload) == 0 {
		payload = []byte("{}") // as AWS does
	}
	return &exchange{ctx: ctx, id: id, payload: payload, answers: make(chan answer, 1), done: make(chan struct{})}
}

// answer is what became of an invocation.
type answer struct {
	status      int // 200, or AWS's when it never ran, for example 429 when throttled
	contentType string
	body        []byte
	fault       *assay.Fault
	ran         time.Duration // since began
	peak        int64         // bytes
	memoryMB    int
	tail        []byte // of the log so far
}

// answer is given once; what comes later has no effect.
func (x *exchange) answer(a answer) (first bool) {
	select {
	case x.answers <- a:
		return true
	default:
		return false
	}
}

// errorBody is how runtimes and AWS tell an error.
type errorBody struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType,omitempty"`
}

// failed is the answer when the platform has to give one in place of the function.
func failed(kind assay.FaultKind, errorType, message string) answer {
	body, _ := json.Marshal(errorBody{Message: message, Type: errorType}) // strings always marshal
	return answer{
		status: http.StatusOK, contentType: "application/json", body: body,
		fault: &assay.Fault{Kind: kind, Type: errorType, Message: message},
	}
}

// exited is the answer when the process ended before it gave one.
func (x *exchange) exited(exit error) answer {
	return failed(assay.FaultCrash, "Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", x.id, exitWords(exit)))
}

func exitWords(exit error) string {
	if exit == nil {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + exit.Error()
}

// timedOut is the answer when the function took longer than it may.
func (x *exchange) timedOut(limit time.Duration) answer {
	return failed(assay.FaultTimeout, "Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", x.id, limit.Seconds()))
}

// The Reasons of a TooManyRequestsException that the engine gives.
const (
	reasonReserved = "ReservedFunctionConcurrentInvocationLimitExceeded"
	reasonAccount  = "ConcurrentInvocationLimitExceeded"
)

// throttled is the answer when there is no environment to be had.
func throttled(reason string) answer {
	body, _ := json.Marshal(map[string]string{"Reason": reason, "Type": "User", "message": "Rate Exceeded."})
	return answer{
		status: http.StatusTooManyRequests, contentType: "application/json", body: body,
		fault: &assay.Fault{Kind: assay.FaultThrottle, Type: "TooManyRequestsException", Message: "Rate Exceeded. " + reason},
	}
}

// tooLarge is the answer to a payload that AWS's API would not take. The kind says that the request did
// not reach the function.
func tooLarge() answer {
	a := failed(assay.FaultTransport, "RequestTooLargeException", tooLargeMessage(maxPayload))
	a.status = http.StatusRequestEntityTooLarge
	return a
}

// observe makes the observation of an answered exchange.
func (x *exchange) observe(a answer, started time.Time, took time.Duration, prices assay.Prices) *assay.Observation {
	o := &assay.Observation{
		Started: started, Duration: took,
		Status: a.status, Body: a.body, BodySize: int64(len(a.body)), Fault: a.fault,
		Version: latest, MemoryMB: a.memoryMB, Log: a.tail,
	}
	if a.status != http.StatusOK {
		return o // it never ran
	}
	o.Cold, o.Init, o.MaxMemoryMB = x.cold, x.init, megabytes(a.peak)
	o.Billed = assay.Billed(x.init, a.ran)
	o.CostUSD = prices.Cost(a.memoryMB, o.Billed)
	return o
}

// gone is the observation of a caller that did not wait for the answer.
func (x *exchange) gone(started time.Time, took time.Duration, queued bool) *assay.Observation {
	o := &assay.Observation{Started: started, Duration: took, Version: latest}
	switch {
	case x.ctx.Err() == context.Canceled:
		o.Fault = &assay.Fault{Kind: assay.FaultCanceled, Message: "the caller went away before the function answered"}
	case queued:
		o.Fault = throttled(reasonAccount).fault
	default:
		o.Fault = &assay.Fault{Kind: assay.FaultTimeout, Message: "the caller's deadline passed before the function answered"}
	}
	return o
}

func megabytes(bytes int64) int { return int((bytes + 1<<20 - 1) >> 20) }
