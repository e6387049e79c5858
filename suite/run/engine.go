package run

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/dispatch"
	"github.com/assaylab/assay/suite/local"
	"github.com/assaylab/assay/suite/runner"
	"github.com/assaylab/assay/suite/ship"
	"github.com/assaylab/assay/suite/tree"
)

// testEngine is what runs workers, with the project's snapshot on it.
type testEngine struct {
	assay.Invoker
	crew   *dispatch.Crew
	root   string
	upload suite.Upload
	delta  func() (string, error)
	close  func()
}

// starting is an engine that is opened, and whose workers get ready, while tests are listed.
type starting struct {
	cancel context.CancelFunc
	done   chan struct{}
	engine *testEngine
	err    error
	spare  *testEngine // that was fallen back on

	snapshot *tree.Snapshot // nil where tests run in the project's folder
}

// start opens the engine beside what else is done. Stop it in the end.
func (t *testRun) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	t.begun = starting{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(t.begun.done)
		if t.options.Plan {
			return
		}
		e, err := t.openAny(ctx)
		if err == nil {
			b := suite.Batch{Root: e.root, Runner: t.kind.Name, Args: t.args}
			b.Delta, err = e.delta()
			e.crew = dispatch.Muster(ctx, e, b, t.crew)
		}
		t.begun.engine, t.begun.err = e, err
	}()
}

// engine returns the engine when it is open. Its workers may still be getting ready.
func (t *testRun) engine() (*testEngine, error) {
	<-t.begun.done
	return t.begun.engine, t.begun.err
}

// missing are the files that are left out of the package and that a text says are not there.
func (t *testRun) missing(text string) []string {
	if e, _ := t.engine(); e == nil || t.begun.snapshot == nil {
		return nil
	}
	return t.begun.snapshot.Missing(text)
}

// stop ends workers and engine.
func (t *testRun) stop() {
	t.begun.cancel()
	if e, _ := t.engine(); e != nil {
		e.crew.Dismiss()
		e.close()
	}
	if t.begun.spare != nil {
		t.begun.spare.close()
	}
}

// fallback is the engine to go on with when the chosen one has gone.
func (t *testRun) fallback() (assay.Invoker, string) {
	fmt.Fprintln(t.process.Stderr, "\nassay: the engine has gone: the other tests run in processes of this machine, without isolation")
	t.begun.spare = t.localEngine()
	return t.begun.spare, t.begun.spare.root
}

// openAny opens the engine that was asked for, or this machine's processes if the embedded one cannot be.
func (t *testRun) openAny(ctx context.Context) (*testEngine, error) {
	if t.options.Engine == "local" {
		return t.localEngine(), nil
	}
	s, err := t.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	open := t.embedded
	if t.options.Engine == "aws" {
		open = t.aws
	}
	e, err := open(ctx, s)
	var known *assay.Error
	if err != nil && ctx.Err() == nil && errors.As(err, &known) && known.Code == assay.CodeUnreachable {
		process.Complain(t.process.Stderr, err)
		fmt.Fprintln(t.process.Stderr, "assay: the tests run in processes of this machine instead, without isolation")
		return t.localEngine(), nil
	}
	return e, err
}

func (t *testRun) localEngine() *testEngine {
	w := local.New(t.place)
	none := func() (string, error) { return "", nil }
	return &testEngine{Invoker: w, root: "local", delta: none, close: w.Close}
}

// snapshot reads the project, with the hashes of last time where nothing has changed.
func (t *testRun) snapshot(ctx context.Context) (*tree.Snapshot, error) {
	file := filepath.Join(t.data, "suite", "index.json")
	s, err := tree.Take(ctx, t.process.Dir, tree.Load(file))
	if err != nil {
		return nil, err
	}
	if err := s.Save(file); err != nil {
		return nil, err
	}
	t.begun.snapshot = s
	return s, s.Add(t.built)
}

// yard is where the project is made ready for an engine.
func (t *testRun) yard(engine ship.Engine, settings ...any) *ship.Yard {
	return &ship.Yard{
		Engine: engine, Dir: filepath.Join(t.data, "suite", "bases-"+t.options.Engine), Scratch: t.scratch,
		Programs: runner.Files(), Settings: fmt.Sprint(settings...),
		Warn: func(text string) { fmt.Fprintln(t.process.Stderr, "assay: "+text) },
	}
}

// ready is an engine with the project on it.
func ready(invoker assay.Invoker, c ship.Cargo, close func()) *testEngine {
	return &testEngine{
		Invoker: invoker, root: c.Root, upload: c.Upload, close: close,
		delta: sync.OnceValues(func() (string, error) { return base64.StdEncoding.EncodeToString(c.Delta), nil }),
	}
}
