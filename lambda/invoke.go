package lambda

import (
	"context"
	"net/http"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
)

// Call is one invocation of a function, as AWS's Invoke takes it. Its deadline is its context's.
type Call struct {
	Function  string // a name, a partial ARN or a full one, each with or without a qualifier
	Qualifier string // a version or an alias; "" takes Function's, if any

	ID            string // the request id; a new one if empty or not fit for a header
	Payload       []byte // the event; {} if empty
	ClientContext string // JSON on one line; "" for none
	TraceID       string // X-Amzn-Trace-Id; made from the request id if empty

	Tail bool // the Result's Log ends with the REPORT line, which comes when the environment is free again
}

// Result is what became of a Call.
type Result struct {
	RequestID string
	TraceID   string
	Version   string // that ran

	// Status is 200, also when the function failed; or AWS's when the function never ran: 429 when
	// throttled, 413 for a payload too large, 503 when the engine ends; or 0 when the context ended
	// before there was an answer.
	Status      int
	ContentType string
	Payload     []byte // the response, or the error as AWS sends it; no response that a Sink took
	Streamed    int64  // bytes of a response that came in parts

	// FunctionError is AWS's X-Amz-Function-Error: "Unhandled", or "" when the function answered.
	FunctionError string
	Fault         *assay.Fault // why there is no response; nil when there is

	Log    []byte // the last 4 KiB of the invocation's log
	Report Report
}

// Report is what an invocation cost, as in the REPORT line.
type Report struct {
	Started     time.Time
	Waited      time.Duration // by the caller, from the call to the answer's last byte
	Duration    time.Duration // of the function
	Billed      time.Duration // with Init
	Cold        bool          // it waited for an environment's init
	Init        time.Duration
	MemoryMB    int // configured
	MaxMemoryMB int // used at most
	CostUSD     float64
}

// Sink takes an answer while it comes.
type Sink interface {
	// Begin is called once, before the first Write. A streaming function's prelude, if any, is the
	// first part of what is written.
	Begin(contentType string)
	// Write takes a part of the answer. An error means that nobody listens any longer; the rest is
	// thrown away.
	Write([]byte) (int, error)
}

// Invoke invokes a function and waits for its answer, or for the end of the context: then Status is 0.
// Whatever goes wrong with the function is a Result with a Fault; an error (CodeNotFound) means that
// there is no such function. A streamed answer is collected, up to AWS's 6 MiB.
func (e *Engine) Invoke(ctx context.Context, call Call) (*Result, error) {
	ref, err := call.reference()
	if err != nil {
		return nil, err
	}
	return e.invoke(ref, newExchange(ctx, call), nil)
}

// InvokeStream is Invoke that hands a response to a sink while it comes, from the calling goroutine. A
// sink that is slow makes the function wait, within its time-out. An error's body is the Result's
// Payload; if the error came in the middle of a streamed answer, the sink has had what came before.
func (e *Engine) InvokeStream(ctx context.Context, call Call, sink Sink) (*Result, error) {
	ref, err := call.reference()
	if err != nil {
		return nil, err
	}
	x := newExchange(ctx, call)
	x.flow = newFlow(x.over)
	defer x.flow.leave()
	r, err := e.invoke(ref, x, sink)
	if err != nil || r.Status != http.StatusOK || r.Fault != nil || x.flow.begun {
		return r, err
	}
	sink.Begin(r.ContentType) // the function does not stream
	sink.Write(r.Payload)     // nobody listens any longer if it fails
	r.Payload = nil
	return r, nil
}

func (c Call) reference() (control.Reference, error) {
	ref, ok := control.ParseReference(c.Function)
	if !ok {
		return ref, notFound(c.Function)
	}
	if c.Qualifier != "" {
		ref.Qualifier = c.Qualifier
	}
	return ref, nil
}

// Invoker invokes a function, given as a name, name:qualifier or ARN, which is resolved at each call.
// The invocation's Payload is the event; none means {}. A function that is not there is an error with
// CodeNotFound. A payload beyond AWS's 6,291,556 bytes is a transport fault with status 413. The
// observation's Duration is what the caller waited; Billed ends with the answer,
// though AWS also bills what a runtime does between its answer and its asking for more.
// MaxMemoryMB is the most that all processes of the environment together have had at once
// (docs/sandbox.md says what counts); without control groups, children of its processes are not in it.
func (e *Engine) Invoker(name string) assay.Invoker {
	return assay.InvokerFunc(func(ctx context.Context, inv *assay.Invocation) (*assay.Observation, error) {
		r, err := e.Invoke(ctx, Call{Function: name, ID: inv.ID, Payload: inv.Payload})
		if err != nil {
			return nil, err
		}
		return r.observation(), nil
	})
}

func (r *Result) observation() *assay.Observation {
	return &assay.Observation{
		Started: r.Report.Started, Duration: r.Report.Waited,
		Status: r.Status, Body: r.Payload, BodySize: int64(len(r.Payload)), Fault: r.Fault,
		Cold: r.Report.Cold, Init: r.Report.Init, Billed: r.Report.Billed, CostUSD: r.Report.CostUSD,
		MemoryMB: r.Report.MemoryMB, MaxMemoryMB: r.Report.MaxMemoryMB, Version: r.Version, Log: r.Log,
	}
}

// invoke runs an exchange and waits for its answer, or for the end of its context. The sink is for an
// exchange with a flow.
func (e *Engine) invoke(ref control.Reference, x *exchange, sink Sink) (*Result, error) {
	began, date := time.Now(), e.opts.Now()
	x.arn = ref.ARN()
	if x.TraceID == "" {
		x.TraceID = traceID(x.ID, date)
	}
	p, hurry, err := e.enter(ref, x)
	if err != nil {
		return nil, err
	}
	r := &Result{RequestID: x.ID, TraceID: x.TraceID, Version: x.version}
	r.Report.Started = date
	for {
		select {
		case part := <-x.flow.next():
			x.flow.pass(sink, part)
		case a := <-x.answers:
			x.flow.drain(sink)
			r.Report.Waited = time.Since(began)
			x.complete(r, a, e.opts.Prices)
			e.observe(p, r.Report)
			return r, nil
		case <-hurry:
			e.insist(p, x)
			hurry = nil
		case <-x.ctx.Done():
			queued := e.forget(p, x)
			r.Report.Waited = time.Since(began)
			r.Fault = x.gone(queued)
			return r, nil
		}
	}
}
