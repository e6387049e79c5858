package command_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/command"
	"github.com/assaylab/assay/compare/own"
	"github.com/assaylab/assay/lambda/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB) *command.Bench {
	t.Helper()
	host, err := sandbox.Open(sandbox.Options{Dir: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	b := command.Open(command.Options{Host: host, AtOnce: 2})
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func program(t testing.TB, b *command.Bench, code string, timeout time.Duration, run ...string) *command.Program {
	t.Helper()
	p, flaw := b.Program(assay.ComparatorSpec{Kind: assay.CompareCommand, Name: "x", Run: run, Timeout: timeout}, code)
	if flaw != nil {
		t.Fatal(flaw.What)
	}
	return p
}

func shell(t testing.TB, b *command.Bench, script string) *command.Program {
	return program(t, b, t.TempDir(), 0, "sh", "-c", script)
}

func TestWhatProgramsDo(t *testing.T) {
	b := open(t)
	for script, want := range map[string]string{
		`cat`:                              `{"a": 1}`,
		`echo '[]'; echo "a secret" >&2`:   "[]\n",
		`cat >/dev/null; exit 3`:           "error: it ended with exit status 3, and 0 bytes on its stderr",
		`echo "a secret" >&2; exit 1`:      "error: it ended with exit status 1, and 9 bytes on its stderr",
		`kill -9 $$`:                       "error: it ended with signal: killed, and 0 bytes on its stderr",
		`head -c 3000000 /dev/zero`:        fmt.Sprintf("error: it wrote more than %d bytes", own.MaxAnswer),
		`env | grep -c ASSAY || echo none`: "0\nnone\n",
		`touch /var/task/x 2>/dev/null && echo written || echo refused`: "refused\n",
		`echo x >/tmp/mine && cat /tmp/mine`:                            "x\n",
		`ls /tmp | wc -l`:                                               "0\n",
	} {
		text, err := shell(t, b, script).Run([]byte(`{"a": 1}`))
		got := string(text)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s\ngot  %.200q\nwant %q", script, got, want)
		}
	}
}

// TestItsOwnCode: a program in the folder of the code, and one of this machine that reads it.
func TestItsOwnCode(t *testing.T) {
	b, dir := open(t), t.TempDir()
	os.Chmod(dir, 0o755)
	os.WriteFile(filepath.Join(dir, "compare"), []byte("#!/bin/sh\necho own\n"), 0o755)
	if text, err := program(t, b, dir, 0, "./compare").Run(nil); string(text) != "own\n" {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := program(t, b, dir, 0, "cat", "compare").Run(nil); !strings.Contains(string(text), "echo own") {
		t.Errorf("%q, %v", text, err)
	}
	if _, flaw := b.Program(assay.ComparatorSpec{Run: []string{"no-such-program"}}, dir); flaw == nil || flaw.Path[0] != "run" {
		t.Errorf("%+v", flaw)
	}
}

// TestSlowProgramsEnd: with all that they started.
func TestSlowProgramsEnd(t *testing.T) {
	b := open(t)
	_, err := program(t, b, t.TempDir(), 100*time.Millisecond, "sh", "-c", "sleep 600 & sleep 600").Run(nil)
	if err == nil || err.Error() != "it did not end within 100ms" {
		t.Error(err)
	}
	var all sync.WaitGroup
	for range 6 { // three times as many as have their turn at once
		all.Go(func() {
			if text, err := shell(t, b, "echo '[]'").Run(nil); string(text) != "[]\n" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	all.Wait()
}

func TestNoNetwork(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3")
	}
	script := `
import json, socket, sys
doc = json.load(sys.stdin)
try:
    socket.create_connection(("127.0.0.1", doc["port"]), 1)
except OSError as e:
    print(json.dumps([{"path": "$", "detail": type(e).__name__}]))
`
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	os.WriteFile(filepath.Join(dir, "compare.py"), []byte(script), 0o644)
	text, err := program(t, open(t), dir, 5*time.Second, "python3", "compare.py").Run([]byte(`{"port": 22}`))
	if err != nil || !strings.Contains(string(text), "Error") {
		t.Errorf("%s, %v", text, err)
	}
}

// BenchmarkRun is a comparison by the shell and by Python: a sandbox, a process and an interpreter each time.
// That takes some 5 ms and 50 ms.
func BenchmarkRun(b *testing.B) {
	bench := open(b)
	for name, p := range map[string]*command.Program{
		"sh":     shell(b, bench, "echo '[]'"),
		"python": program(b, bench, b.TempDir(), 5*time.Second, "python3", "-c", "print('[]')"),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Run(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
