package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

// write makes a folder of files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func one(name string) string {
	return "experiments:\n  " + name + ": {path: a, control: {url: \"http://a\"}}\n"
}

func TestLoadFolder(t *testing.T) {
	dir := write(t, map[string]string{
		"lab/b.yaml": one("second"), "lab/c.json": `{"experiments": {"third": {"path": "/a", "control": {"url": "http://a"}}}}`,
		"lab/a.yml": one("first"), "lab/.hidden.yaml": "}", "lab/notes.txt": "}", "lab/deeper/d.yaml": "}",
		"fn/f.yaml": "functions: {f: {runtime: nodejs, handler: a.b, code: code/f}}\n",
	})
	doc, err := Load([]string{"lab", "fn/f.yaml", "./lab/b.yaml"}, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range doc.Experiments {
		names = append(names, e.Name+" of "+e.Source)
	}
	if want := []string{"first of lab/a.yml", "second of lab/b.yaml", "third of lab/c.json"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if want := filepath.Join(dir, "fn", "code", "f"); len(doc.Functions) != 1 || doc.Functions[0].Code != want {
		t.Errorf("got %+v, want its code in %s", doc.Functions, want)
	}
}

func TestLoadRefusesOneNameInTwoFiles(t *testing.T) {
	dir := write(t, map[string]string{"a.yaml": one("same"), "b.yaml": "\n" + one("same")})
	_, err := Load([]string{"a.yaml", "b.yaml"}, Options{Dir: dir})
	var e *assay.Error
	if !errors.As(err, &e) || e.Where != "b.yaml:3:3" || !strings.Contains(e.Hint, "a.yaml:2:3") {
		t.Errorf("both places are to be named: %v", err)
	}
}

func TestLoadTellsOfEveryFile(t *testing.T) {
	dir := write(t, map[string]string{"a.yaml": "x: 1\n", "b.yaml": "y: 1\n"})
	_, err := Load([]string{"."}, Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "a.yaml:1:1") || !strings.Contains(err.Error(), "b.yaml:1:1") {
		t.Errorf("got %v", err)
	}
}

func TestLoadMissing(t *testing.T) {
	_, err := Load([]string{"none.yaml"}, Options{Dir: t.TempDir()})
	var e *assay.Error
	if !errors.As(err, &e) || e.Code != assay.CodeInvalid || e.Where != "none.yaml" || e.Hint == "" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
