package laboratory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/judge"
	"github.com/assaylab/assay/rollout"
	"github.com/assaylab/assay/trial"
)

// lookEvery is how often rollouts are looked at.
const lookEvery = time.Second

// takeOver gives an experiment that asks for it a rollout: the one that is under way, or one that goes on
// from where the last run left it, or a new one.
func (l *Laboratory) takeOver(x *experiment) {
	plan := x.def.Rollout
	if plan == nil {
		return
	}
	i := slices.IndexFunc(x.arms.def.Candidates, func(a assay.Arm) bool { return a.Name == plan.Candidate })
	if i < 0 || x.lane == nil {
		return // refused before
	}
	canary := x.arms.candidates[i]
	name, since, now := x.def.Name, x.def.Since, l.now()
	if old := l.inForce[name]; old != nil && old.rollout != nil && old.def.Since == since && reflect.DeepEqual(old.rollout.Plan(), *plan) {
		old.rollout.Continue(x.def.Version, canary)
		x.rollout = old.rollout
		return
	}
	if old := l.inForce[name]; old != nil && old.rollout != nil {
		l.standings[name] = old.rollout.Standing()
	}
	standing, known := l.standings[name]
	if !known || standing.Since != since || standing.Candidate != plan.Candidate {
		standing = rollout.Begin(name, plan.Candidate, since, now)
	}
	x.rollout = rollout.Start(rollout.Options{
		Plan: *plan, Version: x.def.Version, Split: l.split(x, *plan, canary),
		Judge: judge.Served, Keep: l.advance, Shift: x.arms.shift,
	}, standing, now)
}

// split lets chance, or what the plan names, decide who serves.
func (l *Laboratory) split(x *experiment, plan assay.Rollout, canary assay.Invoker) *rollout.Split {
	o := rollout.SplitOptions{
		Canary: canary, Random: rand.New(rand.NewPCG(l.seed(), l.seed())), Passed: x.lane.Pass,
	}
	if plan.By != "" {
		salt := "rollout of " + x.def.Name
		o.Key = func(r *assay.Request) (float64, bool) { return trial.Key(salt, plan.By, r) }
	}
	if plan.Alias != "" {
		i := slices.IndexFunc(x.def.Candidates, func(a assay.Arm) bool { return a.Name == plan.Candidate })
		o.Version = x.def.Candidates[i].Target.Version()
	}
	return rollout.NewSplit(o)
}

// advance keeps a step and remembers where it led.
func (l *Laboratory) advance(ctx context.Context, s assay.Standing, step assay.Step) error {
	if err := l.store.Advance(ctx, s, step); err != nil {
		return err
	}
	l.log.Info("rollout", "experiment", s.Experiment, "candidate", s.Candidate, "from", step.From, "to", step.To,
		"weight", rollout.Percent(step.Weight), "by", step.By, "reason", step.Reason)
	return nil
}

// Conduct looks at the rollouts, and at what protects clients, until ctx ends.
func (l *Laboratory) Conduct(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	failing := map[string]bool{}
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		l.trip(ctx)
		for _, x := range l.rollouts() {
			err := l.look(ctx, x)
			if name := x.def.Name; (err != nil) != failing[name] && ctx.Err() == nil {
				failing[name] = err != nil
				l.tellRollout(name, err)
			}
		}
	}
}

// tellRollout says when a rollout cannot go on and when it can again, not at every look.
func (l *Laboratory) tellRollout(name string, err error) {
	if err != nil {
		l.log.Error("a rollout's step cannot be carried out; it is tried again", "experiment", name, "error", err)
		return
	}
	l.log.Info("the rollout goes on", "experiment", name)
}

func (l *Laboratory) rollouts() []*experiment {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*experiment
	for _, x := range l.inForce {
		if x.rollout != nil {
			all = append(all, x)
		}
	}
	return all
}

func (l *Laboratory) look(ctx context.Context, x *experiment) error {
	switch x.rollout.Standing().Stage {
	case assay.StagePromoted, assay.StageRolledBack:
		return nil
	}
	report, err := l.report(ctx, x.def)
	if err != nil {
		return err
	}
	_, err = x.rollout.Look(ctx, report.Verdicts[x.def.Rollout.Candidate], l.now())
	return err
}

// Rollout implements console.Takeover.
func (l *Laboratory) Rollout(ctx context.Context, name string) (assay.Standing, []assay.Step, error) {
	run, err := l.rolloutOf(name)
	if err != nil {
		return assay.Standing{}, nil, err
	}
	steps, err := l.store.Steps(ctx, name)
	return run.Standing(), steps, err
}

// order tells a rollout what a person wants.
func (l *Laboratory) order(ctx context.Context, name string, o rollout.Order) (assay.Experiment, error) {
	run, err := l.rolloutOf(name)
	if err != nil {
		return assay.Experiment{}, err
	}
	if _, err := run.Order(ctx, o, l.now()); err != nil {
		return assay.Experiment{}, err
	}
	report, err := l.Report(ctx, name)
	return report.Experiment, err
}

func (l *Laboratory) rolloutOf(name string) (*rollout.Run, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.inForce[name]
	switch {
	case x == nil:
		return nil, l.unknown(name)
	case x.rollout == nil:
		return nil, &assay.Error{
			Code: assay.CodeNotFound, What: fmt.Sprintf("experiment %s has no rollout", name),
			Hint: "add `rollout: {}` to its definition",
		}
	}
	return x.rollout, nil
}

// splitOf is the part of a rollout that the gateway asks; no rollout is no split.
func splitOf(x *experiment) gateway.Split {
	if x.rollout == nil {
		return nil
	}
	return x.rollout.Split()
}

// canaryOf is the candidate that a rollout may let serve; nil without a rollout.
func canaryOf(x *experiment) assay.Invoker {
	for i, a := range x.arms.def.Candidates {
		if x.rollout != nil && a.Name == x.rollout.Plan().Candidate {
			return x.arms.candidates[i]
		}
	}
	return nil
}
