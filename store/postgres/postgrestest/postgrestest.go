// Package postgrestest runs a PostgreSQL server of its own for a test. In comes a test, out go a database's
// address, and ways to stop the server and start it again.
package postgrestest

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Server is a server on a free port of the loopback, with its data in a temporary folder.
type Server struct {
	URL string // of its one database, as its superuser

	bin, dir, port string
	owner          *syscall.Credential // who it runs as; nil for whoever runs the test
	process        *exec.Cmd
}

// Start makes a server that ends with the test. Without PostgreSQL on the machine the test is skipped, or fails
// where CI is set.
func Start(t testing.TB) *Server {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	s := &Server{bin: bin}
	if s.dir, err = os.MkdirTemp("", "assay-postgres-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.dir) })
	if err := s.disown(); err != nil {
		t.Fatal(err)
	}
	s.run(t, "initdb", "--pgdata", s.data(), "--username", "assay", "--auth", "trust", "--encoding", "UTF8", "--no-sync", "--no-instructions")
	if s.port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	s.URL = "postgres://assay@127.0.0.1:" + s.port + "/postgres"
	t.Cleanup(func() { s.end(syscall.SIGINT) })
	s.Start(t)
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// binaries finds the folder of the server's programs: where Debian puts them, or in the path.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err == nil && len(found) > 0 {
		return slices.Max(found), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("there is no PostgreSQL: run scripts/setup test")
}

// disown gives the folder to somebody without privileges if the test has them: the server refuses them.
func (s *Server) disown() error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, uid, gid)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, program), args...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "LC_ALL=C")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	return c
}

func (s *Server) run(t testing.TB, program string, args ...string) {
	t.Helper()
	if out, err := s.command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// Start starts the server again after Stop or Kill, and waits until it takes connections.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.process = s.command("postgres", "-D", s.data(), "-p", s.port, "-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-c", "max_connections=60")
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.command("pg_isready", "-h", "127.0.0.1", "-p", s.port).Run() != nil {
		select {
		case <-ctx.Done():
			said, err := os.ReadFile(log.Name())
			t.Fatalf("the server does not start: %s %v", said, cmp.Or(err, ctx.Err()))
		case <-tick.C:
		}
	}
}

// Stop ends the server in order, cutting connections off.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Kill ends all of the server at once, as when its machine fails.
func (s *Server) Kill() { s.end(syscall.SIGQUIT) }

func (s *Server) end(signal syscall.Signal) {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(signal) // Wait says how it ended
	_ = s.process.Wait()
	s.process = nil
}
