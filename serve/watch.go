package serve

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/watch"
)

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
		watch.Changes{
			Watcher: w, Matter: func(e fsnotify.Event) bool { return watch.Matters(e, definitions) },
			Unseen: func(err error) { h.log.Warn("a change of files may have gone unseen", "error", err) },
			Act: func() {
				h.reload(ctx, p)
				definitions = h.observe(w, p)
			},
		}.Follow(ctx)
	}
}

// reload applies the files as they are now. What is wrong with them is said, and changes nothing.
func (h *house) reload(ctx context.Context, p *process.Process) {
	doc, err := Load(p, h.opt.files)
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
		definitions[watch.FolderOf(p.Absolute(f))] = true
	}
	folders := slices.Collect(maps.Keys(definitions))
	code := h.lab.ComparatorCode()
	for _, d := range h.engine.Deployments() {
		code = append(code, d.Code)
	}
	for _, path := range code {
		for _, f := range watch.CodeFolders(path, h.opt.data) {
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
