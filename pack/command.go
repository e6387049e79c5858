package pack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// tail is how much of what a failed tool wrote an error shows, in bytes.
const tail = 2000

// command is a tool to run. It has the environment of whoever runs Assay: it is their tool.
type command struct {
	args []string
	dir  string
	env  []string // beside the process's own
	hint string   // when it fails; what was run if ""
}

// run runs a tool until it ends, or ctx does, with all processes that it started. It returns what the tool
// wrote to standard output.
func (p *Packer) run(ctx context.Context, s Source, c command) (string, error) {
	var said transcript
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = stream{&said, true}, stream{&said, false}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return said.out.String(), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	hint := c.hint
	if hint == "" {
		hint = "the command was: " + strings.Join(c.args, " ")
	}
	return "", s.fail(fmt.Sprintf("build failed: %v\n%s", err, lastOf(string(said.all))), c.dir, hint)
}

// transcript is what a tool wrote: the beginning of its standard output, and the end of all.
type transcript struct {
	mu  sync.Mutex
	out strings.Builder
	all []byte
}

// maxOutput is how much of a tool's standard output is read, in bytes.
const maxOutput = 16 << 20

// stream is one of the two ways into a transcript, which are written at the same time.
type stream struct {
	to  *transcript
	out bool
}

func (s stream) Write(p []byte) (int, error) {
	s.to.mu.Lock()
	defer s.to.mu.Unlock()
	if s.out && s.to.out.Len() < maxOutput {
		s.to.out.Write(p)
	}
	if s.to.all = append(s.to.all, p...); len(s.to.all) > 16*tail {
		s.to.all = append([]byte(nil), s.to.all[len(s.to.all)-2*tail:]...)
	}
	return len(p), nil
}

func lastOf(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > tail {
		return "…" + text[len(text)-tail:]
	}
	return text
}

func lookPath(name string) (string, error) { return exec.LookPath(name) }

// tool finds a program, or says what it is needed for.
func (p *Packer) tool(s Source, name, because, instead string) (string, error) {
	path, err := p.opts.LookPath(name)
	if err != nil {
		return "", s.fail(fmt.Sprintf("%s is not installed, and %s", name, because), s.Path, "install it, or "+instead)
	}
	return path, nil
}
