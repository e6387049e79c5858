// Package sandbox runs one process apart from the rest: in a session and process group of its own, with
// nothing of Assay's environment, a private temporary folder, and its output captured. In comes a Spec,
// out comes a Process, which ends with its whole group and all children that keep its TMPDIR, and also
// when Assay is killed. Linux only.
package sandbox

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Spec says what to run. Nothing is inherited from the calling process.
type Spec struct {
	Path string   // the program, absolute
	Args []string // its arguments, without its own name
	Env  []string // its whole environment but TMPDIR, as KEY=value
	Dir  string   // its working directory
	Tmp  string   // becomes its TMPDIR: created empty, removed when it has ended

	// Output gets what the process and its children write to stdout and stderr, in order, from one
	// goroutine at a time.
	Output io.Writer
}

// limits of a process, as AWS sets them. Core dumps, which AWS allows, would fill the user's disk.
var limits = map[int]unix.Rlimit{
	unix.RLIMIT_NOFILE: {Cur: 1024, Max: 1024},
	unix.RLIMIT_CORE:   {},
}

// Launcher starts processes. The kernel sends the death signal of a child when the *thread* that
// started it ends, so all are started from one thread, which lives as long as the Launcher.
type Launcher struct {
	jobs chan func()
	done chan struct{}
}

// NewLauncher returns a Launcher with its thread running.
func NewLauncher() *Launcher {
	l := &Launcher{jobs: make(chan func()), done: make(chan struct{})}
	go l.run()
	return l
}

func (l *Launcher) run() {
	defer close(l.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for job := range l.jobs {
		job()
	}
}

// Close ends the thread. The processes must have ended, and no call of Start may be running.
func (l *Launcher) Close() {
	close(l.jobs)
	<-l.done
}

// Start runs a process. An error means that it could not be run at all, and nothing is left behind.
func (l *Launcher) Start(spec Spec) (*Process, error) {
	if err := os.Mkdir(spec.Tmp, 0o700); err != nil {
		return nil, fmt.Errorf("making the temporary folder: %w", err)
	}
	p, err := l.start(spec)
	if err != nil {
		os.RemoveAll(spec.Tmp)
		return nil, err
	}
	return p, nil
}

func (l *Launcher) start(spec Spec) (*Process, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	conn, err := read.SyscallConn()
	if err != nil {
		read.Close()
		return nil, err
	}

	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(spec.Env[:len(spec.Env):len(spec.Env)], "TMPDIR="+spec.Tmp)
	cmd.Dir = spec.Dir
	cmd.Stdout, cmd.Stderr = write, write
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}

	started := make(chan error)
	l.jobs <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		read.Close()
		return nil, err
	}
	for which, limit := range limits {
		unix.Prlimit(cmd.Process.Pid, which, &limit, nil) // fails if it has ended already
	}
	p := &Process{cmd: cmd, tmp: spec.Tmp, output: output{conn: conn, to: spec.Output}, done: make(chan struct{})}
	go p.wait(read)
	return p, nil
}

// Process is a running process, or one that ran.
type Process struct {
	cmd    *exec.Cmd
	tmp    string
	output output

	done chan struct{}
	exit error // set before done is closed

	mu     sync.Mutex // guards reaped, so that no signal goes to another process of the same number
	reaped bool
}

// Done is closed when the process, its group and its other children have ended, its output is delivered and its temporary
// folder removed.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the process's number, and its group's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exit says after Done how the process ended: nil for status 0, else an error in the words AWS uses as
// well, "exit status 1" or "signal: killed".
func (p *Process) Exit() error { return p.exit }

// Kill ends the process and its group at once.
func (p *Process) Kill() { p.signal(unix.SIGKILL) }

// Terminate asks the process and its group to end (SIGTERM).
func (p *Process) Terminate() { p.signal(unix.SIGTERM) }

func (p *Process) signal(s unix.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		unix.Kill(-p.PID(), s) // fails only if the whole group is gone
	}
}

// Flush delivers to Output what the process has written so far.
func (p *Process) Flush() { p.output.flush() }

// wait sees the process end, then ends what is left of its group, and children that left it. The
// process stays a zombie until its group has got the signal, so that its number cannot mean another.
func (p *Process) wait(read *os.File) {
	defer close(p.done)
	reader := make(chan struct{})
	go func() {
		defer close(reader)
		p.output.follow()
	}()
	for unix.Waitid(unix.P_PID, p.PID(), nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	p.Kill()
	p.mu.Lock()
	p.exit = p.cmd.Wait()
	p.reaped = true
	p.mu.Unlock()
	KillOrphans(p.tmp)

	p.Flush()
	read.Close()
	<-reader
	os.RemoveAll(p.tmp)
}
