package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/assaylab/assay/ignore"
)

// recipe is what Assay does by itself with a folder of source code.
type recipe struct {
	name     string                 // what is run, for people: "npm ci"
	tool     string                 // which tool of which version
	skip     []string               // of the folder: not even read; lines of an ignore file
	replaced []string               // of the folder: what the outcome stands for
	inputs   func(name string) bool // the files that decide the outcome; nil: all
	fresh    bool                   // more decides than what is in the folder: it is made each time
	make     func(context.Context, bench) error
}

// bench is where a recipe works.
type bench struct {
	*Packer
	source Source
	files  []entry // of the folder
	work   string  // a folder for it alone
	out    string  // what is in here at the end goes into the package
}

// recipe chooses by the runtime and the files that are there; nil when the folder is all there is to pack.
func (p *Packer) recipe(ctx context.Context, s Source) (*recipe, error) {
	has := func(name string) bool {
		info, err := os.Stat(filepath.Join(s.Path, name))
		return err == nil && info.Mode().IsRegular()
	}
	switch {
	case provided(s.Runtime) && has("Cargo.toml"):
		return p.rust(s)
	case provided(s.Runtime):
		return p.golang(ctx, s)
	case strings.HasPrefix(s.Runtime, "python") && has("requirements.txt"):
		return p.python(ctx, s)
	case strings.HasPrefix(s.Runtime, "nodejs") && has("package.json"):
		return p.node(s)
	case strings.HasPrefix(s.Runtime, "java") && has("pom.xml"):
		return p.maven(s)
	}
	return nil, nil
}

// provided tells whether a runtime runs a program called bootstrap.
func provided(runtime string) bool {
	return strings.HasPrefix(runtime, "provided") || runtime == "go1.x"
}

// made returns what a recipe makes, as a zip of its own.
func (p *Packer) made(ctx context.Context, s Source, r *recipe, files []entry) (*archive, error) {
	inputs := files
	if r.inputs != nil {
		inputs = nil
		for _, e := range files {
			if r.inputs(e.name) {
				inputs = append(inputs, e)
			}
		}
	}
	var file string
	var err error
	if r.fresh {
		err = p.follow(ctx, s, r, files, func(made []entry) error {
			file, err = p.keep(ctx, digest(r.name, made), func(f *os.File) error { return write(ctx, f, made) })
			return err
		})
	} else {
		key := digest(r.name, inputs, r.tool, s.Architecture, s.Handler)
		file, err = p.keep(ctx, key, func(f *os.File) error {
			return p.follow(ctx, s, r, files, func(made []entry) error { return write(ctx, f, made) })
		})
	}
	if err != nil {
		return nil, s.wrong(err, s.Path, "")
	}
	return openArchive(file)
}

// follow does what the recipe says, and hands over what came of it.
func (p *Packer) follow(ctx context.Context, s Source, r *recipe, files []entry, use func([]entry) error) error {
	work, err := os.MkdirTemp(filepath.Join(p.opts.Dir, "tmp"), "work")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b := bench{Packer: p, source: s, files: files, work: filepath.Join(work, "work"), out: filepath.Join(work, "out")}
	if err := errors.Join(os.Mkdir(b.work, 0o700), os.Mkdir(b.out, 0o700)); err != nil {
		return err
	}
	p.tell(s, r.name)
	if err := r.make(ctx, b); err != nil {
		return err
	}
	made, err := p.list(ctx, s, b.out, ignore.Parse("__pycache__\n*.py[co]", ""))
	if err != nil {
		return err
	}
	return use(made)
}

func (p *Packer) tell(s Source, what string) {
	if s.Name != "" {
		what = s.Name + ": " + what
	}
	p.opts.Progress(what)
}

// built packs a folder after its own build command has run in it. It runs unless the folder is as it was
// after the last time; what a build reads from outside of its folder is not looked at.
func (p *Packer) built(ctx context.Context, s Source, list func(...string) ([]entry, error)) (string, error) {
	key := keyOf(s.Path, s.Build)
	end, err := p.turn(ctx, "build", key)
	if err != nil {
		return "", s.wrong(err, s.Path, "")
	}
	defer end()
	record := filepath.Join(p.opts.Dir, "builds", key)
	all, err := list()
	if err != nil {
		return "", err
	}
	if before, err := os.ReadFile(record); err != nil || string(before) != digest("build", all) {
		p.tell(s, s.Build)
		if _, err := p.run(ctx, s, command{args: []string{"/bin/sh", "-c", s.Build}, dir: s.Path, hint: "the command was: " + s.Build}); err != nil {
			return "", err
		}
		if all, err = list(); err != nil {
			return "", err
		}
		err := p.create(record, func(f *os.File) error {
			_, err := io.WriteString(f, digest("build", all))
			return err
		})
		if err != nil {
			return "", s.wrong(err, record, "")
		}
	}
	return p.zip(ctx, s, chosen(all, s.Patterns), nil)
}

// copyTo copies files to a folder of the bench.
func (b bench) copyTo(dir string) error {
	for _, e := range b.files {
		to := filepath.Join(dir, filepath.FromSlash(e.name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := e.copyTo(to); err != nil {
			return err
		}
	}
	return nil
}

func (e *entry) copyTo(to string) error {
	switch {
	case e.mode.IsDir():
		return os.MkdirAll(to, 0o700)
	case e.link != "":
		return os.Symlink(e.link, to)
	}
	in, err := os.Open(e.path)
	if err != nil {
		return gone(e.path, err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, e.mode|0o200)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// fingerprint stands for a program of a version without running it: its true path, size and date.
func fingerprint(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path
	}
	info, err := os.Stat(real)
	if err != nil {
		return real
	}
	return fmt.Sprint(real, info.Size(), info.ModTime().UnixNano())
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
