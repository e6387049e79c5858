package rollout

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var plan = assay.Rollout{Candidate: "new", Canary: []float64{0.01, 0.5, 1}, Requests: 100, For: time.Minute, Within: time.Hour}

func verdict(c assay.Conclusion) assay.Verdict { return assay.Verdict{Outcome: c, Reason: "because"} }

func standing(stage assay.Stage, step int, weight float64, served int64) assay.Standing {
	return assay.Standing{Experiment: "e", Candidate: "new", Since: 1, Stage: stage, Step: step, Weight: weight, Entered: start, Canary: assay.Served{Requests: served}}
}

func TestNext(t *testing.T) {
	const holds, refuted, open = assay.Holds, assay.Refuted, assay.Inconclusive
	for name, tt := range map[string]struct {
		from           assay.Standing
		shadow, served assay.Conclusion
		after          time.Duration
		stage          assay.Stage
		weight         float64
		moved          bool
	}{
		"not shown yet":           {standing(assay.StageShadow, -1, 0, 0), open, open, time.Hour, assay.StageShadow, 0, false},
		"refuted aside":           {standing(assay.StageShadow, -1, 0, 0), refuted, open, 0, assay.StageShadow, 0, false},
		"it holds":                {standing(assay.StageShadow, -1, 0, 0), holds, open, 0, assay.StageCanary, 0.01, true},
		"too soon":                {standing(assay.StageCanary, 0, 0.01, 100), holds, holds, time.Minute - 1, assay.StageCanary, 0.01, false},
		"too few":                 {standing(assay.StageCanary, 0, 0.01, 99), holds, holds, time.Minute, assay.StageCanary, 0.01, false},
		"undecided":               {standing(assay.StageCanary, 0, 0.01, 1000), holds, open, time.Minute, assay.StageCanary, 0.01, false},
		"it does well":            {standing(assay.StageCanary, 0, 0.01, 100), holds, holds, time.Minute, assay.StageCanary, 0.5, true},
		"aside it is open again":  {standing(assay.StageCanary, 0, 0.01, 100), open, holds, time.Minute, assay.StageCanary, 0.5, true},
		"the last step":           {standing(assay.StageCanary, 1, 0.5, 100), holds, holds, time.Minute, assay.StagePromoted, 1, true},
		"it serves badly":         {standing(assay.StageCanary, 1, 0.5, 3), holds, refuted, 0, assay.StageRolledBack, 0, true},
		"it is refuted meanwhile": {standing(assay.StageCanary, 1, 0.5, 3), refuted, holds, time.Minute, assay.StageRolledBack, 0, true},
		"no end":                  {standing(assay.StageCanary, 1, 0.5, 3), holds, open, time.Hour, assay.StageRolledBack, 0, true},
		"paused":                  {standing(assay.StagePaused, 1, 0.5, 100), holds, holds, 2 * time.Hour, assay.StagePaused, 0.5, false},
		"paused and bad":          {standing(assay.StagePaused, 1, 0.5, 100), holds, refuted, 0, assay.StageRolledBack, 0, true},
		"promoted":                {standing(assay.StagePromoted, 2, 1, 9), refuted, open, time.Hour, assay.StagePromoted, 1, false},
		"rolled back":             {standing(assay.StageRolledBack, -1, 0, 0), holds, holds, time.Hour, assay.StageRolledBack, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			now := start.Add(tt.after)
			next, moved := Next(plan, tt.from, Evidence{verdict(tt.shadow), verdict(tt.served)}, now)
			if next.Stage != tt.stage || next.Weight != tt.weight || moved != tt.moved {
				t.Errorf("goes to %s at %g, moved %v", next.Stage, next.Weight, moved)
			}
			if moved && (!next.Entered.Equal(now) || next.Reason == "" || next.Canary.Requests != 0) {
				t.Errorf("entered as %+v", next)
			}
		})
	}
}

// Steps that end below everything never promote.
func TestStepsMayEndBelowAll(t *testing.T) {
	p := plan
	p.Canary = []float64{0.1}
	if next, moved := Next(p, standing(assay.StageCanary, 0, 0.1, 1000), Evidence{verdict(assay.Holds), verdict(assay.Holds)}, start.Add(2*time.Minute)); moved {
		t.Errorf("goes on to %+v", next)
	}
}

func TestObey(t *testing.T) {
	canary := standing(assay.StageCanary, 1, 0.5, 9)
	for name, tt := range map[string]struct {
		from   assay.Standing
		order  Order
		stage  assay.Stage
		weight float64
		code   assay.ErrorCode
	}{
		"pause":                {canary, Pause, assay.StagePaused, 0.5, ""},
		"resume":               {standing(assay.StagePaused, 1, 0.5, 9), Resume, assay.StageCanary, 0.5, ""},
		"begin again":          {standing(assay.StageRolledBack, -1, 0, 0), Resume, assay.StageShadow, 0, ""},
		"roll back":            {canary, Rollback, assay.StageRolledBack, 0, ""},
		"roll back the winner": {standing(assay.StagePromoted, 2, 1, 0), Rollback, assay.StageRolledBack, 0, ""},
		"promote":              {canary, Promote, assay.StagePromoted, 1, ""},
		"pause nothing":        {standing(assay.StageShadow, -1, 0, 0), Pause, "", 0, assay.CodeConflict},
		"resume what goes on":  {canary, Resume, "", 0, assay.CodeConflict},
		"roll back twice":      {standing(assay.StageRolledBack, -1, 0, 0), Rollback, "", 0, assay.CodeConflict},
		"promote twice":        {standing(assay.StagePromoted, 2, 1, 0), Promote, "", 0, assay.CodeConflict},
		"nonsense":             {canary, "fly", "", 0, assay.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			next, err := Obey(plan, tt.from, tt.order, start)
			var e *assay.Error
			switch {
			case tt.code != "":
				if !errors.As(err, &e) || e.Code != tt.code || e.Hint == "" {
					t.Errorf("got %v, want %s", err, tt.code)
				}
			case err != nil || next.Stage != tt.stage || next.Weight != tt.weight:
				t.Errorf("%+v, %v", next, err)
			}
		})
	}
}

var canaryArm = assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) { return nil, nil })

func newSplit(seed uint64, key func(*assay.Request) (float64, bool)) *Split {
	return NewSplit(SplitOptions{Canary: canaryArm, Random: rand.New(rand.NewPCG(seed, 1)), Key: key})
}

// By chance, the canary serves its share within what chance allows (4.5 standard deviations), and other seeds
// choose other requests.
func TestTheShareIsExact(t *testing.T) {
	const n = 100000
	chosen := map[uint64][]bool{}
	for _, seed := range []uint64{1, 2} {
		for _, weight := range []float64{0, 0.001, 0.1, 0.5, 1} {
			s := newSplit(seed, nil)
			s.Weigh(weight)
			canary := 0
			for range n {
				arm, served := s.Choose(&assay.Request{})
				if arm != nil {
					canary++
				}
				if control := served(&assay.Observation{Status: 200}); control != (arm == nil) {
					t.Fatal("it does not know who served")
				}
				if weight == 0.5 {
					chosen[seed] = append(chosen[seed], arm != nil)
				}
			}
			if deviation := math.Sqrt(n * weight * (1 - weight)); math.Abs(float64(canary)-n*weight) > 4.5*deviation {
				t.Errorf("at %g the canary serves %d of %d", weight, canary, n)
			}
			if c, k := s.Served(); c.Requests != int64(n-canary) || k.Requests != int64(canary) {
				t.Errorf("at %g counted %d and %d", weight, c.Requests, k.Requests)
			}
		}
	}
	same := true
	for i, c := range chosen[1] {
		same = same && c == chosen[2][i]
	}
	if same {
		t.Error("the seed does not matter")
	}
}

// A client that the canary has served stays with it while its share grows.
func TestClientsStay(t *testing.T) {
	key := func(r *assay.Request) (float64, bool) {
		n, err := strconv.ParseFloat(r.Header.Get("X-User"), 64)
		return n, err == nil
	}
	s := newSplit(1, key)
	had := map[int]bool{}
	for _, weight := range []float64{0.1, 0.3, 0.9} {
		s.Weigh(weight)
		for user := range 1000 {
			r := &assay.Request{Header: assay.Header{"X-User": {strconv.FormatFloat(float64(user)/1000, 'g', -1, 64)}}}
			arm, _ := s.Choose(r)
			if had[user] && arm == nil {
				t.Fatalf("user %d is taken away at %g", user, weight)
			}
			had[user] = arm != nil
		}
	}
	if arm, _ := s.Choose(&assay.Request{}); arm == nil {
		for range 100 {
			if arm, _ = s.Choose(&assay.Request{}); arm != nil {
				break
			}
		}
		if arm == nil {
			t.Error("without a key chance does not decide")
		}
	}
}

// What is an error, what is not counted, and what belongs to an earlier share.
func TestWhatIsCounted(t *testing.T) {
	s := newSplit(1, nil)
	s.Weigh(1)
	for _, o := range []assay.Observation{
		{Status: 200, Duration: 10 * time.Millisecond}, {Status: 404, Duration: 20 * time.Millisecond}, {Status: 500, Duration: 30 * time.Millisecond},
		{Status: 200, Fault: &assay.Fault{Kind: assay.FaultFunction}}, {Fault: &assay.Fault{Kind: assay.FaultCanceled}},
	} {
		_, served := s.Choose(&assay.Request{})
		served(&o)
	}
	_, late := s.Choose(&assay.Request{})
	_, canary := s.Served()
	if canary.Requests != 4 || canary.Errors != 2 || math.Abs(canary.Latency.P50-10) > 0.1 {
		t.Errorf("counted %+v", canary)
	}
	s.Weigh(0.5)
	late(&assay.Observation{Status: 500})
	if c, k := s.Served(); c.Requests+k.Requests != 0 {
		t.Errorf("an answer to an earlier share is counted: %+v %+v", c, k)
	}
}

// Where an alias splits, the version that executed tells who answered.
func TestAnAliasSplits(t *testing.T) {
	passed := 0
	s := NewSplit(SplitOptions{Version: "8", Passed: func() { passed++ }})
	s.Weigh(0.5)
	for _, version := range []string{"7", "8", "8"} {
		arm, served := s.Choose(&assay.Request{})
		if arm != nil {
			t.Fatal("it chooses itself")
		}
		if control := served(&assay.Observation{Status: 200, Version: version}); control != (version == "7") {
			t.Errorf("version %s: control %v", version, control)
		}
	}
	if c, k := s.Served(); c.Requests != 1 || k.Requests != 2 || passed != 0 {
		t.Errorf("counted %d and %d, passed %d", c.Requests, k.Requests, passed)
	}
}

// keeping is what a Run asks of its surroundings.
type keeping struct {
	steps  []assay.Step
	shifts []float64
	bases  []string // that were known at each
	keep   error
	shift  error
	served assay.Conclusion
}

func (k *keeping) run(from assay.Standing) *Run {
	return Start(Options{
		Plan: plan, Version: 3, Split: newSplit(1, nil),
		Judge: func(assay.Rollout, assay.Served, assay.Served, float64) assay.Verdict { return verdict(k.served) },
		Keep: func(_ context.Context, _ assay.Standing, s assay.Step) error {
			if k.keep == nil {
				k.steps = append(k.steps, s)
			}
			return k.keep
		},
		Shift: func(_ context.Context, base string, weight float64) (string, error) {
			if k.shift == nil {
				k.shifts, k.bases = append(k.shifts, weight), append(k.bases, base)
			}
			return "7", k.shift
		},
	}, from, start)
}

// serve lets clients have so many answers.
func serve(r *Run, n int) {
	for range n {
		_, served := r.Split().Choose(&assay.Request{})
		served(&assay.Observation{Status: 200})
	}
}

// A candidate goes the whole way, and every step of it is on record.
func TestTheWholeWay(t *testing.T) {
	k := &keeping{served: assay.Holds}
	r := k.run(Begin("e", "new", 1, start))
	now := start
	for range 4 {
		if _, err := r.Look(t.Context(), verdict(assay.Holds), now); err != nil {
			t.Fatal(err)
		}
		serve(r, 20000) // 200 of them at 1 %
		now = now.Add(2 * time.Minute)
	}
	if s := r.Standing(); s.Stage != assay.StagePromoted || s.Weight != 1 || s.Base != "7" {
		t.Errorf("stands at %+v", s)
	}
	var way []string
	for _, s := range k.steps {
		way = append(way, string(s.From)+">"+string(s.To)+"@"+Percent(s.Weight)+" by "+s.By)
	}
	if got, want := strings.Join(way, " "), "shadow>canary@1% by assay canary>canary@50% by assay canary>promoted@100% by assay"; got != want {
		t.Errorf("went %s, want %s", got, want)
	}
	if len(k.shifts) != 3 || k.steps[0].Verdict == nil || k.steps[1].Verdict == nil || k.steps[1].Version != 3 {
		t.Errorf("shifted %v, steps %+v", k.shifts, k.steps)
	}
	if step, err := r.Order(t.Context(), Rollback, now); err != nil || step.By != "user" || r.Split().Weight() != 0 {
		t.Errorf("rolled back: %+v, %v", step, err)
	}
}

// A share does not grow before that is written down; it shrinks at once, and is written down when it can be.
func TestWhatCannotBeKept(t *testing.T) {
	full := errors.New("disk full")
	k := &keeping{served: assay.Inconclusive, keep: full}
	r := k.run(Begin("e", "new", 1, start))
	if _, err := r.Look(t.Context(), verdict(assay.Holds), start); !errors.Is(err, full) || r.Split().Weight() != 0 {
		t.Errorf("%v, weight %g", err, r.Split().Weight())
	}
	k.keep = nil
	if _, err := r.Look(t.Context(), verdict(assay.Refuted), start); err != nil || r.Split().Weight() != 0.01 {
		t.Errorf("what was decided is carried out first: %v, weight %g", err, r.Split().Weight())
	}
	k.shift = errors.New("no network")
	if _, err := r.Look(t.Context(), verdict(assay.Refuted), start); err == nil || r.Split().Weight() != 0 {
		t.Errorf("a refuted candidate still serves %g: %v", r.Split().Weight(), err)
	}
	k.shift = nil
	if step, err := r.Look(t.Context(), verdict(assay.Holds), start); err != nil || step == nil || step.To != assay.StageRolledBack {
		t.Errorf("%+v, %v", step, err)
	}
}

// What an alias was shifted to before the step could be kept is known still: another order shifts it back.
func TestAnAliasThatIsAhead(t *testing.T) {
	full := errors.New("disk full")
	for order, want := range map[Order]float64{Pause: 0.01, Rollback: 0} {
		k := &keeping{served: assay.Holds}
		r := k.run(standing(assay.StageCanary, 0, 0.01, 0))
		serve(r, 20000)
		k.keep = full
		if _, err := r.Look(t.Context(), verdict(assay.Holds), start.Add(time.Hour)); !errors.Is(err, full) {
			t.Fatal(err)
		}
		k.keep = nil
		if _, err := r.Order(t.Context(), order, start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(k.shifts, []float64{0.5, want}) {
			t.Errorf("%s: shifted to %v, want 0.5 and back to %g", order, k.shifts, want)
		}
		if s := r.Standing(); s.Base != "7" || s.Weight != want {
			t.Errorf("%s: stands at %+v", order, s)
		}
	}
}

// Where an alias led before is known from the first shift on, also when that step could not be kept.
func TestTheBaseOfAnAliasIsNotForgotten(t *testing.T) {
	full := errors.New("disk full")
	k := &keeping{keep: full}
	r := k.run(Begin("e", "new", 1, start))
	if _, err := r.Order(t.Context(), Promote, start); !errors.Is(err, full) {
		t.Fatal(err)
	}
	k.keep = nil
	if _, err := r.Order(t.Context(), Rollback, start); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(k.shifts, []float64{1, 0}) || !slices.Equal(k.bases, []string{"", "7"}) {
		t.Errorf("shifted to %v, from %q", k.shifts, k.bases)
	}
}

// A run that goes on from where the last one ended begins its step anew.
func TestItGoesOn(t *testing.T) {
	k := &keeping{served: assay.Holds}
	from := standing(assay.StageCanary, 1, 0.5, 1000)
	r := k.run(from)
	if s := r.Standing(); s.Weight != 0.5 || s.Canary.Requests != 0 || r.Split().Weight() != 0.5 {
		t.Errorf("stands at %+v", s)
	}
	if step, err := r.Look(t.Context(), verdict(assay.Holds), start.Add(time.Hour)); step != nil || err != nil {
		t.Errorf("it moves on what an earlier run saw: %+v, %v", step, err)
	}
}
