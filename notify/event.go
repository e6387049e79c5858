package notify

import (
	"fmt"
	"time"

	"github.com/assaylab/assay"
)

// Event is something that people are told of.
type Event struct {
	ID         string         `json:"id"`   // the same whenever the same event is told
	Kind       assay.Occasion `json:"type"` // what sort of event
	Time       time.Time      `json:"time"` // when it was seen
	Experiment string         `json:"experiment"`
	Candidate  string         `json:"candidate,omitempty"`
	Outcome    string         `json:"outcome,omitempty"` // of a verdict
	Title      string         `json:"title"`             // one line
	Text       string         `json:"text"`              // why, and what to do
	Link       string         `json:"link,omitempty"`    // the experiment's page

	key, value string // what it is about, and what it says of that
}

// Alarms tells of rules that hide more than noise: their texts, by candidate.
type Alarms map[string][]string

// stands returns the events that stand at the moment, told or not.
func stands(r *assay.Report, alarms Alarms) []Event {
	var all []Event
	e := &r.Experiment
	add := func(ev Event, key, value string) {
		ev.Experiment, ev.key, ev.value = e.Name, fmt.Sprintf("%s/%s/%s", ev.Kind, e.Name, key), value
		ev.ID = ev.key + "/" + value
		all = append(all, ev)
	}
	for _, c := range e.Candidates {
		v := r.Verdicts[c.Name]
		if v.Outcome == assay.Holds || v.Outcome == assay.Refuted {
			add(verdict(e, c.Name, v), c.Name, fmt.Sprintf("%d:%s", e.Since, v.Outcome))
		}
		for _, rule := range alarms[c.Name] {
			add(masking(e, c.Name, rule), c.Name+"/"+rule, fmt.Sprint(e.Since))
		}
	}
	if e.Tripped != "" {
		add(tripped(e), "", fmt.Sprintf("%d:%s", e.Version, e.Tripped))
	}
	if s := r.Rollout; s != nil && s.Stage == assay.StageRolledBack {
		add(rolledBack(e, s), "", fmt.Sprintf("%d:%s", s.Since, s.Entered.UTC().Format(time.RFC3339Nano)))
	}
	return all
}

func verdict(e *assay.Experiment, candidate string, v assay.Verdict) Event {
	title := fmt.Sprintf("%s holds in %s", candidate, e.Name)
	if v.Outcome == assay.Refuted {
		title = fmt.Sprintf("%s is refuted in %s", candidate, e.Name)
	}
	return Event{Kind: assay.OnVerdict, Candidate: candidate, Outcome: string(v.Outcome), Title: title, Text: v.Reason}
}

func masking(e *assay.Experiment, candidate, rule string) Event {
	return Event{
		Kind: assay.OnMasking, Candidate: candidate, Title: fmt.Sprintf("A rule hides more in %s of %s than noise", candidate, e.Name),
		Text: fmt.Sprintf("The rule %s excuses differences that the control does not show of itself: look at the rules' page.", rule),
	}
}

func tripped(e *assay.Experiment) Event {
	return Event{
		Kind: assay.OnKillSwitch, Title: fmt.Sprintf("%s has paused itself", e.Name),
		Text: fmt.Sprintf("The limit `protect: %s` was passed. `assay resume %s` once the cause is found.", e.Tripped, e.Name),
	}
}

func rolledBack(e *assay.Experiment, s *assay.Standing) Event {
	return Event{
		Kind: assay.OnRollback, Candidate: s.Candidate, Title: fmt.Sprintf("The rollout of %s in %s was given back", s.Candidate, e.Name),
		Text: "The control serves everything again: " + s.Reason,
	}
}
