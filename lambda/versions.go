package lambda

import (
	"context"
	"net/http"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
	"github.com/assaylab/assay/lambda/runtimeapi"
)

// enter finds the version that an exchange is for and submits it there.
func (e *Engine) enter(ref control.Reference, x *exchange) (p *pool, hurry <-chan time.Time, err error) {
	if ref.Region != "" && ref.Region != assay.EmbeddedRegion {
		return nil, nil, notFound(ref.Name)
	}
	cv, err := e.Resolve(ref.Name, ref.Qualifier, e.opts.Random)
	for err == nil {
		if p, hurry := e.offer(cv, x); p != nil {
			return p, hurry, nil
		}
		e.load(x.ctx, cv)
		cv, err = e.Version(cv.FunctionName, cv.Version) // it may have changed meanwhile
	}
	return nil, nil, unknown(ref.Name, err)
}

// offer submits an exchange to a version's pool. There is none if the version is not loaded.
func (e *Engine) offer(cv *control.Version, x *exchange) (*pool, <-chan time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.functions[cv.FunctionName]
	if f == nil {
		return nil, nil
	}
	p := f.pools[cv.Version]
	if p == nil || p.current.source != cv {
		return nil, nil
	}
	x.version = cv.Version
	if len(x.Payload) > runtimeapi.MaxPayload {
		x.answer(tooLarge())
		return p, nil
	}
	return p, e.submit(p, x)
}

// load makes a version ready to run and brings it into force, unless a newer one has taken its place.
func (e *Engine) load(ctx context.Context, cv *control.Version) {
	v := &version{
		Function: cv.Definition(), Interpreter: cv.Interpreter, source: cv, number: cv.Version, print: cv.Fingerprint(),
		digests: append([]string{cv.Digest}, cv.Opt...),
	}
	var err error
	if v.root, v.layers, err = e.Folders(ctx, cv); err != nil {
		v.broken = codeGone
		e.opts.Log.Error("code cannot be unpacked", "function", cv.FunctionName, "version", cv.Version, "error", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if now, err := e.Version(cv.FunctionName, cv.Version); err == nil && now == cv {
		e.install(v)
	}
}

// install makes a version the one that its pool runs. The lock is held.
func (e *Engine) install(v *version) {
	f := e.know(v.Name)
	p := f.pools[v.number]
	if p == nil {
		p = &pool{function: f, current: v}
		f.pools[v.number] = p
	}
	if p.current.print != v.print || v.broken != "" {
		p.retireIdle(0)
	}
	before := p.wanted()
	p.current, p.failed = v, ""
	p.provisioned, p.standby = e.Provisions(v.Name)[v.number], v.standby()
	if after := p.wanted(); after < before {
		p.retireIdle(after)
	}
	e.refill() // for callers that the old limit kept waiting
}

// standby is how many environments are to be ready for callers, as the definition has it. It is of
// $LATEST: versions have provisioned concurrency.
func (v *version) standby() int {
	if v.number != latest {
		return 0
	}
	return v.Standby
}

// know is the fleet's part of a function that is defined. The lock is held.
func (e *Engine) know(name string) *function {
	f := e.functions[name]
	if f == nil {
		f = &function{name: name, log: &ring{}, pools: map[string]*pool{}}
		e.functions[name] = f
		e.limit(f)
	}
	return f
}

// limit reads a function's reserved concurrency.
func (e *Engine) limit(f *function) {
	f.reserved = -1
	if n, ok := e.Reserved(f.name); ok {
		f.reserved = n
	}
	if f.reserved == 0 {
		for _, p := range f.pools {
			e.dismiss(p, throttled(reasonReserved))
		}
	}
}

// changed follows what the control plane tells of a function: pools of what is no longer there end, the
// others get their new version and limits. Versions without a pool are loaded when they are invoked,
// unless they are to have environments at the ready.
func (e *Engine) changed(name string) {
	for _, cv := range e.outdated(name) {
		e.load(e.hard, cv)
	}
}

// outdated lists the versions of a function to be loaded after a change of it.
func (e *Engine) outdated(name string) (list []*control.Version) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.Version(name, ""); err != nil {
		e.drop(e.functions[name])
		return nil
	}
	f, provisions := e.know(name), e.Provisions(name)
	e.limit(f)
	for number, p := range f.pools {
		switch cv, err := e.Version(name, number); {
		case err != nil:
			e.end(p)
		case cv != p.current.source || p.provisioned != provisions[number]:
			list = append(list, cv)
		}
	}
	for number := range provisions {
		if cv, err := e.Version(name, number); err == nil && f.pools[number] == nil {
			list = append(list, cv)
		}
	}
	if cv, err := e.Version(name, latest); err == nil && f.pools[latest] == nil && cv.Definition().Standby > 0 {
		list = append(list, cv)
	}
	e.refill()
	return list
}

// drop ends a function that is no longer there.
func (e *Engine) drop(f *function) {
	if f == nil {
		return
	}
	delete(e.functions, f.name)
	for _, p := range f.pools {
		e.end(p)
	}
	f.log.close()
}

// end ends a version that is no longer there. What it has begun finishes.
func (e *Engine) end(p *pool) {
	delete(p.function.pools, p.current.number)
	p.retireIdle(0)
	e.dismiss(p, removed(p.function.name))
}

func removed(name string) answer {
	a := failed(assay.FaultTransport, "ResourceNotFoundException", "Function not found: "+control.FunctionARN(name))
	a.status = http.StatusNotFound
	return a
}

// running are the digests of the code that environments run from.
func (e *Engine) running() (digests []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for v := range e.environments {
		digests = append(digests, v.version.digests...)
	}
	return digests
}

// provision tells how far a version's provisioned environments are.
func (e *Engine) provision(name, number string) (state control.Provision) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f := e.functions[name]; f != nil && f.pools[number] != nil {
		p := f.pools[number]
		state.Allocated, state.Available, state.Failed = p.live-p.starting, len(p.idle), p.failed
	}
	return state
}
