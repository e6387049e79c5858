package control

import (
	"context"
	"io"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/code"
)

// Deploy makes a function what a definition file says, with its code in a zip: it creates it, or
// updates code and configuration at once. check looks at the unpacked code before anything changes.
// The same code and configuration again change nothing. It waits for an update under way, and fails
// with an *APIError or with what check says.
func (p *Plane) Deploy(ctx context.Context, fn assay.Function, zip io.Reader, check func(folder string) error) error {
	if f := p.function(fn.Name); f != nil {
		f.updating.Lock()
		defer f.updating.Unlock()
	}
	defer p.sweep()
	defer p.code.Hold()()
	v, err := p.defined(ctx, fn, zip)
	if err != nil {
		return err
	}
	folder, err := p.code.Folder(ctx, v.Digest)
	if err != nil {
		return zipError(err)
	}
	if err := check(folder); err != nil {
		return err
	}
	if err := p.install(v); err != nil {
		return err
	}
	return p.reserve(fn.Name, fn.Concurrency)
}

// defined is the version that a definition describes.
func (p *Plane) defined(ctx context.Context, fn assay.Function, zip io.Reader) (*Version, error) {
	seconds := int((fn.Timeout + time.Second - 1) / time.Second)
	in := CreateFunctionInput{
		FunctionName: fn.Name, Runtime: fn.Runtime, Handler: fn.Handler, Timeout: &seconds, MemorySize: &fn.MemoryMB,
		Environment: &Environment{fn.Environment}, Layers: fn.Layers,
	}
	if fn.TmpMB > 0 {
		in.EphemeralStorage = &EphemeralStorage{fn.TmpMB}
	}
	v, err := p.first(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := p.loadZip(ctx, v, zip, code.MaxUnzipped); err != nil {
		return nil, err
	}
	v.Limit, v.Function = fn.Timeout, &fn
	return v, nil
}

// install makes a version the function's $LATEST, and the function if there is none.
func (p *Plane) install(v *Version) error {
	r, err := p.find(v.FunctionName, "")
	if err != nil {
		p.stamp(v)
		return p.add((&record{Format: format, Name: v.FunctionName, Latest: v}).clone())
	}
	v.Role, v.Description = r.Latest.Role, r.Latest.Description
	v.DeadLetterConfig, v.TracingConfig, v.LoggingConfig = r.Latest.DeadLetterConfig, r.Latest.TracingConfig, r.Latest.LoggingConfig
	v.Created = false
	if v.digest() != r.Latest.digest() || v.Interpreter != r.Latest.Interpreter {
		return p.replace(v.FunctionName, v)
	}
	return p.change(v.FunctionName, func(r *record) error { // where it is defined may have changed
		same := *r.Latest
		same.Function = v.Function
		r.Latest = &same
		return nil
	})
}

// reserve sets or ends a function's reserved concurrency, unless it is so already.
func (p *Plane) reserve(name string, executions int) error {
	now, ok := p.Reserved(name)
	switch {
	case executions == now && ok == (executions > 0):
		return nil
	case executions == 0:
		return p.DeleteFunctionConcurrency(name)
	}
	_, err := p.PutFunctionConcurrency(name, executions)
	return err
}

// Definition is the version in the words of definition files. What the API has changed since the file
// was read shows in it.
func (v *Version) Definition() assay.Function {
	fn := assay.Function{Source: "api"}
	if v.Function != nil {
		fn = *v.Function
	}
	fn.Name, fn.Runtime, fn.Handler, fn.MemoryMB, fn.Timeout = v.FunctionName, v.Runtime, v.Handler, v.MemorySize, v.Limit
	fn.Layers, fn.Environment, fn.Network = nil, nil, v.Network()
	for _, l := range v.Layers {
		fn.Layers = append(fn.Layers, l.Arn)
	}
	if v.EphemeralStorage.Size != defaultTmpMB {
		fn.TmpMB = v.EphemeralStorage.Size
	}
	if v.Environment != nil {
		fn.Environment = v.Environment.Variables
	}
	return fn
}

// NetworkVariable opens the network to a function that was made through AWS's API, which has no word for it:
// "host" as its value does.
const NetworkVariable = "ASSAY_NETWORK"

// Network tells whether a version's processes may reach the network.
func (v *Version) Network() bool {
	return v.Function != nil && v.Function.Network || v.Environment != nil && v.Environment.Variables[NetworkVariable] == "host"
}
