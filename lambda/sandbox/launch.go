//go:build linux

package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/assaylab/assay/lambda/sandbox/loader"
)

// spaces are the namespaces of every sandbox, beside those of network and user.
const spaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// limit of a process, as AWS sets it.
type limit struct {
	which    int
	cur, max uint64
}

// limits are AWS's. Core dumps, which AWS allows, would fill the user's disk.
var limits = []limit{
	{unix.RLIMIT_NOFILE, 1024, 1024},
	{unix.RLIMIT_CORE, 0, 0},
	{unix.RLIMIT_MEMLOCK, 64 << 10, 64 << 10},
	{unix.RLIMIT_STACK, 8 << 20, unix.RLIM_INFINITY},
	{unix.RLIMIT_MSGQUEUE, 819200, 819200},
}

// first starts process 1 of the namespaces: the loader itself, which builds the sandbox's view of the
// machine and then waits for scripts. It takes up with nobody, reaps orphans by ignoring their ends, and
// with it all the rest ends; so does it when Assay ends. The runtime is process 2 or later, and gets
// SIGTERM as any process does.
func (s *Sandbox) first() error {
	attr, done, err := s.attr()
	if err != nil {
		return err
	}
	defer done()
	attr.Sys.Cloneflags |= spaces
	if !s.config.Network {
		attr.Sys.Cloneflags |= unix.CLONE_NEWNET
	}
	if s.init, s.control, err = s.host.starter.start(s.host.loader, attr); err != nil {
		return err
	}
	if s.pidfd, err = pidFile(s.init.Pid); err != nil {
		return err
	}
	var script loader.Script
	s.join(&script, "0")
	script.Do("ignoring children's ends", unix.SYS_RT_SIGACTION, int(unix.SIGCHLD), loader.Words{1, 0, 0, 0}, 0, 8)
	script.Do("asking for the parent's death", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, int(unix.SIGKILL))
	script.Do("hiding memory", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0)
	script.Do("naming the machine", unix.SYS_SETHOSTNAME, "sandbox", 7)
	if !s.config.Network {
		raiseLoopback(&script)
	}
	s.build(&script)
	files, err := s.control.Run(&script)
	if len(files) > 0 {
		s.tmpfs = files[0]
	}
	return err
}

// attr says how a child of the sandbox is started. What it needs is closed by done.
func (s *Sandbox) attr() (attr loader.Attr, done func(), err error) {
	attr.Files = [5]*os.File{s.host.null, s.host.null, s.host.null} // so that files of scripts get numbers from before on
	if s.init == nil && s.spaces() {
		attr.Sys = s.host.users.attr(s.user)
	}
	if s.group == nil {
		return attr, func() {}, nil
	}
	dir, err := s.group.Dir()
	if err != nil || dir == nil {
		return attr, func() {}, err
	}
	attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, int(dir.Fd())
	return attr, func() { dir.Close() }, nil
}

// join puts a child into the sandbox's group before it does anything that counts. If memory runs out on
// the whole machine, functions go before Assay.
func (s *Sandbox) join(script *loader.Script, badness string) {
	if s.group != nil {
		for _, tasks := range s.group.Tasks() {
			put(script, tasks, "0")
		}
	}
	put(script, "/proc/self/oom_score_adj", badness)
}

// put writes to a file.
func put(script *loader.Script, path, text string) {
	b := builder{Script: script}
	b.open(path, unix.O_WRONLY, 0, spare)
	script.Do("writing "+path, unix.SYS_WRITE, spare, text, len(text))
}

// raiseLoopback is "ip link set lo up".
func raiseLoopback(script *loader.Script) {
	const ifrFlags, ifrLen = 16, 40 // offset and size in struct ifreq
	request := make([]byte, ifrLen)
	copy(request, "lo")
	binary.NativeEndian.PutUint16(request[ifrFlags:], unix.IFF_UP|unix.IFF_RUNNING)
	opened := script.Do("opening a socket", unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	opened.Into(script.Do("opening a socket", unix.SYS_DUP3, 0, spare, unix.O_CLOEXEC), 0)
	script.Do("raising the loopback device", unix.SYS_IOCTL, spare, unix.SIOCSIFFLAGS, request)
}

// launch starts a command: by a child that becomes it, or, where there are namespaces, whose child
// becomes it in them.
func (s *Sandbox) launch(c Command, in, out, errs *os.File) (*os.Process, error) {
	attr, done, err := s.attr()
	if err != nil {
		return nil, err
	}
	defer done()
	attr.Files[0], attr.Files[1], attr.Files[2], attr.Files[4] = in, out, errs, s.pidfd
	process, control, err := s.host.starter.start(s.host.loader, attr)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	pid, err := control.Become(s.script(c))
	if err == nil && pid == 0 {
		return process, nil
	}
	if state, failed := process.Wait(); err == nil && (failed != nil || !state.Success()) {
		err = errors.New("the loader was killed")
	}
	if pid == 0 {
		return nil, err
	}
	child, _ := os.FindProcess(pid) // never fails on Unix
	if err != nil {
		child.Kill()
		child.Wait()
		return nil, err
	}
	return child, nil
}

// script is what becomes of a child.
func (s *Sandbox) script(c Command) *loader.Script {
	script := &loader.Script{}
	s.join(script, "500")
	if !s.spaces() {
		s.become(script, c)
		return script
	}
	flags := spaces
	if !s.config.Network {
		flags |= unix.CLONE_NEWNET
	}
	if !s.host.users.privileged {
		flags |= unix.CLONE_NEWUSER
	}
	script.Do("entering the sandbox", unix.SYS_SETNS, 4, flags)
	var pid loader.Word
	fork := script.Do("forking", unix.SYS_CLONE, unix.CLONE_PARENT|int(unix.SIGCHLD), 0, 0, 0, 0).Keep(&pid)
	s.become(script, c)
	fork.Else(script.ReportFork(&pid))
	return script
}

// become gives up what a function may not have and executes the command.
func (s *Sandbox) become(script *loader.Script, c Command) {
	script.Do("beginning a session", unix.SYS_SETSID)
	script.Do("setting the mask", unix.SYS_UMASK, 0o022)
	for _, l := range limits { // the machine may have lower ones
		script.Try("setting limits", unix.SYS_PRLIMIT64, 0, l.which, loader.Words{l.cur, l.max}, 0)
	}
	if s.spaces() && s.host.users.privileged {
		script.Do("giving up groups", unix.SYS_SETGROUPS, 0, 0)
		script.Do("giving up the group", unix.SYS_SETRESGID, s.user.gid, s.user.gid, s.user.gid)
		script.Do("giving up the user", unix.SYS_SETRESUID, s.user.uid, s.user.uid, s.user.uid)
	}
	script.Do("giving up new privileges", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	script.Do("asking for the parent's death", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, int(unix.SIGKILL))
	script.Do("entering "+c.Dir, unix.SYS_CHDIR, c.Dir)
	script.Do("closing files", unix.SYS_CLOSE_RANGE, loader.Control, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC)
	script.Do("fork/exec "+c.Path, unix.SYS_EXECVE, c.Path, vector(append([]string{c.Path}, c.Args...)), vector(c.Env)) // AWS's words
}

// vector is a list of strings as execve takes it.
func vector(list []string) loader.Words {
	all := make(loader.Words, 0, len(list)+1)
	for _, s := range list {
		all = append(all, s)
	}
	return append(all, 0)
}

// pidFile opens a process.
func pidFile(pid int) (*os.File, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("opening process %d: %w", pid, err)
	}
	return os.NewFile(uintptr(fd), filepath.Join("/proc", "pidfd")), nil
}
