package async

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// An event is a file DIR/ID.json from when it is accepted until it is done. Files are written beside
// and renamed, and not forced to the disk: they outlive the process, and what a crash of the machine
// takes are the events of its last seconds.

func (q *Queue) file(e Event) string { return filepath.Join(q.opts.Dir, e.ID+".json") }

func (q *Queue) keep(e Event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	tmp := q.file(e) + ".tmp"
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, q.file(e))
}

func (q *Queue) forget(e Event) {
	if err := os.Remove(q.file(e)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		q.opts.Log.Error("a finished event cannot be removed; a restart would try it again", "request", e.ID, "error", err)
	}
}

// restore reads the events that are kept.
func (q *Queue) restore() ([]Event, error) {
	if err := os.MkdirAll(q.opts.Dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(q.opts.Dir)
	if err != nil {
		return nil, err
	}
	var kept []Event
	for _, entry := range entries {
		path := filepath.Join(q.opts.Dir, entry.Name())
		id, ok := strings.CutSuffix(entry.Name(), ".json")
		if !ok {
			os.Remove(path) // of a write that was cut off
			continue
		}
		var e Event
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		if err == nil && e.ID != id {
			err = errors.New("it is not the event that its name says")
		}
		if err != nil {
			q.opts.Log.Error("an event cannot be read", "file", path, "error", err)
			continue
		}
		kept = append(kept, e)
	}
	return kept, nil
}
