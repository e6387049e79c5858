//go:build linux

package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// helper makes the test binary, run again, a parent that starts a process and waits to be killed.
const helper = "ASSAY_SANDBOX_HELPER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helper); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		select {}
	}
	goleak.VerifyTestMain(m)
}

// serve runs a sandbox with two processes that hang around, one of them a daemon, and freezes it.
func serve(dir string) error {
	var opts Options
	mark, rest, _ := strings.Cut(dir, " ")
	fmt.Sscanf(rest, "%t %t %s", &opts.NoGroups, &opts.NoSpaces, &opts.Dir)
	h, err := Open(opts)
	if err != nil {
		return err
	}
	s, err := h.New(Config{MemoryMB: 128})
	if err != nil {
		return err
	}
	out := &buffer{}
	script := "sleep " + mark + " & setsid env -i setsid sleep " + mark + " & sleep 0.1; echo up; wait"
	if _, err := s.Start(Command{Path: "/bin/sh", Args: []string{"-c", script}, Dir: "/", Output: out}); err != nil {
		return err
	}
	for out.String() == "" {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("up")
	return s.Freeze()
}

// A Host that is killed leaves nothing that the next one on its folder does not end.
func TestKilledHostsAreSweptUp(t *testing.T) {
	for name, opts := range map[string]Options{"all": {}, "groups": {NoSpaces: true}, "spaces": {NoGroups: true}} {
		t.Run(name, func(t *testing.T) {
			if e := host(t, opts).Enforced(); !e.Mounts && !e.Pids {
				t.Skip("nothing here holds a daemon")
			}
			opts.Dir = filepath.Join(t.TempDir(), "run")
			mark := mark()
			parent := exec.Command(os.Args[0])
			parent.Env = append(os.Environ(), fmt.Sprintf("%s=%s %t %t %s", helper, mark, opts.NoGroups, opts.NoSpaces, opts.Dir))
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "up\n" {
				t.Fatal(line, err)
			}
			if n := len(withArgument(mark)); n < 2 {
				t.Fatalf("%d processes run", n)
			}
			parent.Process.Kill()
			parent.Wait()
			h := host(t, opts)
			gone(t, mark)
			if h.groups != nil && len(h.groups.Groups()) > 0 {
				t.Errorf("groups are left: %v", h.groups.Groups())
			}
		})
	}
}

// What is frozen when its Host is killed goes at the next start of any Host, on whatever folder.
func TestTheFrozenOfADeadHostAreLetGo(t *testing.T) {
	if !host(t, Options{}).Enforced().Pids {
		t.Skip("there are no control groups")
	}
	mark, dir := mark(), filepath.Join(t.TempDir(), "run")
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), fmt.Sprintf("%s=%s false false %s", helper, mark, dir))
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	bufio.NewReader(out).ReadString('\n')
	time.Sleep(50 * time.Millisecond) // it freezes
	parent.Process.Kill()
	parent.Wait()
	h := host(t, Options{})
	gone(t, mark)
	for _, own := range h.groups.Dirs() {
		if left := filepath.Join(filepath.Dir(own), identity(dir)+"-"+strconv.Itoa(parent.Process.Pid)); filepath.Base(filepath.Dir(own)) == "freezer" {
			if _, err := os.Stat(left); err == nil {
				t.Errorf("%s is left", left)
			}
		}
	}
}

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// host opens a host and sees to its end.
func host(t testing.TB, opts Options) *Host {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = filepath.Join(t.TempDir(), "run")
	}
	h, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// box makes a sandbox and sees to its end.
func box(t testing.TB, h *Host, config Config) *Sandbox {
	t.Helper()
	s, err := h.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run starts a shell script in a sandbox.
func run(t testing.TB, s *Sandbox, script string, env ...string) (*Process, *buffer) {
	t.Helper()
	out := &buffer{}
	p, err := s.Start(Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: append(env, "PATH=/usr/bin:/bin"), Dir: "/", Output: out})
	if err != nil {
		t.Fatal(err)
	}
	return p, out
}

// rungs runs a test on a host with everything that this machine has, and with less.
func rungs(t *testing.T, test func(t *testing.T, h *Host)) {
	for name, opts := range map[string]Options{
		"all": {}, "groups": {NoSpaces: true}, "spaces": {NoGroups: true}, "nothing": {NoGroups: true, NoSpaces: true},
	} {
		t.Run(name, func(t *testing.T) { test(t, host(t, opts)) })
	}
}

// await waits for a process's output, which comes in real time.
func await(t testing.TB, out *buffer, text string) {
	t.Helper()
	for range 10_000 {
		if strings.Contains(out.String(), text) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("no %q in %q", text, out)
}

func TestExit(t *testing.T) {
	rungs(t, func(t *testing.T, h *Host) {
		s := box(t, h, Config{})
		for script, want := range map[string]string{
			"exit 0":           "<nil>",
			"exit 3":           "exit status 3",
			"kill -9 $$":       "signal: killed",
			"exec /nonesuch/x": "exit status 127",
		} {
			p, _ := run(t, s, script)
			<-p.Done()
			if got := fmt.Sprint(p.Exit()); got != want {
				t.Errorf("%s: exit %q, want %q", script, got, want)
			}
		}
	})
}

func TestEnvironmentIsBuiltFromScratch(t *testing.T) {
	t.Setenv("ASSAY_SECRET", "do not leak")
	rungs(t, func(t *testing.T, h *Host) {
		p, out := run(t, box(t, h, Config{}), "/usr/bin/env; ls /proc/self/fd", "GREETING=hello")
		<-p.Done()
		if got := out.String(); strings.Contains(got, "SECRET") || !strings.Contains(got, "GREETING=hello\n") || !strings.HasSuffix(got, "\n0\n1\n2\n3\n") {
			t.Errorf("environment, and descriptors, of which 3 is ls's own:\n%s", got)
		}
	})
}

func TestLimitsAreAWSs(t *testing.T) {
	rungs(t, func(t *testing.T, h *Host) {
		p, out := run(t, box(t, h, Config{}), "ulimit -n; ulimit -c; ulimit -l; ulimit -s; grep NoNewPrivs /proc/self/status; umask")
		<-p.Done()
		if got := out.String(); got != "1024\n0\n64\n8192\nNoNewPrivs:\t1\n0022\n" {
			t.Errorf("limits %q", got)
		}
	})
}

func TestOutputIsWholeAndFlushed(t *testing.T) {
	p, out := run(t, box(t, host(t, Options{}), Config{}), "i=0; while [ $i -lt 20000 ]; do echo line $i; echo err $i >&2; i=$((i+1)); done")
	<-p.Done()
	if n := strings.Count(out.String(), "\n"); n != 40000 {
		t.Errorf("%d lines, want 40000", n)
	}
	if !strings.HasSuffix(out.String(), "line 19999\nerr 19999\n") {
		t.Error("the end is missing")
	}
}

func TestTheGroupDiesWithTheProcess(t *testing.T) {
	rungs(t, func(t *testing.T, h *Host) {
		mark := mark()
		p, out := run(t, box(t, h, Config{}), `sleep `+mark+` & echo up; wait`)
		await(t, out, "up")
		p.Kill()
		<-p.Done()
		if p.Exit() == nil || p.Exit().Error() != "signal: killed" {
			t.Errorf("exit %v", p.Exit())
		}
		gone(t, mark)
	})
}

func TestTmpStaysUntilClose(t *testing.T) {
	rungs(t, func(t *testing.T, h *Host) {
		s := box(t, h, Config{})
		p, out := run(t, s, `touch "${TMPDIR:-/tmp}/file"; echo made; sleep 60`)
		await(t, out, "made")
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
		<-p.Done()
		p, _ = run(t, s, `rm "${TMPDIR:-/tmp}/file"`)
		<-p.Done()
		if p.Exit() != nil {
			t.Error("a reset removed the file")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Start(Command{Path: "/bin/true", Dir: "/", Output: &buffer{}}); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(h.dir); len(left) > 1 || len(left) == 1 && left[0].Name() != "root" {
			t.Errorf("left behind: %v", left)
		}
	})
}

// Children may leave the process group; a daemon also empties its environment. Killing the sandbox ends
// them, in namespaces or a group even the daemon.
func TestChildrenInSessionsOfTheirOwnDie(t *testing.T) {
	for name, script := range map[string]string{
		"a session":                `setsid sleep %s & sleep 0.05; echo up`,
		"a session, and a waiter":  `setsid sleep %s & echo up; wait`,
		"a daemon":                 `setsid env -i setsid sleep %s & sleep 0.05; echo up`,
		"a daemon whose parent is": `(setsid env -i setsid sleep %s &) & sleep 0.05; echo up; wait`,
	} {
		t.Run(name, func(t *testing.T) {
			rungs(t, func(t *testing.T, h *Host) {
				if !h.enforced.Mounts && !h.enforced.Pids && strings.Contains(name, "daemon") {
					t.Skip("nothing here holds a daemon")
				}
				mark := mark()
				s := box(t, h, Config{})
				_, out := run(t, s, fmt.Sprintf(script, mark))
				await(t, out, "up")
				if err := s.Kill(); err != nil {
					t.Error(err)
				}
				gone(t, mark)
			})
		})
	}
}

func TestTerminateLetsTheProcessFinish(t *testing.T) {
	rungs(t, func(t *testing.T, h *Host) {
		p, out := run(t, box(t, h, Config{}), `trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done`)
		await(t, out, "ready")
		p.Terminate()
		<-p.Done()
		if !strings.Contains(out.String(), "bye") || p.Exit().Error() != "exit status 7" {
			t.Errorf("output %q, exit %v", out, p.Exit())
		}
	})
}

// A process that has no handler for SIGTERM ends of it: it is not process 1 of a namespace.
func TestTerminateEndsAProcessWithoutHandler(t *testing.T) {
	rungs(t, func(t *testing.T, h *Host) {
		p, out := run(t, box(t, h, Config{}), `echo ready; exec sleep 60`)
		await(t, out, "ready")
		p.Terminate()
		<-p.Done()
		if fmt.Sprint(p.Exit()) != "signal: terminated" {
			t.Errorf("exit %v", p.Exit())
		}
	})
}

func TestStartFailsCleanly(t *testing.T) {
	rungs(t, func(t *testing.T, h *Host) {
		s := box(t, h, Config{})
		_, err := s.Start(Command{Path: "/nonesuch", Dir: "/", Output: &buffer{}})
		if !errors.Is(err, os.ErrNotExist) || err.Error() != "fork/exec /nonesuch: no such file or directory" {
			t.Errorf("error %v", err)
		}
		if p, _ := run(t, s, "exit 0"); true {
			<-p.Done()
		}
	})
}

// Several processes share a sandbox, and the end of one is not that of another.
func TestSeveralProcesses(t *testing.T) {
	rungs(t, func(t *testing.T, h *Host) {
		s := box(t, h, Config{})
		first, out := run(t, s, `echo up; until [ -e "${TMPDIR:-/tmp}/go" ]; do sleep 0.01; done; echo seen`)
		await(t, out, "up")
		second, _ := run(t, s, `touch "${TMPDIR:-/tmp}/go"`)
		<-second.Done()
		<-first.Done()
		if first.Exit() != nil || !strings.Contains(out.String(), "seen") {
			t.Errorf("exit %v, output %q", first.Exit(), out)
		}
	})
}

func TestSizesOfAStatusFile(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS: 1 kB\n": 2 << 20, "\nVmHWM:\tmuch kB": 0} {
		if got := size([]byte(text), "VmHWM"); got != want {
			t.Errorf("size(%q) = %d, want %d", text, got, want)
		}
	}
}

// mark is an argument that no other process has.
func mark() string { return fmt.Sprintf("60.%09d", rand.IntN(1e9)) }

// marked lists the processes with an argument.
func withArgument(mark string) (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(mark+"\x00")) {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

// gone waits until no process has an argument.
func gone(t testing.TB, mark string) {
	t.Helper()
	for range 2000 {
		if len(withArgument(mark)) == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("processes %v are still alive", withArgument(mark))
}

func TestKillOrphans(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		env  []string
		dies bool
	}{
		{[]string{"A=b", "TMPDIR=" + dir + "/x/y"}, true},
		{[]string{"TMPDIR=" + dir, "A=b"}, true},
		{[]string{"A=b", "TMPDIR=" + dir}, true},
		{[]string{"A=b", "TMPDIR=" + dir + "other/x"}, false},
		{[]string{"OLDTMPDIR=" + dir}, false},
		{[]string{"A=TMPDIR=" + dir}, false},
	} {
		cmd := exec.Command("/bin/sleep", "60")
		cmd.Env = tt.env
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		KillOrphans(dir)
		cmd.Process.Signal(unix.SIGTERM)
		cmd.Wait()
		if died := cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == unix.SIGKILL; died != tt.dies {
			t.Errorf("%v: killed %v, want %v", tt.env, died, tt.dies)
		}
	}
}

// TestInputAndErrors: what a process reads comes whole, and its stderr can be told from its stdout.
func TestInputAndErrors(t *testing.T) {
	rungs(t, func(t *testing.T, h *Host) {
		s := box(t, h, Config{})
		text := bytes.Repeat([]byte("0123456789abcdef"), 1<<14) // more than a pipe holds
		var out, errs buffer
		p, err := s.Start(Command{
			Path: "/bin/sh", Args: []string{"-c", "cat; echo oops >&2"}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: "/",
			Input: text, Output: &out, Errors: &errs,
		})
		if err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		if out.String() != string(text) || errs.String() != "oops\n" {
			t.Errorf("%d bytes came of %d, and %q", len(out.String()), len(text), errs.String())
		}
	})
}
