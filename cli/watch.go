package cli

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/assaylab/assay"
)

// quiet is how long files must have been left alone before they are loaded again: editors and
// builders write in several steps.
const quiet = 150 * time.Millisecond

// maxWatched bounds the folders watched for one function; dependencies beyond it are not watched.
const maxWatched = 500

// watch loads the files and the functions' code again when they change, until ctx ends.
func (h *house) watch(ctx context.Context, p *Process) error {
	if len(h.opt.files) == 0 {
		return nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		h.log.Warn("changes of files go unseen: they cannot be watched", "error", err)
		return nil
	}
	defer w.Close()
	h.observe(w, p)
	settled := time.NewTimer(time.Hour)
	settled.Stop()
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.Events:
			if !e.Has(fsnotify.Chmod) {
				settled.Reset(quiet)
			}
		case err := <-w.Errors:
			h.log.Warn("a change of files may have gone unseen", "error", err)
			settled.Reset(quiet)
		case <-settled.C:
			h.reload(ctx, p)
			h.observe(w, p)
		}
	}
}

// reload applies the files as they are now. What is wrong with them is said, and changes nothing.
func (h *house) reload(ctx context.Context, p *Process) {
	doc, err := load(p, h.opt.files)
	if err == nil {
		var changes []assay.Change
		changes, err = h.lab.reload(ctx, doc)
		for _, c := range changes {
			if c.Action != "unchanged" {
				h.log.Info("definition "+c.Action, "kind", c.Kind, "name", c.Name, "version", c.Version)
			}
		}
	}
	if err != nil && ctx.Err() == nil {
		h.log.Error("the last good version stays in force", "error", err)
	}
}

// observe watches the folders of the definitions and of the functions' code. Adding one twice is
// harmless; one that cannot be watched is left out.
func (h *house) observe(w *fsnotify.Watcher, p *Process) {
	var folders []string
	for _, f := range h.opt.files {
		folders = append(folders, folderOf(absolute(p.Dir, f)))
	}
	for _, d := range h.engine.Deployments() {
		folders = append(folders, codeFolders(d.Code)...)
	}
	for _, f := range folders {
		if !slices.Contains(w.WatchList(), f) {
			w.Add(f)
		}
	}
}

func folderOf(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	return filepath.Dir(path)
}

// codeFolders lists the folders of a function's own code; installed dependencies change with their
// lock file, which is among it.
func codeFolders(root string) []string {
	var folders []string
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil
		case d.Name() == "node_modules" || d.Name() == "__pycache__" || d.Name() == ".git" || len(folders) >= maxWatched:
			return fs.SkipDir
		}
		folders = append(folders, path)
		return nil
	})
	return folders
}
