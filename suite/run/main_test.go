package run_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assaylab/assay/cli"
)

// TestMain lets the test binary be assay itself, so that tests run the real command as a process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"assay": func() { os.Exit(cli.Main()) }})
}

// assayBinary is the command testscript installed for this run.
func assayBinary(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("assay")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// needs ends the test if a command of the machine is missing. CI has them all, so there it fails.
func needs(t *testing.T, command string) {
	t.Helper()
	if _, err := exec.LookPath(command); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing; scripts/setup test installs it", command)
	}
	t.Skipf("%s is missing; scripts/setup test installs it", command)
}

// laboratory is a process that speaks AWS's API.
type laboratory struct {
	cmd  *exec.Cmd
	data string
	aws  string // address
}

var readyLine = regexp.MustCompile(`msg=ready .*aws=(\S+)`)

// startLaboratory runs `assay up` on free ports, until the test ends.
func startLaboratory(t *testing.T) *laboratory {
	t.Helper()
	l := &laboratory{data: t.TempDir()}
	l.cmd = exec.Command(assayBinary(t), "up", "--data", l.data, "--gateway", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--console", "127.0.0.1:0")
	logged, err := l.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.cmd.Process.Signal(syscall.SIGTERM)
		l.cmd.Wait()
	})
	var said strings.Builder
	for lines := bufio.NewScanner(logged); lines.Scan(); {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			l.aws = "http://" + m[1]
			go io.Copy(io.Discard, logged) // until the process ends
			return l
		}
		fmt.Fprintln(&said, lines.Text())
	}
	t.Fatalf("assay up ended: %s", said.String())
	return nil
}

// variables lead AWS's tools to the laboratory.
func (l *laboratory) variables() []string {
	return []string{"AWS_ENDPOINT_URL=" + l.aws, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=assay", "AWS_SECRET_ACCESS_KEY=assay"}
}
