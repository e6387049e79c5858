package history

import (
	"os"
	"path/filepath"
	"strings"
)

// Branch is the branch that a folder is on by the Git repository it lies in; "" for none.
func Branch(dir string) string {
	for {
		if head, ok := readHead(filepath.Join(dir, ".git")); ok {
			branch, _ := strings.CutPrefix(head, "ref: refs/heads/")
			return branch
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// readHead reads HEAD of a repository, also where .git is a file that names another place: a worktree.
func readHead(git string) (string, bool) {
	if text, err := os.ReadFile(git); err == nil {
		elsewhere, _ := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
		if !filepath.IsAbs(elsewhere) {
			elsewhere = filepath.Join(filepath.Dir(git), elsewhere)
		}
		git = elsewhere
	}
	head, err := os.ReadFile(filepath.Join(git, "HEAD"))
	return strings.TrimSpace(string(head)), err == nil
}
