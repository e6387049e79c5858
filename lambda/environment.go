package lambda

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

const (
	initLimit = 10 * time.Second // of the first attempt, as on AWS
	termGrace = 500 * time.Millisecond
	stamp     = "2006-01-02T15:04:05.000Z"
)

// environment is one execution environment of a function: it initializes a process, gives it one
// exchange after another, and ends with it. One goroutine, run, is its whole life.
type environment struct {
	engine   *Engine
	function *function
	version  *version
	log      *recorder
	stream   string // the log stream's name

	calls   chan *exchange // from the pool, while idle; takes one
	retired chan struct{}  // closed by the pool, while idle

	// Guarded by the engine's lock.
	idleSince  time.Time
	settling   bool
	discounted bool
}

func newEnvironment(e *Engine, f *function) *environment {
	return &environment{
		engine: e, function: f, version: f.current, log: &recorder{ring: f.log},
		stream: e.opts.Now().UTC().Format("2006/01/02/") + "[" + latest + "]" + strings.ReplaceAll(newID(), "-", ""),
		calls:  make(chan *exchange, 1), retired: make(chan struct{}),
	}
}

// run serves first, for which the environment was started, and then what the pool gives it.
func (v *environment) run(first *exchange) {
	defer v.engine.ended(v)
	inst := v.boot(first)
	if inst == nil {
		return
	}
	defer inst.stop()
	for x := first; x != nil; x = v.await(inst) {
		if !v.serve(inst, x) {
			return
		}
	}
}

// await returns the next exchange, or nil when it is time to end.
func (v *environment) await(inst *instance) *exchange {
	x, stay := v.engine.free(v)
	if x != nil || !stay {
		return x
	}
	expiry := time.NewTimer(v.engine.opts.IdleExpiry)
	defer expiry.Stop()
	select {
	case x := <-v.calls:
		return x
	case <-v.retired:
	case <-inst.proc.Done():
	case <-expiry.C:
		if !v.engine.leave(v) {
			select {
			case x := <-v.calls:
				return x
			case <-v.retired:
			}
		}
	}
	return nil
}

// boot initializes, twice at most: if init fails, it is retried as a part of the invocation, within
// the function's time-out (AWS calls the first one suppressed).
func (v *environment) boot(x *exchange) *instance {
	select {
	case v.engine.inits <- struct{}{}:
		defer func() { <-v.engine.inits }()
	case <-v.engine.hard.Done():
		x.answer(closing())
		return nil
	}
	x.cold = true
	began := time.Now()
	inst, failure := v.initialize(x, initLimit)
	if failure == nil {
		x.init = time.Since(began)
		return inst
	}
	v.begin(x)
	if !failure.final {
		if inst, failure = v.initialize(x, v.version.Timeout); failure == nil {
			return inst
		}
	}
	v.answer(x, failure.answer)
	v.finish(x, failure.answer.peak)
	return nil
}

// initFailure is why an environment has no process.
type initFailure struct {
	answer
	final bool // another attempt cannot help
}

// initialize starts a process and waits until it asks for its first invocation.
func (v *environment) initialize(x *exchange, limit time.Duration) (*instance, *initFailure) {
	v.log.printf("INIT_START Runtime Version: %s\n", cmp.Or(v.version.Interpreter.Version, v.version.Runtime))
	began := time.Now()
	inst, err := v.start()
	if err != nil {
		return nil, &initFailure{answer: failed(assay.FaultCrash, "Runtime.InvalidEntrypoint", fmt.Sprintf("RequestId: %s Error: %v", x.ID, err)), final: true}
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	failure := initFailure{answer: answer{status: http.StatusOK}}
	status := "error"
	select {
	case <-inst.api.Ready():
		return inst, nil
	case failure.Answer = <-inst.api.InitError():
		failure.peak = inst.measure()
	case <-inst.proc.Done():
		inst.stop()
		select {
		case failure.Answer = <-inst.api.InitError():
		default:
			failure.answer = x.exited(inst.proc.Exit())
		}
	case <-timer.C:
		status = "timeout"
		failure.answer = x.timedOut(v.version.Timeout)
		failure.peak = inst.measure()
	case <-v.engine.hard.Done():
		failure = initFailure{answer: closing(), final: true}
	}
	inst.stop()
	phase := "init"
	if !x.began.IsZero() {
		phase = "invoke"
	}
	v.log.printf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s\n", milliseconds(time.Since(began)), phase, status)
	return nil, &failure
}

// serve runs one exchange to its completion, which is not its answer but the runtime's asking for the
// next one, and tells whether the process can go on.
func (v *environment) serve(inst *instance, x *exchange) (alive bool) {
	if x.ctx.Err() != nil {
		close(x.done)
		return true // its caller has gone
	}
	if x.began.IsZero() {
		v.begin(x)
	}
	v.deliver(inst, x)
	timer := time.NewTimer(v.version.Timeout - time.Since(x.began))
	defer timer.Stop()
	select {
	case <-inst.api.Ready():
		inst.proc.Flush()
		alive = true
	case <-inst.proc.Done():
		inst.stop()
		v.log.printf("RequestId: %s Error: %s\nRuntime.ExitError\n", x.ID, exitWords(inst.proc.Exit()))
		v.answer(x, inst.measured(x.exited(inst.proc.Exit())))
	case <-timer.C:
		a := inst.measured(x.timedOut(v.version.Timeout))
		inst.proc.Kill()
		inst.stop()
		v.log.printf("%s %s Task timed out after %.2f seconds\n\n", v.engine.opts.Now().UTC().Format(stamp), x.ID, v.version.Timeout.Seconds())
		v.answer(x, a)
	case <-v.engine.hard.Done():
		x.answer(closing())
	}
	v.finish(x, inst.peak.Load())
	return alive
}

// begin starts the function's own time.
func (v *environment) begin(x *exchange) {
	x.began = time.Now()
	v.log.begin()
	v.log.printf("START RequestId: %s Version: %s\n", x.ID, latest)
}

// answer gives an exchange its answer with what the environment knows.
func (v *environment) answer(x *exchange, a answer) {
	a.ran = time.Since(x.began)
	if a.Fault != nil && a.Fault.Kind == assay.FaultTimeout {
		a.ran = v.version.Timeout
	}
	a.memoryMB = v.version.MemoryMB
	a.tail = v.log.last()
	if x.answer(a) && a.Fault != nil {
		v.engine.countError(v.function)
	}
}

// finish writes the last lines of an exchange's log.
func (v *environment) finish(x *exchange, peak int64) {
	ran := time.Since(x.began)
	report := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		x.ID, milliseconds(ran), assay.Billed(x.init, ran).Milliseconds(), v.version.MemoryMB, megabytes(peak))
	if x.cold && x.init > 0 {
		report += fmt.Sprintf("Init Duration: %.2f ms\t", milliseconds(x.init))
	}
	v.log.printf("END RequestId: %s\n", x.ID)
	v.log.printf("%s\n", report)
	x.log = v.log.last()
	close(x.done)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
