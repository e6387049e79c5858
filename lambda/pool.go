package lambda

import (
	"cmp"
	"slices"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
)

// settleGrace is how long a caller waits for an environment that has answered and not asked for more
// yet, before another is started: without it, a client that calls again at once would need two.
const settleGrace = 100 * time.Millisecond // some periods of its CPU share

// version is a function's code and configuration at one time, unpacked and ready to run. It does not
// change.
type version struct {
	assay.Function
	Interpreter control.Interpreter

	source  *control.Version
	number  string   // $LATEST, or of a published version
	print   string   // versions with the same fingerprint may share environments
	root    string   // the folder of the code
	layers  []string // folders that become /opt together, the last one on top
	digests []string // of code and layers
	broken  string   // why it cannot run; "" if it can
}

func (v *version) opt() []string { return v.layers }

// function is what the fleet has of a function's name: its limits, and a pool for each version in use.
type function struct {
	name     string
	log      *ring
	reserved int // executions at once; -1: no reserved concurrency
	pools    map[string]*pool
	live     int // environments of all pools
	metrics
	hour hour
}

// executing counts the environments that are at work for a caller.
func (f *function) executing() (n int) {
	for _, p := range f.pools {
		n += p.live - len(p.idle) - p.starting
	}
	return n
}

// full tells whether reserved concurrency takes no further caller: each waits or executes, and an
// environment that has answered is as good as free.
func (f *function) full() bool {
	if f.reserved < 0 {
		return false
	}
	n := f.executing()
	for _, p := range f.pools {
		n += len(p.waiting) - p.settling
	}
	return n >= f.reserved
}

// mayExecute tells whether reserved concurrency lets one more execute.
func (f *function) mayExecute() bool { return f.reserved < 0 || f.executing() < f.reserved }

// pool is a version's environments, and the exchanges that wait for one.
type pool struct {
	function *function
	current  *version
	metrics

	live     int            // environments of any code: starting, idle or busy
	settling int            // environments that have answered and not asked for more yet
	idle     []*environment // of the current code, most recently used last
	waiting  []*exchange    // oldest first

	provisioned int    // environments to have initialized, as provisioned concurrency
	standby     int    // further ones to have initialized, as the definition's standby
	starting    int    // of those, the ones that initialize
	failed      string // why the last one could not be initialized
}

// wanted is how many environments are kept without callers.
func (p *pool) wanted() int { return p.provisioned + p.standby }

// give hands an exchange to the environment used last, so that others may expire.
func (p *pool) give(x *exchange) {
	n := len(p.idle) - 1
	v := p.idle[n]
	p.idle = p.idle[:n]
	v.used = true
	v.calls <- x
}

// retireIdle ends the idle environments but for the last keep ones.
func (p *pool) retireIdle(keep int) {
	n := max(len(p.idle)-keep, 0)
	for _, v := range p.idle[:n] {
		close(v.retired)
	}
	p.idle = slices.Clone(p.idle[n:])
}

// memory is what an environment of the pool is admitted with, in MB.
func (p *pool) memory() int { return cmp.Or(p.current.MemoryMB, assay.DefaultMemoryMB) }
