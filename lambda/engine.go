// Package lambda is the embedded engine: it runs functions on this machine as AWS Lambda would, each
// environment a sandboxed process that speaks Lambda's Runtime API. Functions and invocations come in,
// by the Invoker door or by AWS's own HTTP API; observations and answers go out.
package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/async"
	"github.com/assaylab/assay/lambda/control"
	"github.com/assaylab/assay/lambda/runtimeapi"
	"github.com/assaylab/assay/lambda/sandbox"
)

// Options of an Engine. Only Dir must be set.
type Options struct {
	Dir string // definitions, copies of code, and temporary folders live here; one engine at a time uses it

	Log    *slog.Logger // nothing is logged if nil
	Prices assay.Prices // those published for this machine's architecture if zero

	MaxEnvironments int           // environments at once, of all functions together; 64 if zero
	MemoryMB        int           // what they may be configured with in sum; the machine's memory if zero
	Concurrency     int           // environments at once of a function that sets no limit; 16 if zero
	MaxQueue        int           // callers of a version that wait for an environment; 1000 if zero
	MaxInits        int           // environments that initialize at once; 8 if zero
	MaxEvents       int           // Event invocations accepted and not done; 1000 if zero
	IdleExpiry      time.Duration // an environment ends after this long without work; 10 minutes if zero

	PaceStreams  bool // streamed answers come at AWS's pace: 6 MiB at once, then 2 MiB a second
	ThrottleInit bool // the CPU share holds for init as well, which AWS does not do

	Random   func() float64               // from [0, 1), chooses by an alias's weights; math/rand's if nil
	Now      func() time.Time             // the date on records and log lines; time.Now if nil
	LookPath func(string) (string, error) // finds runtimes; exec.LookPath if nil
}

func (o Options) withDefaults() Options {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Prices = cmp.Or(o.Prices, assay.PublishedPrices().For(control.Architecture()))
	o.MaxEnvironments = cmp.Or(o.MaxEnvironments, 64)
	o.Concurrency = cmp.Or(o.Concurrency, 16)
	o.MemoryMB = cmp.Or(o.MemoryMB, int(sandbox.MachineMemory()>>20), 4096)
	o.MaxQueue = cmp.Or(o.MaxQueue, 1000)
	o.MaxInits = cmp.Or(o.MaxInits, 8)
	o.MaxEvents = cmp.Or(o.MaxEvents, 1000)
	o.IdleExpiry = cmp.Or(o.IdleExpiry, 10*time.Minute)
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LookPath == nil {
		o.LookPath = exec.LookPath
	}
	return o
}

// Engine runs functions: those that its control plane defines, in environments that its fleet decides
// on. It is safe for concurrent use.
//
// When all environments of a function are busy and no more may be started, its callers wait for one
// until their context ends. Only a function with reserved concurrency throttles at once, as on AWS.
// When the engine as a whole is full, the environments that have been idle longest make room.
type Engine struct {
	*control.Plane
	fleet

	opts     Options
	lock     *os.File
	host     *sandbox.Host
	inits    chan struct{} // a place for each environment that initializes
	runtimes runtimeFinder

	hard   context.Context // ends when Close waits no longer
	kill   context.CancelFunc
	work   sync.WaitGroup // environments
	events *async.Queue
}

// New returns an Engine with the functions that Dir keeps. It starts no process but for those that are
// to be at the ready.
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
	e := &Engine{opts: opts, lock: lock, inits: make(chan struct{}, opts.MaxInits), runtimes: runtimeFinder{look: opts.LookPath}}
	e.fleet = fleet{
		limits:    limits{opts.MaxEnvironments, opts.MemoryMB, opts.Concurrency, opts.MaxQueue},
		create:    func(p *pool) *environment { return newEnvironment(e, p) },
		launch:    func(v *environment, x *exchange) { e.work.Go(func() { v.run(x) }) },
		functions: map[string]*function{}, environments: map[*environment]bool{},
	}
	e.hard, e.kill = context.WithCancel(context.Background())
	if err := e.open(); err != nil {
		lock.Close()
		return nil, err
	}
	for _, name := range e.Names() {
		e.work.Go(func() { e.changed(name) })
	}
	return e, nil
}

// open opens what the engine is made of.
func (e *Engine) open() (err error) {
	if e.host, err = sandbox.Open(sandbox.Options{Dir: filepath.Join(e.opts.Dir, "run"), Log: e.opts.Log}); err != nil {
		return err
	}
	e.Plane, err = control.Open(control.Options{
		Dir: e.opts.Dir, Log: e.opts.Log, Now: e.opts.Now, Runtime: e.runtimes.find,
		Changed: e.changed, Running: e.running, Provisioned: e.provision,
	})
	if err == nil {
		err = e.openEvents()
	}
	if err != nil {
		return errors.Join(err, e.host.Close())
	}
	return nil
}

// makeDirs makes the folders of an engine and returns the true path of the first.
func makeDirs(dir string) (string, error) {
	for _, d := range []string{"runtime"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return "", err
		}
	}
	if err := os.Chmod(filepath.Join(dir, "runtime"), 0o755); err != nil { // functions are other users
		return "", err
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
// returns, no process, goroutine or temporary file of the engine is left. Event invocations that are
// not done are kept for the next engine.
func (e *Engine) Close(ctx context.Context) error {
	if !e.shut() {
		return nil // closed, or closing
	}
	e.Plane.Close()
	stop := context.AfterFunc(ctx, e.kill)
	e.events.Close()
	e.work.Wait()
	stop()
	e.kill()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.functions {
		f.log.close()
	}
	return errors.Join(e.host.Close(), e.lock.Close())
}

func notFound(name string) error { return unknown(name, nil) }

func unknown(name string, cause error) error {
	return &assay.Error{Code: assay.CodeNotFound, What: fmt.Sprintf("there is no function %q on the embedded engine", name), Hint: "deploy it, or see the list: assay get functions", Err: cause}
}

func closing() answer {
	a := failed(assay.FaultTransport, "ServiceException", "The engine is shutting down.")
	a.status = http.StatusServiceUnavailable
	return a
}
