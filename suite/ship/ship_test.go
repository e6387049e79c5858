package ship

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite/tree"
)

// port is an engine that keeps what it is sent.
type port struct {
	functions map[string][]string // their layers
	layers    map[string]string   // ARN by name
	sent      []string
	files     map[string][]string // of zips, by function or layer
}

func newPort() *port {
	return &port{functions: map[string][]string{}, layers: map[string]string{}, files: map[string][]string{}}
}

func (p *port) Has(_ context.Context, name string) (bool, error) {
	_, ok := p.functions[name]
	return ok, nil
}
func (p *port) Layer(_ context.Context, name string) (string, error) { return p.layers[name], nil }
func (p *port) Publish(_ context.Context, name, zip string) (string, error) {
	p.layers[name] = "arn:" + name
	return p.layers[name], p.take(name, zip)
}
func (p *port) Make(_ context.Context, name, zip string, layers []string) error {
	p.functions[name] = layers
	return p.take(name, zip)
}

func (p *port) take(name, file string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	p.sent = append(p.sent, name)
	for _, f := range z.File {
		p.files[name] = append(p.files[name], f.Name)
	}
	return nil
}

// place is a project's folder, with a yard of its own.
type place struct {
	*Yard
	t   *testing.T
	dir string
}

func newPlace(t *testing.T, p *port) *place {
	y := &Yard{
		Engine: p, Dir: filepath.Join(t.TempDir(), "bases"), Scratch: t.TempDir(), Settings: "128 MB", AWS: true,
		Programs: fstest.MapFS{"worker.py": {Data: []byte("w")}}, Warn: func(text string) { t.Log(text) },
	}
	return &place{y, t, t.TempDir()}
}

func (p *place) write(name, text string) {
	p.t.Helper()
	file := filepath.Join(p.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) ship() Cargo {
	p.t.Helper()
	s, err := tree.Take(p.t.Context(), p.dir, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := p.Ship(p.t.Context(), s)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func noise(seed uint64, n int) string {
	r, text := rand.New(rand.NewPCG(seed, 1)), make([]byte, n)
	for i := range text {
		text[i] = byte(r.IntN(256))
	}
	return string(text)
}

// TestSentOnce: a small change travels as a delta; the same content, from another folder, not at all; and
// of a large change those parts that changed.
func TestSentOnce(t *testing.T) {
	e := newPort()
	one := newPlace(t, e)
	one.write("data/a.bin", noise(1, 2<<20))
	one.write("more/b.bin", noise(2, 2<<20))
	one.write("test_a.py", "def test(): pass\n")
	first := one.ship()
	if !first.Upload.Base || first.Upload.Sent < 4<<20 || len(e.functions[first.Function]) != 2 {
		t.Fatalf("%+v, layers %v", first, e.functions)
	}
	one.write("test_a.py", "def test(): pass \n")
	again := one.ship()
	if again.Function != first.Function || again.Root == first.Root || again.Upload.Sent != 0 || len(again.Delta) > 500 || len(e.sent) != 3 {
		t.Errorf("a change of a line: %+v, sent %v", again.Upload, e.sent)
	}

	other := newPlace(t, e)
	other.write("data/a.bin", noise(1, 2<<20))
	other.write("more/b.bin", noise(2, 2<<20))
	other.write("test_a.py", "def test(): pass\n")
	if c := other.ship(); c.Function != first.Function || c.Upload.Sent != 0 || len(e.sent) != 3 {
		t.Errorf("the same content: %+v, sent %v", c, e.sent)
	}
	other.write("more/b.bin", noise(3, 4<<20))
	c := other.ship()
	if c.Function == first.Function || len(e.sent) != 5 || c.Upload.Sent < 4<<20 || c.Upload.Sent > 5<<20 {
		t.Errorf("a large change: %+v, sent %v", c.Upload, e.sent)
	}
	if back := one.ship(); back.Function != first.Function || back.Root != again.Root {
		t.Errorf("branches meet: %+v", back)
	}
}

// TestOthers: other settings, programs and dependencies are other functions; a function that is gone is made
// again, of layers that are there.
func TestOthers(t *testing.T) {
	e := newPort()
	p := newPlace(t, e)
	p.write("package.json", "{}")
	p.write("package-lock.json", `{"one": 1}`)
	p.write("node_modules/m/index.js", noise(1, 2000))
	p.write("a.test.js", "")
	seen := map[string]bool{}
	step := func(what string, layers int) Cargo {
		t.Helper()
		c := p.ship()
		if seen[c.Function] || len(e.functions[c.Function]) != layers {
			t.Errorf("%s: function %s with layers %v", what, c.Function, e.functions[c.Function])
		}
		seen[c.Function] = true
		return c
	}
	step("first", 1)
	p.Settings = "256 MB"
	step("memory", 1)
	p.write("package-lock.json", `{"two": 2}`)
	step("lock file", 1)
	p.Layers = []Layer{{Name: "packages", Key: "k", Write: func(w io.Writer) error { return tree.Zip(w, fstest.MapFS{"m.py": {}}, "python/", nil) }}}
	last := step("packages", 2)
	layers := 0
	for name, files := range e.files {
		if slices.Contains(files, "linked/node_modules/m/index.js") {
			layers++
		}
		if e.functions[name] != nil && slices.ContainsFunc(files, func(f string) bool { return strings.Contains(f, "node_modules/") }) {
			t.Errorf("dependencies travel with the function: %v", files)
		}
	}
	if layers != 2 { // one of each lock file
		t.Errorf("%d layers of dependencies: %v", layers, e.sent)
	}
	delete(e.functions, last.Function)
	n := len(e.sent)
	if c := p.ship(); c.Function != last.Function || len(e.sent) != n+1 {
		t.Errorf("made again: %+v, sent %v", c, e.sent[n:])
	}
}

// TestLimits: near a limit it is told what is biggest; beyond it nothing is sent.
func TestLimits(t *testing.T) {
	file := func(size int64) []packed {
		return []packed{{name: "the project", zip: size, unzipped: 2 * size, biggest: []part{{"data", size - 1}, {"a.py", 1}}}}
	}
	if warning, err := aws.fit(file(30 << 20)); warning != "" || err != nil {
		t.Error(warning, err)
	}
	warning, err := aws.fit(file(45 << 20))
	if err != nil || !strings.Contains(warning, "45 MB, of 50") || !strings.Contains(warning, "45.0 MB  data") || !strings.Contains(warning, ".assayignore") {
		t.Error(warning, err)
	}
	_, err = aws.fit(file(51 << 20))
	var known *assay.Error
	if !errors.As(err, &known) || known.Code != assay.CodeInvalid || !strings.Contains(known.What, "data") || known.Hint == "" {
		t.Error(err)
	}
	if _, err := aws.fit(append(file(49<<20), append(file(49<<20), file(49<<20)...)...)); err == nil {
		t.Error("294 MB of files fit into 250")
	}

	p := newPlace(t, newPort())
	for i := range 60 { // of no folder, so that they cannot be layers
		p.write(fmt.Sprintf("big%02d.bin", i), noise(uint64(i), 1<<20))
	}
	s, err := tree.Take(t.Context(), p.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Ship(t.Context(), s); !errors.As(err, &known) || !strings.Contains(known.What, "60 MB, of 50") || len(p.Engine.(*port).sent) != 0 {
		t.Errorf("%v, sent %v", err, p.Engine.(*port).sent)
	}
	p.AWS = false
	if _, err := p.Ship(t.Context(), s); err != nil {
		t.Errorf("the embedded engine takes it: %v", err)
	}
}

// TestForget: of functions made before, the latest are remembered.
func TestForget(t *testing.T) {
	p := newPlace(t, newPort())
	for i := range 10 {
		p.Settings = fmt.Sprint(i)
		p.write("a.py", fmt.Sprint(i))
		p.ship()
	}
	if files, _ := filepath.Glob(filepath.Join(p.Dir, "*.json")); len(files) != maxBases {
		t.Errorf("%d are kept", len(files))
	}
}
