package run

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"path/filepath"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/deploy"
	"github.com/assaylab/assay/lambda/control"
	"github.com/assaylab/assay/remote/awslambda"
	"github.com/assaylab/assay/suite/runner"
	"github.com/assaylab/assay/suite/ship"
	"github.com/assaylab/assay/suite/tree"
)

// aws brings the snapshot to AWS Lambda, by the settings of AWS's tools: also to a laboratory's address of
// AWS's API, if AWS_ENDPOINT_URL names it.
func (t *testRun) aws(ctx context.Context, s *tree.Snapshot) (*testEngine, error) {
	o := t.options
	client, err := deploy.New(ctx, deploy.Options{Region: o.Region, Role: o.Role})
	if err != nil {
		return nil, err
	}
	packages, err := ship.Python(ctx, t.place.Python, t.kind.Name, t.process.Dir, t.scratch)
	if err != nil {
		return nil, err
	}
	a := &awsYard{client: client, run: t, runtime: packages.Runtime}
	yard := t.yard(a, o.MemoryMB, o.TmpMB, o.Network, o.Role, packages.Runtime, control.Architecture())
	yard.AWS = true
	if yard.Layers, err = t.awsLayers(ctx, packages); err != nil {
		return nil, err
	}
	cargo, err := yard.Ship(ctx, s)
	if err != nil {
		return nil, err
	}
	f, err := awslambda.New(ctx, awslambda.Options{ARN: a.arn, Region: o.Region, Prices: assay.PublishedPrices().For(control.Architecture())})
	if err != nil {
		return nil, err
	}
	return ready(f, cargo, f.Close), nil
}

// awsLayers are what tests need beside the project and the workers' Python: its packages, or Node.js.
func (t *testRun) awsLayers(ctx context.Context, p ship.Packages) ([]ship.Layer, error) {
	switch {
	case t.kind.NeedsNode():
		program, err := ship.FindNode(ctx, t.process.Dir)
		if err == nil {
			err = ship.RunsOnAWS(program)
		}
		if err != nil {
			return nil, err
		}
		node, err := ship.Node(program, t.scratch)
		return []ship.Layer{node}, err
	case p.Key != "":
		return []ship.Layer{p.Layer}, nil
	}
	return nil, nil
}

// awsYard is AWS Lambda as a place to bring projects to. Others may bring theirs at the same time.
type awsYard struct {
	client  *deploy.Client
	run     *testRun
	runtime string
	arn     string // of the function that was found or made
}

func (y *awsYard) Has(ctx context.Context, function string) (bool, error) {
	arn, err := y.client.Has(ctx, function)
	y.arn = arn
	return arn != "", err
}

func (y *awsYard) Layer(ctx context.Context, name string) (string, error) {
	return y.client.HasLayer(ctx, name)
}

func (y *awsYard) Publish(ctx context.Context, name, zip string) (string, error) {
	sum, err := hashOf(zip)
	if err != nil {
		return "", err
	}
	r, err := y.client.Layer(ctx, deploy.Layer{Name: name, Zip: zip, CodeSHA256: sum, Description: "assay test", Runtimes: []string{y.runtime}})
	return r.ARN, err
}

// Make makes a function. If another run makes the same one just now, that is as good.
func (y *awsYard) Make(ctx context.Context, function, zip string, layers []string) error {
	sum, err := hashOf(zip)
	if err != nil {
		return err
	}
	o := y.run.options
	f := deploy.Function{
		Function: assay.Function{Name: function, Runtime: y.runtime, Handler: runner.Handler, MemoryMB: o.MemoryMB, Timeout: assay.MaxTimeout, TmpMB: o.TmpMB},
		Zip:      zip, CodeSHA256: sum, Description: "assay test " + filepath.Base(y.run.process.Dir), Architecture: control.Architecture(), Layers: layers,
		Tags: map[string]string{"assay": "test"},
	}
	if o.Network {
		f.Environment = map[string]string{control.NetworkVariable: "host"} // a laboratory's; AWS's are open
	}
	r, err := y.client.Function(ctx, f)
	var known *assay.Error
	if errors.As(err, &known) && known.Code == assay.CodeConflict {
		r.ARN, err = y.client.Has(ctx, function)
	}
	y.arn = cmp.Or(r.ARN, y.arn)
	return err
}

// hashOf is a file's hash as AWS writes it.
func hashOf(file string) (string, error) {
	sum, err := tree.Sum(file)
	return base64.StdEncoding.EncodeToString(sum), err
}
