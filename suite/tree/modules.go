package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// Modules is a folder of dependencies that a lock file describes: it is known by what that says, and its
// files are not looked at. They are no part of a snapshot's Files.
type Modules struct {
	Path string `json:"path"` // relative to the project
	Key  string `json:"key"`  // hash of the lock files
}

// locks are files beside a folder of dependencies that say all of what is in it. npm's own record of what
// it has installed, in the folder, tells whether that is so.
var locks = []string{"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "node_modules/.package-lock.json", "node_modules/.yarn-state.yml", "node_modules/.modules.yaml"}

// modules tells whether a folder is one of dependencies, with a lock file beside it.
func (w *walk) modules(name string) (Modules, bool) {
	if path.Base(name) != dependencies {
		return Modules{}, false
	}
	h, found := sha256.New(), false
	for _, lock := range locks {
		text, err := os.ReadFile(filepath.Join(w.snapshot.Dir, path.Dir(name), lock))
		if err == nil {
			found = true
			fmt.Fprintf(h, "%s %d ", lock, len(text))
			h.Write(text)
		}
	}
	return Modules{name, hex.EncodeToString(h.Sum(nil))[:32]}, found && !w.leads(name)
}

// leads tells whether a folder of dependencies has links that lead out of it, as those of workspaces do:
// then it must stand where it stands.
func (w *walk) leads(name string) bool {
	at := filepath.Join(w.snapshot.Dir, name)
	for _, glob := range []string{"*", "@*/*"} {
		all, _ := filepath.Glob(filepath.Join(at, glob))
		for _, file := range all {
			target, err := os.Readlink(file)
			if err == nil && !within(at, file, target) {
				return true
			}
		}
	}
	return false
}

// within tells whether a link's target is in a folder.
func within(folder, link, target string) bool {
	relative, err := filepath.Rel(folder, filepath.Join(filepath.Dir(link), target))
	return err == nil && !filepath.IsAbs(target) && filepath.IsLocal(relative)
}
