package serve

import (
	"log/slog"
	"net"

	"github.com/assaylab/assay/process"
)

// What a supervisor can be told, in the words of sd_notify(3).
const (
	stateReady    = "READY=1"
	stateStopping = "STOPPING=1"
)

// tellSupervisor says how the program stands to what started it, if that asked to know: systemd does, for units of
// Type=notify. It never waits.
func tellSupervisor(p *process.Process, log *slog.Logger, state string) {
	address, ok := p.Env("NOTIFY_SOCKET") // a path, or with @ an abstract name
	if !ok || address == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err == nil {
		_, err = conn.Write([]byte(state))
		conn.Close()
	}
	if err != nil {
		log.Warn("the supervisor cannot be told", "state", state, "error", err)
	}
}
