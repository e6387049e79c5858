package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
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
	if tmp := os.Getenv(helper); tmp != "" {
		h, err := Open(Options{Dir: tmp})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		s, err := h.New(Config{})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		p, err := s.Start(Command{Path: "/bin/sleep", Args: []string{"60"}, Dir: "/", Output: os.Stderr})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.PID())
		select {}
	}
	goleak.VerifyTestMain(m)
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

// open makes a host with one sandbox and sees to their end.
func open(t *testing.T, config Config) *Sandbox {
	t.Helper()
	h, err := Open(Options{Dir: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	s, err := h.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// run starts a shell script in a sandbox.
func run(t *testing.T, s *Sandbox, script string, env ...string) (*Process, *buffer) {
	t.Helper()
	out := &buffer{}
	p, err := s.Start(Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: env, Dir: "/", Output: out})
	if err != nil {
		t.Fatal(err)
	}
	return p, out
}

// start runs a shell script in a sandbox of its own and sees to its end.
func start(t *testing.T, script string, env ...string) (*Process, *buffer) {
	t.Helper()
	return run(t, open(t, Config{}), script, env...)
}

func TestExit(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0":           "<nil>",
		"exit 3":           "exit status 3",
		"kill -9 $$":       "signal: killed",
		"exec /nonesuch/x": "exit status 127",
	} {
		p, _ := start(t, script)
		<-p.Done()
		if got := fmt.Sprint(p.Exit()); got != want {
			t.Errorf("%s: exit %q, want %q", script, got, want)
		}
	}
}

func TestEnvironmentIsBuiltFromScratch(t *testing.T) {
	t.Setenv("ASSAY_SECRET", "do not leak")
	p, out := start(t, "/usr/bin/env; ulimit -n", "GREETING=hello")
	<-p.Done()
	if got := out.String(); strings.Contains(got, "SECRET") || !strings.Contains(got, "GREETING=hello\n") || !strings.Contains(got, "TMPDIR=/") {
		t.Errorf("environment:\n%s", got)
	}
}

func TestOutputIsWholeAndFlushed(t *testing.T) {
	p, out := start(t, "i=0; while [ $i -lt 20000 ]; do echo line $i; echo err $i >&2; i=$((i+1)); done")
	<-p.Done()
	if n := strings.Count(out.String(), "\n"); n != 40000 {
		t.Errorf("%d lines, want 40000", n)
	}
	if !strings.HasSuffix(out.String(), "line 19999\nerr 19999\n") {
		t.Error("the end is missing")
	}
}

func TestTheGroupDiesWithTheProcess(t *testing.T) {
	p, out := start(t, `sleep 60 & echo $!; wait`)
	for !strings.Contains(out.String(), "\n") {
		time.Sleep(time.Millisecond) // the shell writes in real time
	}
	child, _ := strconv.Atoi(strings.TrimSpace(out.String()))
	p.Kill()
	<-p.Done()
	if p.Exit() == nil || p.Exit().Error() != "signal: killed" {
		t.Errorf("exit %v", p.Exit())
	}
	awaitDeath(t, child)
}

func TestTmpStaysUntilClose(t *testing.T) {
	s := open(t, Config{})
	p, out := run(t, s, `touch "$TMPDIR/file"; echo made; sleep 60`)
	for out.String() == "" {
		time.Sleep(time.Millisecond) // the shell writes in real time
	}
	s.Kill()
	<-p.Done()
	p, _ = run(t, s, `rm "$TMPDIR/file"`)
	<-p.Done()
	if p.Exit() != nil {
		t.Error("a reset removed the file")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(s.host.dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := s.Start(Command{Path: "/bin/true", Dir: "/", Output: &buffer{}}); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
}

func TestLeftoverChildrenDieWhenTheProcessExits(t *testing.T) {
	p, out := start(t, `sleep 60 & echo $!`)
	<-p.Done()
	child, _ := strconv.Atoi(strings.TrimSpace(out.String()))
	awaitDeath(t, child)
}

func TestChildrenInSessionsOfTheirOwnDie(t *testing.T) {
	for name, script := range map[string]string{
		"when the sandbox is killed": `setsid sh -c 'echo $$; exec sleep 60' & wait`,
		"when the process exits":     `setsid sh -c 'echo $$ > "$TMPDIR/pid"; exec sleep 60' & until [ -s "$TMPDIR/pid" ]; do :; done; cat "$TMPDIR/pid"`,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Config{})
			_, out := run(t, s, script)
			for !strings.Contains(out.String(), "\n") {
				time.Sleep(time.Millisecond) // the shell writes in real time
			}
			child, err := strconv.Atoi(strings.TrimSpace(out.String()))
			if err != nil {
				t.Fatal(err)
			}
			s.Kill()
			awaitDeath(t, child)
		})
	}
}

func TestTerminateLetsTheProcessFinish(t *testing.T) {
	p, out := start(t, `trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done`)
	for !strings.Contains(out.String(), "ready") {
		time.Sleep(time.Millisecond)
	}
	p.Terminate()
	<-p.Done()
	if !strings.Contains(out.String(), "bye") || p.Exit().Error() != "exit status 7" {
		t.Errorf("output %q, exit %v", out, p.Exit())
	}
}

func TestStartFailsCleanly(t *testing.T) {
	s := open(t, Config{})
	_, err := s.Start(Command{Path: "/nonesuch", Dir: "/", Output: &buffer{}})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestProcessesDieWithTheirParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), helper+"="+filepath.Join(t.TempDir(), "tmp"))
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("helper said %q", line)
	}
	if unix.Kill(pid, 0) != nil {
		t.Fatal("the process does not run")
	}
	parent.Process.Kill()
	parent.Wait()
	awaitDeath(t, pid)
}

func TestPeakMemory(t *testing.T) {
	s := open(t, Config{})
	p, out := run(t, s, "echo up; sleep 60")
	for !strings.Contains(out.String(), "up") {
		time.Sleep(time.Millisecond)
	}
	before := s.Usage().PeakMemory
	if got := before; got < 100<<10 || got > 64<<20 {
		t.Errorf("a shell uses %d bytes?", got)
	}
	p.Kill()
	<-p.Done()
	if got := s.Usage().PeakMemory; got < before {
		t.Errorf("%d bytes after the end, %d before", got, before)
	}
	for text, want := range map[string]int64{"": 0, "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS: 1 kB\n": 2 << 20, "\nVmHWM:\tmuch kB": 0} {
		if got := peak([]byte(text)); got != want {
			t.Errorf("peak(%q) = %d, want %d", text, got, want)
		}
	}
}

// awaitDeath waits until a process has gone or is a zombie that nobody has buried yet.
func awaitDeath(t *testing.T, pid int) {
	t.Helper()
	for range 2000 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("process %d is still alive", pid)
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
