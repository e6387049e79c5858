package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// patience is how long a program may take to answer its address.
const patience = 30 * time.Second

// process is a program under measurement.
type process struct {
	cmd   *exec.Cmd
	log   logBuffer
	ended chan struct{}
}

// logBuffer keeps what a program says, for the case that it fails.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func start(name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.cmd.Wait(); close(p.ended) }()
	return p, nil
}

// stop ends the program and waits for it.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// until waits for a condition, as long as the program lives.
func (p *process) until(what string, met func() bool) error {
	for limit := time.Now().Add(patience); !met(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", p.cmd.Path, p.log.String())
		default:
		}
		if time.Now().After(limit) {
			return fmt.Errorf("%s: not %s after %s: %s", p.cmd.Path, what, patience, p.log.String())
		}
	}
	return nil
}

func (p *process) listening(addresses ...string) error {
	return p.until("listening", func() bool {
		for _, a := range addresses {
			c, err := net.Dial("tcp", a)
			if err != nil {
				return false
			}
			c.Close()
		}
		return true
	})
}

var (
	highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
	present   = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)
)

// peak is the most memory that was resident at any time, in bytes; resident is what is now.
func (p *process) peak() (int64, error)     { return p.memory(highWater) }
func (p *process) resident() (int64, error) { return p.memory(present) }

func (p *process) memory(line *regexp.Regexp) (int64, error) {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, err
	}
	m := line.FindSubmatch(status)
	if m == nil {
		return 0, errors.New("the system does not tell a process's memory")
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	return kb << 10, err
}

// freePorts returns addresses on loopback that nothing listens at.
func freePorts(n int) ([]string, error) {
	all := make([]string, n)
	for i := range all {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		all[i] = l.Addr().String()
	}
	return all, nil
}
