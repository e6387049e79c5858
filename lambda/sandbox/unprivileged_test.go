//go:build linux

package sandbox

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const nobody = 65534

// Without privileges, user namespaces give what control groups do not.
func TestUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the whole of this is unprivileged")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "test")
	tmp := filepath.Join(dir, "tmp")
	if err := copyProgram(program, os.Args[0]); err != nil {
		t.Fatal(err)
	}
	for path := dir; path != "/" && path != os.TempDir(); path = filepath.Dir(path) {
		os.Chmod(path, 0o755)
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	os.Chown(tmp, nobody, nobody)
	cmd := exec.Command(program, "-test.v", "-test.run", "^(TestExit|TestLimitsAreAWSs|TestTmpStaysUntilClose|TestChildrenInSessionsOfTheirOwnDie|TestTerminate.*|TestStartFailsCleanly|TestSeveralProcesses|TestListenAndDial|TestFrozenProcessesDoNothing|TestUserNamespacesAreEnough|TestKilledHostsAreSweptUp)$")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + tmp}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestExit") || strings.Contains(string(out), "--- SKIP: TestUserNamespacesAreEnough") {
		t.Errorf("%v\n%s", err, out)
	}
}

func copyProgram(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(out, in)
	return err
}

func TestUserNamespacesAreEnough(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root needs none")
	}
	h := host(t, Options{})
	if e := h.Enforced(); !e.Mounts || !e.Network || !e.User || !e.Freeze {
		t.Fatalf("enforced: %+v", e)
	}
	s := box(t, h, Config{})
	p, out := run(t, s, "id -un; id -u; touch /x; touch /tmp/x; grep CapEff /proc/self/status; ls /proc | grep -c '^[0-9]'; mount -t tmpfs x /tmp; ulimit -u")
	<-p.Done()
	for _, want := range []string{userName + "\n993\n", "Read-only file system", "CapEff:\t0000000000000000\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	t.Logf("%s", out)
}
