package lambda

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/assaylab/assay"
)

// Deploy creates or updates a function: it runs Build, unless it did so already and nothing changed
// since, copies the code, and lets new invocations use the copy, while those under way finish on what
// they began with. It starts no process. The same code and configuration again change nothing. A
// function that cannot run is an error with CodeInvalid that says why, and leaves what is deployed as
// it was; an engine that is closed is one with CodeUnreachable. Deployments take turns, so that functions
// of one build build once.
func (e *Engine) Deploy(ctx context.Context, fn assay.Function) (assay.Deployment, error) {
	fn.MemoryMB = cmp.Or(fn.MemoryMB, assay.DefaultMemoryMB)
	fn.Timeout = cmp.Or(fn.Timeout, assay.DefaultTimeout)
	fn.Environment = maps.Clone(fn.Environment)
	if abs, err := filepath.Abs(fn.Code); err == nil {
		fn.Code = abs
	}
	if err := validate(fn); err != nil {
		return assay.Deployment{}, err
	}
	found, err := e.runtimes.find(ctx, fn.Runtime)
	if err != nil {
		return assay.Deployment{}, about(err, fn)
	}
	if err := e.beginChange(); err != nil {
		return assay.Deployment{}, err
	}
	defer e.deploying.Unlock()
	defer e.sweep()
	if !e.built(fn) {
		if err := e.build(ctx, fn); err != nil {
			return assay.Deployment{}, err
		}
	}
	if err := checkHandler(fn); err != nil {
		return assay.Deployment{}, err
	}
	v, err := e.keepCode(&version{Function: fn, Interpreter: found, Modified: e.opts.Now().UTC()})
	if err != nil {
		return assay.Deployment{}, &assay.Error{Code: assay.CodeInvalid, What: "the code could not be copied: " + err.Error(), Where: fn.Code, Err: err}
	}
	return e.install(v)
}

// install makes a version the current one of its name.
func (e *Engine) install(v *version) (assay.Deployment, error) {
	f, err := e.find(v.Name)
	runs := err == nil && f.broken == "" && f.current.same(v)
	if runs {
		v.Modified = f.current.Modified
	}
	if err := e.save(v); err != nil {
		return assay.Deployment{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if f == nil {
		f = &function{log: &ring{}}
		e.functions[v.Name] = f
	}
	f.current, f.broken = v, ""
	if !runs {
		f.retireIdle()
		e.refill() // for callers that the old limit kept waiting
	}
	return f.deployment(), nil
}

// same tells whether nothing that matters to a process differs. Where the definition stands, and how
// the code was built, does not.
func (v *version) same(o *version) bool {
	if v == o {
		return true
	}
	a, b := v.Function, o.Function
	a.Source, a.Build, b.Source, b.Build = "", "", "", ""
	return v.root == o.root && v.Interpreter == o.Interpreter && reflect.DeepEqual(a, b)
}

// beginChange takes the lock deploying, unless the engine is closed, when Dir may be another's.
func (e *Engine) beginChange() error {
	e.deploying.Lock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		e.deploying.Unlock()
		return &assay.Error{Code: assay.CodeUnreachable, What: "the engine is shutting down", Where: e.opts.Dir, Hint: "start the laboratory again"}
	}
	return nil
}

// Remove ends a function. Invocations under way finish, those that wait do not. It fails with
// CodeNotFound, or CodeUnreachable when the engine is closed.
func (e *Engine) Remove(_ context.Context, name string) error {
	if err := e.beginChange(); err != nil {
		return err
	}
	defer e.deploying.Unlock()
	defer e.sweep()
	f, err := e.find(name)
	if err != nil {
		return err
	}
	if err := os.Remove(e.definition(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.functions, name)
	f.removed = true
	f.retireIdle()
	f.dismiss(removed(name))
	f.log.close()
	return nil
}

func removed(name string) answer {
	a := failed(assay.FaultTransport, "ResourceNotFoundException", "Function not found: "+functionARN(name))
	a.status = http.StatusNotFound
	return a
}

// validate checks what needs no look at the machine.
func validate(fn assay.Function) error {
	bad := func(hint, format string, args ...any) error {
		return &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf(format, args...), Where: cmp.Or(fn.Source, fn.Name, fn.Code), Hint: hint}
	}
	_, managed := languageOf(fn.Runtime)
	environment, _ := json.Marshal(fn.Environment) // a map of strings
	switch {
	case !plainName.MatchString(fn.Name):
		return bad("use up to 64 letters, digits, - and _", "%q cannot be a function's name", fn.Name)
	case fn.MemoryMB < 128 || fn.MemoryMB > 10240:
		return bad("memory goes from 128 to 10240 MB", "function %s: memory of %d MB", fn.Name, fn.MemoryMB)
	case fn.Timeout < 0 || fn.Timeout > 15*time.Minute:
		return bad("a timeout goes up to 15m", "function %s: timeout of %v", fn.Name, fn.Timeout)
	case fn.Concurrency < 0:
		return bad("0 stands for the engine's default", "function %s: concurrency of %d", fn.Name, fn.Concurrency)
	case managed && fn.Handler == "":
		return bad(`name it as "file.function", for example "index.handler"`, "function %s has no handler", fn.Name)
	case len(fn.Environment) > 0 && len(environment) > 4<<10:
		return bad("AWS takes 4 KB of variables at most", "function %s: its environment variables measure %d bytes", fn.Name, len(environment))
	}
	for key, value := range fn.Environment {
		if key == "" || strings.ContainsAny(key, "=\x00") || strings.Contains(value, "\x00") {
			return bad("", "function %s: %q cannot be an environment variable", fn.Name, key)
		}
	}
	return checkFolder(fn)
}

func checkFolder(fn assay.Function) error {
	info, err := os.Stat(fn.Code)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a folder")
	}
	if err != nil {
		return &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("function %s: its code cannot be read: %v", fn.Name, err), Where: fn.Code, Hint: "code names the folder that holds the handler", Err: err}
	}
	return nil
}

// checkHandler looks for the handler's file, after the build.
func checkHandler(fn assay.Function) error {
	if provided(fn.Runtime) {
		info, err := os.Stat(filepath.Join(fn.Code, "bootstrap"))
		if err != nil || !info.Mode().IsRegular() {
			return &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("function %s: there is no executable file bootstrap", fn.Name), Where: fn.Code,
				Hint: "build it there, for example: CGO_ENABLED=0 go build -o bootstrap . (build: does it at each deployment)"}
		}
		if info.Mode()&0o111 == 0 {
			return &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("function %s: bootstrap is not executable", fn.Name), Where: fn.Code, Hint: "chmod +x bootstrap"}
		}
		return nil
	}
	l, _ := languageOf(fn.Runtime)
	module := l.module(fn.Handler)
	for _, ending := range l.files {
		if info, err := os.Stat(filepath.Join(fn.Code, module+ending)); err == nil && info.Mode().IsRegular() {
			return nil
		}
	}
	return &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("function %s: handler %q names a file that is not there", fn.Name, fn.Handler),
		Where: filepath.Join(fn.Code, module+l.files[0]), Hint: `a handler is named as "file.function"`}
}

// about names the function that an error of its runtime is about, and where that was defined.
func about(err error, fn assay.Function) error {
	var e *assay.Error
	if !errors.As(err, &e) {
		return err
	}
	at := *e
	at.What = fmt.Sprintf("function %s: %s", fn.Name, e.What)
	at.Where = cmp.Or(fn.Source, fn.Name)
	return &at
}

// built tells whether some function was deployed by the same build from the same folder, which has not
// changed since. What a build reads from outside of its folder is not looked at.
func (e *Engine) built(fn assay.Function) bool {
	sum, _, err := tree{root: fn.Code, skip: e.opts.Private}.digest()
	if fn.Build == "" || err != nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.functions {
		if v := f.current; v.Code == fn.Code && v.Build == fn.Build && bytes.Equal(v.CodeSHA256, sum) {
			return true
		}
	}
	return false
}

// build runs the function's build command, with the environment of whoever runs Assay: it is their tool
// and not the function. Close ends it.
func (e *Engine) build(ctx context.Context, fn assay.Function) error {
	if fn.Build == "" {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.hard, cancel)()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", fn.Build)
	cmd.Dir = fn.Code
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	said := strings.TrimSpace(string(out))
	if len(said) > 2000 {
		said = "…" + said[len(said)-2000:]
	}
	return &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("function %s: build failed: %v\n%s", fn.Name, err, said), Where: fn.Code, Hint: "the command was: " + fn.Build, Err: err}
}
