package serve

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/assaylab/assay"
)

// DefaultConsole is where the console listens, and is looked for.
const DefaultConsole = "127.0.0.1:8090"

// loopback tells whether an address, host:port, can be reached from this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// ListenError says which address is in use, and by whom if that can be found.
func ListenError(flag, address string, err error) error {
	e := &assay.Error{Code: assay.CodeInvalid, What: "cannot listen: " + err.Error(), Where: flag + " " + address, Err: err, Hint: "choose another address with " + flag}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return e
	}
	e.What = "the address is in use"
	if who := listener(address); who != "" {
		e.What += " by " + who
	}
	e.Hint = fmt.Sprintf("stop it, or choose another address with %s; port 0 picks a free one", flag)
	return e
}

// listener names the process that listens on an address's port, from Linux's /proc; "" if it is not
// to be seen.
func listener(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return ""
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if inode := listeningInode(table, n); inode != "" {
			return socketOwner(inode)
		}
	}
	return ""
}

// listeningInode finds the socket in state LISTEN (0A) with that local port.
func listeningInode(table string, port int) string {
	data, err := os.ReadFile(table)
	if err != nil {
		return ""
	}
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], suffix) {
			return f[9]
		}
	}
	return ""
}

func socketOwner(inode string) string {
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well-formed
	for _, link := range links {
		if to, err := os.Readlink(link); err != nil || to != "socket:["+inode+"]" {
			continue
		}
		pid := strings.Split(link, "/")[2]
		name, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil {
			return "process " + pid
		}
		return fmt.Sprintf("%s (process %s)", strings.TrimSpace(string(name)), pid)
	}
	return ""
}
