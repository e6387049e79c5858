package lambda

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/runtimeapi"
	"github.com/assaylab/assay/lambda/sandbox"
)

const (
	initLimit     = 10 * time.Second      // of the first attempt, as on AWS
	preparedLimit = 130 * time.Second     // of provisioned environments, or the function's time-out if longer
	freezeDelay   = 10 * time.Millisecond // idle time before a freeze, for callers that come one after another
	fullCoreMB    = 1769                  // memory that comes with one core, as on AWS
	stamp         = "2006-01-02T15:04:05.000Z"
)

// environment is one execution environment of a function: a sandbox, and in it one instance after
// another, each a set of processes that is initialized and serves exchanges until it fails. One
// goroutine, run, is its whole life.
type environment struct {
	engine   *Engine
	function *function
	pool     *pool
	version  *version
	log      *recorder
	stream   string // the log stream's name
	initType string // AWS's initialization type

	box    *sandbox.Sandbox
	inst   *instance    // nil before init, and after a reset
	tried  bool         // an instance has been started before
	broken bool         // the sandbox itself has failed: nothing can be started in it again
	ooms   int          // processes killed at the memory limit so far
	peak   atomic.Int64 // bytes of memory, when last measured

	calls   chan *exchange // from the pool, while idle; takes one
	retired chan struct{}  // closed by the pool, while idle

	began time.Time

	// Guarded by the engine's lock.
	idleSince  time.Time
	settling   bool
	discounted bool
	kept       bool // started to be kept, and not initialized yet
	used       bool // an exchange was given to it
	memoryMB   int  // that it was admitted with
}

func newEnvironment(e *Engine, p *pool) *environment {
	stream := e.opts.Now().UTC().Format("2006/01/02/") + "[" + p.current.number + "]" + strings.ReplaceAll(uuid.NewString(), "-", "")
	return &environment{
		engine: e, function: p.function, pool: p, version: p.current, stream: stream,
		log:      &recorder{ring: p.function.log, version: p.current.number, stream: stream},
		initType: onDemand, began: e.opts.Now(),
		calls: make(chan *exchange, 1), retired: make(chan struct{}),
	}
}

// run serves first, for which the environment was started, and then what the pool gives it. With no
// first one it initializes, to be at the ready.
func (v *environment) run(first *exchange) {
	defer v.engine.ended(v)
	if err := v.open(); err != nil {
		v.unopened(first, err)
		return
	}
	defer v.box.Close()
	defer v.end("spindown")
	if first == nil {
		if !v.prepare() {
			return
		}
		first = v.await()
	}
	for x := first; x != nil; x = v.await() {
		v.serve(x)
		if v.broken {
			return
		}
	}
}

// open makes the sandbox.
func (v *environment) open() (err error) {
	v.box, err = v.engine.host.New(sandbox.Config{
		MemoryMB: v.version.MemoryMB, CPU: float64(v.version.MemoryMB) / fullCoreMB,
		Task: v.version.root, Opt: v.version.opt(), Runtime: v.engine.runtimeDir(), Tools: sandbox.Tools(v.version.Interpreter.Path),
		TmpMB: v.version.TmpMB, Network: v.version.Network,
	})
	return err
}

// unopened says that there is no sandbox.
func (v *environment) unopened(first *exchange, err error) {
	if first == nil {
		v.engine.opts.Log.Error("an environment cannot be made", "function", v.version.Name, "error", err)
		v.engine.ready(v, false)
		return
	}
	v.begin(first)
	v.refuse(first, v.unable(first, "Sandbox.Failure", err))
}

// prepare initializes before there is anything to serve.
func (v *environment) prepare() bool {
	select {
	case v.engine.inits <- struct{}{}:
		defer func() { <-v.engine.inits }()
	case <-v.engine.hard.Done():
		v.engine.ready(v, false)
		return false
	}
	v.tried = true
	x := newExchange(v.engine.hard, Call{}) // its id stands in the log
	f := v.initialize(x, max(preparedLimit, v.version.Timeout), "init")
	v.engine.ready(v, f == nil)
	return f == nil
}

// await returns the next exchange, or nil when it is time to end. Idle processes are frozen.
func (v *environment) await() *exchange {
	x, stay := v.engine.free(v)
	if x != nil || !stay {
		return x
	}
	expiry := time.NewTimer(v.engine.opts.IdleExpiry)
	defer expiry.Stop()
	freeze := time.NewTimer(freezeDelay)
	defer freeze.Stop()
	for {
		select {
		case x := <-v.calls:
			return x
		case <-v.retired:
			return nil
		case <-v.inst.ended():
			return nil
		case <-freeze.C:
			v.inst.freeze()
		case <-expiry.C:
			if v.engine.leave(v) {
				return nil // else an exchange, or the end, is on its way
			}
		}
	}
}

// serve runs one exchange to its completion, which is not its answer, but that the runtime and all
// extensions ask for more. What fails is reset: its processes end, and the next exchange finds an empty
// sandbox with the same /tmp.
func (v *environment) serve(x *exchange) {
	if x.ctx.Err() != nil {
		close(x.done)
		return // its caller has gone
	}
	if v.inst == nil && !v.boot(x) {
		return
	}
	if x.began.IsZero() {
		v.begin(x)
	}
	v.inst.thaw()
	v.inst.api.Emit("platform.start", runtimeapi.Start{RequestID: x.ID, Version: latest, Tracing: runtimeapi.NewTracing(x.TraceID)})
	v.deliver(x)
	f := v.wait(x, v.inst.api.Ready(), v.version.Timeout-time.Since(x.began))
	switch {
	case f == nil:
		v.inst.flush()
		ran := time.Since(x.began)
		v.report(x, nil, ran)
		v.finish(x, nil, ran)
	case f.exit && !x.again && v.inst.api.Withdraw():
		x.again = true // it died before it had the exchange
		v.end("failure")
		v.serve(x)
	default:
		v.fail(x, f)
	}
}

// fail ends an exchange and the instance that failed it. A caller need not wait while extensions are
// told of a time-out; but of a crash, until what the process sent before has been read.
func (v *environment) fail(x *exchange, f *failure) {
	ran := time.Since(x.began)
	v.measure()
	v.inst.api.Abort(f.status, f.ErrorType)
	v.report(x, f, ran)
	if f.status != "timeout" {
		v.end(f.reason())
	}
	v.log.printf("%s", f.log)
	v.engine.settle(v)
	v.answer(x, f.answer)
	v.finish(x, f, ran)
	v.end(f.reason())
}

// end ends the instance, if there is one.
func (v *environment) end(reason string) {
	if v.inst != nil {
		v.inst.stop(reason, v.engine.hard.Done())
		v.inst = nil
	}
}

// boot initializes an instance for an exchange. The environment's first attempt comes before the
// exchange's own time; any other is a part of it, within the function's time-out (AWS calls the first
// one suppressed then).
func (v *environment) boot(x *exchange) bool {
	select {
	case v.engine.inits <- struct{}{}:
		defer func() { <-v.engine.inits }()
	case <-v.engine.hard.Done():
		x.answer(closing())
		return false
	}
	x.cold = true
	if !v.tried {
		v.tried = true
		began := time.Now()
		f := v.initialize(x, initLimit, "init")
		if f == nil {
			x.init = time.Since(began)
			return true
		}
		v.begin(x)
		if f.final {
			v.refuse(x, f)
			return false
		}
	} else {
		v.engine.countCold(v.pool)
		v.begin(x)
	}
	if f := v.initialize(x, v.version.Timeout, "invoke"); f != nil {
		v.refuse(x, f)
		return false
	}
	return true
}

// refuse answers an exchange for which there is no instance.
func (v *environment) refuse(x *exchange, f *failure) {
	v.answer(x, f.answer)
	v.finish(x, f, time.Since(x.began))
}

// initialize starts the extensions and then the runtime, and waits until all ask for their first event.
func (v *environment) initialize(x *exchange, limit time.Duration, phase string) *failure {
	v.log.printf("INIT_START Runtime Version: %s\n", cmp.Or(v.version.Interpreter.Version, v.version.Runtime))
	began := time.Now()
	f := v.launch(x, limit, phase)
	took := time.Since(began)
	if f == nil {
		v.logExtensions()
		v.reportInit(phase, "success", "", took)
		v.box.Throttle(true)
		return nil
	}
	v.measure()
	if inst := v.inst; inst != nil {
		inst.api.Abort(f.status, f.ErrorType)
		v.reportInit(phase, f.status, f.ErrorType, took)
		v.end(f.reason())
		if posted := inst.posted(); f.exit && posted != nil { // it said why before it ended
			f.Answer = v.reported(x, *posted).Answer
		}
	}
	v.log.printf("%s", f.log)
	v.log.printf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s\n", milliseconds(took), phase, f.status)
	return f
}

// launch is initialize without its log.
func (v *environment) launch(x *exchange, limit time.Duration, phase string) *failure {
	until := time.Now().Add(limit)
	if err := v.box.Throttle(v.engine.opts.ThrottleInit); err != nil {
		return v.spoilt(x, err)
	}
	var err error
	if v.inst, err = v.newInstance(phase); err != nil {
		return v.spoilt(x, err)
	}
	if err := v.inst.startExtensions(v); err != nil {
		return v.unable(x, "Extension.LaunchError", err)
	}
	if f := v.wait(x, v.inst.api.Registered(), time.Until(until)); f != nil {
		return f
	}
	if err := v.inst.startRuntime(v); err != nil {
		return v.unable(x, "Runtime.InvalidEntrypoint", err)
	}
	return v.wait(x, v.inst.api.Ready(), time.Until(until))
}

// spoilt is the failure of the sandbox itself, with which the environment ends.
func (v *environment) spoilt(x *exchange, err error) *failure {
	v.broken = true
	return v.unable(x, "Sandbox.Failure", err)
}

func (v *environment) logExtensions() {
	v.inst.flush()
	for _, x := range v.inst.api.Extensions() {
		v.log.printf("EXTENSION\tName: %s\tState: Ready\tEvents: [%s]\n", x.Name, strings.Join(x.Events, ","))
	}
}

// deliver gives the instance an exchange.
func (v *environment) deliver(x *exchange) {
	inv := &runtimeapi.Invocation{
		ID: x.ID, ARN: x.arn, TraceID: x.TraceID, ClientContext: x.ClientContext, Payload: x.Payload,
		Deadline: x.began.Add(v.version.Timeout), Room: assay.RoomIn(x.ctx),
	}
	runtime := v.inst.runtime
	inv.Answer = func(a runtimeapi.Answer) {
		runtime.Flush() // what the handler wrote before it answered belongs to the answer's log
		v.engine.settle(v)
		v.measure()
		v.answer(x, answer{Answer: a, status: http.StatusOK})
	}
	if x.flow != nil {
		inv.Gone = x.flow.gone
		inv.Stream = func(contentType string) io.Writer { return x.flow.begin(contentType) }
	}
	v.inst.api.Invoke(inv)
}

func (v *environment) measure() {
	v.peak.Store(max(v.peak.Load(), v.box.PeakMemory()))
}

// begin starts the function's own time.
func (v *environment) begin(x *exchange) {
	x.began = time.Now()
	v.log.begin()
	v.log.printf("START RequestId: %s Version: %s\n", x.ID, v.version.number)
}

// answer gives an exchange its answer with what the environment knows.
func (v *environment) answer(x *exchange, a answer) {
	a.ran = time.Since(x.began)
	if a.Fault != nil && a.Fault.Kind == assay.FaultTimeout {
		a.ran = v.version.Timeout
	}
	a.memoryMB, a.peak = v.version.MemoryMB, v.peak.Load()
	a.tail = v.log.last()
	if x.answer(a) && a.Fault != nil {
		v.engine.countError(v.pool)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
