package code

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MergedDigest names what Merge makes of layers.
func MergedDigest(digests []string) string {
	if len(digests) == 1 {
		return digests[0]
	}
	sum := sha256.Sum256([]byte(strings.Join(digests, "+")))
	return hex.EncodeToString(sum[:])
}

// Merge is a folder that has the files of all layers, as /opt has them: of two files of one name the
// later layer's. Files are hard links to the layers' own. No layers are no folder.
func (s *Store) Merge(ctx context.Context, digests []string) (string, error) {
	switch len(digests) {
	case 0:
		return "", nil
	case 1:
		return s.Folder(ctx, digests[0])
	}
	merged := MergedDigest(digests)
	lock := s.lock(merged)
	lock.Lock()
	defer lock.Unlock()
	dir := s.path("opt", merged)
	if exists(dir) {
		return dir, nil
	}
	tmp, err := os.MkdirTemp(s.path("tmp"), "opt-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	for _, digest := range digests {
		layer, err := s.Folder(ctx, digest)
		if err != nil {
			return "", err
		}
		if err := overlay(ctx, tmp, layer); err != nil {
			return "", err
		}
	}
	return dir, errors.Join(os.Chmod(tmp, 0o755), os.Rename(tmp, dir))
}

// overlay puts the files of a layer over what is in a folder.
func overlay(ctx context.Context, dst, layer string) error {
	return filepath.WalkDir(layer, func(file string, entry fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		rel, err := filepath.Rel(layer, file)
		if err != nil || rel == "." {
			return err
		}
		to := filepath.Join(dst, rel)
		before, err := os.Lstat(to)
		switch {
		case err == nil && entry.IsDir() && before.IsDir():
			return nil
		case err == nil:
			if err := os.RemoveAll(to); err != nil {
				return err
			}
		}
		if entry.IsDir() {
			return os.Mkdir(to, 0o755)
		}
		return os.Link(file, to) // of a symbolic link, the link itself
	})
}
