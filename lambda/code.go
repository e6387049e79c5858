package lambda

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// tree is a folder of code. What of it counts: names, contents, links, and whether a file may be
// executed. What does not: times, owners, other permissions, .git, special files, and the folder skip.
type tree struct {
	root string
	skip string // the engine's own folder, which may lie within
}

// digest is a SHA-256 over all that counts, in the order of names.
func (t tree) digest() (sum []byte, size int64, err error) { return t.copyTo("") }

// copyTo copies the tree to a folder that does not exist yet and returns the digest and the bytes of
// what it copied; with no folder it only reads.
func (t tree) copyTo(dst string) (digest []byte, size int64, err error) {
	sum := sha256.New()
	err = filepath.WalkDir(t.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == t.skip || entry.IsDir() && entry.Name() == ".git" {
			return skip(entry)
		}
		rel, err := filepath.Rel(t.root, path)
		if err != nil {
			return err
		}
		to := ""
		if dst != "" {
			to = filepath.Join(dst, rel)
		}
		switch {
		case entry.IsDir():
			return t.folder(sum, rel, to)
		case entry.Type() == fs.ModeSymlink:
			return t.link(sum, path, rel, to)
		case entry.Type().IsRegular():
			n, err := t.file(sum, path, rel, to)
			size += n
			return err
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return sum.Sum(nil), size, nil
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func (t tree) folder(sum io.Writer, rel, to string) error {
	header(sum, "folder", rel, 0)
	if to == "" {
		return nil
	}
	return os.Mkdir(to, 0o755)
}

// link keeps a link as it is, unless it is relative and leads out of the tree: then it is made
// absolute, for it would lead elsewhere from the copy.
func (t tree) link(sum io.Writer, path, rel, to string) error {
	target, err := os.Readlink(path)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(target) && !filepath.IsLocal(filepath.Join(filepath.Dir(rel), target)) {
		target = filepath.Join(filepath.Dir(path), target)
	}
	header(sum, "link", rel, int64(len(target)))
	io.WriteString(sum, target)
	if to == "" {
		return nil
	}
	return os.Symlink(target, to)
}

func (t tree) file(sum io.Writer, path, rel, to string) (size int64, err error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return 0, err
	}
	kind, mode := "file", fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		kind, mode = "program", 0o755
	}
	header(sum, kind, rel, info.Size())
	out := sum
	if to != "" {
		file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = io.MultiWriter(sum, file)
	}
	if _, err := io.CopyN(out, in, info.Size()); err != nil {
		return 0, fmt.Errorf("%s changed while it was read: %w", path, err)
	}
	return info.Size(), nil
}

// header makes each entry of the digest unambiguous.
func header(sum io.Writer, kind, rel string, size int64) {
	fmt.Fprintf(sum, "%s %q ", kind, rel)
	binary.Write(sum, binary.BigEndian, size)
}
