package ship

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/assaylab/assay/suite/tree"
)

// record is the function that was made last from this folder.
type record struct {
	Function string `json:"function"`
	Fits     string `json:"fits"` // what it is made of, beside the project
}

// maxBases is how many snapshots of functions made before are kept: for runs that end at the same time.
const maxBases = 4

// last is the function of last time, with the snapshot that it has; nil if there is none.
func (y *Yard) last() (r record, base *tree.Snapshot) {
	text, err := os.ReadFile(filepath.Join(y.Dir, "current"))
	if err != nil || json.Unmarshal(text, &r) != nil || r.Function == "" {
		return record{}, nil // as good as none
	}
	return r, tree.Load(y.snapshot(r.Function))
}

func (y *Yard) snapshot(function string) string { return filepath.Join(y.Dir, function+".json") }

// keep notes what function there is now, and forgets those of long ago.
func (y *Yard) keep(r record, s *tree.Snapshot) error {
	if err := s.Save(y.snapshot(r.Function)); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(y.Dir, ".current-")
	if err != nil {
		return err
	}
	_, err = temporary.Write(text)
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(temporary.Name(), filepath.Join(y.Dir, "current")), y.forget())
}

// forget removes the snapshots of all but the latest functions.
func (y *Yard) forget() error {
	files, err := filepath.Glob(filepath.Join(y.Dir, "assay-test-*.json"))
	if err != nil {
		return err
	}
	age := map[string]int64{}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			age[f] = info.ModTime().UnixNano()
		}
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(age[b], age[a]) })
	for _, f := range files[min(len(files), maxBases):] {
		if err := os.Remove(f); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
