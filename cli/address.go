package cli

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/assaylab/assay"
)

// loopback tells whether an address, host:port, can be reached from this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopbackHost(host)
}

// loopbackHost tells whether a host, with a port or without, is a loopback address or localhost.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// listenError says which address is in use, and by whom if that can be found.
func listenError(flag, address string, err error) error {
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

// guarded lets through to the AWS address who may use it. With a token, those who show it: as a bearer
// token, or, AWS clients, as AWS_SESSION_TOKEN. Without one, programs of this machine: no web page that a
// browser here has open, whether it posts across sites or has a name of its own lead to loopback.
func guarded(token string, next http.Handler) http.Handler {
	sites := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case token != "" && !equal(r.Header.Get("Authorization"), "Bearer "+token) && !equal(r.Header.Get("X-Amz-Security-Token"), token):
			forbid(w, "MissingAuthenticationTokenException", "Missing Authentication Token; AWS clients send it as AWS_SESSION_TOKEN")
		case token == "" && !loopbackHost(r.Host):
			forbid(w, "AccessDeniedException", "This name is not answered without a token; use 127.0.0.1 or localhost")
		case sites.Check(r) != nil:
			forbid(w, "AccessDeniedException", "Calls from other sites are refused")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// forbid answers as AWS does.
func forbid(w http.ResponseWriter, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", kind)
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprintf(w, "{\"message\":%q}\n", message)
}

// equal takes the same time wherever two secrets differ.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
