package laboratory

import (
	"context"
	"fmt"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/judge"
)

// Edit implements console.Laboratory.
func (l *Laboratory) Edit(ctx context.Context, name string, version int, definition []byte) ([]assay.Change, error) {
	doc, err := l.parse(name, definition)
	if err != nil {
		return nil, err
	}
	doc.Experiments[0].Source = sourceAPI
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.inForce[name]
	if x == nil {
		return nil, l.unknown(name)
	}
	if now := x.def.Version; now != version {
		return nil, &assay.Error{Code: assay.CodeConflict, Where: name,
			What: fmt.Sprintf("the experiment changed meanwhile: it is at version %d, and this is a change of version %d", now, version),
			Hint: "look at what is in force now, and make the change again"}
	}
	return l.change(ctx, doc, doc.Experiments, nil)
}

// Check implements console.Laboratory.
func (l *Laboratory) Check(ctx context.Context, name string, definition []byte) (assay.Preview, error) {
	doc, err := l.parse(name, definition)
	if err != nil {
		return assay.Preview{}, err
	}
	e := &doc.Experiments[0]
	e.Source = sourceAPI
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.check(ctx, doc, doc.Experiments, nil); err != nil {
		return assay.Preview{}, err
	}
	next, action := l.version(*e)
	return assay.Preview{
		Change: assay.Change{Kind: "experiment", Name: name, Action: action, Version: next.Version},
		Anew:   action != "unchanged" && next.Since == next.Version,
	}, nil
}

// ofOne takes from a document the one experiment that it may have.
func ofOne(name string, doc config.Document) (config.Document, error) {
	if len(doc.Experiments) != 1 || doc.Experiments[0].Name != name || len(doc.Functions) > 0 {
		return config.Document{}, &assay.Error{Code: assay.CodeInvalid, Where: SentName,
			What: "this must define the experiment " + name + ", and nothing else", Hint: "`assay apply -f FILE` takes whole files"}
	}
	return doc, nil
}

// Course implements console.Laboratory. The last waypoint of each candidate is where it is now.
func (l *Laboratory) Course(ctx context.Context, name string) ([]assay.Waypoint, error) {
	report, err := l.Report(ctx, name)
	if err != nil {
		return nil, err
	}
	var milestones []assay.Milestone
	if store, ok := l.store.(assay.Courses); ok {
		if milestones, err = store.Course(ctx, name, report.Experiment.Since); err != nil {
			return nil, err
		}
	}
	for _, c := range report.Experiment.Candidates {
		if a := report.Counts.Arm(assay.RoleCandidate, c.Name); a.Trials > 0 {
			milestones = append(milestones, assay.Milestone{Time: report.Counts.Last, Arm: c.Name, Trials: a.Trials, Mismatches: a.Mismatches})
		}
	}
	return judge.Course(report.Experiment, milestones), nil
}

// History implements console.Laboratory.
func (l *Laboratory) History(ctx context.Context, name string, limit int) ([]assay.Revision, error) {
	versions, err := l.store.Versions(ctx, name, limit)
	if err != nil {
		return nil, err
	}
	var all []assay.Revision
	for _, e := range versions {
		text, err := config.Render(config.Document{Experiments: []assay.Experiment{e}})
		if err != nil {
			return nil, err
		}
		all = append(all, assay.Revision{Version: e.Version, Since: e.Since, Changed: e.Changed, State: e.State, Definition: string(text)})
	}
	return all, nil
}
