// Package command runs programs of the user's own that compare. In come a comparator's definition and
// documents about two observations; out go what the program wrote. Each comparison has a process of its own,
// in a sandbox of its own: no network, its code and the machine's programs to read, a /tmp that nobody
// else sees, and limits of time, memory, processes and output.
package command

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/own"
	"github.com/assaylab/assay/lambda/sandbox"
)

// Where a sandbox has the code, and what its processes may be beside that.
const (
	task    = "/var/task"
	maxPids = 64
	tmpMB   = 64
)

// Options of a Bench.
type Options struct {
	Host *sandbox.Host
	// AtOnce is how many programs run at the same time; others wait for their turn within their own time.
	AtOnce int
	// LookPath finds programs of this machine; exec.LookPath if nil.
	LookPath func(string) (string, error)
}

// Bench is where programs run. It is safe for concurrent use; Close ends what runs.
type Bench struct {
	opt   Options
	turns chan struct{}

	ctx    context.Context
	cancel context.CancelFunc
}

// Open returns a bench; it takes its host over.
func Open(o Options) *Bench {
	if o.LookPath == nil {
		o.LookPath = exec.LookPath
	}
	b := &Bench{opt: o, turns: make(chan struct{}, max(1, o.AtOnce))}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// Close ends the programs that run, and waits.
func (b *Bench) Close() error {
	b.cancel()
	for range cap(b.turns) { // nobody has a turn any more
		b.turns <- struct{}{}
	}
	return b.opt.Host.Close()
}

// Program is a definition's program, found.
type Program struct {
	bench   *Bench
	command sandbox.Command
	config  sandbox.Config
	timeout time.Duration
}

// Program finds what a definition wants to run. Code is the folder that it may read; it must not change.
func (b *Bench) Program(spec assay.ComparatorSpec, code string) (*Program, *assay.Flaw) {
	p := &Program{
		bench: b, timeout: spec.Timeout,
		config:  sandbox.Config{MemoryMB: spec.MemoryMB, CPU: 1, Pids: maxPids, TmpMB: tmpMB, Task: code},
		command: sandbox.Command{Args: spec.Run[1:], Dir: task},
	}
	if p.timeout == 0 {
		p.timeout = assay.DefaultCompareTimeout
	}
	if p.config.MemoryMB == 0 {
		p.config.MemoryMB = assay.DefaultCompareMemoryMB
	}
	name := spec.Run[0]
	if strings.HasPrefix(name, "./") {
		p.command.Path = path.Join(task, name)
		return p, nil
	}
	found, err := b.opt.LookPath(name)
	if err == nil {
		found, err = filepath.Abs(itself(found))
	}
	if err != nil {
		return nil, &assay.Flaw{Path: []string{"run"}, What: fmt.Sprintf("there is no program %q on this machine", name), Hint: `install it, or write "./NAME" for one in the folder of the code`}
	}
	p.command.Path, p.config.Tools = found, sandbox.Tools(found)
	return p, nil
}

// probes ask interpreters where they are: what a shell finds may be a script of a version manager, which a
// sandbox does not have.
var probes = map[string][]string{
	"python": {"-I", "-c", "import sys; print(sys.executable)"},
	"node":   {"-p", "process.execPath"},
}

// itself is the interpreter that a path leads to; the path if it is none that can be asked.
func itself(found string) string {
	name := strings.TrimRight(filepath.Base(found), "0123456789.")
	probe, known := probes[name]
	if !known {
		return found
	}
	ctx, cancel := context.WithTimeout(context.Background(), assay.MaxCompareTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, found, probe...).Output()
	if at := strings.TrimSpace(string(out)); err == nil && filepath.IsAbs(at) {
		return at
	}
	return found
}

// Run gives the program a document and returns what it wrote. It is an own.Run.
func (p *Program) Run(document []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(p.bench.ctx, p.timeout)
	defer cancel()
	select {
	case p.bench.turns <- struct{}{}:
		defer func() { <-p.bench.turns }()
	case <-ctx.Done():
		return nil, p.late(ctx)
	}
	box, err := p.bench.opt.Host.New(p.config)
	if err != nil {
		return nil, err
	}
	defer box.Close()
	return p.inside(ctx, box, document)
}

func (p *Program) inside(ctx context.Context, box *sandbox.Sandbox, document []byte) ([]byte, error) {
	var out, errs own.Output
	command := p.command
	command.Path, command.Dir = box.Path(command.Path), box.Path(command.Dir)
	command.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/tmp", "TMPDIR=/tmp", "PYTHONDONTWRITEBYTECODE=1"}
	command.Input, command.Output, command.Errors = document, &out, &errs
	process, err := box.Start(command)
	if err != nil {
		return nil, fmt.Errorf("it cannot be started: %w", err)
	}
	box.Throttle(true)
	select {
	case <-process.Done():
	case <-ctx.Done():
		process.Kill()
		<-process.Done()
		return nil, p.late(ctx)
	}
	if err := process.Exit(); err != nil {
		return nil, fmt.Errorf("it ended with %w, and %d bytes on its stderr", err, errs.Size)
	}
	return out.Text()
}

func (p *Program) late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it did not end within %s", p.timeout)
	}
	return errors.New("the laboratory is stopping")
}
