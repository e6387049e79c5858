package process

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// DataFolder makes a folder for what Assay keeps, if there is none: for its owner alone, and left out by Git, as it stands
// in a project's folder by default.
func DataFolder(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o600)
}
