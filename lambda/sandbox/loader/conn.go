//go:build linux

package loader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Conn is a connection to a child that runs the loader. When it is closed, or Assay ends, a child that
// has not become another program exits.
type Conn struct{ unix *net.UnixConn }

// Attr says how a child is started. It has Files from file descriptor 0 on, but for Control, which must
// be nil.
type Attr struct {
	Files [5]*os.File
	Sys   syscall.SysProcAttr
}

// Start starts a child that waits for a script.
func (l *Loader) Start(attr Attr) (*os.Process, *Conn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket: %w", err)
	}
	ours, lower := os.NewFile(uintptr(fds[0]), "loader"), os.NewFile(uintptr(fds[1]), "loader")
	defer ours.Close()
	defer lower.Close()
	// On its way to the child's numbers, os.StartProcess moves what is in the way to numbers above the
	// largest of attr.Files. None of those may be the program's, which the child is yet to execute.
	above, err := unix.FcntlInt(lower.Fd(), unix.F_DUPFD_CLOEXEC, int(l.file.Fd())+1)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket: %w", err)
	}
	unix.SetNonblock(above, false)
	theirs := os.NewFile(uintptr(above), "loader")
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket: %w", err)
	}
	attr.Files[Control] = theirs
	process, err := l.launch(attr)
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("starting the loader: %w", errors.Unwrap(err))
	}
	return process, &Conn{conn.(*net.UnixConn)}, nil
}

// launch starts the child in its group. Filters of system calls that look at flags, as systemd and container engines
// set them, hide clone3, whose flags they cannot see: then the child is moved into the group, before it has a script.
func (l *Loader) launch(attr Attr) (*os.Process, error) {
	how := &os.ProcAttr{Env: []string{}, Files: attr.Files[:], Sys: &attr.Sys}
	process, err := os.StartProcess(l.path(), []string{"assay-sandbox"}, how)
	if !attr.Sys.UseCgroupFD || !errors.Is(err, unix.ENOSYS) {
		return process, err
	}
	attr.Sys.UseCgroupFD = false
	if process, err = os.StartProcess(l.path(), []string{"assay-sandbox"}, how); err != nil {
		return nil, err
	}
	if err := join(attr.Sys.CgroupFD, process.Pid); err != nil {
		process.Kill()
		process.Wait()
		return nil, &os.PathError{Op: "joining", Path: "cgroup.procs", Err: err}
	}
	return process, nil
}

// join moves a process into a control group of version 2.
func join(group, pid int) error {
	fd, err := unix.Openat(group, "cgroup.procs", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(strconv.Itoa(pid)))
	return err
}

// Close ends the connection.
func (c *Conn) Close() error { return c.unix.Close() }

// Run sends a script and waits until it is done. The child then waits for another. Files that it sent
// are returned.
func (c *Conn) Run(s *Script) ([]*os.File, error) {
	s.Do("reporting", unix.SYS_WRITE, Control, "done", 4)
	if err := c.send(s); err != nil {
		return nil, err
	}
	var files []*os.File
	for {
		message, got, err := c.receive()
		files = append(files, got...)
		switch {
		case err != nil:
			return files, err
		case len(message) == reportLen:
			return files, s.failure(message)
		case string(message) == "done":
			return files, nil
		case len(message) == 0:
			return files, errors.New("the sandbox's first process has ended")
		}
	}
}

// Become sends a script that ends with executing a program, and waits for that. It returns the number
// of the process that ReportFork told, or 0.
func (c *Conn) Become(s *Script) (pid int, err error) {
	if err := c.send(s); err != nil {
		return 0, err
	}
	var failed error
	for {
		message, _, err := c.receive()
		switch {
		case err != nil:
			return pid, err
		case len(message) == reportLen:
			failed = s.failure(message)
		case len(message) == 8:
			pid = int(binary.LittleEndian.Uint64(message))
		case len(message) == 0: // executing has closed the other end
			return pid, failed
		}
	}
}

func (c *Conn) send(s *Script) error {
	text, err := s.encode()
	if err != nil {
		return err
	}
	_, err = c.unix.Write(text)
	return err
}

// receive returns a message, which is empty at the end, and the files that came with it.
func (c *Conn) receive() ([]byte, []*os.File, error) {
	message, control := make([]byte, 64), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := c.unix.ReadMsgUnix(message, control)
	if errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) { // reset: it ended with a script unread
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var files []*os.File
	parsed, _ := unix.ParseSocketControlMessage(control[:oobn])
	for _, m := range parsed {
		fds, _ := unix.ParseUnixRights(&m)
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "socket"))
		}
	}
	return message[:n], files, nil
}

// ReportFork adds what a forked child's parent does: it tells the child's number, of which clone kept
// the result, and exits.
func (s *Script) ReportFork(pid *Word) *Step {
	first := s.Do("reporting a fork", unix.SYS_WRITE, Control, pid, 8)
	s.Do("exiting", unix.SYS_EXIT_GROUP, 0)
	return first
}

// SendFile adds the sending of the child's file descriptor to Run.
func (s *Script) SendFile(fd int) {
	rights := unix.UnixRights(fd)
	s.Do("sending a file", unix.SYS_SENDMSG, Control, Words{0, 0, Words{"file", 4}, 1, rights, len(rights), 0}, 0)
}
