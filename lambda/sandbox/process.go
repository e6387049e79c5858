package sandbox

import (
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Command says what to run.
type Command struct {
	Path string   // the program, absolute, as the sandbox's processes see it
	Args []string // its arguments, without its own name
	Env  []string // its whole environment, as KEY=value; where /tmp is not its own, TMPDIR is added
	Dir  string   // its working directory

	// Output gets what the process and its children write to stdout and stderr, in order, from one
	// goroutine at a time.
	Output io.Writer
}

// limits of a process, as AWS sets them. Core dumps, which AWS allows, would fill the user's disk.
var limits = map[int]unix.Rlimit{
	unix.RLIMIT_NOFILE: {Cur: 1024, Max: 1024},
	unix.RLIMIT_CORE:   {},
}

func (s *starter) start(c Command, ended func(*Process)) (*Process, error) {
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

	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env = c.Env
	cmd.Dir = c.Dir
	cmd.Stdout, cmd.Stderr = write, write
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.do(cmd.Start); err != nil {
		read.Close()
		return nil, err
	}
	for which, limit := range limits {
		unix.Prlimit(cmd.Process.Pid, which, &limit, nil) // fails if it has ended already
	}
	p := &Process{cmd: cmd, output: output{conn: conn, to: c.Output}, done: make(chan struct{})}
	go p.wait(read, ended)
	return p, nil
}

// Process is a running process, or one that ran.
type Process struct {
	cmd    *exec.Cmd
	output output

	done chan struct{}
	exit error // set before done is closed

	mu     sync.Mutex // guards reaped, so that no signal goes to another process of the same number
	reaped bool
}

// Done is closed when the process and its group have ended and its output is delivered.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the process's number on this machine, and its group's.
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

// wait sees the process end, then ends what is left of its group. The process stays a zombie until its
// group has got the signal, so that its number cannot mean another.
func (p *Process) wait(read *os.File, ended func(*Process)) {
	defer close(p.done)
	defer ended(p)
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

	p.Flush()
	read.Close()
	<-reader
}
