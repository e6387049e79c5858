package lambda

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
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
		CodeSHA256: base64.StdEncoding.EncodeToString(sum),
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
}

// Logs writes the last lines of a function's log, and, if follow, further ones as they come, until ctx
// ends or the function is removed. It fails with CodeNotFound, or when w does.
func (e *Engine) Logs(ctx context.Context, name string, follow bool, w io.Writer) error {
	e.mu.Lock()
	f := e.functions[name]
	e.mu.Unlock()
	if f == nil {
		return notFound(name)
	}
	return f.log.copyTo(ctx, w, follow)
}
