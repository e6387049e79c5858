// Package wasm runs WebAssembly modules of the user's own that compare. In come a module made for WASI and
// documents about two observations; out goes what the module wrote. A module has its stdin, its stdout and
// memory of its own: no files, no network, no environment, clocks that stand still and a random source that
// always says the same, so that the same observations compare alike for ever.
package wasm

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/own"
)

// pageSize and maxPages are WebAssembly's.
const (
	pageSize = 64 << 10
	maxPages = 1 << 16
)

// Compiler makes modules of code, of the same code once. It is safe for concurrent use.
type Compiler struct {
	cache  wazero.CompilationCache
	ctx    context.Context // ends what runs
	cancel context.CancelFunc
}

// New returns a compiler. Close ends it.
func New() *Compiler {
	c := &Compiler{cache: wazero.NewCompilationCache()}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Close ends the modules that run; they are of no use any more.
func (c *Compiler) Close() { c.cancel() }

// Module is compiled code. It is safe for concurrent use; each comparison has an instance of its own.
type Module struct {
	ctx      context.Context
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	timeout  time.Duration
}

// Compile compiles a definition's module.
func (c *Compiler) Compile(spec assay.ComparatorSpec, code []byte) (*Module, *assay.Flaw) {
	memory := cmp.Or(spec.MemoryMB, assay.DefaultCompareMemoryMB)
	config := wazero.NewRuntimeConfig().WithCompilationCache(c.cache).WithCloseOnContextDone(true).
		WithMemoryLimitPages(uint32(min(memory<<20/pageSize, maxPages)))
	m := &Module{
		ctx: c.ctx, timeout: cmp.Or(spec.Timeout, assay.DefaultCompareTimeout),
		runtime: wazero.NewRuntimeWithConfig(c.ctx, config),
	}
	_, err := wasi_snapshot_preview1.Instantiate(c.ctx, m.runtime)
	if err == nil {
		m.compiled, err = m.runtime.CompileModule(c.ctx, code)
	}
	if err != nil {
		return nil, &assay.Flaw{Path: []string{"code"}, What: "the module cannot be compiled: " + err.Error(), Hint: "make it for WASI (preview 1), for example with GOOS=wasip1 GOARCH=wasm go build"}
	}
	return m, nil
}

// Run gives the module a document and returns what it wrote. It is an own.Run.
func (m *Module) Run(document []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(m.ctx, m.timeout)
	defer cancel()
	var out, errs own.Output
	config := wazero.NewModuleConfig().WithName("").WithArgs("comparator").
		WithStdin(bytes.NewReader(document)).WithStdout(&out).WithStderr(&errs)
	instance, err := m.runtime.InstantiateModule(ctx, m.compiled, config)
	if instance != nil {
		defer instance.Close(context.Background())
	}
	exit := (*sys.ExitError)(nil)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("it did not end within %s", m.timeout)
	case ctx.Err() != nil:
		return nil, errors.New("the laboratory is stopping")
	case errors.As(err, &exit) && exit.ExitCode() != 0:
		return nil, fmt.Errorf("it ended with exit status %d, and %d bytes on its stderr", exit.ExitCode(), errs.Size)
	case err != nil && exit == nil:
		first, _, _ := strings.Cut(err.Error(), "\n") // a stack follows
		return nil, errors.New("it broke down: " + first)
	}
	return out.Text()
}
