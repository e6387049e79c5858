package pack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
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
	var out, all strings.Builder
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = both{&out, &all}, &all
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return out.String(), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	hint := c.hint
	if hint == "" {
		hint = "the command was: " + strings.Join(c.args, " ")
	}
	return "", s.fail(fmt.Sprintf("build failed: %v\n%s", err, lastOf(all.String())), c.dir, hint)
}

// both writes to two, and is not *os.File, so that os/exec copies.
type both struct{ a, b *strings.Builder }

func (w both) Write(p []byte) (int, error) {
	w.a.Write(p)
	return w.b.Write(p)
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
