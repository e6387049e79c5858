//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assaylab/assay/lambda/sandbox/loader"
)

// apiPort is where a sandbox with a network of its own finds the Runtime API, as on AWS.
const apiPort = 9001

// Listen opens a port that the sandbox's processes reach at the listener's address: in a network of
// their own, where nothing else is, 127.0.0.1:9001; otherwise some port of the machine's 127.0.0.1.
func (s *Sandbox) Listen() (net.Listener, error) {
	if !s.ownNetwork() {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	file, err := s.socket()
	if err != nil {
		return nil, fmt.Errorf("listening in the sandbox: %w", err)
	}
	defer file.Close()
	if err := listen(int(file.Fd())); err != nil {
		return nil, fmt.Errorf("listening in the sandbox: %w", err)
	}
	return net.FileListener(file)
}

// Dial connects to a port of the sandbox's processes, which must not be frozen.
func (s *Sandbox) Dial(ctx context.Context, port int) (net.Conn, error) {
	if !s.ownNetwork() {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	file, err := s.socket()
	if err != nil {
		return nil, fmt.Errorf("dialling into the sandbox: %w", err)
	}
	defer file.Close()
	if err := connect(ctx, file, port); err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, Err: err}
	}
	return net.FileConn(file)
}

func (s *Sandbox) ownNetwork() bool { return s.spaces() && !s.config.Network }

// socket is one in the sandbox's network. Process 1 makes it and no more: it ends when a step fails.
func (s *Sandbox) socket() (*os.File, error) {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.isClosed() {
		return nil, ErrClosed
	}
	var script loader.Script
	made := script.Do("making a socket", unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	made.Into(script.Do("making a socket", unix.SYS_DUP3, 0, spare, unix.O_CLOEXEC), 0)
	script.SendFile(spare)
	script.Do("closing files", unix.SYS_CLOSE_RANGE, before, 1<<31-1, 0)
	files, err := s.control.Run(&script)
	if err == nil && len(files) != 1 {
		err = errors.New("the sandbox sent no socket")
	}
	if err != nil {
		for _, f := range files {
			f.Close()
		}
		return nil, err
	}
	return files[0], nil
}

// listen makes a socket one that takes connections at the API's port.
func listen(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fmt.Errorf("reusing the port: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: apiPort, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fmt.Errorf("binding the port: %w", err)
	}
	return unix.Listen(fd, 128)
}

// connect connects a socket that does not block.
func connect(ctx context.Context, file *os.File, port int) error {
	fd := int(file.Fd())
	if err := unix.SetNonblock(fd, true); err != nil { // Fd may have undone it
		return err
	}
	address := &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	for {
		err := unix.Connect(fd, address)
		switch {
		case err == nil || errors.Is(err, unix.EISCONN):
			return nil
		case !errors.Is(err, unix.EINPROGRESS) && !errors.Is(err, unix.EALREADY) && !errors.Is(err, unix.EINTR):
			return err
		}
		if err := writable(ctx, fd); err != nil {
			return err
		}
	}
}

// writable waits until the kernel is done with connecting.
func writable(ctx context.Context, fd int) error {
	const step = 10 * time.Millisecond
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, int(step/time.Millisecond))
		if n > 0 {
			return nil
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
	return ctx.Err()
}
