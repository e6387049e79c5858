package tree

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func take(t *testing.T, dir string, earlier *Snapshot) *Snapshot {
	t.Helper()
	s, err := Take(context.Background(), dir, earlier)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLeftOut: version control, caches, environments and what ignore files name are no part of it.
func TestLeftOut(t *testing.T) {
	dir := project(t, map[string]string{
		"a.py": "", "deep/b.py": "", ".git/HEAD": "", "__pycache__/a.pyc": "", "env/pyvenv.cfg": "", "env/lib/x.py": "",
		".gitignore": "*.log\n!keep.log\nnode_modules/\n/out\n", "x.log": "", "deep/keep.log": "", "out/x": "", "deep/out/y": "",
		"node_modules/m/index.js": "", "deep/.gitignore": "local\n", "deep/local/z": "", "local": "", ".assayignore": "big.bin\n", "big.bin": "",
	})
	s := take(t, dir, nil)
	want := []string{".assayignore", ".gitignore", "a.py", "deep/.gitignore", "deep/b.py", "deep/keep.log", "deep/out/y", "local", "node_modules/m/index.js"}
	if got := slices.Sorted(maps.Keys(s.Files)); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if !slices.Contains(s.LeftOut, "big.bin") {
		t.Errorf("left out: %v", s.LeftOut)
	}
}

// TestLinks: links within the project are kept, those that lead out of it are left out, and a folder of dependencies
// that is a link is one all the same.
func TestLinks(t *testing.T) {
	installed := project(t, map[string]string{".package-lock.json": "{}", "m/index.js": ""})
	dir := project(t, map[string]string{"deep/a": ""})
	for name, target := range map[string]string{"in": "deep/a", "deep/up": "../in", "out": "../elsewhere", "away": "/etc/hosts", "node_modules": installed} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := take(t, dir, nil)
	if got := s.Names(); !slices.Equal(got, []string{"deep/a", "deep/up", "in"}) {
		t.Errorf("files %v", got)
	}
	if !slices.Equal(s.LeftOut, []string{"away", "out"}) || len(s.Modules) != 1 {
		t.Errorf("left out %v, dependencies %v", s.LeftOut, s.Modules)
	}
}

// TestDelta: of a large project just what changed is in the delta, which can be read as a whole.
func TestDelta(t *testing.T) {
	dir := project(t, map[string]string{"large": strings.Repeat("text that is long ", 100_000), "one.py": "x = 1\n", "old": "", "same": "s"})
	file := filepath.Join(t.TempDir(), "base.json")
	if err := take(t, dir, nil).Save(file); err != nil {
		t.Fatal(err)
	}
	base := Load(file)
	os.WriteFile(filepath.Join(dir, "one.py"), []byte("x = 22\n"), 0o644)
	os.Remove(filepath.Join(dir, "old"))
	s := take(t, dir, base)
	if s.Root() == base.Root() {
		t.Error("the root is the same")
	}
	delta, err := s.Delta(base)
	if err != nil || len(delta) > 1000 {
		t.Fatalf("%d bytes, %v", len(delta), err)
	}
	if got := contents(t, delta); len(got) != 2 || got["one.py"] != "x = 22\n" || got[gone] != `["old"]` {
		t.Errorf("%v", got)
	}
	if again := take(t, dir, s); again.Root() != s.Root() {
		t.Error("the root of the same files differs")
	}
}

func contents(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r)
		all[f.Name] = string(text)
	}
	return all
}

// TestBase: equal contents make equal bytes, whenever and wherever they are packed.
func TestBase(t *testing.T) {
	files := map[string]string{"a": "1", "b/c": "2"}
	var zips [2]bytes.Buffer
	for i := range zips {
		s := take(t, project(t, files), nil)
		if err := s.Base(&zips[i], s.Names(), fstest.MapFS{"worker.py": {Data: []byte("w")}}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(zips[0].Bytes(), zips[1].Bytes()) {
		t.Error("the zips differ")
	}
	if got := contents(t, zips[0].Bytes()); got["base/b/c"] != "2" || got["worker.py"] != "w" || !strings.Contains(got["base.json"], "root") {
		t.Errorf("%v", got)
	}
}
