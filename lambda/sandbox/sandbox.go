//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/assaylab/assay/lambda/sandbox/cgroup"
	"github.com/assaylab/assay/lambda/sandbox/loader"
)

// Sandbox holds the processes of one execution environment: the runtime, extensions, and whatever
// they start. It is safe for concurrent use.
type Sandbox struct {
	host   *Host
	config Config
	name   string
	tmp    string // the folder for temporary files, where /tmp is the machine's
	user   user
	group  *cgroup.Group

	// Where there are namespaces:
	init    *os.Process  // process 1
	control *loader.Conn // to it
	pidfd   *os.File     // of it
	tmpfs   *os.File     // its /tmp

	starting sync.Mutex // one Start, Kill, Listen or Dial at a time

	mu        sync.Mutex
	processes map[*Process]bool // those that have not ended
	peak      int64
	raw       int64 // the kernel's peak, when last looked at
	tmpUsed   int64 // bytes, when last looked at
	closed    bool
}

// spaces tells whether the sandbox has namespaces.
func (s *Sandbox) spaces() bool { return s.host.enforced.Mounts }

// make makes what a sandbox has without processes.
func (s *Sandbox) make() (err error) {
	if s.host.groups != nil {
		s.group, err = s.host.groups.New(s.name, cgroup.Limits{Memory: int64(s.config.MemoryMB) << 20, CPU: s.config.CPU, Pids: s.config.Pids})
		if err != nil {
			return err
		}
	}
	if s.spaces() {
		s.user = s.host.users.take()
		return s.first()
	}
	s.tmp = filepath.Join(s.host.dir, s.name)
	if err := os.Mkdir(s.tmp, 0o700); err != nil {
		return fmt.Errorf("making the temporary folder: %w", err)
	}
	return nil
}

// Path is where a sandbox's processes find what AWS has at a path, such as /var/task/lib.
func (s *Sandbox) Path(aws string) string {
	if s.spaces() {
		return aws
	}
	for prefix, source := range s.sources() {
		if rest, ok := strings.CutPrefix(aws, prefix); ok && (rest == "" || rest[0] == '/') {
			return filepath.Join(source, rest)
		}
	}
	return aws
}

func (s *Sandbox) sources() map[string]string {
	all := map[string]string{"/tmp": s.tmp, "/var/task": s.config.Task, "/var/runtime": s.config.Runtime}
	if n := len(s.config.Opt); n > 0 {
		all["/opt"] = s.config.Opt[n-1]
	}
	return all
}

// Throttle turns the CPU share on or off. It is off at first, as init is on AWS.
func (s *Sandbox) Throttle(on bool) error {
	if s.group == nil {
		return nil
	}
	return s.group.Throttle(on)
}

// Freeze stops all processes until Thaw. It does not wait until the last one has stopped.
func (s *Sandbox) Freeze() error { return s.freeze(true) }

// Thaw lets them go on.
func (s *Sandbox) Thaw() error {
	s.makeRoom()
	return s.freeze(false)
}

func (s *Sandbox) freeze(on bool) error {
	if s.group != nil && s.host.groups.Missing("freezer") == "" {
		return s.group.Freeze(on)
	}
	signal := unix.SIGCONT
	if on {
		signal = unix.SIGSTOP
	}
	if s.spaces() {
		return s.signalAll(signal)
	}
	for _, p := range s.alive() {
		p.signal(signal)
	}
	return nil
}

// Start runs a process. An error means that it could not be run at all, and nothing of it is left.
func (s *Sandbox) Start(c Command) (*Process, error) {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.isClosed() {
		return nil, ErrClosed
	}
	if s.tmp != "" {
		c.Env = append(c.Env[:len(c.Env):len(c.Env)], "TMPDIR="+s.tmp)
	}
	p, err := s.start(c)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.processes[p] = true
	s.mu.Unlock()
	go p.wait(s.ended)
	return p, nil
}

func (s *Sandbox) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// ended forgets a process.
func (s *Sandbox) ended(p *Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.processes, p)
}

func (s *Sandbox) alive() []*Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Process
	for p := range s.processes {
		all = append(all, p)
	}
	return all
}

// Kill ends every process and waits. What is in /tmp stays, and Start works as before: this is AWS's
// reset.
func (s *Sandbox) Kill() error {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	return s.kill()
}

func (s *Sandbox) kill() error {
	s.awake()
	if s.spaces() {
		err := s.signalAll(unix.SIGKILL)
		s.wait()
		return errors.Join(err, s.reap())
	}
	for _, p := range s.alive() {
		p.Kill()
	}
	if s.group != nil {
		s.group.Kill()
	}
	KillOrphans(s.tmp)
	s.wait()
	return nil
}

// awake lets the processes run, so that they can end.
func (s *Sandbox) awake() {
	if s.group != nil {
		s.group.Throttle(false)
		s.group.Freeze(false)
	}
}

func (s *Sandbox) wait() {
	for _, p := range s.alive() {
		<-p.Done()
	}
}

// signalAll sends a signal to all but process 1, which are then caught, whatever they fork.
func (s *Sandbox) signalAll(signal unix.Signal) error {
	var script loader.Script
	script.Try("sending a signal", unix.SYS_KILL, -1, int(signal)) // there may be none
	_, err := s.control.Run(&script)
	return err
}

// reap waits until process 1 has no children: those it got as orphans.
func (s *Sandbox) reap() error {
	var script loader.Script
	script.Try("waiting for orphans", unix.SYS_WAIT4, -1, 0, 0, 0)
	_, err := s.control.Run(&script)
	return err
}

// Close ends every process and removes the sandbox. It may be called again.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	s.starting.Lock()
	defer s.starting.Unlock()
	if again {
		return nil
	}
	defer s.host.forget(s)
	s.end()
	var errs []error
	if s.group != nil {
		errs = append(errs, s.group.Remove())
	}
	if s.tmp != "" {
		errs = append(errs, os.RemoveAll(s.tmp))
	}
	return errors.Join(errs...)
}

// end ends all processes and lets go of the namespaces.
func (s *Sandbox) end() {
	if !s.spaces() {
		s.kill()
		return
	}
	if s.init != nil {
		s.awake()
		s.init.Kill() // and with it all others
		s.wait()
		s.init.Wait()
		s.control.Close()
	}
	for _, f := range []*os.File{s.pidfd, s.tmpfs} {
		if f != nil {
			f.Close()
		}
	}
	s.host.users.give(s.user)
}

// Usage tells what the sandbox used so far.
func (s *Sandbox) Usage() Usage {
	u := Usage{PeakMemory: s.PeakMemory()}
	if s.group != nil && s.host.groups.Missing("memory") == "" {
		u.CPU, u.OOMKills = s.group.CPU(), s.group.OOMKills()
	}
	return u
}

// PeakMemory is that of Usage alone, which costs a fifth: it is asked after every invocation.
func (s *Sandbox) PeakMemory() int64 {
	if s.group == nil || s.host.groups.Missing("memory") != "" {
		return s.sumPeaks()
	}
	return s.peakMemory()
}
