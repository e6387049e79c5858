//go:build linux

package sandbox

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// full opens a host on which everything is enforced, or skips.
func full(t testing.TB) *Host {
	t.Helper()
	h := host(t, Options{})
	if reasons := h.Enforced().Reasons; len(reasons) > 0 {
		t.Skip(reasons)
	}
	return h
}

// well checks that a sandbox works.
func well(t *testing.T, s *Sandbox) {
	t.Helper()
	p, out := run(t, s, "echo well")
	<-p.Done()
	if out.String() != "well\n" || p.Exit() != nil {
		t.Errorf("output %q, exit %v", out, p.Exit())
	}
}

func TestAllocatingEndlesslyIsKilled(t *testing.T) {
	h := full(t)
	other, s := box(t, h, Config{}), box(t, h, Config{MemoryMB: 64})
	p, _ := run(t, s, `x=x; while :; do x=$x$x; done`)
	<-p.Done()
	if got := fmt.Sprint(p.Exit()); got != "signal: killed" {
		t.Errorf("exit %s", got)
	}
	if u := s.Usage(); u.OOMKills != 1 || u.PeakMemory > 65<<20 {
		t.Errorf("usage %+v", u)
	}
	well(t, other)
	well(t, s)
}

func TestOtherKillsAreNotForMemory(t *testing.T) {
	s := box(t, full(t), Config{MemoryMB: 64})
	p, _ := run(t, s, `kill -9 $$`)
	<-p.Done()
	if u := s.Usage(); u.OOMKills != 0 {
		t.Errorf("usage %+v", u)
	}
}

func TestMemoryOfTheWholeTreeCounts(t *testing.T) {
	s := box(t, full(t), Config{MemoryMB: 256})
	child := `x=$(head -c 20000000 /dev/zero | tr '\0' x); echo up; read wait`
	p, out := run(t, s, fmt.Sprintf(`sh -c '%[1]s' & sh -c '%[1]s' & wait`, strings.ReplaceAll(child, "'", `'\''`)))
	<-p.Done()
	if u := s.Usage(); u.PeakMemory < 40<<20 || u.PeakMemory > 200<<20 {
		t.Errorf("usage %+v after two shells with 20 MB each said %q", u, out)
	}
	if s.Usage().CPU <= 0 {
		t.Error("no CPU time")
	}
}

// Cached files and files in /tmp are no memory on AWS.
func TestFilesAreNoMemory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(file, make([]byte, 40<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	s := box(t, full(t), Config{MemoryMB: 256, Task: filepath.Dir(file)})
	os.Chmod(filepath.Dir(file), 0o755)
	p, out := run(t, s, `cat /var/task/large > /tmp/copy && ls -s /tmp`)
	<-p.Done()
	if u := s.Usage(); u.PeakMemory > 20<<20 || p.Exit() != nil {
		t.Errorf("usage %+v, exit %v, output %s", u, p.Exit(), out)
	}
}

func TestForkBombsAreHeld(t *testing.T) {
	h := full(t)
	other, s := box(t, h, Config{}), box(t, h, Config{MemoryMB: 128, Pids: 50})
	p, out := run(t, s, `i=0; while [ $i -lt 200 ]; do sleep 60 & i=$((i+1)); done; echo forked`)
	<-p.Done() // the shell gives up
	if strings.Contains(out.String(), "forked") {
		t.Error("200 processes fit into 50")
	}
	if err := s.Kill(); err != nil {
		t.Error(err)
	}
	bomb, _ := run(t, s, `bomb() { bomb | bomb & }; bomb; sleep 60`)
	time.Sleep(100 * time.Millisecond) // it is real
	well(t, other)
	if err := s.Kill(); err != nil {
		t.Error(err)
	}
	<-bomb.Done()
	well(t, s)
}

func TestTmpHasASize(t *testing.T) {
	s := box(t, full(t), Config{MemoryMB: 128, TmpMB: 4})
	p, out := run(t, s, `head -c 10000000 /dev/zero > /tmp/x || df -k /tmp | tail -1`)
	<-p.Done()
	if !strings.Contains(out.String(), "No space left") || !strings.Contains(out.String(), "4096") {
		t.Errorf("output %s", out)
	}
}

// What is in /tmp does not take from the memory: on AWS it is on a disk.
func TestTmpLeavesTheMemory(t *testing.T) {
	s := box(t, full(t), Config{MemoryMB: 48, TmpMB: 100})
	for range 5 {
		p, _ := run(t, s, `head -c 20000000 /dev/zero >> /tmp/x`)
		<-p.Done()
		if p.Exit() != nil {
			t.Fatalf("exit %v, %+v", p.Exit(), s.Usage())
		}
		if err := s.Thaw(); err != nil { // as before each invocation
			t.Fatal(err)
		}
	}
}

func TestTheMachineIsOutOfReach(t *testing.T) {
	data := t.TempDir()
	os.WriteFile(filepath.Join(data, "secret"), []byte("secret"), 0o644)
	task := filepath.Join(data, "task")
	if err := os.Mkdir(task, 0o755); err != nil {
		t.Fatal(err)
	}
	console, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	_, port, _ := net.SplitHostPort(console.Addr().String())
	s := box(t, full(t), Config{Task: task, Opt: []string{task}, Runtime: task})
	for script, want := range map[string]string{
		"touch /var/task/x":                     "Read-only file system",
		"touch /opt/x":                          "Read-only file system",
		"touch /var/runtime/x":                  "Read-only file system",
		"touch /usr/x":                          "Read-only file system",
		"touch /etc/x":                          "Read-only file system",
		"touch /x":                              "Read-only file system",
		"touch /dev/x":                          "Read-only file system",
		"touch /tmp/x && echo written":          "written",
		"cat " + data + "/secret":               "No such file",
		"ls " + data:                            "No such file",
		"ls /root /home 2>&1":                   "No such file",
		"kill -9 1; echo alive":                 "alive",
		"ls /proc | grep -c '^[0-9]'":           "5", // 1, the shell, ls, grep, and the subshell or less
		"cat /proc/1/environ":                   "Permission denied",
		"mount -t tmpfs x /tmp":                 "denied|permitted|superuser",
		"id -un":                                userName,
		"hostname":                              "sandbox",
		"python3 -c 'print(1)' 2>&1; echo done": "done",
		"getent hosts sandbox.localdomain":      "127.0.0.1",
		"echo x > /dev/tcp":                     "Read-only|Directory nonexistent|cannot create",
		"exec 3<>/dev/null && echo fine":        "fine",
		"bash -c 'exec 3<>/dev/tcp/127.0.0.1/" + port + "'": "Connection refused",
		"bash -c 'exec 3<>/dev/tcp/192.0.2.1/80'":           "Network is unreachable",
	} {
		p, out := run(t, s, script)
		<-p.Done()
		found := false
		for w := range strings.SplitSeq(want, "|") {
			found = found || strings.Contains(out.String(), w)
		}
		if !found && want != "5" {
			t.Errorf("%s: %q, want %q", script, out, want)
		}
	}
}

// TestWhatIsAssaysIsHidden: the folder of Assay's definitions, and the file of its flags, are empty for functions. Those
// hidden here are there on every Debian.
func TestWhatIsAssaysIsHidden(t *testing.T) {
	h := full(t)
	if !slices.Contains(h.view.hidden, "/etc/assay") {
		t.Errorf("hidden are %q", h.view.hidden)
	}
	h.view.hidden = []string{"/etc/apt", "/etc/debian_version", "/etc/not-there"}
	s := box(t, h, Config{})
	p, out := run(t, s, "ls /etc/apt; wc -c < /etc/debian_version; touch /etc/apt/x; wc -l < /etc/passwd")
	<-p.Done()
	if got := out.String(); !strings.HasPrefix(got, "0\n") || !strings.Contains(got, "Read-only file system") || strings.HasSuffix(got, "\n0\n") {
		t.Errorf("it sees %q", got)
	}
}

func TestOneSandboxSeesNothingOfAnother(t *testing.T) {
	h := full(t)
	a, b := box(t, h, Config{}), box(t, h, Config{})
	p, out := run(t, a, "id -u; echo secret > /tmp/x; sleep 60")
	await(t, out, "\n")
	q, other := run(t, b, "id -u; ls /tmp | wc -l; grep -l sleep /proc/[0-9]*/comm; kill -9 -1")
	<-q.Done()
	if id, _, _ := strings.Cut(out.String(), "\n"); other.String() == "" || strings.HasPrefix(other.String(), id+"\n") || !strings.Contains(other.String(), "\n0\n") || strings.Contains(other.String(), "/proc/") {
		t.Errorf("one says %q, the other %q", out, other)
	}
	select {
	case <-p.Done():
		t.Error("one killed the other")
	default:
	}
}

func TestFloodsOfOutputAreRead(t *testing.T) {
	s := box(t, full(t), Config{MemoryMB: 64})
	p, out := run(t, s, "yes | head -c 20000000")
	<-p.Done()
	if n := len(out.String()); n != 20_000_000 {
		t.Errorf("%d bytes", n)
	}
}

func TestIgnoringSIGTERMDoesNotHelp(t *testing.T) {
	s := box(t, full(t), Config{})
	p, out := run(t, s, "trap '' TERM; echo up; while :; do sleep 1; done")
	await(t, out, "up")
	p.Terminate()
	if err := s.Kill(); err != nil {
		t.Error(err)
	}
	<-p.Done()
}

func TestFrozenProcessesDoNothing(t *testing.T) {
	for name, opts := range map[string]Options{"groups": {}, "signals": {NoGroups: true}} {
		t.Run(name, func(t *testing.T) {
			s := box(t, host(t, opts), Config{})
			_, out := run(t, s, "while :; do echo tick; sleep 0.001; done")
			await(t, out, "tick")
			if err := s.Freeze(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond) // freezing is not waited for
			before := out.String()
			time.Sleep(50 * time.Millisecond)
			if got := out.String(); got != before {
				t.Errorf("frozen, it says %q", got[len(before):])
			}
			if err := s.Thaw(); err != nil {
				t.Fatal(err)
			}
			await(t, out, before+"tick")
			if err := s.Freeze(); err != nil { // closing thaws
				t.Fatal(err)
			}
		})
	}
}

func TestListenAndDial(t *testing.T) {
	rungs(t, func(t *testing.T, h *Host) {
		for _, network := range []bool{false, true} {
			s := box(t, h, Config{Network: network})
			l, err := s.Listen()
			if err != nil {
				t.Fatal(err)
			}
			host, port, _ := net.SplitHostPort(l.Addr().String())
			if own := port == "9001"; host != "127.0.0.1" || own != s.ownNetwork() {
				t.Errorf("address %s", l.Addr())
			}
			p, err := s.Start(Command{Path: "/bin/bash", Args: []string{"-c", "echo hello > /dev/tcp/127.0.0.1/" + port}, Dir: "/", Output: &buffer{}})
			if err != nil {
				t.Fatal(err)
			}
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			text := make([]byte, 5)
			conn.Read(text)
			conn.Close()
			<-p.Done()
			if string(text) != "hello" {
				t.Errorf("heard %q", text)
			}
			n, _ := net.LookupPort("tcp", port)
			dialled, err := s.Dial(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			dialled.Close()
			l.Close()
			if c, err := s.Dial(t.Context(), n); err == nil {
				c.Close()
				t.Error("nobody listens, and somebody answers")
			}
		}
	})
}

func TestLayersLieOnTopOfEachOther(t *testing.T) {
	layer := func(text string, names ...string) string {
		dir := t.TempDir()
		os.Chmod(dir, 0o755)
		for _, name := range names {
			os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
		}
		return dir
	}
	s := box(t, full(t), Config{Opt: []string{layer("one", "a", "b"), layer("two", "b", "c")}})
	p, out := run(t, s, "cat /opt/a /opt/b /opt/c")
	<-p.Done()
	if out.String() != "onetwotwo" {
		t.Errorf("output %q", out)
	}
}
