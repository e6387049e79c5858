package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
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
	known := places{}
	for _, file := range files {
		doc, defined, err := load(file, o)
		errs = append(errs, err)
		errs = append(errs, known.add(defined)...)
		whole.Experiments = append(whole.Experiments, doc.Experiments...)
		whole.Functions = append(whole.Functions, doc.Functions...)
	}
	if err := errors.Join(errs...); err != nil {
		return Document{}, err
	}
	return whole, nil
}

func load(file string, o Options) (Document, places, error) {
	path := resolve(o.Dir, file)
	data, err := readFile(path)
	if err != nil {
		return Document{}, nil, unreadable(file, err)
	}
	if o.Dir, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return Document{}, nil, unreadable(file, err)
	}
	return parse(file, data, o)
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
	what, hint := err.Error(), ""
	if errors.Is(err, fs.ErrNotExist) {
		what, hint = "there is no such file or folder", "check the path, or name another file with -f"
	}
	return &assay.Error{Code: assay.CodeInvalid, What: what, Where: path, Hint: hint, Err: err}
}

// add takes in the names of one more file, and refuses those that another has.
func (p places) add(more places) []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(more)) {
		where := more[name]
		if first, twice := p[name]; twice {
			errs = append(errs, &assay.Error{
				Code: assay.CodeInvalid, What: fmt.Sprintf("the %s is defined twice", name), Where: where,
				Hint: "rename one of them; the other is at " + first,
			})
			continue
		}
		p[name] = where
	}
	return errs
}
