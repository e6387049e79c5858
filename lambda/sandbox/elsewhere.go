//go:build !linux

package sandbox

import (
	"context"
	"net"
	"runtime"

	"github.com/assaylab/assay"
)

// Host makes no sandboxes: what they are made of is Linux's.
type Host struct{}

// Open succeeds, so that a laboratory whose functions are elsewhere runs on this machine too.
func Open(Options) (*Host, error) { return &Host{}, nil }

// Enforced tells that nothing is.
func (*Host) Enforced() assay.Enforced {
	return assay.Enforced{Reasons: map[string]string{"functions": "the embedded engine needs Linux"}}
}

// New fails, and says what to do.
func (*Host) New(Config) (*Sandbox, error) {
	return nil, &assay.Error{Code: assay.CodeInvalid, What: "functions cannot run on " + runtime.GOOS + ": the embedded engine needs Linux",
		Hint: "run this laboratory on Linux (a container or a virtual machine will do), or name functions that run elsewhere by url: or arn:"}
}

// Close does nothing.
func (*Host) Close() error { return nil }

// Sandbox cannot be had.
type Sandbox struct{}

// Process cannot be had.
type Process struct{}

// The methods below have no receiver to be called with.

func (*Sandbox) Start(Command) (*Process, error)             { return nil, ErrClosed }
func (*Sandbox) Kill() error                                 { return nil }
func (*Sandbox) Close() error                                { return nil }
func (*Sandbox) Freeze() error                               { return nil }
func (*Sandbox) Thaw() error                                 { return nil }
func (*Sandbox) Throttle(bool) error                         { return nil }
func (*Sandbox) Usage() Usage                                { return Usage{} }
func (*Sandbox) PeakMemory() int64                           { return 0 }
func (*Sandbox) ResetPeak()                                  {}
func (*Sandbox) Path(aws string) string                      { return aws }
func (*Sandbox) Listen() (net.Listener, error)               { return nil, ErrClosed }
func (*Sandbox) Dial(context.Context, int) (net.Conn, error) { return nil, ErrClosed }

func (*Process) Done() <-chan struct{} { return nil }
func (*Process) Exit() error           { return ErrClosed }
func (*Process) Flush()                {}
func (*Process) Kill()                 {}
func (*Process) PID() int              { return 0 }
func (*Process) Terminate()            {}

// KillOrphans has none to look for.
func KillOrphans(string) {}

// Tools has nothing to list.
func Tools(string) []string { return nil }
