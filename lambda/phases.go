package lambda

import (
	"cmp"
	"fmt"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/runtimeapi"
)

// failure is why an instance could not finish what it had to do.
type failure struct {
	answer
	status string // in AWS's words: "timeout", "error" or "failure"
	log    string // what AWS writes about it
	exit   bool   // a process ended; it may have said why before
	final  bool   // another attempt cannot help
}

// reason is the shutdown reason that extensions are given.
func (f *failure) reason() string {
	switch {
	case f.status == "timeout":
		return "timeout"
	case f.final && f.Fault.Kind == assay.FaultTransport: // the engine ends
		return "spindown"
	}
	return "failure"
}

// wait waits for what the instance has to do, and otherwise says why it does not come.
func (v *environment) wait(x *exchange, done <-chan struct{}, limit time.Duration) *failure {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case posted := <-v.inst.api.Failures():
		return v.reported(x, posted)
	case ended := <-v.inst.exits:
		return v.crashed(x, ended)
	case <-timer.C:
		return v.timedOut(x)
	case <-v.engine.hard.Done():
		return &failure{answer: closing(), status: "failure", final: true}
	}
}

// reported is the failure that a process told.
func (v *environment) reported(x *exchange, posted runtimeapi.Failure) *failure {
	f := &failure{status: "error", answer: answer{Answer: posted.Answer, status: 200}}
	if posted.Extension != "" {
		f.answer = failed(assay.FaultCrash, posted.ErrorType, fmt.Sprintf("RequestId: %s Error: %s", x.ID, posted.Fault.Message))
		f.log = fmt.Sprintf("EXTENSION\tName: %s\tState: %s\tEvents: []\tError Type: %s\n", posted.Extension, posted.ErrorType, posted.Fault.Message)
	}
	return f
}

// crashed is the failure of a process that ended of itself, or was killed at the memory limit.
func (v *environment) crashed(x *exchange, ended exit) *failure {
	errorType, words := "Runtime.ExitError", exitWords(ended.err)
	if ended.extension != "" {
		errorType, words = "Extension.Crash", "exit status 0"
		if ended.err != nil {
			words = ended.err.Error()
		}
	}
	if n := v.box.Usage().OOMKills; n > v.ooms {
		v.ooms = n
		errorType = "Runtime.OutOfMemory"
	}
	return &failure{
		answer: failed(assay.FaultCrash, errorType, fmt.Sprintf("RequestId: %s Error: %s", x.ID, words)),
		log:    fmt.Sprintf("RequestId: %s Error: %s\n%s\n", x.ID, words, errorType),
		status: "error", exit: true,
	}
}

// timedOut is the failure of a function that took longer than it may.
func (v *environment) timedOut(x *exchange) *failure {
	limit := v.version.Timeout
	return &failure{
		answer: failed(assay.FaultTimeout, "Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", x.ID, limit.Seconds())),
		log:    fmt.Sprintf("%s %s Task timed out after %.2f seconds\n\n", v.engine.opts.Now().UTC().Format(stamp), x.ID, limit.Seconds()),
		status: "timeout",
	}
}

// unable is the failure to start a process at all.
func (v *environment) unable(x *exchange, errorType string, err error) *failure {
	return &failure{
		answer: failed(assay.FaultCrash, errorType, fmt.Sprintf("RequestId: %s Error: %v", x.ID, err)),
		log:    fmt.Sprintf("RequestId: %s Error: %v\n%s\n", x.ID, err, errorType),
		status: "error", final: true,
	}
}

// The initialization types: of environments that an invocation asks for, and of provisioned concurrency.
const (
	onDemand    = "on-demand"
	provisioned = "provisioned-concurrency"
)

func (v *environment) initStart(phase string) runtimeapi.InitStart {
	return runtimeapi.InitStart{
		InitializationType: v.initType, Phase: phase, RuntimeVersion: cmp.Or(v.version.Interpreter.Version, v.version.Runtime),
		FunctionName: v.version.Name, FunctionVersion: v.version.number, InstanceID: v.stream, InstanceMaxMemory: int64(v.version.MemoryMB) << 20,
	}
}

func (v *environment) reportInit(phase, status, errorType string, took time.Duration) {
	v.inst.api.Emit("platform.initReport", runtimeapi.InitReport{
		InitializationType: v.initType, Phase: phase, Status: status, ErrorType: errorType, Metrics: runtimeapi.InitMetrics{DurationMS: milliseconds(took)},
	})
}

// report tells the instance's extensions what an exchange took. f is nil when it did not fail.
func (v *environment) report(x *exchange, f *failure, ran time.Duration) {
	r := runtimeapi.Report{
		RequestID: x.ID, Status: "success", Tracing: runtimeapi.NewTracing(x.TraceID),
		Metrics: runtimeapi.ReportMetrics{
			DurationMS: milliseconds(ran), BilledDurationMS: assay.Billed(x.init, ran).Milliseconds(),
			MemorySizeMB: v.version.MemoryMB, MaxMemoryUsedMB: megabytes(v.peak.Load()), InitDurationMS: milliseconds(x.init),
		},
	}
	if f != nil {
		r.Status, r.ErrorType = f.status, f.ErrorType
		if f.exit {
			v.inst.api.Emit("platform.fault", "RequestId: "+x.ID+"\tProcess exited before completing request")
		}
	}
	v.inst.api.Emit("platform.end", map[string]string{"requestId": x.ID})
	v.inst.api.Emit("platform.report", r)
}

// finish writes the last lines of an exchange's log. f is nil when it did not fail.
func (v *environment) finish(x *exchange, f *failure, ran time.Duration) {
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		x.ID, milliseconds(ran), assay.Billed(x.init, ran).Milliseconds(), v.version.MemoryMB, megabytes(v.peak.Load()))
	if x.init > 0 {
		line += fmt.Sprintf("Init Duration: %.2f ms\t", milliseconds(x.init))
	}
	if f != nil {
		line += "Status: " + f.status + "\t"
		if f.status != "timeout" && f.ErrorType != "" {
			line += "Error Type: " + f.ErrorType + "\t"
		}
	}
	v.log.printf("END RequestId: %s\n", x.ID)
	v.log.printf("%s\n", line)
	x.log = v.log.last()
	close(x.done)
}
