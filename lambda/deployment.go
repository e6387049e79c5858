package lambda

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
)

// Deployments lists what the engine runs, by name.
func (e *Engine) Deployments() []assay.Deployment {
	all := []assay.Deployment{}
	for _, name := range e.Names() {
		if d, err := e.Deployment(name); err == nil { // else it has just gone
			all = append(all, d)
		}
	}
	return all
}

// Enforced tells what the machine lets functions be held to.
func (e *Engine) Enforced() assay.Enforced { return e.host.Enforced() }

// Deployment describes one function, or, of name:qualifier, a version of it. It fails with
// CodeNotFound.
func (e *Engine) Deployment(name string) (assay.Deployment, error) {
	ref, ok := control.ParseReference(name)
	if !ok {
		return assay.Deployment{}, notFound(name)
	}
	v, err := e.Version(ref.Name, ref.Qualifier)
	if err != nil {
		return assay.Deployment{}, notFound(name)
	}
	sum, _ := hex.DecodeString(v.Digest) // ours
	d := assay.Deployment{
		Function: v.Definition(), ARN: control.FunctionARN(ref.Name), State: "Active", Version: v.Version,
		CodeSHA256: base64.StdEncoding.EncodeToString(sum), Enforced: e.host.Enforced(),
	}
	d.LastModified, _ = time.Parse(control.StampLayout, v.LastModified) // ours
	d.Concurrency, _ = e.Reserved(ref.Name)
	if !e.HasCode(v) {
		d.State, d.Reason = "Failed", codeGone
	}
	e.count(&d, ref.Name, v)
	return d, nil
}

const codeGone = "its code is gone; deploy it again"

// count adds what the fleet knows of a function.
func (e *fleet) count(d *assay.Deployment, name string, v *control.Version) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.functions[name]
	if f == nil {
		return
	}
	d.Environments, d.Busy = f.live, f.live
	for _, p := range f.pools {
		d.Busy -= len(p.idle)
	}
	d.Invocations, d.Errors, d.Throttles, d.ColdStarts = f.invocations, f.errors, f.throttles, f.coldStarts
	for _, number := range slices.Sorted(maps.Keys(f.pools)) {
		p := f.pools[number]
		d.Metrics = append(d.Metrics, assay.Metrics{
			Version: number, Invocations: p.invocations, Errors: p.errors, Throttles: p.throttles, ColdStarts: p.coldStarts,
			Duration: p.duration, Billed: p.billed, Init: p.initialized, MaxMemoryMB: p.maxMemoryMB, Environments: p.live, MaxAtOnce: p.maxLive,
		})
	}
}

// Logs writes the last lines of a function's log, or, of name:qualifier, of a version's, and, if asked
// to follow, further ones as they come, until ctx ends or the function is removed. It fails with
// CodeNotFound, or when w does. Lines are kept in memory: the log begins anew with the engine.
func (e *Engine) Logs(ctx context.Context, name string, q assay.LogQuery, w io.Writer) error {
	ref, ok := control.ParseReference(name)
	v, err := e.Version(ref.Name, ref.Qualifier)
	if !ok || err != nil {
		return notFound(name)
	}
	wanted := func(l line) bool { return strings.Contains(l.stream, q.Stream) }
	if ref.Qualifier != "" {
		wanted = func(l line) bool { return l.version == v.Version && strings.Contains(l.stream, q.Stream) }
	}
	e.mu.Lock()
	f := e.know(ref.Name)
	e.mu.Unlock()
	return f.log.copyTo(ctx, w, wanted, q.Follow)
}
