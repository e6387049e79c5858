package noise

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// Status is what there is to say of a rule that excuses.
type Status struct {
	Text  string      `json:"rule"`          // as Difference.Ignored has it
	ID    string      `json:"id,omitempty"`  // "" for an option of a comparator
	Rule  *assay.Rule `json:"is,omitempty"`  // nil for an option of a comparator
	Hits  int64       `json:"hits"`          // trials and candidates in which it excused a difference
	Last  time.Time   `json:"last,omitzero"` // the newest of them
	State string      `json:"state"`         // "active" or "expired"
	// Alarms say where the rule hides, or would hide, more than noise.
	Alarms []Alarm `json:"alarms"`
}

// Alarm is one candidate in which a rule hides more than noise.
type Alarm struct {
	Candidate string  `json:"candidate"`
	What      string  `json:"what"`
	EValue    float64 `json:"e_value,omitempty"` // against "what it excuses is no more frequent than in the control itself"
}

// The states of a rule.
const (
	Active  = "active"
	Expired = "expired"
)

// Review tells of every rule in force, and then of the comparators' own options that excused anything.
// An alarm rings for a candidate when the rule excuses a difference between it and the control
// significantly more often than between the control and its secondary: paired sign e-values, with e-BH
// over all rules and candidates at alpha. It also rings when values at the rule's path fell outside its
// class: those are not excused, and count.
func Review(rules []assay.Rule, counts *assay.Counts, excuses []assay.ExcuseCount, alpha float64, now time.Time) []Status {
	var all []Status
	for _, r := range rules {
		s := Status{Text: r.Text(), ID: r.ID(), Rule: &r, State: Active, Alarms: outside(&r, counts)}
		if r.Expired(now) {
			s.State = Expired
		}
		all = append(all, s)
	}
	louder := loud(excuses, alpha)
	for i, x := range excuses {
		s := statusOf(&all, x.Rule)
		s.Hits += x.Hits
		if x.Last.After(s.Last) {
			s.Last = x.Last
		}
		if louder[i] {
			s.Alarms = append(s.Alarms, Alarm{x.Arm, fmt.Sprintf(
				"it excuses a difference of the candidate in %d trials in which the control does not differ from itself there, and the reverse in %d: it hides more than noise", x.CandidateOnly, x.SecondaryOnly), eValue(x)})
		}
	}
	return all
}

// statusOf finds the status of a rule by what differences call it, and makes one of those in no list.
func statusOf(all *[]Status, text string) *Status {
	i := slices.IndexFunc(*all, func(s Status) bool { return s.Text == text })
	if i < 0 {
		i = len(*all)
		*all = append(*all, Status{Text: text, State: Active, Alarms: []Alarm{}})
	}
	return &(*all)[i]
}

func eValue(x assay.ExcuseCount) float64 {
	return stats.PairedEValue(x.CandidateOnly, x.SecondaryOnly, x.CandidateOnly+x.SecondaryOnly, 0)
}

func loud(excuses []assay.ExcuseCount, alpha float64) []bool {
	values := make([]float64, len(excuses))
	for i, x := range excuses {
		values[i] = eValue(x)
	}
	return stats.EBH(values, alpha)
}

// outside lists the candidates that have values at a rule's path which are not of its class.
func outside(r *assay.Rule, counts *assay.Counts) []Alarm {
	all := []Alarm{}
	for _, a := range counts.Arms {
		var n int64
		for _, p := range a.Paths {
			if p.Path == r.Path || r.Class == assay.ClassUnordered && strings.HasPrefix(p.Path, r.Path+"[*]") {
				n += p.Mismatches - min(p.Noise, p.Mismatches)
			}
		}
		if n > 0 {
			all = append(all, Alarm{Candidate: a.Name, What: fmt.Sprintf("at its path %d differences were outside of the rule, and count as mismatches", n)})
		}
	}
	return all
}
