package lambda

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Dir holds: lock, functions/NAME.json (one version each), code/SHA256/ (copies of code), runtime/ (our
// bootstraps) and run/ (temporary folders of processes).

func (e *Engine) definition(name string) string {
	return filepath.Join(e.opts.Dir, "functions", name+".json")
}

func (e *Engine) codeDir(sum []byte) string {
	return filepath.Join(e.opts.Dir, "code", hex.EncodeToString(sum))
}

func (e *Engine) runtimeDir() string { return filepath.Join(e.opts.Dir, "runtime") }

// keepCode copies a version's code, unless a copy is there already.
func (e *Engine) keepCode(v *version) (*version, error) {
	code, err := filepath.EvalSymlinks(v.Code)
	if err != nil {
		return nil, err
	}
	t := tree{root: code, skip: e.opts.Private}
	v.CodeSHA256, v.CodeSize, err = t.digest()
	if err != nil {
		return nil, err
	}
	if v.root = e.codeDir(v.CodeSHA256); exists(v.root) {
		return v, nil
	}
	tmp := filepath.Join(e.opts.Dir, "run", newID())
	defer os.RemoveAll(tmp)
	if v.CodeSHA256, v.CodeSize, err = t.copyTo(tmp); err != nil {
		return nil, err
	}
	if v.root = e.codeDir(v.CodeSHA256); exists(v.root) { // it changed between the two readings
		return v, nil
	}
	return v, os.Rename(tmp, v.root)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// save keeps a version for the next start.
func (e *Engine) save(v *version) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	file := e.definition(v.Name)
	if err := os.WriteFile(file+".tmp", text, 0o600); err != nil { // variables may be secrets
		return err
	}
	return os.Rename(file+".tmp", file)
}

// restore brings back what save kept. A function whose code is gone comes back as failed.
func (e *Engine) restore() error {
	files, err := filepath.Glob(filepath.Join(e.opts.Dir, "functions", "*.json"))
	if err != nil {
		return err
	}
	for _, file := range files {
		v, err := e.load(file)
		if err != nil {
			e.opts.Log.Error("a function's definition cannot be read; deploy it again", "file", file, "error", err)
			continue
		}
		f := &function{current: v, log: &ring{}}
		if !exists(v.root) {
			f.broken = "its code is gone; deploy it again"
		}
		e.functions[v.Name] = f
	}
	return nil
}

func (e *Engine) load(file string) (*version, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	v := &version{}
	if err := json.Unmarshal(text, v); err != nil {
		return nil, err
	}
	if v.Name != strings.TrimSuffix(filepath.Base(file), ".json") || len(v.CodeSHA256) == 0 {
		return nil, fmt.Errorf("it does not define %s", filepath.Base(file))
	}
	v.root = e.codeDir(v.CodeSHA256)
	return v, nil
}

// sweep removes the code that no function and no process uses. The lock deploying is held, so that
// none begins to.
func (e *Engine) sweep() {
	dirs, err := os.ReadDir(filepath.Join(e.opts.Dir, "code"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.opts.Log.Error("old code cannot be swept", "error", err)
		return
	}
	used := e.codeInUse()
	for _, dir := range dirs {
		if path := filepath.Join(e.opts.Dir, "code", dir.Name()); !used[path] {
			if err := os.RemoveAll(path); err != nil {
				e.opts.Log.Error("old code cannot be removed", "folder", path, "error", err)
			}
		}
	}
}

func (e *Engine) codeInUse() map[string]bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	used := map[string]bool{}
	for _, f := range e.functions {
		used[f.current.root] = true
	}
	for v := range e.environments {
		used[v.version.root] = true
	}
	return used
}
