// Package control is the control plane of the embedded engine: what functions, versions, aliases and
// layers there are, and how AWS's operations change them. Operations come in, with the names, rules and
// messages of AWS; what they ask for goes out, and is kept in a folder over restarts. It runs nothing:
// the engine asks it what a name stands for, and is told when that has changed.
package control

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assaylab/assay/lambda/code"
)

// The account's limits, AWS's defaults.
const (
	AccountConcurrency = 1000
	minUnreserved      = 100
	maxLayers          = 5
	maxAccountCode     = 80 << 30 // bytes of zips that AWS keeps for an account; told, not enforced
)

// Options of a Plane. Only Dir must be set.
type Options struct {
	Dir string // functions/, layers/, mappings/ and the code store's folders live here

	Log *slog.Logger     // nothing is logged if nil
	Now func() time.Time // time.Now if nil

	// Transition is how long a function stays Pending, or its update InProgress. Zero, the default,
	// ends it before anybody can read it: clients' waiters poll every 5 seconds.
	Transition time.Duration

	// Runtime finds the interpreter of a managed runtime. An error says that the machine has none. nil
	// takes every runtime and finds nothing.
	Runtime func(ctx context.Context, runtime string) (Interpreter, error)

	// Changed is told the name of a function that has just changed or gone, after the change is kept. It
	// must not call back into the Plane's changes.
	Changed func(name string)

	// Running are the digests of code that processes run from, which may be older than what is defined.
	Running func() []string

	// Provisioned tells how far a version's provisioned environments are. nil: they are ready at once.
	Provisioned func(name, version string) Provision
}

func (o Options) withDefaults() Options {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Changed == nil {
		o.Changed = func(string) {}
	}
	if o.Running == nil {
		o.Running = func() []string { return nil }
	}
	if o.Runtime == nil {
		o.Runtime = func(context.Context, string) (Interpreter, error) { return Interpreter{}, nil }
	}
	return o
}

// Plane is the control plane. It is safe for concurrent use. Reading never waits for a change; changes
// of one function take turns, and wait for no other function's.
type Plane struct {
	opts    Options
	code    *code.Store
	damaged bool // a file could not be read, so that what it refers to is not known

	life   sync.RWMutex // held for reading while the folder is written
	closed bool         // the folder may be another's

	mu        sync.RWMutex // guards the maps, not what is in them
	functions map[string]*function
	layers    map[string]*layer
	mappings  map[string]EventSourceMapping
	accounts  sync.Mutex // held while the account's reserved concurrency is divided
}

// function is a name. Its record is replaced as a whole by each change.
type function struct {
	updating sync.Mutex             // held from the beginning of an update to its end
	changing sync.Mutex             // held while the record is replaced
	now      atomic.Pointer[record] // nil once deleted
}

// record is all that is defined under a function's name. It is never changed in place.
type record struct {
	Format      int                          `json:"format"`
	Name        string                       `json:"name"`
	Latest      *Version                     `json:"latest"`
	Versions    []*Version                   `json:"versions,omitempty"` // published, oldest first
	Last        int                          `json:"last,omitempty"`     // the last number given to a version
	Aliases     map[string]Alias             `json:"aliases,omitempty"`
	Policies    map[string]policy            `json:"policies,omitempty"` // by qualifier, "" for the function's
	Tags        map[string]string            `json:"tags,omitempty"`
	Reserved    *int                         `json:"reserved,omitempty"`
	Provisioned map[string]provisionRequest  `json:"provisioned,omitempty"` // by qualifier
	Events      map[string]EventInvokeConfig `json:"events,omitempty"`      // by qualifier, "$LATEST" for the function's
	URLs        map[string]FunctionURLConfig `json:"urls,omitempty"`        // by alias, "" for the function's
	Runtimes    map[string]RuntimeManagement `json:"runtimes,omitempty"`    // by qualifier
	Recursion   string                       `json:"recursion,omitempty"`
}

// clone is a copy that may be changed: maps are its own, slices must be replaced.
func (r *record) clone() *record {
	c := *r
	c.Versions = slices.Clone(r.Versions)
	c.Aliases = cloned(r.Aliases)
	c.Policies = cloned(r.Policies)
	c.Tags = cloned(r.Tags)
	c.Provisioned = cloned(r.Provisioned)
	c.Events = cloned(r.Events)
	c.URLs = cloned(r.URLs)
	c.Runtimes = cloned(r.Runtimes)
	return &c
}

func cloned[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

// Open reads what the folder keeps. A file that cannot be read is logged, and left where it is.
func Open(opts Options) (*Plane, error) {
	opts = opts.withDefaults()
	store, err := code.Open(opts.Dir)
	if err != nil {
		return nil, err
	}
	p := &Plane{
		opts: opts, code: store,
		functions: map[string]*function{}, layers: map[string]*layer{}, mappings: map[string]EventSourceMapping{},
	}
	return p, p.restore()
}

// Close lets nothing more be changed, and returns when nothing is being written. Reading goes on.
func (p *Plane) Close() {
	p.life.Lock()
	defer p.life.Unlock()
	p.closed = true
}

// writing begins a change of the folder, unless the Plane is closed.
func (p *Plane) writing() (end func(), err error) {
	p.life.RLock()
	if p.closed {
		p.life.RUnlock()
		return nil, &APIError{Status: http.StatusServiceUnavailable, Code: "ServiceException", Message: "The engine is shutting down."}
	}
	return p.life.RUnlock, nil
}

// find is a function's record, or an APIError.
func (p *Plane) find(name, qualifier string) (*record, error) {
	if f := p.function(name); f != nil {
		if r := f.now.Load(); r != nil {
			return r, nil
		}
	}
	return nil, noFunction(name, qualifier)
}

func (p *Plane) function(name string) *function {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.functions[name]
}

// names lists the functions that there are.
func (p *Plane) names() []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Sorted(maps.Keys(p.functions))
}

// records are those of all functions, by name.
func (p *Plane) records() []*record {
	var all []*record
	for _, name := range p.names() {
		if r, err := p.find(name, ""); err == nil {
			all = append(all, r)
		}
	}
	return all
}

// change lets edit change a copy of a function's record, keeps the copy, and puts it in force. If edit
// or the disk fails, nothing has changed.
func (p *Plane) change(name string, edit func(*record) error) error {
	f := p.function(name)
	if f == nil {
		return noFunction(name, "")
	}
	f.changing.Lock()
	defer f.changing.Unlock()
	r := f.now.Load()
	if r == nil {
		return noFunction(name, "")
	}
	next := r.clone()
	if err := edit(next); err != nil {
		return err
	}
	if err := p.save(next); err != nil {
		return err
	}
	f.now.Store(next)
	p.opts.Changed(name)
	return nil
}

// updating begins what AWS does not do while another update of the function is in progress. The caller
// ends it.
func (p *Plane) updating(name string) (end func(), err error) {
	f := p.function(name)
	if f == nil {
		return nil, noFunction(name, "")
	}
	if !f.updating.TryLock() {
		return nil, updating(name)
	}
	r := f.now.Load()
	switch {
	case r == nil:
		err = noFunction(name, "")
	case p.opts.Now().Before(r.Latest.Settles):
		err = updating(name)
	}
	if err != nil {
		f.updating.Unlock()
		return nil, err
	}
	return f.updating.Unlock, nil
}

// HasCode tells whether a version's zip is there.
func (p *Plane) HasCode(v *Version) bool { return p.code.Has(v.Digest) }

// Folders are where a version's code and its layers are, unpacked.
func (p *Plane) Folders(ctx context.Context, v *Version) (root string, layers []string, err error) {
	if root, err = p.code.Folder(ctx, v.Digest); err != nil {
		return "", nil, err
	}
	for _, digest := range v.Opt {
		layer, err := p.code.Folder(ctx, digest)
		if err != nil {
			return "", nil, err
		}
		layers = append(layers, layer)
	}
	return root, layers, nil
}

// Zip is the path of the zip that a version runs, for reading; it may be swept once the function changes.
func (p *Plane) Zip(name, qualifier string) (string, error) {
	v, err := p.version(name, qualifier)
	if err != nil {
		return "", err
	}
	return p.code.ZipPath(v.Digest), nil
}
