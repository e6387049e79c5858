package tree

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/assaylab/assay"
)

// Checkout lays out what Git has of a project at a branch, tag or commit below a folder, and returns where
// the project is there. The project's own files, its index and its HEAD stay as they are. Submodules are
// left out. What the project has installed beside them, and Git does not keep, is linked to.
func Checkout(ctx context.Context, project, ref, to string) (string, error) {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir, cmd.Env = project, append(os.Environ(), "GIT_INDEX_FILE="+filepath.Join(to, "index"))
		out, err := cmd.CombinedOutput()
		text := strings.TrimSpace(string(out))
		if err != nil {
			return "", &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("Git does not give %q: %s", ref, text), Where: project, Hint: "name a branch, a tag or a commit of the project's repository", Err: err}
		}
		return text, nil
	}
	prefix, err := git("rev-parse", "--show-prefix")
	if err != nil {
		return "", err
	}
	if _, err := git("read-tree", "--end-of-options", ref); err != nil {
		return "", err
	}
	files := filepath.Join(to, "files") + "/"
	if _, err := git("checkout-index", "--all", "--prefix="+files); err != nil {
		return "", err
	}
	dir := filepath.Join(files, prefix)
	if _, err := os.Stat(dir); err != nil {
		return "", &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("%q does not have the folder %s", ref, prefix), Where: project, Err: err}
	}
	return dir, lend(project, dir)
}

// lend links to the dependencies of a project from another folder, unless that has its own.
func lend(project, dir string) error {
	installed, err := filepath.Abs(filepath.Join(project, dependencies))
	if err != nil {
		return err
	}
	own := filepath.Join(dir, dependencies)
	if _, err := os.Stat(installed); err != nil {
		return nil // nothing is installed
	}
	if _, err := os.Lstat(own); err == nil {
		return nil
	}
	return os.Symlink(installed, own)
}
