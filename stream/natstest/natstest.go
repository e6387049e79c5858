// Package natstest runs NATS servers with JetStream for tests, each a process of its own that can be killed. In come
// tests, out go addresses. The process is the test's own program, so nothing has to be installed.
package natstest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const asServer = "ASSAY_TEST_NATS_CONFIG"

// Main makes the program a NATS server if that is what it was started as. TestMain calls it first.
func Main() {
	config, ok := os.LookupEnv(asServer)
	if !ok {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the test that started it has ended
		os.Exit(1)
	}()
	opts, err := server.ProcessConfigFile(config)
	if err == nil {
		opts.NoSigs = true
		var s *server.Server
		if s, err = server.NewServer(opts); err == nil {
			s.ConfigureLogger()
			s.Start()
			s.WaitForShutdown()
			os.Exit(0)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Server is one server.
type Server struct {
	URL string

	t       testing.TB
	config  string
	address string
	process *exec.Cmd
	stdin   io.Closer
}

// Start starts a server that is stopped when the test ends. Lines of configuration may follow.
func Start(t testing.TB, more ...string) *Server {
	t.Helper()
	s := configured(t, "alone", free(t), strings.Join(more, "\n"))
	s.Run()
	return s
}

// Cluster starts servers that keep copies of one another's streams.
func Cluster(t testing.TB, size int) []*Server {
	t.Helper()
	var ports []int
	var routes []string
	for range size {
		ports = append(ports, free(t))
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[len(ports)-1]))
	}
	var all []*Server
	for i, port := range ports {
		s := configured(t, fmt.Sprint("node-", i), free(t), fmt.Sprintf("cluster { name: test, listen: \"127.0.0.1:%d\", routes: [%s] }", port, strings.Join(routes, ", ")))
		s.start()
		all = append(all, s)
	}
	for _, s := range all {
		s.await()
	}
	return all
}

func configured(t testing.TB, name string, port int, more string) *Server {
	t.Helper()
	dir := t.TempDir()
	address := "127.0.0.1:" + strconv.Itoa(port)
	s := &Server{URL: "nats://" + address, t: t, config: filepath.Join(dir, "nats.conf"), address: address}
	text := fmt.Sprintf("listen: %q\nserver_name: %s\njetstream { store_dir: %q, sync_interval: always, max_file_store: 4GB }\nlog_file: %q\n%s\n",
		address, name, dir, filepath.Join(dir, "log"), more)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

func free(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Run starts the server, again if it was killed, with what it kept.
func (s *Server) Run() {
	s.t.Helper()
	s.start()
	s.await()
}

func (s *Server) start() {
	s.t.Helper()
	program, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	s.process = exec.Command(program)
	s.process.Env = append(os.Environ(), asServer+"="+s.config, "GOGC=200")
	s.process.Stderr = os.Stderr
	if s.stdin, err = s.process.StdinPipe(); err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) await() {
	s.t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", s.address); err == nil {
			c.Close()
			return
		}
	}
	s.t.Fatal("the NATS server does not answer")
}

// Kill ends the server at once, and waits for that.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait() // it was killed
	s.process = nil
}
