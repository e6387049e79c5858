package rollout

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

// Run is one experiment's rollout under way. It is safe for concurrent use.
type Run struct {
	opt Options

	mu       sync.Mutex
	standing assay.Standing
	move     *move   // decided and not carried out whole yet
	shifted  float64 // the share at the alias, which may be ahead of the standing; NaN: nobody knows
}

// Options of a Run. All but Shift are needed.
type Options struct {
	Plan    assay.Rollout
	Version int // of the definition
	Split   *Split
	// Judge says what the answers given to clients come to, of which the canary gave a share of weight.
	Judge func(plan assay.Rollout, control, canary assay.Served, weight float64) assay.Verdict
	// Keep writes a step down. What cannot be written is tried again; the split's share does not grow before, an alias's may.
	Keep func(context.Context, assay.Standing, assay.Step) error
	// Shift sets the share where the split itself does not: at a Lambda alias. Base is what an earlier call
	// returned, "" before the first: the version that the alias leads to without the rollout.
	Shift func(ctx context.Context, base string, weight float64) (string, error)
}

// move is a step on its way.
type move struct {
	to   assay.Standing
	step assay.Step
}

// Start goes on from a standing. What was served before is not known any more: the step begins anew.
func Start(opt Options, from assay.Standing, now time.Time) *Run {
	if from.Stage == assay.StageCanary {
		from.Entered = now
	}
	opt.Split.Weigh(from.Weight)
	return &Run{opt: opt, standing: from, shifted: from.Weight}
}

// Continue goes on under another version of the definition that says the same of the rollout. The canary is
// reached in another way, perhaps.
func (r *Run) Continue(version int, canary assay.Invoker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opt.Version = version
	r.opt.Split.use(canary)
}

// Plan is what the rollout goes by.
func (r *Run) Plan() assay.Rollout { return r.opt.Plan }

// Split decides who serves.
func (r *Run) Split() *Split { return r.opt.Split }

// Standing is where the rollout is now, with what was served.
func (r *Run) Standing() assay.Standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now()
}

func (r *Run) now() assay.Standing {
	s := r.standing
	s.Control, s.Canary = r.opt.Split.Served()
	if s.Stage == assay.StageCanary || s.Stage == assay.StagePaused {
		v := r.opt.Judge(r.opt.Plan, s.Control, s.Canary, s.Weight)
		s.Verdict = &v
	}
	return s
}

// Look decides by what is known now and carries it out. An error says that it could not be carried out
// whole; the next look tries again.
func (r *Run) Look(ctx context.Context, shadow assay.Verdict, now time.Time) (*assay.Step, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.move == nil {
		s := r.now()
		e := Evidence{Shadow: shadow}
		if s.Verdict != nil {
			e.Served = *s.Verdict
		}
		next, moved := Next(r.opt.Plan, s, e, now)
		if !moved {
			return nil, nil
		}
		verdict := s.Verdict
		if s.Stage == assay.StageShadow || shadow.Outcome == assay.Refuted {
			verdict = &shadow
		}
		r.decide(next, "assay", verdict)
	}
	return r.carryOut(ctx)
}

// Order does what a person asks.
func (r *Run) Order(ctx context.Context, o Order, now time.Time) (*assay.Step, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next, err := Obey(r.opt.Plan, r.standing, o, now)
	if err != nil {
		return nil, err
	}
	r.decide(next, "user", nil)
	return r.carryOut(ctx)
}

// decide notes a move. A share that shrinks does so at once, whatever else can be done.
func (r *Run) decide(next assay.Standing, by string, verdict *assay.Verdict) {
	s := r.standing
	if next.Weight < s.Weight {
		r.opt.Split.Weigh(next.Weight)
	}
	r.move = &move{next, assay.Step{
		Experiment: s.Experiment, Version: r.opt.Version, Time: next.Entered, From: s.Stage, To: next.Stage,
		FromWeight: s.Weight, Weight: next.Weight, By: by, Reason: next.Reason, Verdict: verdict,
	}}
}

func (r *Run) carryOut(ctx context.Context) (*assay.Step, error) {
	m := r.move
	if err := r.shift(ctx, m.to.Weight); err != nil {
		return nil, err
	}
	m.to.Base = r.standing.Base
	if err := r.opt.Keep(ctx, m.to, m.step); err != nil {
		return nil, err
	}
	if m.to.Weight != r.opt.Split.Weight() || m.to.Stage == assay.StageCanary {
		r.opt.Split.Weigh(m.to.Weight)
	}
	r.standing, r.move = m.to, nil
	return &m.step, nil
}

// shift brings the alias to a weight, and remembers where it led before, whatever becomes of the step.
func (r *Run) shift(ctx context.Context, weight float64) error {
	if r.opt.Shift == nil || weight == r.shifted {
		return nil
	}
	r.shifted = math.NaN() // until it is known that the attempt came to something
	base, err := r.opt.Shift(ctx, r.standing.Base, weight)
	if err == nil {
		r.standing.Base, r.shifted = base, weight
	}
	return err
}
