package lambda

import (
	"encoding/base64"
	"slices"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/runtimeapi"
)

// settleGrace is how long a caller waits for an environment that has answered and not asked for more
// yet, before another is started: without it, a client that calls again at once would need two.
const settleGrace = 20 * time.Millisecond

// version is a function's code and configuration at one time. It does not change.
type version struct {
	assay.Function
	CodeSHA256  []byte      `json:"code_sha256"`
	CodeSize    int64       `json:"code_size"`
	Interpreter interpreter `json:"interpreter"`
	Modified    time.Time   `json:"last_modified"`

	root   string   // the copy of the code
	layers []string // folders that become /opt together, the last one on top
}

func (v *version) opt() []string { return v.layers }

// function is a name of the engine: what is deployed under it, and its environments. The engine's lock
// guards it.
type function struct {
	current *version
	broken  string // why the current version cannot run; "" if it can
	removed bool
	log     *ring

	live     int            // environments of any version: starting, idle or busy
	settling int            // environments that have answered and not asked for more yet
	idle     []*environment // of the current version, most recently used last
	waiting  []*exchange    // oldest first

	invocations, errors, throttles, coldStarts int64
}

func (f *function) deployment() assay.Deployment {
	d := assay.Deployment{
		Function: f.current.Function, ARN: functionARN(f.current.Name), State: "Active", Version: latest,
		CodeSHA256: base64.StdEncoding.EncodeToString(f.current.CodeSHA256), LastModified: f.current.Modified,
		Environments: f.live, Busy: f.live - len(f.idle),
		Invocations: f.invocations, Errors: f.errors, Throttles: f.throttles, ColdStarts: f.coldStarts,
	}
	if f.broken != "" {
		d.State, d.Reason = "Failed", f.broken
	}
	return d
}

// takeIdle takes the environment used last, so that others may expire.
func (f *function) takeIdle() *environment {
	n := len(f.idle)
	if n == 0 {
		return nil
	}
	v := f.idle[n-1]
	f.idle = f.idle[:n-1]
	return v
}

func (f *function) retireIdle() {
	for _, v := range f.idle {
		close(v.retired)
	}
	f.idle = nil
}

// dismiss answers all that wait for an environment.
func (f *function) dismiss(a answer) {
	for _, x := range f.waiting {
		x.answer(a)
	}
	f.waiting = nil
}

// submit finds an environment for an exchange, or lets it wait for one, or answers it. While hurry is
// not nil, the caller should insist when it fires.
func (e *Engine) submit(ref reference, x *exchange) (f *function, hurry <-chan time.Time, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f = e.functions[ref.name]
	if f == nil || ref.region != "" && ref.region != assay.EmbeddedRegion || ref.qualifier != "" && ref.qualifier != latest {
		return nil, nil, notFound(ref.name)
	}
	if len(x.Payload) > runtimeapi.MaxPayload {
		x.answer(tooLarge())
		return f, nil, nil
	}
	f.invocations++
	switch v := f.takeIdle(); {
	case e.closed:
		x.answer(closing())
	case f.broken != "":
		f.errors++
		x.answer(failed(assay.FaultCrash, "Runtime.InvalidEntrypoint", f.broken))
		close(x.done)
	case v != nil:
		v.calls <- x
	case f.settling > len(f.waiting):
		f.waiting = append(f.waiting, x)
		hurry = time.After(settleGrace)
	default:
		e.demand(f, x)
	}
	return f, hurry, nil
}

// insist ends an exchange's waiting for an environment to settle. The lock is not held.
func (e *Engine) insist(f *function, x *exchange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.Index(f.waiting, x); i >= 0 {
		f.waiting = slices.Delete(f.waiting, i, i+1)
		e.demand(f, x)
	}
}

// demand starts an environment for an exchange, else throttles it or lets it wait.
func (e *Engine) demand(f *function, x *exchange) {
	switch {
	case e.start(f, x):
	case f.current.Concurrency > 0 && f.live >= f.current.Concurrency && !x.Patient:
		f.throttles++
		a := throttled(reasonReserved)
		a.memoryMB = f.current.MemoryMB
		x.answer(a)
	default:
		f.waiting = append(f.waiting, x)
	}
}

// start starts an environment for an exchange, if the limits allow it or another function's idle
// environment can make room.
func (e *Engine) start(f *function, x *exchange) bool {
	limit := f.current.Concurrency
	if limit == 0 {
		limit = e.opts.Concurrency
	}
	if f.live >= limit || e.live >= e.opts.MaxEnvironments && !e.evict() {
		return false
	}
	f.live++
	f.coldStarts++
	e.live++
	v := newEnvironment(e, f)
	e.environments[v] = true
	e.work.Go(func() { v.run(x) })
	return true
}

// evict retires the environment that has been idle longest. It counts as gone at once, though a process
// that registered an extension has termGrace to end.
func (e *Engine) evict() bool {
	var oldest *function
	for _, f := range e.functions {
		if len(f.idle) > 0 && (oldest == nil || f.idle[0].idleSince.Before(oldest.idle[0].idleSince)) {
			oldest = f
		}
	}
	if oldest == nil {
		return false
	}
	v := oldest.idle[0]
	oldest.idle = slices.Delete(oldest.idle, 0, 1)
	e.discount(v)
	close(v.retired)
	return true
}

// discount takes an environment out of the count of the living, once.
func (e *Engine) discount(v *environment) {
	if !v.discounted {
		v.discounted = true
		v.function.live--
		e.live--
	}
}

// forget takes an exchange whose caller has gone out of the queue, and tells whether it was there.
func (e *Engine) forget(f *function, x *exchange) (queued bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.Index(f.waiting, x)
	if i >= 0 {
		f.waiting = slices.Delete(f.waiting, i, i+1)
	}
	return i >= 0
}

// settle notes that an environment has answered; it will be free soon.
func (e *Engine) settle(v *environment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v.settling = true
	v.function.settling++
}

func (e *Engine) settled(v *environment) {
	if v.settling {
		v.settling = false
		v.function.settling--
	}
}

func (e *Engine) countError(f *function) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f.errors++
}

// countCold counts the start of processes in an environment that has had some before.
func (e *Engine) countCold(f *function) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f.coldStarts++
}

// free is called by an environment that can take another exchange: it gets one that waits, or becomes
// idle, or is told to end.
func (e *Engine) free(v *environment) (x *exchange, stay bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settled(v)
	f := v.function
	switch {
	case f.removed || !v.version.same(f.current) || e.closed || e.starved(f):
		return nil, false
	case len(f.waiting) > 0:
		x = f.waiting[0]
		f.waiting = slices.Delete(f.waiting, 0, 1)
	default:
		v.idleSince = time.Now()
		f.idle = append(f.idle, v)
	}
	return x, true
}

// starved tells whether the engine is full and callers of another function, without an environment,
// have nothing to wait for but one of this function's.
func (e *Engine) starved(by *function) bool {
	if e.live < e.opts.MaxEnvironments {
		return false
	}
	for _, f := range e.functions {
		if f != by && f.live == 0 && len(f.waiting) > 0 {
			return true
		}
	}
	return false
}

// leave lets an idle environment end, unless it was given an exchange meanwhile.
func (e *Engine) leave(v *environment) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.Index(v.function.idle, v)
	if i < 0 {
		return false
	}
	v.function.idle = slices.Delete(v.function.idle, i, i+1)
	return true
}

// ended is called by an environment that is no more. An exchange it was given and did not begin goes
// back to the queue's head, and callers that waited for room get it.
func (e *Engine) ended(v *environment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settled(v)
	e.discount(v)
	delete(e.environments, v)
	f := v.function
	if i := slices.Index(f.idle, v); i >= 0 {
		f.idle = slices.Delete(f.idle, i, i+1)
	}
	select {
	case x := <-v.calls:
		f.waiting = slices.Insert(f.waiting, 0, x)
	default:
	}
	switch {
	case e.closed:
		f.dismiss(closing())
		return
	case f.removed:
		f.dismiss(removed(f.current.Name))
	}
	e.refill()
}

// refill starts environments for callers that wait, functions without any first.
func (e *Engine) refill() {
	for _, without := range []bool{true, false} {
		for _, f := range e.functions {
			for len(f.waiting) > 0 && (f.live == 0) == without && e.start(f, f.waiting[0]) {
				f.waiting = slices.Delete(f.waiting, 0, 1)
			}
		}
	}
}
