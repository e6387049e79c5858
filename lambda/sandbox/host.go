// Package sandbox runs functions' processes apart from the rest of the machine: what AWS calls an
// execution environment, as the kernel sees it. In comes a Config, out comes a Sandbox, in which
// Commands become Processes. Linux only.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
)

// Options of a Host. Only Dir must be set.
type Options struct {
	// Dir holds what sandboxes keep on disk. It belongs to one Host at a time: Open ends and removes
	// what a Host that was killed left there.
	Dir string
}

// Enforced says what a sandbox of a Host can be held to. What is false is not done at all, and Reasons
// says why, by the name of the guarantee in lower case.
type Enforced struct {
	Memory  bool `json:"memory"`  // the limit, and the peak of the whole tree
	CPU     bool `json:"cpu"`     // a share in proportion to memory
	Pids    bool `json:"pids"`    // a limit of processes
	Freeze  bool `json:"freeze"`  // nothing runs between invocations
	Mounts  bool `json:"mounts"`  // AWS's paths, read-only but for a sized /tmp
	Network bool `json:"network"` // no peer but the Runtime API, unless allowed
	User    bool `json:"user"`    // an unprivileged user of its own

	Reasons map[string]string `json:"reasons,omitempty"`
}

// Host makes sandboxes on this machine.
type Host struct {
	dir     string
	starter *starter
	serial  atomic.Int64
}

// Open prepares a Host, and ends what an earlier one left in Dir.
func Open(opts Options) (*Host, error) {
	KillOrphans(opts.Dir)
	if err := errors.Join(os.RemoveAll(opts.Dir), os.MkdirAll(opts.Dir, 0o700)); err != nil {
		return nil, fmt.Errorf("preparing the sandboxes' folder: %w", err)
	}
	return &Host{dir: opts.Dir, starter: newStarter()}, nil
}

// Enforced tells what the Host's sandboxes guarantee.
func (h *Host) Enforced() Enforced {
	reasons := map[string]string{}
	for _, name := range []string{"memory", "cpu", "pids", "freeze", "mounts", "network", "user"} {
		reasons[name] = "not implemented yet"
	}
	return Enforced{Reasons: reasons}
}

// Close ends the Host. Its sandboxes must have been closed.
func (h *Host) Close() error {
	h.starter.close()
	return nil
}

// New makes a sandbox with no process in it.
func (h *Host) New(config Config) (*Sandbox, error) {
	tmp := filepath.Join(h.dir, strconv.FormatInt(h.serial.Add(1), 10))
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return nil, fmt.Errorf("making the temporary folder: %w", err)
	}
	return &Sandbox{host: h, config: config, tmp: tmp, processes: map[*Process]bool{}}, nil
}

// starter starts processes. The kernel sends the death signal of a child when the *thread* that
// started it ends, so all are started from one thread, which lives as long as the starter.
type starter struct {
	jobs chan func()
	done chan struct{}
}

func newStarter() *starter {
	s := &starter{jobs: make(chan func()), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *starter) run() {
	defer close(s.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for job := range s.jobs {
		job()
	}
}

// do runs a job on the thread and waits for it.
func (s *starter) do(job func() error) error {
	done := make(chan error)
	s.jobs <- func() { done <- job() }
	return <-done
}

// close ends the thread. No call of do may be running.
func (s *starter) close() {
	close(s.jobs)
	<-s.done
}
