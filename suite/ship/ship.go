// Package ship brings a project onto an engine that runs its tests. In comes a snapshot of it, with the
// workers' programs and the dependencies beside it; out goes the function to invoke, with what has changed
// since that was made: the delta, which its workers ask for.
//
// Functions and layers are named by what is in them, so that the same content is sent once, whoever sends
// it, and different contents never meet. A project is cut into a few parts that are layers of their own
// when they are large: a new base sends those of them that have changed.
package ship

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/tree"
)

// Engine is where functions and layers are kept.
type Engine interface {
	// Has tells whether there is a function of a name.
	Has(ctx context.Context, function string) (bool, error)
	// Layer returns the ARN of a layer's version; "" if there is none of that name.
	Layer(ctx context.Context, name string) (arn string, err error)
	// Publish makes a layer of a zip file, and returns the ARN of its version.
	Publish(ctx context.Context, name, zip string) (arn string, err error)
	// Make makes the workers' function of a zip file and layers. Another run may have made it just before.
	Make(ctx context.Context, function, zip string, layers []string) error
}

// Yard is where a project is made ready. All fields but Layers must be set.
type Yard struct {
	Engine   Engine
	Dir      string // what is known of functions made before
	Scratch  string // folder for zips
	Programs fs.FS  // of the workers
	Settings string // of the function, as text: other settings make another function
	Layers   []Layer
	AWS      bool         // AWS's limits hold, and large parts of the project are layers of their own
	Warn     func(string) // told of what is near to AWS's limits
}

// Layer is dependencies: files that do not change with the project.
type Layer struct {
	Name  string // of people
	Key   string // names the content
	Write func(zip io.Writer) error
}

// Cargo is a project on an engine.
type Cargo struct {
	Function string
	Root     string // hash of the snapshot
	Delta    []byte // a zip of what differs from the function's
	Upload   suite.Upload
}

// maxDelta is how many bytes of changes travel with invocations: base64 makes four of three, and AWS takes
// 6 MB. Beyond it a new base is made.
const maxDelta = 3 << 20

// Ship brings a snapshot onto the engine: as a delta to the function of last time if that is there and
// not too much has changed, or else as a function of its own.
func (y *Yard) Ship(ctx context.Context, s *tree.Snapshot) (Cargo, error) {
	c := Cargo{Root: s.Root(), Upload: suite.Upload{Files: len(s.Files), Total: s.Size()}}
	fits := y.fits(s)
	b, base := y.last()
	if base == nil || b.Fits != fits {
		return y.base(ctx, s, c, fits)
	}
	delta, err := s.Delta(base)
	if err != nil || len(delta) > maxDelta {
		return y.base(ctx, s, c, fits)
	}
	there, err := y.Engine.Has(ctx, b.Function)
	if err != nil {
		return Cargo{}, err
	}
	if !there { // it has been removed
		return y.base(ctx, s, c, fits)
	}
	c.Function, c.Delta = b.Function, delta
	return c, nil
}

// fits is the fingerprint of all that a function is made of, beside the project's own files.
func (y *Yard) fits(s *tree.Snapshot) string {
	h := sha256.New()
	programs(h, y.Programs)
	fmt.Fprintf(h, "%q %v", y.Settings, y.AWS)
	for _, l := range y.Layers {
		fmt.Fprintf(h, "%q %q ", l.Name, l.Key)
	}
	json.NewEncoder(h).Encode(s.Modules)
	return hex.EncodeToString(h.Sum(nil))[:16]
}

func programs(h io.Writer, files fs.FS) {
	fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, _ := fs.ReadFile(files, name) // it is embedded
			fmt.Fprintf(h, "%s %d ", name, len(data))
			h.Write(data)
		}
		return nil
	})
}

// name is that of something by its content.
func name(parts ...any) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%q ", fmt.Sprint(p))
	}
	return "assay-test-" + hex.EncodeToString(h.Sum(nil))[:32]
}

// base makes a function of the whole snapshot.
func (y *Yard) base(ctx context.Context, s *tree.Snapshot, c Cargo, fits string) (Cargo, error) {
	c.Function = name(c.Root, fits)
	there, err := y.Engine.Has(ctx, c.Function)
	if err != nil {
		return Cargo{}, err
	}
	if !there {
		if err := y.make(ctx, s, &c); err != nil {
			return Cargo{}, err
		}
	}
	c.Upload.Base = !there
	return c, y.keep(record{Function: c.Function, Fits: fits}, s)
}

// make packs what the engine has not got, and sends it when all of it fits.
func (y *Yard) make(ctx context.Context, s *tree.Snapshot, c *Cargo) error {
	layers := slices.Concat(y.Layers, y.modules(s))
	parts, rest := y.parts(s, maxLayers-len(layers))
	packages := []*pack{}
	for _, l := range append(layers, parts...) {
		p, err := y.layer(ctx, l)
		if err != nil {
			return err
		}
		packages = append(packages, p)
	}
	code, err := y.pack("the project", func(w io.Writer) error { return s.Base(w, rest, y.Programs) })
	if err != nil {
		return err
	}
	if err := y.check(append(packages, code)); err != nil {
		return err
	}
	var arns []string
	for _, p := range packages {
		if p.arn == "" {
			if p.arn, err = y.Engine.Publish(ctx, p.layer, p.file); err != nil {
				return err
			}
		}
		arns = append(arns, p.arn)
		c.Upload.Sent += p.zip
	}
	c.Upload.Sent += code.zip
	return y.Engine.Make(ctx, c.Function, code.file, arns)
}

// pack is a zip to send, or a layer that is there already.
type pack struct {
	packed
	file  string
	layer string // name
	arn   string // "" if it is to be published
}

// layer finds a layer, or packs it.
func (y *Yard) layer(ctx context.Context, l Layer) (*pack, error) {
	layer := name(l.Name, l.Key)
	arn, err := y.Engine.Layer(ctx, layer)
	if err != nil || arn != "" {
		return &pack{layer: layer, arn: arn}, err
	}
	p, err := y.pack(l.Name, l.Write)
	if err != nil {
		return nil, err
	}
	p.layer = layer
	return p, nil
}

// pack writes a zip into the scratch folder.
func (y *Yard) pack(name string, write func(io.Writer) error) (*pack, error) {
	f, err := os.CreateTemp(y.Scratch, "part-*.zip")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return nil, err
	}
	p := &pack{file: f.Name()}
	p.packed, err = measure(name, f.Name())
	return p, err
}

// check holds what is sent against the limits. The embedded engine has AWS's, but for that of zips.
func (y *Yard) check(packages []*pack) error {
	var all []packed
	for _, p := range packages {
		all = append(all, p.packed)
	}
	limits := aws
	if !y.AWS {
		limits.zip = limits.unzipped
	}
	warning, err := limits.fit(all)
	if warning != "" {
		y.Warn(warning)
	}
	return err
}

// modules are the folders of dependencies in the project.
func (y *Yard) modules(s *tree.Snapshot) (all []Layer) {
	for _, m := range s.Modules {
		all = append(all, Layer{Name: m.Path, Key: m.Key, Write: func(w io.Writer) error {
			folder := os.DirFS(filepath.Join(s.Dir, filepath.FromSlash(m.Path)))
			return tree.Zip(w, folder, "linked/"+escape.do.Replace(m.Path)+"/", func(name string) bool { return filepath.Base(name) == ".cache" })
		}})
	}
	return all
}
