package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/code"
	"github.com/assaylab/assay/lambda/control"
)

// Deploy creates or updates a function, with its code in a zip file: new invocations use it, while
// those under way finish on what they began with. It starts no process, unless the function is to have
// some at the ready. The same code and configuration again change nothing. A function that cannot run
// is an error with CodeInvalid that says why, and leaves what is deployed as it was; an engine that is
// closed is one with CodeUnreachable.
func (e *Engine) Deploy(ctx context.Context, fn assay.Function, zip string) (assay.Deployment, error) {
	fn.MemoryMB = cmp.Or(fn.MemoryMB, assay.DefaultMemoryMB)
	fn.Timeout = cmp.Or(fn.Timeout, assay.DefaultTimeout)
	if err := validate(fn); err != nil {
		return assay.Deployment{}, err
	}
	if _, err := e.runtimes.find(ctx, fn.Runtime); err != nil {
		return assay.Deployment{}, about(err, fn)
	}
	f, err := os.Open(zip)
	if err != nil {
		return assay.Deployment{}, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("function %s: its code cannot be read: %v", fn.Name, err), Where: zip, Err: err}
	}
	defer f.Close()
	err = e.Plane.Deploy(ctx, fn, f, func(folder string) error { return checkHandler(fn, folder) })
	if err != nil {
		return assay.Deployment{}, e.explain(err, fn)
	}
	return e.Deployment(fn.Name)
}

// Remove ends a function. Invocations under way finish, those that wait do not. It fails with
// CodeNotFound, or CodeUnreachable when the engine is closed.
func (e *Engine) Remove(_ context.Context, name string) error {
	return e.explain(e.DeleteFunction(name, ""), assay.Function{Name: name})
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

// codes are those of AWS's statuses.
var codes = map[int]assay.ErrorCode{
	http.StatusNotFound: assay.CodeNotFound, http.StatusConflict: assay.CodeConflict,
	http.StatusServiceUnavailable: assay.CodeUnreachable, http.StatusInternalServerError: assay.CodeInternal,
}

// explain makes an error of the control plane one for people, about a function.
func (e *Engine) explain(err error, fn assay.Function) error {
	var api *control.APIError
	if !errors.As(err, &api) {
		return err
	}
	if api.Status == http.StatusNotFound {
		return notFound(fn.Name)
	}
	at := &assay.Error{Code: cmp.Or(codes[api.Status], assay.CodeInvalid), Where: cmp.Or(fn.Source, fn.Name), Err: err}
	what := api.Message
	var zip *code.BadZipError
	switch {
	case errors.As(api.Err, &zip):
		what, at.Where = zip.Error(), cmp.Or(fn.Code, at.Where)
	case at.Code == assay.CodeUnreachable:
		at.What, at.Where, at.Hint = "the engine is shutting down", e.opts.Dir, "start the laboratory again"
		return at
	}
	at.What = fmt.Sprintf("function %s: %s", fn.Name, what)
	return at
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
	return nil
}

// checkHandler looks for the handler's file in the unpacked code.
func checkHandler(fn assay.Function, folder string) error {
	if provided(fn.Runtime) {
		info, err := os.Stat(filepath.Join(folder, "bootstrap"))
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
	if len(l.files) == 0 {
		return nil // it may be in an archive
	}
	module := l.module(fn.Handler)
	for _, ending := range l.files {
		if info, err := os.Stat(filepath.Join(folder, module+ending)); err == nil && info.Mode().IsRegular() {
			return nil
		}
	}
	return &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("function %s: handler %q names a file that is not there", fn.Name, fn.Handler),
		Where: filepath.Join(fn.Code, module+l.files[0]), Hint: `a handler is named as "file.function"`}
}

func (e *Engine) runtimeDir() string { return filepath.Join(e.opts.Dir, "runtime") }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
