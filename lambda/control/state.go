package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"maps"

	"github.com/assaylab/assay/lambda/code"
)

// format is the version of the files that this package writes: functions/NAME.json (a record each),
// layers/NAME.json and mappings/UUID.json. A file is written beside and renamed, so that a crash leaves
// the old one or the new one.
const format = 2

func (p *Plane) file(kind, name string) string {
	return filepath.Join(p.opts.Dir, kind, name+".json")
}

func (p *Plane) save(r *record) error { return p.write(p.file("functions", r.Name), r) }

func (p *Plane) erase(name string) error { return p.remove(p.file("functions", name)) }

func (p *Plane) saveMapping(m EventSourceMapping) error {
	return p.write(p.file("mappings", m.UUID), m)
}

func (p *Plane) eraseMapping(uuid string) error { return p.remove(p.file("mappings", uuid)) }

// saveLayer puts a layer's versions in force once they are kept. Its lock is held.
func (p *Plane) saveLayer(l *layer, last int, versions []LayerVersion) error {
	next := &layer{Name: l.Name, Last: last, Versions: versions}
	if err := p.write(p.file("layers", l.Name), next); err != nil {
		return err
	}
	l.Last, l.Versions = last, versions
	return nil
}

// write replaces a file as a whole, and returns when it lasts.
func (p *Plane) write(file string, v any) error {
	end, err := p.writing()
	if err != nil {
		return err
	}
	defer end()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".tmp-") // 0600: variables may be secrets
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	return code.SyncDir(filepath.Dir(file))
}

func (p *Plane) remove(file string) error {
	end, err := p.writing()
	if err != nil {
		return err
	}
	defer end()
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return code.SyncDir(filepath.Dir(file))
}

// restore reads everything.
func (p *Plane) restore() error {
	for kind, read := range map[string]func(name string, text []byte) error{
		"functions": p.restoreFunction, "layers": p.restoreLayer, "mappings": p.restoreMapping,
	} {
		if err := os.MkdirAll(filepath.Join(p.opts.Dir, kind), 0o700); err != nil {
			return err
		}
		if err := p.restoreAll(kind, read); err != nil {
			return err
		}
	}
	p.sweep()
	return nil
}

func (p *Plane) restoreAll(kind string, read func(string, []byte) error) error {
	files, err := os.ReadDir(filepath.Join(p.opts.Dir, kind))
	if err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(p.opts.Dir, kind, f.Name())
		name, ok := strings.CutSuffix(f.Name(), ".json")
		if !ok {
			os.Remove(path) // of a write that was cut off
			continue
		}
		text, err := os.ReadFile(path)
		if err == nil {
			err = read(name, text)
		}
		if err != nil {
			p.damaged = true
			p.opts.Log.Error("a definition cannot be read; make it again, and until then no old code is removed", "file", path, "error", err)
		}
	}
	return nil
}

func (p *Plane) restoreFunction(name string, text []byte) error {
	r := &record{}
	if err := json.Unmarshal(text, r); err != nil {
		return err
	}
	if r.Format == 0 {
		var err error
		if r, err = p.migrate(text); err != nil {
			return err
		}
	}
	if r.Format != format || r.Name != name || r.Latest == nil {
		return fmt.Errorf("it does not define function %s", name)
	}
	f := &function{}
	f.now.Store(r.clone())
	p.functions[name] = f
	return nil
}

func (p *Plane) restoreLayer(name string, text []byte) error {
	l := &layer{}
	if err := json.Unmarshal(text, l); err != nil {
		return err
	}
	if l.Name != name {
		return fmt.Errorf("it does not define layer %s", name)
	}
	p.layers[name] = l
	return nil
}

func (p *Plane) restoreMapping(name string, text []byte) error {
	var m EventSourceMapping
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	p.mappings[name] = m
	return nil
}

func (p *Plane) allLayers() []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Sorted(maps.Keys(p.layers))
}

// sweep removes code that nothing refers to: no version of a function or layer, and no process.
func (p *Plane) sweep() {
	if p.damaged {
		return
	}
	end, err := p.writing()
	if err != nil {
		return
	}
	defer end()
	if err := p.code.Sweep(p.used); err != nil {
		p.opts.Log.Error("old code cannot be removed", "error", err)
	}
}

func (p *Plane) used() map[string]bool {
	used := map[string]bool{}
	for _, digest := range p.opts.Running() {
		used[digest] = true
	}
	for _, r := range p.records() {
		for _, v := range append([]*Version{r.Latest}, r.Versions...) {
			used[v.Digest] = true
			for _, digest := range v.Opt {
				used[digest] = true
			}
		}
	}
	for _, name := range p.allLayers() {
		for _, v := range p.layerVersions(name) {
			used[v.Digest] = true
		}
	}
	return used
}
