package laboratory

import (
	"context"
	"maps"

	"github.com/assaylab/assay"
)

// Board is where laboratories on many machines agree on the versions of experiments.
type Board interface {
	// Post makes e, which follows on the version before, the newest of its experiment for all. It fails with
	// CodeConflict when another machine was first, and then nothing changes.
	Post(ctx context.Context, e assay.Experiment) error
}

// Shared lets nothing go into force from now on that is not on the board, too.
func (l *Laboratory) Shared(b Board) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.board, l.resolve.shared = b, true
}

// post tells everybody of versions that are new.
func (l *Laboratory) post(ctx context.Context, names []string, past map[string]assay.Experiment) error {
	if l.board == nil {
		return nil
	}
	for _, name := range names {
		if e := past[name]; e.Version > l.posted[name] {
			if err := l.board.Post(ctx, e); err != nil {
				return err
			}
			l.posted[name] = e.Version
		}
	}
	return nil
}

// Adopt puts a version into force that was found on the board, unless a newer one is. One that cannot be put into
// force here leaves the one before.
func (l *Laboratory) Adopt(ctx context.Context, e assay.Experiment) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posted[e.Name] = max(l.posted[e.Name], e.Version)
	if l.past[e.Name].Version >= e.Version {
		return nil
	}
	var t transition
	if e.State == assay.StateDeleted {
		t.remove = []string{e.Name}
	} else {
		x, err := l.resolved(ctx, e)
		if err != nil {
			return err
		}
		t.install = []*experiment{x}
	}
	past := maps.Clone(l.past)
	past[e.Name] = e
	l.log.Info("experiment changed on another machine", "name", e.Name, "state", e.State, "sample", e.Sample.Rate, "version", e.Version)
	return l.enact(ctx, t, past)
}

// unshared is what an experiment has that exists on one machine only.
func unshared(e *assay.Experiment) []assay.Flaw {
	var flaws []assay.Flaw
	refuse := func(t assay.Target, path ...string) {
		if embedded(t) != "" {
			flaws = append(flaws, assay.Flaw{
				Path: path, What: "an embedded function exists on one machine only, and with --stream any worker may call it",
				Hint: `name the address at which all machines reach it: {arn: ..., endpoint: "http://HOST:4566"}`,
			})
		}
	}
	refuse(e.Control.Target, "control")
	for _, c := range e.Candidates {
		refuse(c.Target, "candidates", c.Name)
	}
	if e.Rollout != nil {
		flaws = append(flaws, assay.Flaw{Path: []string{"rollout"}, What: "a rollout is steered by one gateway, and with --stream there may be many", Hint: "leave it out, or run one laboratory without --stream"})
	}
	return flaws
}
