package tree

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
)

// gone is the file of a delta that lists what is to be removed.
const gone = ".assay-gone.json"

// epoch is the time of all files in zips, so that equal contents make equal bytes.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Delta is a zip of what is new or changed against a base, and the list of what is gone.
func (s *Snapshot) Delta(base *Snapshot) ([]byte, error) {
	changed, missing := s.Since(base)
	var out bytes.Buffer
	z := newZip(&out)
	list, err := json.Marshal(append([]string{}, missing...))
	if err != nil {
		return nil, err
	}
	if err := z.add(gone, 0o644, bytes.NewReader(list)); err != nil {
		return nil, err
	}
	for _, name := range changed {
		if err := s.add(z, name, name); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Base writes a zip of some of the snapshot's files below base/, with base.json that tells the root of the
// whole, and the given files beside.
func (s *Snapshot) Base(out io.Writer, names []string, beside fs.FS) error {
	z := newZip(out)
	if err := z.tree(beside, "", nil); err != nil {
		return err
	}
	about, err := json.Marshal(map[string]string{"root": s.Root()})
	if err != nil {
		return err
	}
	if err := z.add("base.json", 0o644, bytes.NewReader(about)); err != nil {
		return err
	}
	return s.files(z, names)
}

// Part writes a zip of some of the snapshot's files below base/.
func (s *Snapshot) Part(out io.Writer, names []string) error { return s.files(newZip(out), names) }

func (s *Snapshot) files(z archive, names []string) error {
	for _, name := range names {
		if err := s.add(z, name, "base/"+name); err != nil {
			return err
		}
	}
	return z.Close()
}

// Zip writes a zip of a folder, below a prefix that ends in a slash, without what never is to be in one:
// names are relative to the folder.
func Zip(out io.Writer, folder fs.FS, prefix string, never func(name string) bool) error {
	z := newZip(out)
	if err := z.tree(folder, prefix, never); err != nil {
		return err
	}
	return z.Close()
}

// tree adds the files of a folder, and links as they are.
func (a archive) tree(folder fs.FS, prefix string, never func(name string) bool) error {
	return fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if never != nil && never(name) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		return a.entry(folder, name, prefix+name, d)
	})
}

func (a archive) entry(folder fs.FS, name, as string, d fs.DirEntry) error {
	switch {
	case d.Type() == fs.ModeSymlink:
		target, err := fs.ReadLink(folder, name)
		if err != nil {
			return err
		}
		return a.add(as, fs.ModeSymlink|0o777, strings.NewReader(target))
	case !d.Type().IsRegular():
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	f, err := folder.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	mode := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	return a.add(as, mode, f)
}

// archive is a zip that is being written.
type archive struct{ *zip.Writer }

func newZip(out io.Writer) archive {
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	return archive{z}
}

func (a archive) add(name string, mode fs.FileMode, content io.Reader) error {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch}
	h.SetMode(mode)
	w, err := a.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return err
}

// add writes one of the snapshot's files.
func (s *Snapshot) add(z archive, name, as string) error {
	e := s.Files[name]
	if e.Link != "" {
		return z.add(as, fs.ModeSymlink|0o777, bytes.NewReader([]byte(e.Link)))
	}
	at := cmp.Or(e.At, filepath.Join(s.Dir, filepath.FromSlash(name)))
	f, err := os.Open(at)
	if errors.Is(err, fs.ErrNotExist) {
		return unreadable(at, errors.New("it was removed while it was packed"))
	}
	if err != nil {
		return unreadable(at, err)
	}
	defer f.Close()
	return z.add(as, fs.FileMode(e.Mode), f)
}
