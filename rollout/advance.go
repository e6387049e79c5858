// Package rollout lets a candidate take over from the control, step by step. In come verdicts: on what
// was compared aside, and on what was served; out go shares of the requests, and an audit record. What
// happens when is decided by Next, which is pure; Split carries it out, request by request.
package rollout

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

// Evidence is what a step is decided by.
type Evidence struct {
	Shadow assay.Verdict // on the candidate's trials
	Served assay.Verdict // on the answers both arms gave to clients since the step began
}

// Begin is the standing of a rollout that nothing is known of.
func Begin(experiment, candidate string, since int, now time.Time) assay.Standing {
	return assay.Standing{
		Experiment: experiment, Candidate: candidate, Since: since, Stage: assay.StageShadow, Step: -1, Entered: now,
		Reason: "it has to be shown to hold first",
	}
}

// Next tells where a rollout goes from s, and why; moved is false if it stays. A candidate that serves and is
// refuted, aside or by what it served, is rolled back, also from a pause.
func Next(plan assay.Rollout, s assay.Standing, e Evidence, now time.Time) (next assay.Standing, moved bool) {
	switch s.Stage {
	case assay.StageShadow:
		if e.Shadow.Outcome == assay.Holds {
			return step(plan, s, now, "it holds aside: "+e.Shadow.Reason), true
		}
	case assay.StageCanary, assay.StagePaused:
		return canary(plan, s, e, now)
	}
	return s, false
}

func canary(plan assay.Rollout, s assay.Standing, e Evidence, now time.Time) (assay.Standing, bool) {
	stayed := now.Sub(s.Entered)
	switch paused := s.Stage == assay.StagePaused; {
	case e.Shadow.Outcome == assay.Refuted:
		return RollBack(s, now, "it is refuted aside: "+e.Shadow.Reason), true
	case e.Served.Outcome == assay.Refuted:
		return RollBack(s, now, "it is refuted by what it served: "+e.Served.Reason), true
	case paused:
	case plan.Within > 0 && stayed >= plan.Within && e.Served.Outcome != assay.Holds:
		return RollBack(s, now, fmt.Sprintf("undecided after %s: %s", plan.Within, e.Served.Reason)), true
	case e.Served.Outcome == assay.Holds && s.Canary.Requests >= plan.Requests && stayed >= plan.For && s.Step+1 < len(plan.Canary):
		return step(plan, s, now, fmt.Sprintf("it did well at %s: %s", Percent(s.Weight), e.Served.Reason)), true
	}
	return s, false
}

// step goes to the next share. One of 1 is the promotion.
func step(plan assay.Rollout, s assay.Standing, now time.Time, reason string) assay.Standing {
	at := s.Step + 1
	next := entered(s, assay.StageCanary, plan.Canary[at], now, reason)
	next.Step = at
	if next.Weight >= 1 {
		next.Stage = assay.StagePromoted
	}
	return next
}

// RollBack gives everything back to the control.
func RollBack(s assay.Standing, now time.Time, reason string) assay.Standing {
	next := entered(s, assay.StageRolledBack, 0, now, reason)
	next.Step = -1
	return next
}

// entered is s in another stage, with nothing served yet.
func entered(s assay.Standing, stage assay.Stage, weight float64, now time.Time, reason string) assay.Standing {
	return assay.Standing{
		Experiment: s.Experiment, Candidate: s.Candidate, Since: s.Since, Stage: stage, Step: s.Step, Weight: weight, Entered: now, Reason: reason, Base: s.Base,
	}
}

// Order is what a person asks of a rollout.
type Order string

// The orders.
const (
	Pause    Order = "pause"    // stay at the share it has
	Resume   Order = "resume"   // go on from a pause; after it was rolled back, begin anew
	Rollback Order = "rollback" // give everything back to the control
	Promote  Order = "promote"  // let the candidate serve everything, whatever is known of it
)

// Orders lists them for people.
func Orders() string {
	return strings.Join([]string{string(Pause), string(Resume), string(Rollback), string(Promote)}, ", ")
}

// Obey tells where an order leads. It fails with assay.CodeInvalid for an unknown order, and with
// assay.CodeConflict where it makes no sense.
func Obey(plan assay.Rollout, s assay.Standing, o Order, now time.Time) (assay.Standing, error) {
	senseless := func() (assay.Standing, error) {
		return s, &assay.Error{
			Code: assay.CodeConflict, What: fmt.Sprintf("a rollout that is %s cannot %s", words(s.Stage), o), Where: "experiment " + s.Experiment,
			Hint: "`assay rollout " + s.Experiment + "` tells where it is",
		}
	}
	switch {
	case o == Pause && s.Stage == assay.StageCanary:
		return entered(s, assay.StagePaused, s.Weight, now, "somebody asked for it"), nil
	case o == Resume && s.Stage == assay.StagePaused:
		return entered(s, assay.StageCanary, s.Weight, now, "somebody asked for it"), nil
	case o == Resume && s.Stage == assay.StageRolledBack:
		next := Begin(s.Experiment, s.Candidate, s.Since, now)
		next.Reason = "somebody asked for it"
		return next, nil
	case o == Rollback && s.Stage != assay.StageRolledBack:
		return RollBack(s, now, "somebody asked for it"), nil
	case o == Promote && s.Stage != assay.StagePromoted:
		next := entered(s, assay.StagePromoted, 1, now, "somebody asked for it")
		next.Step = len(plan.Canary) - 1
		return next, nil
	case o == Pause || o == Resume || o == Rollback || o == Promote:
		return senseless()
	}
	return s, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("%q is nothing a rollout can do", o), Hint: "it can " + Orders()}
}

// words puts a stage for people.
func words(s assay.Stage) string { return strings.ReplaceAll(string(s), "_", " ") }

// Percent writes a share for people.
func Percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 6, 64) + "%" }
