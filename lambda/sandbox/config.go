// Package sandbox runs functions' processes apart from the rest of the machine: what AWS calls an
// execution environment, as the kernel sees it. In comes a Config, out comes a Sandbox, in which
// Commands become Processes: in a control group, in namespaces of their own, and without privileges, as
// far as the machine allows. They take Linux: elsewhere a Host opens, but makes none. docs/sandbox.md
// tells what is enforced how.
package sandbox

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"time"
)

// Options of a Host. Only Dir must be set.
type Options struct {
	// Dir holds what sandboxes keep on disk. It belongs to one Host at a time: Open ends and removes
	// what a Host that was killed left there.
	Dir string

	Log *slog.Logger // told once what is not enforced; nothing is logged if nil

	NoGroups bool // use no control groups
	NoSpaces bool // use no namespaces
}

// Config says what a sandbox is. Nothing is inherited from the calling process.
type Config struct {
	MemoryMB int     // the limit of all its processes together, files in /tmp aside; 0 for none
	CPU      float64 // cores' worth of CPU time while throttled; 0 for no limit
	Pids     int     // processes and threads at once; AWS's 1024 if 0
	TmpMB    int     // size of /tmp; AWS's 512 if 0

	Task    string   // becomes /var/task
	Opt     []string // become /opt together, the last one on top
	Runtime string   // becomes /var/runtime
	Tools   []string // folders that its processes need at their own paths, such as Tools(interpreter)

	Network bool // may reach what this machine reaches
}

func (c Config) withDefaults() Config {
	c.Pids = cmp.Or(c.Pids, 1024)
	c.TmpMB = cmp.Or(c.TmpMB, 512)
	return c
}

// Command says what to run.
type Command struct {
	Path string   // the program, absolute, as the sandbox's processes see it
	Args []string // its arguments, without its own name
	Env  []string // its whole environment, as KEY=value; where /tmp is not its own, TMPDIR is added
	Dir  string   // its working directory

	// Input is what the process reads from stdin, where nothing is if it is nil.
	Input []byte

	// Output gets what the process and its children write to stdout and stderr, in order, from one
	// goroutine at a time. Errors, if not nil, gets stderr in its place.
	Output io.Writer
	Errors io.Writer
}

// Usage is what a sandbox used since it was made, all its processes together.
type Usage struct {
	PeakMemory int64         // bytes, since ResetPeak; see docs/sandbox.md for what counts
	CPU        time.Duration // user and system time; 0 if unknown
	OOMKills   int           // processes killed at the memory limit
}

// ErrClosed is the error of a sandbox that was closed.
var ErrClosed = errors.New("the sandbox is closed")
