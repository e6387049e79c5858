package code

import (
	"archive/zip"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Adopt makes a zip of a folder code/NAME/ that an earlier release unpacked from nowhere, and stores
// it. The caller holds the store.
func (s *Store) Adopt(ctx context.Context, name string) (Package, error) {
	read, write := io.Pipe()
	go func() { write.CloseWithError(archiveFolder(s.path("code", name), write)) }()
	defer read.Close() // ends the goroutine when Put stops reading
	return s.Put(ctx, read, MaxUnzipped)
}

// archiveFolder writes a folder as a zip, in the order of names and without dates.
func archiveFolder(dir string, w io.Writer) error {
	z := zip.NewWriter(w)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return archiveFile(z, path, filepath.ToSlash(rel))
	})
	if err != nil {
		return err
	}
	return z.Close()
}

func archiveFile(z *zip.Writer, path, name string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(info.Mode())
	out, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, target)
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(out, in)
	return err
}
