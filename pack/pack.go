// Package pack makes the zips that functions are deployed from. In comes what people have: a folder of
// source code, a zip, or a single file; out goes a zip whose bytes depend on its contents alone, with the
// dependencies that the folder's lock file names, or the program that its source code makes.
//
// Everything is kept by content: dependencies are installed once for each lock file and version of the
// tool, code is compressed once for each content. What is kept is bounded, and may be removed at any time.
package pack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/ignore"
)

// AWS's limits of a package: the zip as it is sent, and what is in it.
const (
	MaxZip      = 50 << 20
	MaxUnzipped = 250 << 20
)

// Options of a Packer. Only Dir must be set.
type Options struct {
	Dir     string // where zips are kept; several processes may share it
	Private string // a folder that is never part of a package, wherever it lies
	MaxKept int64  // bytes of zips that are kept; 2 GB if zero. Those used within the hour stay in any case

	// Progress is told of what takes a while, in a few words: "hello: npm ci".
	Progress func(string)

	LookPath func(string) (string, error) // finds tools; exec.LookPath if nil
	Now      func() time.Time             // time.Now if nil
}

// Source is what to make a zip of.
type Source struct {
	Name         string   // what errors call it
	Path         string   // a folder, a zip or jar, or a single file
	Runtime      string   // decides what is built and how; "" takes everything as it is
	Handler      string   // of Go: the folder or file of the program, if the folder is not one itself
	Architecture string   // "x86_64" or "arm64"; "" is this machine's
	Build        string   // a shell command run in the folder instead of what Assay does by itself
	Patterns     []string // "!glob" leaves out, "glob" takes in again; the last that matches decides
	Prefix       string   // a folder within the zip for everything, such as "python" in a layer
}

// Package is a zip ready for deployment. The file is the Packer's: it is read soon, and not changed.
type Package struct {
	Zip        string // path of the file
	CodeSHA256 string // base64 of the SHA-256 of the zip, as AWS tells it
	Size       int64  // of the zip, in bytes
	Unzipped   int64  // of all it holds, in bytes
	Files      int
}

// Packer makes packages. It is safe for concurrent use.
type Packer struct{ opts Options }

// Open prepares the folder of the Options, and removes from it what is old.
func Open(o Options) (*Packer, error) {
	o.MaxKept = cmp.Or(o.MaxKept, 2<<30)
	if o.LookPath == nil {
		o.LookPath = lookPath
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if real, err := filepath.EvalSymlinks(o.Private); err == nil && o.Private != "" {
		o.Private = real
	}
	p := &Packer{opts: o}
	for _, dir := range []string{"zips", "builds", "locks", "tmp"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, dir), 0o700); err != nil {
			return nil, &assay.Error{Code: assay.CodeInvalid, What: "packages cannot be kept: " + err.Error(), Where: o.Dir, Hint: "choose a folder that can be written", Err: err}
		}
	}
	return p, p.sweep()
}

// attempts is how often a folder that changes while it is read is read again.
const attempts = 3

// Pack makes the zip of a source, or finds the one made before. An error with CodeInvalid says which file
// or tool stands in the way; a build ends with ctx.
func (p *Packer) Pack(ctx context.Context, s Source) (Package, error) {
	path, err := filepath.Abs(s.Path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return Package{}, s.wrong(err, s.Path, "name a folder, a zip or a file that is there")
	}
	s.Path = path
	info, err := os.Stat(path)
	if err != nil {
		return Package{}, s.wrong(err, path, "name a folder, a zip or a file that is there")
	}
	for try := 1; ; try++ {
		file, err := p.pack(ctx, s, info)
		if err == nil {
			return p.inspect(s, file)
		}
		var moved *movedError
		if !errors.As(err, &moved) || ctx.Err() != nil {
			return Package{}, err
		}
		if try == attempts {
			return Package{}, s.wrong(moved, moved.path, "stop what writes it, or leave it out with a line in "+ignoreFile)
		}
	}
}

// pack returns the path of the zip.
func (p *Packer) pack(ctx context.Context, s Source, info os.FileInfo) (string, error) {
	switch {
	case info.IsDir():
		return p.folder(ctx, s)
	case isZip(s.Path):
		return p.given(ctx, s)
	}
	return p.single(ctx, s, info)
}

// folder packs a folder: its files, and what its recipe makes of them.
func (p *Packer) folder(ctx context.Context, s Source) (string, error) {
	ignored, err := readIgnore(s.Path)
	if err != nil {
		return "", s.wrong(err, filepath.Join(s.Path, ignoreFile), "")
	}
	list := func(skip ...string) ([]entry, error) {
		rules := append(append(ignore.Parse(builtin, ""), ignore.Parse(strings.Join(skip, "\n"), "")...), ignored...)
		return p.list(ctx, s, s.Path, rules)
	}
	if s.Build != "" {
		return p.built(ctx, s, list)
	}
	r, err := p.recipe(ctx, s)
	if err != nil {
		return "", err
	}
	if r == nil {
		all, err := list()
		if err != nil {
			return "", err
		}
		return p.zip(ctx, s, chosen(all, s.Patterns), nil)
	}
	all, err := list(r.skip...)
	if err != nil {
		return "", err
	}
	made, err := p.made(ctx, s, r, all)
	if err != nil {
		return "", err
	}
	code := without(all, ignore.Parse(strings.Join(r.replaced, "\n"), ""))
	return p.zip(ctx, s, chosen(code, s.Patterns), made)
}

// zip makes the zip of files, and of what a recipe made, which gives way to them.
func (p *Packer) zip(ctx context.Context, s Source, files []entry, made *archive) (string, error) {
	if made != nil {
		defer made.close()
		files = overlay(files, made.entries(s.Patterns))
	}
	return p.zipOf(ctx, s, prefixed(files, s.Prefix))
}

func (p *Packer) zipOf(ctx context.Context, s Source, files []entry) (string, error) {
	if len(files) == 0 {
		return "", s.fail("there is nothing in it to deploy", s.Path, "check the path, and what "+ignoreFile+" and patterns leave out")
	}
	if err := checkSize(s, files); err != nil {
		return "", err
	}
	return p.keep(ctx, digest("zip", files), func(f *os.File) error { return write(ctx, f, files) })
}

// digest names the outcome of files, together with what else decides it.
func digest(kind string, files []entry, more ...string) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s %q\n", generation, kind, more)
	for i := range files {
		e := &files[i]
		fmt.Fprintf(sum, "%q %o %x\n", e.name, uint32(e.mode), e.sum)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// generation changes when the same files make another zip than before.
const generation = "1"

// inspect measures a zip.
func (p *Packer) inspect(s Source, file string) (Package, error) {
	sum, size, err := sumFile(file)
	if err != nil {
		return Package{}, s.wrong(err, file, "")
	}
	a, err := openArchive(file)
	if err != nil {
		return Package{}, s.wrong(err, file, "")
	}
	defer a.close()
	pkg := Package{Zip: file, CodeSHA256: base64.StdEncoding.EncodeToString(sum[:]), Size: size, Files: len(a.File)}
	for _, f := range a.File {
		pkg.Unzipped += int64(f.UncompressedSize64)
	}
	if size > MaxZip {
		return Package{}, s.tooLarge("the zip measures", size, MaxZip, a.entries(nil))
	}
	return pkg, nil
}

// fail is an error about a source.
func (s Source) fail(what, where, hint string) error {
	if s.Name != "" {
		what = s.Name + ": " + what
	}
	return &assay.Error{Code: assay.CodeInvalid, What: what, Where: where, Hint: hint}
}

// wrong is an error about a source that has another as its cause.
func (s Source) wrong(err error, where, hint string) error {
	var told *assay.Error
	if errors.As(err, &told) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	what := err.Error()
	var at *os.PathError
	if errors.As(err, &at) {
		what, where = at.Err.Error(), at.Path
	}
	e := s.fail(what, where, hint).(*assay.Error)
	e.Err = err
	return e
}
