//go:build linux

package sandbox

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"golang.org/x/sys/unix"
)

// start starts a command with its output captured.
func (s *Sandbox) start(c Command) (*Process, error) {
	p := &Process{done: make(chan struct{})}
	if err := s.begin(p, c); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (s *Sandbox) begin(p *Process, c Command) error {
	in, err := s.input(c.Input)
	if err != nil {
		return err
	}
	if in != s.host.null {
		defer in.Close()
	}
	out, err := p.capture(c.Output)
	if err != nil {
		return err
	}
	defer out.Close()
	errs := out
	if c.Errors != nil {
		if errs, err = p.capture(c.Errors); err != nil {
			return err
		}
		defer errs.Close()
	}
	p.process, err = s.launch(c, in, out, errs)
	return err
}

// input is a file in memory: whoever reads it slowly, or not at all, holds nobody up.
func (s *Sandbox) input(text []byte) (*os.File, error) {
	if text == nil {
		return s.host.null, nil
	}
	fd, err := unix.MemfdCreate("stdin", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making the standard input: %w", err)
	}
	file := os.NewFile(uintptr(fd), "stdin")
	if _, err := file.WriteAt(text, 0); err != nil {
		file.Close()
		return nil, fmt.Errorf("making the standard input: %w", err)
	}
	return file, nil
}

// Process is a running process, or one that ran.
type Process struct {
	process *os.Process
	outputs []*output

	done chan struct{}
	exit error // set before done is closed

	mu     sync.Mutex // guards reaped, so that no signal goes to another process of the same number
	reaped bool
}

// capture opens a pipe of which the process gets the returned end.
func (p *Process) capture(to io.Writer) (write *os.File, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	conn, err := read.SyscallConn()
	if err != nil {
		read.Close()
		write.Close()
		return nil, err
	}
	p.outputs = append(p.outputs, &output{file: read, conn: conn, to: to})
	return write, nil
}

func (p *Process) close() {
	for _, o := range p.outputs {
		o.file.Close()
	}
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
func (p *Process) Flush() {
	for _, o := range p.outputs {
		o.flush()
	}
}

// wait sees the process end, then ends what is left of its group. The process stays a zombie until its
// group has got the signal, so that its number cannot mean another.
func (p *Process) wait(ended func(*Process)) {
	defer close(p.done)
	defer ended(p)
	var readers sync.WaitGroup
	for _, o := range p.outputs {
		readers.Go(o.follow)
	}
	for unix.Waitid(unix.P_PID, p.PID(), nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	p.Kill()
	p.bury()
	p.Flush()
	p.close()
	readers.Wait()
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
