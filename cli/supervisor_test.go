package cli

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestSupervisorIsTold: what starts the laboratory learns when it can be called and when it ends, as systemd does.
func TestSupervisorIsTold(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	told := func() string {
		t.Helper()
		socket.SetReadDeadline(time.Now().Add(time.Minute))
		text := make([]byte, 100)
		n, err := socket.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(text[:n])
	}
	cmd := exec.Command(assayBinary(t))
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+address)
	l := launchBy(t, cmd, t.TempDir())
	if got := told(); got != "READY=1" {
		t.Errorf("first %q", got)
	}
	l.wait()
	l.cmd.Process.Signal(syscall.SIGTERM)
	if got := told(); got != "STOPPING=1" {
		t.Errorf("then %q", got)
	}
}
