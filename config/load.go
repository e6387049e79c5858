package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaylab/assay"
)

// Load reads files and folders as one definition. Of a folder it takes the files *.yaml, *.yml and
// *.json, sorted by name, but for hidden ones. A name may be defined once in all of them. Code folders are relative to the
// file that names them; Dir of the options is what relative paths start from, "" being the working
// directory.
func Load(paths []string, o Options) (Document, error) {
	files, err := Files(paths, o.Dir)
	if err != nil {
		return Document{}, err
	}
	var whole Document
	var errs []error
	for _, file := range files {
		doc, err := load(file, o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, whole.add(doc)...)
	}
	if err := errors.Join(errs...); err != nil {
		return Document{}, err
	}
	return whole, nil
}

func load(file string, o Options) (Document, error) {
	path := resolve(o.Dir, file)
	data, err := readFile(path)
	if err != nil {
		return Document{}, unreadable(file, err)
	}
	if o.Dir, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return Document{}, unreadable(file, err)
	}
	return Parse(file, data, o)
}

// readFile reads a little more than Parse accepts, so that it is Parse that refuses, whatever the size.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxBytes+1))
}

// Files lists the files that Load reads for these paths, each once: themselves, and what is in folders.
func Files(paths []string, dir string) ([]string, error) {
	var all []string
	for _, p := range paths {
		info, err := os.Stat(resolve(dir, p))
		if err != nil {
			return nil, unreadable(p, err)
		}
		found := []string{filepath.Clean(p)}
		if info.IsDir() {
			if found, err = folder(p, dir); err != nil {
				return nil, unreadable(p, err)
			}
		}
		for _, f := range found {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all, nil
}

func folder(path, dir string) ([]string, error) {
	entries, err := os.ReadDir(resolve(dir, path)) // sorted by name
	var files []string
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() && !strings.HasPrefix(name, ".") && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
			files = append(files, filepath.Join(path, name))
		}
	}
	return files, err
}

func resolve(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func unreadable(path string, err error) error {
	what, hint := err.Error(), "name another file with -f"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		what, hint = "there is no such file or folder", "check the path, or name another file with -f"
	case errors.Is(err, fs.ErrPermission):
		what, hint = "it may not be read", "let the user who runs Assay read it"
	}
	return &assay.Error{Code: assay.CodeInvalid, What: what, Where: path, Hint: hint, Err: err}
}

// add takes in one more file, and refuses the names that are taken.
func (d *Document) add(more Document) []error {
	var errs []error
	taken := func(section, kind, name string) {
		if first := d.defined(section, name); first != "" {
			errs = append(errs, &assay.Error{
				Code: assay.CodeInvalid, What: fmt.Sprintf("the %s %q is defined twice", kind, name),
				Where: more.defined(section, name), Hint: "rename one of them; the other is at " + first,
			})
		}
	}
	for _, e := range more.Experiments {
		taken("experiments", "experiment", e.Name)
	}
	for _, f := range more.Functions {
		taken("functions", "function", f.Name)
	}
	d.Experiments = append(d.Experiments, more.Experiments...)
	d.Functions = append(d.Functions, more.Functions...)
	d.Notify = append(d.Notify, more.Notify...)
	d.roots = append(d.roots, more.roots...)
	return errs
}
