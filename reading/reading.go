// Package reading answers what people ask of differences. In come experiments, kept trials, and the arms
// themselves; out go rules proposed and how those in force do, clusters of mismatches, drifts of schema,
// what other rules would have made of the trials, and the smallest request that still differs.
package reading

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/cluster"
	"github.com/assaylab/assay/drift"
	"github.com/assaylab/assay/export"
	"github.com/assaylab/assay/noise"
	"github.com/assaylab/assay/whatif"
)

// Store is what is read of a store.
type Store interface {
	assay.Store
	assay.Readings
}

// Laboratory is what is asked of the laboratory. What is not there fails with assay.CodeNotFound.
type Laboratory interface {
	Report(ctx context.Context, experiment string) (assay.Report, error)
	// Definitions lists the experiments in force.
	Definitions() []assay.Experiment
	// WhatIf returns the comparator in force, and the one that a text with comparators and rules makes.
	WhatIf(experiment string, rules []byte) (now, then assay.Comparator, err error)
	// Bench returns what it takes to call the control and a candidate.
	Bench(experiment, candidate string) (Bench, error)
}

// Bench is a control and a candidate at hand.
type Bench struct {
	Experiment         assay.Experiment
	Control, Candidate assay.Invoker
	Comparator         assay.Comparator
	Redact             func(*assay.Trial)                      // what may not leave the laboratory
	Event              func(*assay.Invocation) ([]byte, error) // what the candidate is given, if it is a function
	Where              func(arm string) export.Arm             // where others reach an arm
}

// Options of a Reader. All are needed.
type Options struct {
	Store      Store
	Laboratory Laboratory
	Now        func() time.Time
	NewID      func() string // of the invocations of reproductions
}

// Reader implements console.Reading. It is safe for concurrent use.
type Reader struct {
	opt  Options
	busy chan struct{} // held by the one reproduction under way
}

// New returns a reader.
func New(opt Options) *Reader { return &Reader{opt: opt, busy: make(chan struct{}, 1)} }

// Rules tells how the rules in force do, and which others the control's noise suggests, but for those that
// somebody rejected.
func (r *Reader) Rules(ctx context.Context, name string) ([]noise.Status, []noise.Proposal, error) {
	report, err := r.opt.Laboratory.Report(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	e := &report.Experiment
	inForce, err := r.review(ctx, &report)
	if err != nil {
		return nil, nil, err
	}
	samples, err := r.opt.Store.Noise(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	marks, err := r.opt.Store.Marks(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	proposed := slices.DeleteFunc(noise.Propose(samples, e.Rules), func(p noise.Proposal) bool {
		return slices.ContainsFunc(marks, func(m assay.Mark) bool { return m.Arm == "" && m.ID == p.ID() && m.State == assay.StateRejected })
	})
	return inForce, proposed, nil
}

func (r *Reader) review(ctx context.Context, of *assay.Report) ([]noise.Status, error) {
	e := &of.Experiment
	excuses, err := r.opt.Store.Excuses(ctx, e.Name, e.Since)
	if err != nil {
		return nil, err
	}
	return noise.Review(e.Rules, &of.Counts, excuses, e.Hypothesis.Alpha, r.opt.Now()), nil
}

// Alarms lists, by candidate, the rules that hide more in it than the control shows of itself.
func (r *Reader) Alarms(ctx context.Context, of *assay.Report) (map[string][]string, error) {
	rules, err := r.review(ctx, of)
	ringing := map[string][]string{}
	for _, s := range rules {
		for _, a := range s.Alarms {
			ringing[a.Candidate] = append(ringing[a.Candidate], s.Text)
		}
	}
	return ringing, err
}

// Reject keeps a proposal from being made again.
func (r *Reader) Reject(ctx context.Context, name, id, by string) error {
	_, proposed, err := r.Rules(ctx, name)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(proposed, func(p noise.Proposal) bool { return p.ID() == id }) {
		return &assay.Error{Code: assay.CodeNotFound, What: "no rule " + id + " is proposed", Hint: "`assay rules " + name + "` lists them"}
	}
	return r.opt.Store.Mark(ctx, assay.Mark{Experiment: name, ID: id, State: assay.StateRejected, By: by, Time: r.opt.Now()})
}

// Clusters lists the mismatches of an experiment by what they have in common, with their states.
func (r *Reader) Clusters(ctx context.Context, name string) ([]assay.Cluster, error) {
	e, err := r.experiment(name)
	if err != nil {
		return nil, err
	}
	clusters, err := r.opt.Store.Clusters(ctx, name)
	if err != nil {
		return nil, err
	}
	marks, err := r.opt.Store.Marks(ctx, name)
	if err != nil {
		return nil, err
	}
	cluster.Judge(clusters, e.Rules, marks)
	return clusters, nil
}

func (r *Reader) experiment(name string) (assay.Experiment, error) {
	for _, e := range r.opt.Laboratory.Definitions() {
		if e.Name == name {
			return e, nil
		}
	}
	return assay.Experiment{}, &assay.Error{Code: assay.CodeNotFound, What: "there is no experiment " + strconv.Quote(name), Hint: "`assay get experiments` lists them"}
}

// MarkCluster says what is thought of a cluster: of each candidate that has it, or of one.
func (r *Reader) MarkCluster(ctx context.Context, m assay.Mark) ([]assay.Cluster, error) {
	clusters, err := r.Clusters(ctx, m.Experiment)
	if err != nil {
		return nil, err
	}
	m.Time = r.opt.Now()
	found := false
	for _, c := range clusters {
		if c.ID == m.ID && (m.Arm == "" || m.Arm == c.Arm) {
			found = true
			said := m
			said.Arm = c.Arm
			if err := r.opt.Store.Mark(ctx, said); err != nil {
				return nil, err
			}
		}
	}
	if !found {
		return nil, unknownCluster(m.ID)
	}
	return r.Clusters(ctx, m.Experiment)
}

func unknownCluster(id string) error {
	return &assay.Error{Code: assay.CodeNotFound, What: "there is no cluster " + strconv.Quote(id), Hint: "`assay clusters NAME` lists those of an experiment"}
}

// Span says which kept trials are read: the newest so many of the present evidence, or of all versions; fewer where
// their bodies are large.
type Span struct {
	Limit int
	All   bool
}

// Drift tells in what the shapes of a candidate's JSON answers differ from the control's, over the newest
// trials whose bodies were kept.
func (r *Reader) Drift(ctx context.Context, name string, span Span) (all []drift.Report, err error) {
	e, err := r.experiment(name)
	if err != nil {
		return nil, err
	}
	pairs := make([]drift.Pair, len(e.Candidates))
	bare := 0
	err = r.kept(ctx, &e, span, func(t *assay.Trial) {
		if !t.Bodies {
			bare++
			return
		}
		for i, arm := range e.Candidates {
			if k := slices.IndexFunc(t.Candidates, func(c assay.Comparison) bool { return c.Observation.Arm == arm.Name }); k >= 0 {
				pairs[i].Add(t.Control.Body, t.Candidates[k].Observation.Body)
			}
		}
	})
	for i, arm := range e.Candidates {
		all = append(all, pairs[i].Report(arm.Name, bare))
	}
	return all, err
}

// Replay compares the newest kept trials again, under other comparators and rules.
func (r *Reader) Replay(ctx context.Context, name string, rules []byte, span Span) (whatif.Result, error) {
	e, err := r.experiment(name)
	if err != nil {
		return whatif.Result{}, err
	}
	now, then, err := r.opt.Laboratory.WhatIf(name, rules)
	if err != nil {
		return whatif.Result{}, err
	}
	again := whatif.New(now, then)
	err = r.kept(ctx, &e, span, again.Add)
	return again.Result(), err
}

// What is read at once: so many trials, and for each of those asked for so much of bodies on average. Of larger ones
// fewer are read, so that a call takes as long whatever was kept.
const (
	maxTrials     = 100_000
	bytesPerTrial = 4 << 10
	leastBytes    = 1 << 20
)

// kept visits trials of an experiment, the newest first, one after the other: no more than a page is held. Those of
// which bodies were kept come with them.
func (r *Reader) kept(ctx context.Context, e *assay.Experiment, span Span, visit func(*assay.Trial)) error {
	const page = 200
	q := assay.Query{Experiment: e.Name}
	if !span.All {
		q.Since = e.Since
	}
	left := min(span.Limit, maxTrials)
	for bytes := max(left*bytesPerTrial, leastBytes); left > 0 && bytes > 0; {
		q.Limit = min(left, page)
		found, err := r.opt.Store.Trials(ctx, q)
		if err != nil {
			return err
		}
		for i := range found.Trials {
			read, err := r.visit(ctx, &found.Trials[i], visit)
			if bytes -= read; err != nil || bytes <= 0 {
				return err
			}
		}
		left -= len(found.Trials)
		if q.Cursor = found.Next; q.Cursor == "" {
			return nil
		}
	}
	return nil
}

// visit tells how many bytes of bodies it read.
func (r *Reader) visit(ctx context.Context, t *assay.Trial, visit func(*assay.Trial)) (read int, err error) {
	if !t.Bodies {
		visit(t)
		return 0, nil
	}
	whole, err := r.opt.Store.Trial(ctx, t.ID)
	if isNotFound(err) {
		return 0, nil // it went while we were on the way to it
	}
	if err != nil {
		return 0, err
	}
	visit(whole)
	read = len(whole.Control.Body)
	for i := range whole.Candidates {
		read += len(whole.Candidates[i].Observation.Body)
	}
	return read, nil
}
