package pack

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/assaylab/assay/ignore"
)

// entry is one file as it will stand in a zip. What of a file counts: its name, its contents, and whether
// it may be executed. What does not: times, owners, other permissions.
type entry struct {
	name string // with slashes
	path string // on disk; "" of a link and a folder
	mode fs.FileMode
	size int64
	sum  [sha256.Size]byte // of the contents
	link string            // what a link leads to

	raw *zip.File // compressed already, in another zip
}

// movedError tells of a file that changed while its folder was read.
type movedError struct{ path string }

func (e *movedError) Error() string { return "it changes while it is read" }

// A folder with more than this is a mistake, such as a whole disk.
const (
	maxEntries = 300_000
	maxBytes   = 4 << 30
)

// list walks a folder and returns what counts of it, sorted by name. A folder is an entry only when
// nothing is in it; sockets and devices are none.
func (p *Packer) list(ctx context.Context, s Source, root string, rules []ignore.Rule) ([]entry, error) {
	w := &walk{ctx: ctx, source: s, private: p.opts.Private, rules: rules}
	if err := w.folder(root, ""); err != nil {
		return nil, s.wrong(err, root, "make it readable, or leave it out with a line in "+ignoreFile)
	}
	slices.SortFunc(w.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	if err := sumAll(ctx, w.entries); err != nil {
		return nil, s.wrong(err, root, "make it readable, or leave it out with a line in "+ignoreFile)
	}
	return w.entries, nil
}

type walk struct {
	ctx     context.Context
	source  Source
	private string
	rules   []ignore.Rule
	entries []entry
	bytes   int64
	within  []string // the true paths of the folders that links led to, against running in circles
}

// folder adds what is in a folder, whose name in the zip is given.
func (w *walk) folder(dir, name string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	if slices.ContainsFunc(list, func(d fs.DirEntry) bool { return d.Name() == "pyvenv.cfg" }) && name != "" {
		return nil // a virtual environment of Python: it works at its place only
	}
	if len(list) == 0 && name != "" {
		return w.add(entry{name: name, mode: fs.ModeDir | 0o755})
	}
	for _, d := range list {
		at, rel := filepath.Join(dir, d.Name()), path.Join(name, d.Name())
		if at == w.private || ignore.Out(w.rules, rel, d.IsDir()) {
			continue
		}
		if err := w.child(at, rel, d); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) child(at, rel string, d fs.DirEntry) error {
	switch {
	case d.IsDir():
		return w.folder(at, rel)
	case d.Type() == fs.ModeSymlink:
		return w.link(at, rel)
	case d.Type().IsRegular():
		info, err := d.Info()
		if err != nil {
			return gone(at, err)
		}
		return w.file(at, rel, info)
	}
	return nil
}

func (w *walk) file(at, rel string, info fs.FileInfo) error {
	mode := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	return w.add(entry{name: rel, path: at, mode: mode, size: info.Size()})
}

// link keeps a link that stays within the package. One that leads out is replaced by what it leads to,
// which would be missing elsewhere.
func (w *walk) link(at, rel string) error {
	target, err := os.Readlink(at)
	if err != nil {
		return gone(at, err)
	}
	if !filepath.IsAbs(target) && filepath.IsLocal(filepath.Join(filepath.Dir(filepath.FromSlash(rel)), target)) {
		return w.add(entry{name: rel, mode: fs.ModeSymlink | 0o777, link: target, size: int64(len(target)), sum: sha256.Sum256([]byte(target))})
	}
	real, err := filepath.EvalSymlinks(at)
	if err != nil {
		return w.source.fail("the link leads to "+target+", which is not there", at, "mend or remove it, or leave it out with a line in "+ignoreFile)
	}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return err
	case info.Mode().IsRegular():
		return w.file(real, rel, info)
	case !info.IsDir() || real == w.private:
		return nil
	case slices.Contains(w.within, real) || contains(real, at):
		return w.source.fail("the link leads to "+real+", which it is in itself", at, "remove it, or leave it out with a line in "+ignoreFile)
	}
	w.within = append(w.within, real)
	defer func() { w.within = w.within[:len(w.within)-1] }()
	return w.folder(real, rel)
}

// contains tells whether a folder holds a path.
func contains(folder, at string) bool {
	rel, err := filepath.Rel(folder, at)
	return err == nil && filepath.IsLocal(rel)
}

func (w *walk) add(e entry) error {
	w.entries = append(w.entries, e)
	w.bytes += e.size
	if len(w.entries) > maxEntries || w.bytes > maxBytes {
		return w.source.fail(fmt.Sprintf("the folder holds more than %d files or %s", maxEntries, megabytes(maxBytes)), w.source.Path, "name the folder of the function alone, or leave things out with "+ignoreFile)
	}
	return nil
}

// gone turns the error about a file that was there a moment ago.
func gone(at string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &movedError{at}
	}
	return err
}

// sumAll fills in the sums of files, several at a time.
func sumAll(ctx context.Context, files []entry) error {
	var wg sync.WaitGroup
	errs := make([]error, max(2, runtime.GOMAXPROCS(0)))
	for worker := range errs {
		wg.Go(func() {
			buf := make([]byte, 64<<10)
			for i := worker; i < len(files) && errs[worker] == nil && ctx.Err() == nil; i += len(errs) {
				if files[i].path != "" {
					errs[worker] = files[i].fill(buf)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// fill reads the file for its sum and its size.
func (e *entry) fill(buf []byte) error {
	f, err := os.Open(e.path)
	if err != nil {
		return gone(e.path, err)
	}
	defer f.Close()
	sum := sha256.New()
	e.size, err = io.CopyBuffer(sum, struct{ io.Reader }{f}, buf) // not by sendfile, which wants no buffer
	sum.Sum(e.sum[:0])
	return err
}

// overlay puts files over others; both are sorted by name, and so is the outcome.
func overlay(over, under []entry) []entry {
	has := make(map[string]bool, len(over))
	for _, e := range over {
		has[e.name] = true
	}
	all := slices.Clone(over)
	for _, e := range under {
		if !has[e.name] {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return all
}

func prefixed(files []entry, prefix string) []entry {
	if prefix == "" {
		return files
	}
	moved := slices.Clone(files)
	for i := range moved {
		moved[i].name = path.Join(prefix, moved[i].name)
	}
	return moved
}
