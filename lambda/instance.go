package lambda

import (
	"maps"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/runtimeapi"
	"github.com/assaylab/assay/lambda/sandbox"
)

// instance is a process of an environment in its sandbox, with its end of the Runtime API.
type instance struct {
	api  *runtimeapi.Server
	box  *sandbox.Sandbox
	proc *sandbox.Process
	peak atomic.Int64 // bytes of memory, when last measured
}

// start starts the environment's process in a sandbox of its own.
func (v *environment) start() (*instance, error) {
	box, err := v.engine.host.New(sandbox.Config{
		MemoryMB: v.version.MemoryMB, Task: v.version.root, Runtime: v.engine.runtimeDir(),
	})
	if err != nil {
		return nil, err
	}
	inst := &instance{box: box}
	if err := v.launch(inst); err != nil {
		box.Close()
		return nil, err
	}
	return inst, nil
}

// deliver gives the process an exchange.
func (v *environment) deliver(inst *instance, x *exchange) {
	inst.api.Invoke(&runtimeapi.Invocation{
		ID: x.ID, ARN: x.arn, TraceID: x.TraceID, ClientContext: x.ClientContext, Payload: x.Payload,
		Deadline: x.began.Add(v.version.Timeout),
		Answer: func(a runtimeapi.Answer) {
			inst.proc.Flush() // what the handler wrote before it answered belongs to the answer's log
			v.engine.settle(v)
			v.answer(x, inst.measured(answer{Answer: a, status: http.StatusOK}))
		},
	})
}

func (v *environment) launch(inst *instance) error {
	listener, err := inst.box.Listen()
	if err != nil {
		return err
	}
	fn := v.version
	inst.api = runtimeapi.New(listener, runtimeapi.Function{Name: fn.Name, Version: latest, Handler: fn.Handler})
	path, args := v.command()
	inst.proc, err = inst.box.Start(sandbox.Command{
		Path: path, Args: args, Env: v.variables(listener.Addr().String()), Dir: v.version.root, Output: v.log,
	})
	if err != nil {
		inst.api.Close()
	}
	return err
}

// measured adds the memory used so far to an answer.
func (i *instance) measured(a answer) answer {
	a.peak = i.measure()
	return a
}

func (i *instance) measure() int64 {
	peak := i.box.Usage().PeakMemory
	i.peak.Store(peak)
	return peak
}

// stop ends the process, if it has not ended, and its API. It may be called again. As on AWS, only a
// process that registered an extension is asked first.
func (i *instance) stop() {
	select {
	case <-i.api.Closed():
		return
	default:
	}
	if i.api.WantsTerm() {
		i.proc.Terminate()
		select {
		case <-i.proc.Done():
		case <-time.After(termGrace):
		}
	}
	i.box.Close()
	i.api.Close()
}

// command is what runs the function.
func (v *environment) command() (path string, args []string) {
	if l, ok := languageOf(v.version.Runtime); ok {
		return v.version.Interpreter.Path, []string{filepath.Join(v.engine.runtimeDir(), l.bootstrap)}
	}
	return filepath.Join(v.version.root, "bootstrap"), nil
}

// variables is the process's environment: what a function may override, its own variables, and what it
// may not. Paths are the true ones on this machine. There are no credentials, unless the function
// brings some.
func (v *environment) variables(api string) []string {
	fn := v.version
	all := map[string]string{
		"LANG":            "en_US.UTF-8",
		"TZ":              ":UTC",
		"PATH":            "/usr/local/bin:/usr/bin:/bin",
		"LD_LIBRARY_PATH": fn.root + ":" + filepath.Join(fn.root, "lib"),
		"NODE_PATH":       filepath.Join(fn.root, "node_modules") + ":" + fn.root,
	}
	reserved := map[string]string{
		"AWS_REGION":                      assay.EmbeddedRegion,
		"AWS_DEFAULT_REGION":              assay.EmbeddedRegion,
		"AWS_LAMBDA_FUNCTION_NAME":        fn.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(fn.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION":     latest,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_RUNTIME_API":          api,
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + fn.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      v.stream,
		"LAMBDA_TASK_ROOT":                fn.root,
		"LAMBDA_RUNTIME_DIR":              v.engine.runtimeDir(),
		"_HANDLER":                        fn.Handler,
	}
	if found := fn.Interpreter; found.Path != "" {
		all["PATH"] = filepath.Dir(found.Path) + ":" + all["PATH"]
		reserved["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + found.Version
	}
	for key, value := range fn.Environment {
		if !strings.HasPrefix(key, "_") {
			all[key] = value
		}
	}
	maps.Copy(all, reserved)
	list := make([]string, 0, len(all))
	for key, value := range all {
		list = append(list, key+"="+value)
	}
	return list
}
