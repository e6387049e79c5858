package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/suite/runner"
	"github.com/assaylab/assay/suite/ship"
	"github.com/assaylab/assay/suite/tree"
)

// embedded brings the snapshot onto an embedded engine of this run's own.
func (t *testRun) embedded(ctx context.Context, s *tree.Snapshot) (*testEngine, error) {
	engine, err := t.openEngine()
	if err != nil {
		return nil, err
	}
	stop := func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		engine.Close(ctx)
	}
	o := t.options
	yard := t.yard(&embeddedYard{engine, t}, o.MemoryMB, o.TmpMB, o.Network)
	yard.Layers, err = t.unseen(ctx)
	if err != nil {
		stop()
		return nil, err
	}
	cargo, err := yard.Ship(ctx, s)
	if err != nil {
		stop()
		return nil, err
	}
	return ready(engine.Invoker(cargo.Function), cargo, stop), nil
}

// unseen is Node.js as a layer, where it is out of the sandbox's sight: not below /usr.
func (t *testRun) unseen(ctx context.Context) ([]ship.Layer, error) {
	if !t.kind.NeedsNode() {
		return nil, nil
	}
	program, err := ship.FindNode(ctx, t.process.Dir)
	if err != nil || strings.HasPrefix(program, "/usr/") {
		return nil, err
	}
	node, err := ship.Node(program, t.scratch)
	return []ship.Layer{node}, err
}

// maxRuns is how many runs at once share what their engines keep.
const maxRuns = 16

// openEngine opens an engine in the first folder that no other run uses.
func (t *testRun) openEngine() (*lambda.Engine, error) {
	for n := range maxRuns {
		e, err := lambda.New(lambda.Options{
			Dir: filepath.Join(t.data, "suite", fmt.Sprint("engine-", n)), MaxEnvironments: t.crew + 1, Concurrency: t.crew,
			MemoryMB: (t.crew + 1) * t.options.MemoryMB, MaxInits: t.crew, LookPath: t.lookPath,
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

// embeddedYard is the embedded engine as a place to bring projects to. Its folder is this run's alone.
type embeddedYard struct {
	*lambda.Engine
	run *testRun
}

func (y *embeddedYard) Has(_ context.Context, function string) (bool, error) {
	d, err := y.Deployment(function)
	return err == nil && d.State == "Active", nil // with any error it is made again
}

func (y *embeddedYard) Layer(_ context.Context, name string) (string, error) {
	for _, v := range y.ListLayerVersions(name, "", "", "", 1).LayerVersions {
		return v.LayerVersionArn, nil
	}
	return "", nil
}

func (y *embeddedYard) Publish(ctx context.Context, name, zip string) (string, error) {
	f, err := os.Open(zip)
	if err != nil {
		return "", err
	}
	defer f.Close()
	v, err := y.DeployLayer(ctx, name, f)
	return v.LayerVersionArn, err
}

// Make makes a function, and removes those of before with their layers: nobody else uses them.
func (y *embeddedYard) Make(ctx context.Context, function, zip string, layers []string) error {
	o := y.run.options
	_, err := y.Deploy(ctx, assay.Function{
		Name: function, Runtime: "python3", Handler: runner.Handler, MemoryMB: o.MemoryMB, Timeout: assay.MaxTimeout,
		TmpMB: o.TmpMB, Network: o.Network, Layers: layers, Source: y.run.process.Dir,
	}, zip)
	for _, name := range y.Names() {
		if err == nil && name != function {
			err = y.Remove(ctx, name)
		}
	}
	for _, l := range y.ListLayers("", "", "", maxLayers).Layers {
		if v := l.LatestMatchingVersion; err == nil && !slices.Contains(layers, v.LayerVersionArn) {
			err = y.DeleteLayerVersion(l.LayerName, v.Version)
		}
	}
	return err
}

// maxLayers is how many are looked at: those of a few functions.
const maxLayers = 50
