package code

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxLink is the longest target that a link may have, in bytes.
const maxLink = 4096

// archive is a zip whose list of entries has been checked: names are plain and lead nowhere else, no
// name comes twice, nothing but files, folders and links, and all together within AWS's limit.
type archive struct {
	entries []entry
	size    int64 // bytes of its files
}

type entry struct {
	*zip.File
	name string // clean, with slashes
}

func open(r io.ReaderAt, size int64) (*archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, bad("%v", err)
	}
	if len(z.File) == 0 {
		return nil, bad("it is empty")
	}
	if len(z.File) > maxEntries {
		return nil, bad("it has more than %d entries", maxEntries)
	}
	a := &archive{}
	kinds := map[string]fs.FileMode{}
	for _, f := range z.File {
		e, err := check(f)
		if err != nil {
			return nil, err
		}
		if err := place(kinds, e); err != nil {
			return nil, err
		}
		if e.name == "." {
			continue
		}
		if f.UncompressedSize64 > MaxUnzipped || a.size+int64(f.UncompressedSize64) > MaxUnzipped {
			return nil, ErrTooLarge
		}
		a.size += int64(f.UncompressedSize64)
		a.entries = append(a.entries, e)
	}
	return a, nil
}

// check looks at one entry by itself.
func check(f *zip.File) (entry, error) {
	name := path.Clean(f.Name)
	kind := f.Mode().Type()
	switch {
	case f.Name == "" || strings.ContainsAny(f.Name, "\x00\\"):
		return entry{}, bad("%q cannot be a file's name", f.Name)
	case path.IsAbs(f.Name) || !filepath.IsLocal(name):
		return entry{}, bad("%q leads out of the function's folder", f.Name)
	case kind != 0 && kind != fs.ModeDir && kind != fs.ModeSymlink:
		return entry{}, bad("%q is neither a file, a folder nor a link", f.Name)
	}
	return entry{f, name}, nil
}

// place notes an entry's name and refuses one that comes twice or lies below a file or a link. Folders
// may be named more than once.
func place(kinds map[string]fs.FileMode, e entry) error {
	kind := e.Mode().Type()
	if before, taken := kinds[e.name]; taken && (before != fs.ModeDir || kind != fs.ModeDir) {
		return bad("%q comes twice", e.Name)
	}
	kinds[e.name] = kind
	for dir := path.Dir(e.name); dir != "."; dir = path.Dir(dir) {
		before, taken := kinds[dir]
		if taken && before != fs.ModeDir {
			return bad("%q lies below a file or a link", e.Name)
		}
		if taken {
			break
		}
		kinds[dir] = fs.ModeDir
	}
	return nil
}

// unpack writes the entries below an empty folder. The root that it writes through lets nothing out.
func (a *archive) unpack(ctx context.Context, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, e := range a.entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.write(root); err != nil {
			return err
		}
	}
	return a.checkLinks(root)
}

func (e entry) write(root *os.Root) error {
	if e.Mode().IsDir() {
		return root.MkdirAll(e.name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(e.name), 0o755); err != nil {
		return err
	}
	if e.Mode().Type() == fs.ModeSymlink {
		return e.link(root)
	}
	return e.file(root)
}

// file writes a file. It may be executed by all or by nobody, and is readable by all; nobody writes.
func (e entry) file(root *os.Root) (err error) {
	in, err := e.Open()
	if err != nil {
		return bad("%q: %v", e.Name, err)
	}
	defer in.Close()
	mode := fs.FileMode(0o644)
	if e.Mode()&0o111 != 0 {
		mode = 0o755
	}
	out, err := root.OpenFile(e.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	source := &reading{in: in}
	n, err := io.Copy(out, io.LimitReader(source, int64(e.UncompressedSize64)+1))
	switch {
	case source.err != nil:
		return bad("%q: %v", e.Name, source.err)
	case err != nil:
		return err
	case uint64(n) != e.UncompressedSize64:
		return bad("%q has not the size that the zip says", e.Name)
	}
	return nil
}

// reading remembers what went wrong in reading, which tells a bad zip from a full disk.
type reading struct {
	in  io.Reader
	err error
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if err != io.EOF {
		r.err = err
	}
	return n, err
}

// link makes a link, which must be relative.
func (e entry) link(root *os.Root) error {
	in, err := e.Open()
	if err != nil {
		return bad("%q: %v", e.Name, err)
	}
	defer in.Close()
	target, err := io.ReadAll(io.LimitReader(in, maxLink+1))
	switch {
	case err != nil:
		return bad("%q: %v", e.Name, err)
	case len(target) == 0 || len(target) > maxLink || strings.Contains(string(target), "\x00"):
		return bad("%q is not a link", e.Name)
	case path.IsAbs(string(target)) || !filepath.IsLocal(path.Join(path.Dir(e.name), string(target))):
		return bad("the link %q leads out of the function's folder", e.Name)
	}
	return root.Symlink(string(target), e.name)
}

// checkLinks follows every link as the system will, for several together may lead out where each by
// itself does not. A link to nothing is harmless.
func (a *archive) checkLinks(root *os.Root) error {
	for _, e := range a.entries {
		if e.Mode().Type() != fs.ModeSymlink {
			continue
		}
		if _, err := root.Stat(e.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return bad("the link %q leads out of the function's folder", e.Name)
		}
	}
	return nil
}
