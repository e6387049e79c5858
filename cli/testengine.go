package cli

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/dispatch"
	"github.com/assaylab/assay/suite/local"
	"github.com/assaylab/assay/suite/runner"
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
}

// start opens the engine beside what else is done. Stop it in the end.
func (t *testRun) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	t.begun = starting{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(t.begun.done)
		if t.options.plan {
			return
		}
		e, err := t.openAny(ctx)
		if err == nil {
			e.crew = dispatch.Muster(ctx, e, t.kind.Name, t.crew)
		}
		t.begun.engine, t.begun.err = e, err
	}()
}

// engine returns the engine when it is open. Its workers may still be getting ready.
func (t *testRun) engine() (*testEngine, error) {
	<-t.begun.done
	return t.begun.engine, t.begun.err
}

// stop ends workers and engine.
func (t *testRun) stop() {
	t.begun.cancel()
	if e, _ := t.engine(); e != nil {
		e.crew.Dismiss()
		e.close()
	}
}

// openAny opens the engine that was asked for, or this machine's processes if the embedded one cannot be.
func (t *testRun) openAny(ctx context.Context) (*testEngine, error) {
	if t.options.engine == "local" {
		return t.localEngine(), nil
	}
	s, err := t.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	e, err := t.embedded(ctx, s)
	var known *assay.Error
	if err != nil && ctx.Err() == nil && errors.As(err, &known) && known.Code == assay.CodeUnreachable {
		complain(t.process.Stderr, err)
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
	return s, s.Add(t.listing.Files)
}

// maxDelta is how many bytes of changes travel with invocations. Beyond it a new base is made.
const maxDelta = 3 << 20

// sent is a snapshot as an engine has it: a base that its function has, and what differs.
type sent struct {
	function string // name
	zip      string // path of a base that is to be sent; "" if the engine has it
	delta    []byte
	upload   suite.Upload
}

// plan finds what has to be sent for a snapshot: a delta to the base of last time, or a new base.
func (t *testRun) send(s *tree.Snapshot, engine string) (sent, error) {
	dir := filepath.Join(t.data, "suite", "bases-"+engine)
	upload := suite.Upload{Files: len(s.Files), Total: s.Size()}
	if name, err := os.ReadFile(filepath.Join(dir, "current")); err == nil && strings.HasSuffix(string(name), programs()) {
		if base := tree.Load(filepath.Join(dir, string(name)+".json")); base != nil {
			delta, err := s.Delta(base)
			if err != nil {
				return sent{}, err
			}
			if len(delta) <= maxDelta {
				return sent{function: string(name), delta: delta, upload: upload}, nil
			}
		}
	}
	return t.newBase(s, dir, upload)
}

var unnameable = regexp.MustCompile(`[^A-Za-z0-9-]+`)

// programs tells versions of the workers' programs apart.
func programs() string {
	h := sha256.New()
	fs.WalkDir(runner.Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, _ := fs.ReadFile(runner.Files(), name) // it is embedded
			fmt.Fprintf(h, "%s %d ", name, len(data))
			h.Write(data)
		}
		return nil
	})
	return "-" + hex.EncodeToString(h.Sum(nil))[:8]
}

// newBase packs a snapshot as a function's code, named by its content.
func (t *testRun) newBase(s *tree.Snapshot, dir string, upload suite.Upload) (sent, error) {
	project := unnameable.ReplaceAllString(filepath.Base(t.process.Dir), "-")
	name := fmt.Sprintf("assay-test-%s-%s%s", project[:min(24, len(project))], s.Root()[:16], programs())
	file := filepath.Join(t.scratch, "base.zip")
	f, err := os.Create(file)
	if err != nil {
		return sent{}, err
	}
	if err := errors.Join(s.Base(f, runner.Files()), f.Close()); err != nil {
		return sent{}, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return sent{}, err
	}
	upload.Base, upload.Sent = true, info.Size()
	t.warnOfSize(s, info.Size())
	return sent{function: name, zip: file, upload: upload}, nil
}

// remember notes what base the engine has.
func (t *testRun) remember(s *tree.Snapshot, engine string, made sent) error {
	if made.zip == "" {
		return nil
	}
	dir := filepath.Join(t.data, "suite", "bases-"+engine)
	if err := s.Save(filepath.Join(dir, made.function+".json")); err != nil {
		return err
	}
	temporary := filepath.Join(dir, "current"+filepath.Base(t.scratch))
	return errors.Join(os.WriteFile(temporary, []byte(made.function), 0o644), os.Rename(temporary, filepath.Join(dir, "current")))
}

// AWS's limits of a package, and what is near to one.
const (
	zipLimit      = 50 << 20
	unzippedLimit = 250 << 20
	near          = 0.8
)

// warnOfSize tells what is biggest in a package that is near AWS's limits.
func (t *testRun) warnOfSize(s *tree.Snapshot, zip int64) {
	if float64(zip) < near*zipLimit && float64(s.Size()) < near*unzippedLimit {
		return
	}
	w := t.process.Stderr
	fmt.Fprintf(w, "assay: the project's package is large: %d MB zipped, %d MB of files; AWS takes %d and %d MB\n", zip>>20, s.Size()>>20, zipLimit>>20, unzippedLimit>>20)
	for _, part := range s.Biggest(5) {
		fmt.Fprintf(w, "  %6.1f MB  %s\n", float64(part.Size)/(1<<20), part.Name)
	}
	fmt.Fprintln(w, "  hint: name in .assayignore what the tests do not need")
}

// embedded brings the snapshot onto an embedded engine of this run's own, and warms workers meanwhile.
func (t *testRun) embedded(ctx context.Context, s *tree.Snapshot) (*testEngine, error) {
	engine, err := t.openEngine()
	if err != nil {
		return nil, err
	}
	made, err := t.send(s, "embedded")
	if err == nil && made.zip == "" && !deployed(engine, made.function) { // the engine's folder has been removed
		made, err = t.newBase(s, "", made.upload)
	}
	if err == nil {
		err = t.deploy(ctx, engine, made)
	}
	if err == nil {
		err = t.remember(s, "embedded", made)
	}
	stop := func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		engine.Close(ctx)
	}
	if err != nil {
		stop()
		return nil, err
	}
	return &testEngine{
		Invoker: engine.Invoker(made.function), root: s.Root(), upload: made.upload, close: stop,
		delta: sync.OnceValues(func() (string, error) { return base64.StdEncoding.EncodeToString(made.delta), nil }),
	}, nil
}

func deployed(e *lambda.Engine, name string) bool {
	_, err := e.Deployment(name)
	return err == nil
}

// maxRuns is how many runs at once share what their engines keep.
const maxRuns = 16

// openEngine opens an engine in the first folder that no other run uses.
func (t *testRun) openEngine() (*lambda.Engine, error) {
	for n := range maxRuns {
		e, err := lambda.New(lambda.Options{
			Dir: filepath.Join(t.data, "suite", fmt.Sprint("engine-", n)), MaxEnvironments: t.crew + 1, Concurrency: t.crew,
			MemoryMB: (t.crew + 1) * t.options.memory, MaxInits: t.crew, LookPath: t.lookPath,
		})
		var known *assay.Error
		if errors.As(err, &known) && known.Code == assay.CodeConflict {
			continue
		}
		return e, err
	}
	return nil, &assay.Error{Code: assay.CodeUnreachable, What: fmt.Sprintf("%d runs use the embedded engine already", maxRuns), Where: t.data, Hint: "choose another --data"}
}

// lookPath finds the project's interpreter for the engine.
func (t *testRun) lookPath(command string) (string, error) {
	if strings.HasPrefix(command, "python3") {
		return t.place.Python, nil
	}
	return "", fs.ErrNotExist
}

// deploy makes the workers' function, unless the engine has it.
func (t *testRun) deploy(ctx context.Context, e *lambda.Engine, made sent) error {
	fn := assay.Function{
		Name: made.function, Runtime: "python3", Handler: runner.Handler, MemoryMB: t.options.memory, Timeout: assay.MaxTimeout,
		TmpMB: t.options.tmp, Network: t.options.network, Source: t.process.Dir,
	}
	if made.zip == "" {
		now, err := e.Deployment(made.function)
		if err != nil {
			return err
		}
		if now.MemoryMB == fn.MemoryMB && now.TmpMB == fn.TmpMB && now.Network == fn.Network {
			return nil
		}
		if made.zip, err = e.Zip(made.function, ""); err != nil {
			return err
		}
	}
	_, err := e.Deploy(ctx, fn, made.zip)
	return err
}
