package sandbox

import (
	"io"
	"os"
	"os/exec"
	"sync"

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

// start starts a command with its output captured.
func (s *Sandbox) start(c Command) (*Process, error) {
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
	process, err := s.launch(c, write)
	if err != nil {
		read.Close()
		return nil, err
	}
	return &Process{process: process, read: read, output: output{conn: conn, to: c.Output}, done: make(chan struct{})}, nil
}

// Process is a running process, or one that ran.
type Process struct {
	process *os.Process
	read    *os.File // its output
	output  output

	done chan struct{}
	exit error // set before done is closed

	mu     sync.Mutex // guards reaped, so that no signal goes to another process of the same number
	reaped bool
}

// Done is closed when the process and its group have ended and its output is delivered.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the process's number on this machine, and its group's.
func (p *Process) PID() int { return p.process.Pid }

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
func (p *Process) wait(ended func(*Process)) {
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
	p.bury()
	p.Flush()
	p.read.Close()
	<-reader
}

func (p *Process) bury() {
	p.mu.Lock()
	defer p.mu.Unlock()
	state, err := p.process.Wait()
	if err == nil && !state.Success() {
		err = &exec.ExitError{ProcessState: state}
	}
	p.exit, p.reaped = err, true
}
