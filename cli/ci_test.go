package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay/process"
)

// TestWorkflowOfTheExample runs the steps of the example's workflow, one after the other, as a runner of GitHub's
// would. The rewrite is refuted, the step fails, and what the next steps would upload is there.
func TestWorkflowOfTheExample(t *testing.T) {
	t.Parallel()
	needs(t, "python3", "curl")
	text, err := os.ReadFile("../examples/ci/github.yml")
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs struct {
			Verdict struct {
				Steps []struct{ Name, Run string }
			}
		}
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../examples/ci")); err != nil {
		t.Fatal(err)
	}
	ports := strings.NewReplacer("127.0.0.1:8080", freeAddress(t), "127.0.0.1:4566", freeAddress(t), "127.0.0.1:8090", freeAddress(t))
	codes := map[string]int{}
	for _, step := range workflow.Jobs.Verdict.Steps {
		if step.Run == "" || strings.HasPrefix(step.Run, "go install") {
			continue
		}
		codes[step.Name] = runStep(t, dir, ports.Replace(step.Run), "ASSAY_CONSOLE="+ports.Replace("127.0.0.1:8090"))
	}
	want := map[string]int{"Start a laboratory": 0, "Send recorded traffic": 0, "Ask for the verdict": process.Refuted}
	for name, code := range want {
		if got, ran := codes[name]; !ran || got != code {
			t.Errorf("%s: ran %v, exit %d, not %d", name, ran, got, code)
		}
	}
	for name, want := range map[string]string{"summary.md": "| ` body:$.cents ` | value |", "verdict.sarif": "body:$.cents", "verdict.xml": "<failure"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Contains(got, []byte(want)) {
			t.Errorf("%s: %v, %s", name, err, got)
		}
	}
}

// runStep runs a step's shell script, and returns its exit code. What it starts in the background is stopped by
// the test's end.
func runStep(t *testing.T, dir, script string, env ...string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(assayBinary(t))+":"+os.Getenv("PATH"), "GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary.md"))
	cmd.Env = append(cmd.Env, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t.Cleanup(func() { endGroup(t, cmd.Process.Pid) })
	out, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if said, _ := os.ReadFile(out.Name()); len(said) > 0 {
		t.Logf("%s\n%s", script, said)
	}
	return cmd.ProcessState.ExitCode()
}

// endGroup ends what is left of a process group, and waits for it.
func endGroup(t *testing.T, group int) {
	t.Helper()
	syscall.Kill(-group, syscall.SIGTERM)
	eventually(t, time.Minute, func() error {
		if err := syscall.Kill(-group, 0); err != syscall.ESRCH {
			return errors.New("the step's processes have not ended")
		}
		return nil
	})
}

// freeAddress is an address of loopback that nobody listened at a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
