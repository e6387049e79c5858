package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/runtimeapi"
)

// exchange is one call on its way through the engine, and its answer on the way back.
type exchange struct {
	Call
	ctx     context.Context // the caller's; when it ends, nobody waits for the answer
	arn     string          // as invoked
	version string          // that runs it

	// Set by the environment that takes it, before it is answered.
	cold  bool
	init  time.Duration // what it waited for, without the time that counts as its own
	began time.Time     // when the function's time-out started
	again bool          // it was given to an instance that died before it took it

	flow    *flow // of a streamed answer; nil if the answer is to be whole
	once    sync.Once
	answers chan answer   // takes one, ever: see answer
	over    chan struct{} // closed once there is an answer
	done    chan struct{} // closed when the environment has written the last line of its log
	log     []byte        // the whole tail; set before done is closed
}

func newExchange(ctx context.Context, call Call) *exchange {
	if !plainName.MatchString(call.ID) { // it becomes a header and a part of a path
		call.ID = uuid.NewString()
	}
	if len(call.Payload) == 0 {
		call.Payload = []byte("{}") // as AWS does
	}
	return &exchange{Call: call, ctx: ctx, answers: make(chan answer, 1), over: make(chan struct{}), done: make(chan struct{})}
}

// answer is what became of an invocation.
type answer struct {
	runtimeapi.Answer
	status   int           // 200, or AWS's when it never ran, for example 429 when throttled
	ran      time.Duration // since began
	peak     int64         // bytes
	memoryMB int
	tail     []byte // of the log so far
}

// answer is given once; what comes later has no effect.
func (x *exchange) answer(a answer) (first bool) {
	x.once.Do(func() {
		first = true
		x.answers <- a
		close(x.over)
	})
	return first
}

// failed is the answer when the platform has to give one in place of the function.
func failed(kind assay.FaultKind, errorType, message string) answer {
	return answer{Answer: runtimeapi.Failed(kind, errorType, message), status: http.StatusOK}
}

func exitWords(exit error) string {
	if exit == nil {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + exit.Error()
}

// The Reasons of a TooManyRequestsException that the engine gives.
const (
	reasonReserved = "ReservedFunctionConcurrentInvocationLimitExceeded"
	reasonAccount  = "ConcurrentInvocationLimitExceeded"
)

// throttled is the answer when there is no environment to be had.
func throttled(reason string) answer {
	body, _ := json.Marshal(map[string]string{"Reason": reason, "Type": "User", "message": "Rate Exceeded."})
	return answer{status: http.StatusTooManyRequests, Answer: runtimeapi.Answer{
		ContentType: "application/json", Body: body,
		Fault: &assay.Fault{Kind: assay.FaultThrottle, Type: "TooManyRequestsException", Message: "Rate Exceeded. " + reason},
	}}
}

// tooLarge is the answer to a payload that AWS's API would not take. The kind says that the request did
// not reach the function.
func tooLarge() answer {
	a := failed(assay.FaultTransport, "RequestTooLargeException", fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", runtimeapi.MaxPayload))
	a.status = http.StatusRequestEntityTooLarge
	return a
}

// complete fills in the result of an answered exchange.
func (x *exchange) complete(r *Result, a answer, prices assay.Prices) {
	r.Status, r.ContentType, r.Payload, r.Fault, r.Log = a.status, a.ContentType, a.Body, a.Fault, a.tail
	r.Streamed, r.Report.MemoryMB = a.Streamed, a.memoryMB
	if a.status != http.StatusOK {
		return // it never ran
	}
	if a.Fault != nil {
		r.FunctionError = "Unhandled"
	}
	if x.Tail {
		select {
		case <-x.done:
			r.Log = x.log
		case <-x.ctx.Done():
		}
	}
	r.Report.Cold, r.Report.Init, r.Report.MaxMemoryMB = x.cold, x.init, megabytes(a.peak)
	r.Report.Duration, r.Report.Billed = a.ran, assay.Billed(x.init, a.ran)
	r.Report.CostUSD = prices.Cost(a.memoryMB, r.Report.Billed)
}

// gone says why a caller that did not wait for the answer has none.
func (x *exchange) gone(queued bool) *assay.Fault {
	switch {
	case x.ctx.Err() == context.Canceled:
		return &assay.Fault{Kind: assay.FaultCanceled, Message: "the caller went away before the function answered"}
	case queued:
		return throttled(reasonAccount).Fault
	}
	return &assay.Fault{Kind: assay.FaultTimeout, Message: "the caller's deadline passed before the function answered"}
}

func megabytes(bytes int64) int { return int((bytes + 1<<20 - 1) >> 20) }
