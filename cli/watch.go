package cli

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/process"
)

// quiet is how long files must have been left alone before they are loaded again: editors and
// builders write in several steps.
const quiet = 150 * time.Millisecond

// patience is how long a change waits for others at most.
const patience = 2 * time.Second

// maxWatched bounds the folders watched for one function; dependencies beyond it are not watched.
const maxWatched = 500

// watch begins to look at the files and the functions' code. What it returns loads them again when they change,
// until its context ends.
func (h *house) watch(p *process.Process) (follow func(context.Context)) {
	if len(h.opt.files) == 0 {
		return func(context.Context) {}
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		h.log.Warn("changes of files go unseen: they cannot be watched", "error", err)
		return func(context.Context) {}
	}
	definitions := h.observe(w, p)
	return func(ctx context.Context) {
		defer w.Close()
		changes{
			watcher: w, matter: func(e fsnotify.Event) bool { return matters(e, definitions) },
			unseen: func(err error) { h.log.Warn("a change of files may have gone unseen", "error", err) },
			act: func() {
				h.reload(ctx, p)
				definitions = h.observe(w, p)
			},
		}.follow(ctx)
	}
}

// changes are those of files that a watcher sees, and what is done about them.
type changes struct {
	watcher *fsnotify.Watcher
	matter  func(fsnotify.Event) bool
	unseen  func(error)
	act     func() // once the files are left alone
}

// follow acts on changes until ctx ends.
func (c changes) follow(ctx context.Context) {
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
		case e := <-c.watcher.Events:
			if c.matter(e) {
				changed()
			}
		case err := <-c.watcher.Errors:
			c.unseen(err)
			changed()
		case <-due:
			due = nil
			c.act()
		}
	}
}

// matters tells whether an event may change what is deployed: anything in a folder of code, and
// definition files elsewhere; not the logs and data that lie beside them.
func matters(e fsnotify.Event, definitions map[string]bool) bool {
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

// reload applies the files as they are now. What is wrong with them is said, and changes nothing.
func (h *house) reload(ctx context.Context, p *process.Process) {
	doc, err := load(p, h.opt.files)
	if err == nil {
		err = h.put(ctx, doc)
	}
	if err != nil && ctx.Err() == nil {
		h.log.Error("the last good version stays in force")
		for _, e := range process.Errors(err) {
			h.log.Error("definition refused", attributes(e)...)
		}
	}
}

// put brings a document into force and tells what that changed.
func (h *house) put(ctx context.Context, doc config.Document) error {
	if blank := doc.Where("experiments") == "" && doc.Where("functions") == "" && len(doc.Notify) == 0; blank && len(h.opt.files) > 0 {
		return &assay.Error{Code: assay.CodeInvalid, What: "the files define nothing", Where: strings.Join(h.opt.files, ", "), Hint: "write `experiments: {}` if that is meant"}
	}
	changes, err := h.lab.Reload(ctx, doc)
	if err == nil {
		h.notifier.Set(doc.Notify)
	}
	for _, c := range changes {
		if c.Action != "unchanged" {
			h.log.Info("definition "+c.Action, "kind", c.Kind, "name", c.Name)
		}
		alone := func(e assay.Experiment) bool { return e.Name == c.Name && len(e.Candidates) == 0 }
		if c.Kind == "experiment" && slices.ContainsFunc(doc.Experiments, alone) {
			h.log.Warn("an experiment without candidates makes no verdict", "name", c.Name)
		}
	}
	return err
}

// attributes are an error's parts for the log.
func attributes(err error) []any {
	var e *assay.Error
	if !errors.As(err, &e) {
		return []any{"error", err}
	}
	return []any{"error", e.What, "at", e.Where, "hint", e.Hint}
}

// observe watches the folders of the definitions and of the functions' code, and returns those which
// hold definitions and no code. One that cannot be watched is left out.
func (h *house) observe(w *fsnotify.Watcher, p *process.Process) (definitions map[string]bool) {
	definitions = map[string]bool{}
	for _, f := range h.opt.files {
		definitions[folderOf(p.Absolute(f))] = true
	}
	folders := slices.Collect(maps.Keys(definitions))
	code := h.lab.ComparatorCode()
	for _, d := range h.engine.Deployments() {
		code = append(code, d.Code)
	}
	for _, path := range code {
		for _, f := range codeFolders(path, h.opt.data) {
			folders = append(folders, f)
			delete(definitions, f)
		}
	}
	for _, f := range folders {
		if !slices.Contains(w.WatchList(), f) {
			w.Add(f)
		}
	}
	return definitions
}

func folderOf(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	return filepath.Dir(path)
}

// unwatched are folders that builds and installations write.
var unwatched = []string{"node_modules", "__pycache__", ".git", "target", ".assay", ".serverless", ".aws-sam"}

// codeFolders lists the folders of somebody's own code, without the laboratory's data; installed
// dependencies change with their lock file, which is among it.
func codeFolders(root, data string) []string {
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
