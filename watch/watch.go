// Package watch acts when files change. In come a watcher and what to do; out come calls, once the files are left alone.
package watch

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long files must have been left alone before they are loaded again: editors and
// builders write in several steps.
const quiet = 150 * time.Millisecond

// patience is how long a change waits for others at most.
const patience = 2 * time.Second

// maxWatched bounds the folders watched for one function; dependencies beyond it are not watched.
const maxWatched = 500

// Changes are those of files that a watcher sees, and what is done about them.
type Changes struct {
	Watcher *fsnotify.Watcher
	Matter  func(fsnotify.Event) bool
	Unseen  func(error)
	Act     func() // once the files are left alone
}

// Follow acts on changes until ctx ends.
func (c Changes) Follow(ctx context.Context) {
	var due <-chan time.Time // when to act; nil while nothing changed
	var first time.Time
	changed := func() {
		if due == nil {
			first = time.Now()
		}
		due = time.After(min(quiet, patience-time.Since(first)))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-c.Watcher.Events:
			if c.Matter(e) {
				changed()
			}
		case err := <-c.Watcher.Errors:
			c.Unseen(err)
			changed()
		case <-due:
			due = nil
			c.Act()
		}
	}
}

// Matters tells whether an event may change what is deployed: anything in a folder of code, and
// definition files elsewhere; not the logs and data that lie beside them.
func Matters(e fsnotify.Event, definitions map[string]bool) bool {
	if e.Op == fsnotify.Chmod || filepath.Ext(e.Name) == ".log" { // which no package holds
		return false
	}
	if !definitions[filepath.Dir(e.Name)] {
		return true
	}
	switch filepath.Ext(e.Name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return filepath.Base(e.Name) == "..data" // Kubernetes swaps this link when a ConfigMap changes
}

// FolderOf is a folder, or the one that a file is in.
func FolderOf(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	return filepath.Dir(path)
}

// unwatched are folders that builds and installations write.
var unwatched = []string{"node_modules", "__pycache__", ".git", "target", ".assay", ".serverless", ".aws-sam"}

// CodeFolders lists the folders of somebody's own code, without the laboratory's data; installed
// dependencies change with their lock file, which is among it.
func CodeFolders(root, data string) []string {
	var folders []string
	if info, err := os.Stat(root); err == nil && !info.IsDir() {
		return []string{filepath.Dir(root)}
	}
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil
		case slices.Contains(unwatched, d.Name()) || path == data || len(folders) >= maxWatched:
			return fs.SkipDir
		}
		folders = append(folders, path)
		return nil
	})
	return folders
}
