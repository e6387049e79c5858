package pack

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// archive is a zip that is read.
type archive struct {
	*zip.ReadCloser
	key string // stands for all it holds
}

func openArchive(file string) (*archive, error) {
	z, err := zip.OpenReader(file)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // given looks at the names
		return nil, err
	}
	return &archive{z, strings.TrimSuffix(filepath.Base(file), ".zip")}, nil
}

func (a *archive) close() { a.Close() }

// entries lists what is in the zip, sorted by name, as patterns choose.
func (a *archive) entries(patterns []string) []entry {
	var all []entry
	for _, f := range a.File {
		e := entry{name: strings.TrimSuffix(f.Name, "/"), mode: f.Mode(), size: int64(f.UncompressedSize64), raw: f}
		e.sum = sha256.Sum256([]byte(a.key + e.name))
		all = append(all, e)
	}
	slices.SortFunc(all, func(x, y entry) int { return strings.Compare(x.name, y.name) })
	return chosen(all, patterns)
}

// isZip tells whether a file is a zip by how it begins: "PK".
func isZip(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	if _, err := io.ReadFull(f, magic[:]); err != nil {
		return false
	}
	return magic == [4]byte{'P', 'K', 3, 4} || magic == [4]byte{'P', 'K', 5, 6}
}

// given takes a zip as it is: its bytes are its user's.
func (p *Packer) given(ctx context.Context, s Source) (string, error) {
	if err := checkGiven(s); err != nil {
		return "", err
	}
	sum, _, err := sumFile(s.Path)
	if err != nil {
		return "", s.wrong(err, s.Path, "")
	}
	return p.keep(ctx, digest("given", nil, hex.EncodeToString(sum[:])), func(f *os.File) error {
		in, err := os.Open(s.Path)
		if err != nil {
			return err
		}
		defer in.Close()
		copied := sha256.New()
		if _, err := io.Copy(io.MultiWriter(f, copied), in); err != nil {
			return err
		}
		if [sha256.Size]byte(copied.Sum(nil)) != sum {
			return &movedError{s.Path}
		}
		return nil
	})
}

func checkGiven(s Source) error {
	a, err := openArchive(s.Path)
	if err != nil {
		return s.fail("it is no zip that can be read: "+err.Error(), s.Path, "make it anew; `unzip -t` tells more")
	}
	defer a.close()
	if len(a.File) == 0 {
		return s.fail("the zip is empty", s.Path, "put the function's files into it")
	}
	var files []entry
	for _, f := range a.File {
		name := strings.TrimSuffix(f.Name, "/")
		if !filepath.IsLocal(name) || strings.ContainsAny(name, "\\\x00") {
			return s.fail(fmt.Sprintf("the zip holds %q, which would be written outside of its folder", f.Name), s.Path, "make the zip from within the folder of the code")
		}
		files = append(files, entry{name: name, size: int64(min(f.UncompressedSize64, 1<<40)), mode: f.Mode()})
	}
	return checkSize(s, files)
}

// single packs one file. A program for a runtime that wants one is called bootstrap.
func (p *Packer) single(ctx context.Context, s Source, info fs.FileInfo) (string, error) {
	e := entry{name: filepath.Base(s.Path), path: s.Path, mode: 0o644, size: info.Size()}
	if info.Mode()&0o111 != 0 {
		e.mode = 0o755
	}
	if provided(s.Runtime) {
		e.name, e.mode = "bootstrap", 0o755
	}
	files := []entry{e}
	if err := sumAll(ctx, files); err != nil {
		return "", s.wrong(err, s.Path, "make it readable")
	}
	return p.zipOf(ctx, s, prefixed(files, s.Prefix))
}

func sumFile(path string) (sum [sha256.Size]byte, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return [sha256.Size]byte(h.Sum(nil)), size, err
}
