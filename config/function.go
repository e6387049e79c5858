package config

import (
	"path/filepath"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
)

// function reads the body of a function; key is its name.
func (r *reader) function(key, body *yaml.Node) assay.Function {
	f := assay.Function{Name: key.Value, MemoryMB: assay.DefaultMemoryMB, Timeout: assay.DefaultTimeout, Source: r.file}
	r.fields(body, "a function", fields{
		"runtime":     func(n *yaml.Node) { f.Runtime = r.text(n) },
		"handler":     func(n *yaml.Node) { f.Handler = r.text(n) },
		"code":        func(n *yaml.Node) { f.Code = r.folder(n) },
		"build":       func(n *yaml.Node) { f.Build = r.text(n) },
		"memory":      func(n *yaml.Node) { f.MemoryMB = parsed(r, n, parseMemory) },
		"timeout":     func(n *yaml.Node) { f.Timeout = parsed(r, n, parseDuration) },
		"environment": func(n *yaml.Node) { f.Environment = table(r, n, "environment", r.text) },
		"concurrency": func(n *yaml.Node) { f.Concurrency = r.small(n) },
		"standby":     func(n *yaml.Node) { f.Standby = r.small(n) },
		"layers":      func(n *yaml.Node) { f.Layers = r.texts(n, "layers") },
		"tmp":         func(n *yaml.Node) { f.TmpMB = parsed(r, n, parseMemory) },
		"network":     func(n *yaml.Node) { f.Network = r.boolean(n) },
	})
	r.locate(check.Function(&f), key, body)
	return f
}

// folder reads a path that is relative to the file's own folder.
func (r *reader) folder(n *yaml.Node) string {
	path := filepath.FromSlash(r.text(n))
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.o.Dir, path)
}
