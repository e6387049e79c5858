// Package lambda is the embedded engine: it runs functions on this machine as AWS Lambda would, each
// environment a sandboxed process that speaks Lambda's Runtime API. Functions and invocations come in,
// by the Invoker door or by AWS's own HTTP API; observations and answers go out.
package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"syscall"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/runtimeapi"
	"github.com/assaylab/assay/lambda/sandbox"
)

// Options of an Engine. Only Dir must be set.
type Options struct {
	Dir string // definitions, copies of code, and temporary folders live here; one engine at a time uses it

	Private string // a folder that is never part of a function's code, wherever it lies; Dir if empty

	Log    *slog.Logger // nothing is logged if nil
	Prices assay.Prices // those published for this machine's architecture if zero

	MaxEnvironments int           // processes at once, of all functions together; 64 if zero
	Concurrency     int           // environments at once of a function that sets no limit; 16 if zero
	MaxInits        int           // environments that initialize at once; 8 if zero
	MaxEvents       int           // Event invocations accepted and not finished; 1000 if zero
	IdleExpiry      time.Duration // an environment ends after this long without work; 10 minutes if zero

	PaceStreams  bool // streamed answers come at AWS's pace: 6 MiB at once, then 2 MiB a second
	ThrottleInit bool // the CPU share holds for init as well, which AWS does not do

	Now      func() time.Time             // the date on records and log lines; time.Now if nil
	LookPath func(string) (string, error) // finds runtimes; exec.LookPath if nil
}

func (o Options) withDefaults() Options {
	o.Private = cmp.Or(o.Private, o.Dir)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Prices = cmp.Or(o.Prices, assay.PublishedPrices().For(architecture()))
	o.MaxEnvironments = cmp.Or(o.MaxEnvironments, 64)
	o.Concurrency = cmp.Or(o.Concurrency, 16)
	o.MaxInits = cmp.Or(o.MaxInits, 8)
	o.MaxEvents = cmp.Or(o.MaxEvents, 1000)
	o.IdleExpiry = cmp.Or(o.IdleExpiry, 10*time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LookPath == nil {
		o.LookPath = exec.LookPath
	}
	return o
}

// Engine runs functions. It is safe for concurrent use.
//
// When all environments of a function are busy and no more may be started, its callers wait for one
// until their context ends. Only a function with a Concurrency of its own throttles at once, as
// reserved concurrency does on AWS. When the engine as a whole is full, the environment that has been
// idle longest makes room.
type Engine struct {
	opts  Options
	lock  *os.File
	host  *sandbox.Host
	inits chan struct{} // a place for each environment that initializes
	api   http.Handler

	hard context.Context // ends when Close waits no longer
	kill context.CancelFunc
	work sync.WaitGroup // environments and Event invocations

	deploying sync.Mutex // one change of Dir at a time
	runtimes  runtimeFinder

	mu           sync.Mutex // guards what follows and all functions
	functions    map[string]*function
	environments map[*environment]bool // those not ended yet
	live         int                   // of them, those that count
	events       int                   // Event invocations not finished
	closed       bool
}

// New returns an Engine with the functions that Dir keeps. It starts no process.
func New(opts Options) (*Engine, error) {
	opts = opts.withDefaults()
	dir, err := makeDirs(opts.Dir)
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the engine cannot keep its state: " + err.Error(), Where: opts.Dir, Err: err}
	}
	opts.Dir = dir
	lock, err := takeOver(dir)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		opts: opts, lock: lock, inits: make(chan struct{}, opts.MaxInits),
		runtimes: runtimeFinder{look: opts.LookPath}, functions: map[string]*function{}, environments: map[*environment]bool{},
	}
	if err := e.restore(); err != nil {
		lock.Close()
		return nil, err
	}
	if e.host, err = sandbox.Open(sandbox.Options{Dir: filepath.Join(dir, "run")}); err != nil {
		lock.Close()
		return nil, err
	}
	e.api = e.routes()
	e.hard, e.kill = context.WithCancel(context.Background())
	return e, nil
}

// makeDirs makes the folders of an engine and returns the true path of the first.
func makeDirs(dir string) (string, error) {
	for _, d := range []string{"functions", "code", "runtime"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return "", err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// takeOver takes the lock that keeps a second engine out, and lays out the runtimes' files.
func takeOver(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, &assay.Error{Code: assay.CodeConflict, What: "another engine uses this folder", Where: dir, Hint: "stop the other laboratory, or choose another --data"}
	}
	if err := writeBootstraps(filepath.Join(dir, "runtime")); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// pace is that of streamed answers.
func (e *Engine) pace() runtimeapi.Pace {
	if e.opts.PaceStreams {
		return runtimeapi.AWSPace
	}
	return runtimeapi.Pace{}
}

// Close takes no more invocations, lets those under way finish until ctx ends, and then kills. When it
// returns, no process, goroutine or temporary file of the engine is left. Event invocations that have
// no environment yet are dropped, and logged.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil // closed, or closing
	}
	e.closed = true
	for _, f := range e.functions {
		f.dismiss(closing())
		f.retireIdle()
	}
	e.mu.Unlock()

	stop := context.AfterFunc(ctx, e.kill)
	e.work.Wait()
	stop()
	e.kill()
	e.deploying.Lock() // a build under way has been killed
	defer e.deploying.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.functions {
		f.log.close()
	}
	return errors.Join(e.host.Close(), e.lock.Close())
}

// Deployments lists what the engine runs, by name.
func (e *Engine) Deployments() []assay.Deployment {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]assay.Deployment, 0, len(e.functions))
	for _, name := range slices.Sorted(maps.Keys(e.functions)) {
		all = append(all, e.functions[name].deployment())
	}
	return all
}

// Deployment describes one function. It fails with CodeNotFound.
func (e *Engine) Deployment(name string) (assay.Deployment, error) {
	f, err := e.find(name)
	if err != nil {
		return assay.Deployment{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return f.deployment(), nil
}

// Logs writes the last lines of a function's log, and, if follow, further ones as they come, until ctx
// ends or the function is removed. It fails with CodeNotFound, or when w does.
func (e *Engine) Logs(ctx context.Context, name string, follow bool, w io.Writer) error {
	f, err := e.find(name)
	if err != nil {
		return err
	}
	return f.log.copyTo(ctx, w, follow)
}

func (e *Engine) find(name string) (*function, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f := e.functions[name]; f != nil {
		return f, nil
	}
	return nil, notFound(name)
}

func notFound(name string) error {
	return &assay.Error{Code: assay.CodeNotFound, What: fmt.Sprintf("there is no function %q on the embedded engine", name), Hint: "deploy it, or see the list: assay get functions"}
}

func closing() answer {
	a := failed(assay.FaultTransport, "ServiceException", "The engine is shutting down.")
	a.status = http.StatusServiceUnavailable
	return a
}
