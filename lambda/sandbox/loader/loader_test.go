//go:build linux

package loader

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a child whose stdout is the returned file.
func start(t testing.TB) (*os.Process, *Conn, *os.File) {
	t.Helper()
	l, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	process, conn, err := l.Start(Attr{Files: [5]*os.File{1: write}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); conn.Close() })
	return process, conn, read
}

func TestAChildBecomesAProgram(t *testing.T) {
	process, conn, out := start(t)
	var s Script
	s.Do("closing control", unix.SYS_FCNTL, Control, unix.F_SETFD, unix.FD_CLOEXEC)
	s.Do("executing", unix.SYS_EXECVE, "/bin/sh", Words{"sh", "-c", `echo $GREETING $0 $1; exit 3`, "a", "b", 0}, Words{"GREETING=hello", 0})
	if _, err := conn.Become(&s); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(out)
	state, err := process.Wait()
	if string(text) != "hello a b\n" || err != nil || state.ExitCode() != 3 {
		t.Errorf("%q, %v, %v", text, state, err)
	}
}

// TestFilesOfAnyNumber: above the largest number that a child is given, os.StartProcess moves what is in
// its way. Never must that be where the program is, which the child is yet to execute.
func TestFilesOfAnyNumber(t *testing.T) {
	l, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for from := range 100 {
		fd, err := unix.FcntlInt(null.Fd(), unix.F_DUPFD_CLOEXEC, from)
		if err != nil {
			t.Fatal(err)
		}
		given := os.NewFile(uintptr(fd), os.DevNull)
		process, conn, err := l.Start(Attr{Files: [5]*os.File{1: given}})
		given.Close()
		if err != nil {
			t.Fatalf("with file %d: %v", fd, err)
		}
		conn.Close()
		process.Wait()
	}
}

func TestFailuresSayWhatFailed(t *testing.T) {
	process, conn, _ := start(t)
	var s Script
	s.Try("not this", unix.SYS_CHDIR, "/nonesuch")
	s.Do("executing", unix.SYS_EXECVE, "/nonesuch/x", Words{0}, Words{0})
	_, err := conn.Become(&s)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "executing") {
		t.Errorf("error %v", err)
	}
	if state, err := process.Wait(); err != nil || state.ExitCode() != 127 {
		t.Errorf("%v, %v", state, err)
	}
}

func TestResultsBecomeArguments(t *testing.T) {
	process, conn, out := start(t)
	var s Script
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, []byte("content"), 0o600)
	opened := s.Do("opening", unix.SYS_OPENAT, unix.AT_FDCWD, file, 0, 0)
	opened.Into(s.Do("moving", unix.SYS_DUP3, 0, 40, 0), 0)
	s.Do("sending the file", unix.SYS_SENDFILE, 1, 40, 0, 100)
	s.SendFile(40)
	files, err := conn.Run(&s)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	files[0].Close()
	if _, err := conn.Run(&Script{}); err != nil {
		t.Errorf("a second script: %v", err)
	}
	conn.Close()
	text, _ := io.ReadAll(out)
	if state, err := process.Wait(); string(text) != "content" || err != nil || state.ExitCode() != 127 {
		t.Errorf("%q, %v, %v", text, state, err)
	}
}

func TestForksAreReported(t *testing.T) {
	process, conn, out := start(t)
	var s Script
	var pid Word
	s.Do("closing control", unix.SYS_FCNTL, Control, unix.F_SETFD, unix.FD_CLOEXEC)
	fork := s.Do("forking", unix.SYS_CLONE, unix.CLONE_PARENT|int(unix.SIGCHLD), 0, 0, 0, 0).Keep(&pid)
	s.Do("executing", unix.SYS_EXECVE, "/bin/echo", Words{"echo", "child", 0}, Words{0})
	fork.Else(s.ReportFork(&pid))
	child, err := conn.Become(&s)
	if err != nil || child == 0 || child == process.Pid {
		t.Fatal(child, err)
	}
	if state, err := process.Wait(); err != nil || !state.Success() {
		t.Errorf("the parent: %v, %v", state, err)
	}
	text, _ := io.ReadAll(out)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(child, &status, 0, nil); err != nil || status != 0 || string(text) != "child\n" {
		t.Errorf("the child: %q, %v, %v", text, status, err)
	}
}

func TestScriptsThatAreTooLongAreRefused(t *testing.T) {
	process, conn, _ := start(t)
	var s Script
	s.Do("executing", unix.SYS_EXECVE, strings.Repeat("x", 200_000))
	if _, err := conn.Become(&s); !errors.Is(err, ErrTooLong) {
		t.Errorf("error %v", err)
	}
	conn.Close()
	process.Wait()
}

func TestWrongArgumentsAreErrors(t *testing.T) {
	var s Script
	s.Do("x", 0, 1.5)
	if _, err := s.encode(); err == nil {
		t.Error("a float was taken")
	}
}

// BenchmarkStart compares a program started by way of the loader with one started straight: the loader
// adds one fork's worth of executing 200 bytes.
func BenchmarkStart(b *testing.B) {
	l, err := Open()
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	b.Run("straight", func(b *testing.B) {
		for b.Loop() {
			p, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{Env: []string{}})
			if err != nil {
				b.Fatal(err)
			}
			p.Wait()
		}
	})
	b.Run("loader", func(b *testing.B) {
		for b.Loop() {
			p, conn, err := l.Start(Attr{})
			if err != nil {
				b.Fatal(err)
			}
			var s Script
			s.Do("closing control", unix.SYS_FCNTL, Control, unix.F_SETFD, unix.FD_CLOEXEC)
			s.Do("executing", unix.SYS_EXECVE, "/bin/true", Words{"true", 0}, Words{0})
			if _, err := conn.Become(&s); err != nil {
				b.Fatal(err)
			}
			p.Wait()
			conn.Close()
		}
	})
}

// TestGroupsWithoutClone3: a filter hides clone3, as systemd's RestrictNamespaces= and Docker's do; the child is in its
// group all the same.
func TestGroupsWithoutClone3(t *testing.T) {
	group := group(t)
	l, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	attr := Attr{Sys: syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd())}}
	for _, hidden := range []bool{false, true} {
		var process *os.Process
		var conn *Conn
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and not unlocked: the thread ends with its filter
			if hidden {
				hideClone3(t)
			}
			process, conn, err = l.Start(attr)
		}()
		<-done
		if err != nil {
			t.Fatalf("hidden %v: %v", hidden, err)
		}
		in, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", process.Pid))
		if err != nil || !strings.Contains(string(in), filepath.Base(group.Name())) {
			t.Errorf("hidden %v: the child is in %s (%v)", hidden, in, err)
		}
		conn.Close()
		process.Wait()
	}
}

// group makes a control group of version 2.
func group(t *testing.T) *os.File {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
			continue
		}
		dir, err := os.MkdirTemp(root, "assay-test-")
		if err != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(dir) })
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	t.Skip("no control group of version 2 can be made here")
	return nil
}

// hideClone3 has the kernel say to the calling thread that it has no such call.
func hideClone3(t *testing.T) {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_CLONE3},
		{Code: unix.BPF_RET, K: 0x00050000 | uint32(unix.ENOSYS)}, // SECCOMP_RET_ERRNO
		{Code: unix.BPF_RET, K: 0x7fff0000},                       // SECCOMP_RET_ALLOW
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Error(err)
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		t.Error(err)
	}
}
