package laboratory

import (
	"context"
	"io"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/archive"
)

// importName stands for the file in errors about an export that came by the API.
const importName = "export"

// Export implements console.Archive.
func (l *Laboratory) Export(ctx context.Context, experiment string, to io.Writer) error {
	return archive.Export(ctx, l.store, experiment, to)
}

// Import implements console.Archive. The experiments go on as they were where they come from, once what their
// arms name is there.
func (l *Laboratory) Import(ctx context.Context, from io.ReadSeeker) ([]string, error) {
	if err := archive.Check(from, importName); err != nil { // before the store is kept busy
		return nil, err
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	names, err := ImportInto(ctx, l.store, from, importName)
	if err != nil {
		return nil, err
	}
	known, err := l.store.Load(ctx)
	if err != nil {
		return nil, err
	}
	standings, err := l.store.Standings(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range standings {
		if slices.Contains(names, s.Experiment) {
			l.standings[s.Experiment] = s
		}
	}
	l.goOn(ctx, slices.DeleteFunc(known, func(e assay.Experiment) bool { return !slices.Contains(names, e.Name) }))
	return names, nil
}

// ImportInto keeps an export of that name in a store. Its experiments live until they are deleted, as those do
// that came by the API.
func ImportInto(ctx context.Context, store assay.Archives, from io.Reader, name string) ([]string, error) {
	return archive.Import(ctx, store, from, name, sourceAPI)
}
