//go:build linux

package sandbox

import (
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeSize is what a pipe holds (pipe(7)): more cannot have been written before flush was called.
const pipeSize = 64 << 10

// output carries what a process writes from its pipe to a writer. Two may pull at it, the follower and
// whoever flushes; reading and writing on are one step under the lock, so that after a flush nothing
// is on its way.
type output struct {
	file *os.File // the pipe
	conn syscall.RawConn
	to   io.Writer

	mu  sync.Mutex
	buf [16 << 10]byte
}

// follow carries until the pipe ends or is closed.
func (o *output) follow() {
	o.conn.Read(func(fd uintptr) (ended bool) {
		for {
			n, more := o.carry(fd)
			if n == 0 {
				return !more
			}
		}
	})
}

// flush carries what is in the pipe now.
func (o *output) flush() {
	o.conn.Control(func(fd uintptr) {
		for total := 0; total < pipeSize; {
			n, _ := o.carry(fd)
			if n == 0 {
				return
			}
			total += n
		}
	})
}

// carry reads once, without blocking, and writes on what it got. Without more, the pipe has ended.
func (o *output) carry(fd uintptr) (n int, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		n, err := unix.Read(int(fd), o.buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, true
		case err != nil || n == 0:
			return 0, false
		}
		o.to.Write(o.buf[:n])
		return n, true
	}
}
