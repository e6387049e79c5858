package charts

import (
	"slices"
	"time"

	"github.com/assaylab/assay"
)

// Shares is the share of requests that a rollout's candidate, one of the arms, served, from its first step until now.
func Shares(standing assay.Standing, steps []assay.Step, arms []Arm, now time.Time) Chart {
	c := Chart{
		Title: "Share of requests served by the candidate", X: Axis{Label: "Time", Unit: Time, Scale: Linear},
		Y: Axis{Label: "Share", Unit: Share, Scale: Linear, Range: &[2]float64{0, 1}},
	}
	if len(steps) == 0 {
		return c
	}
	s := Series{Label: standing.Candidate, Tone: Tone(0), Form: Steps}
	if i := slices.IndexFunc(arms, func(a Arm) bool { return a.Role == assay.RoleCandidate && a.Name == standing.Candidate }); i >= 0 {
		s.Label, s.Tone = arms[i].Label, arms[i].Tone
	}
	add := func(at time.Time, share float64) {
		c.At, s.Values = append(c.At, float64(at.UnixMilli())/1000), append(s.Values, known(share))
	}
	for _, step := range steps {
		add(step.Time, step.Weight)
	}
	if last := steps[len(steps)-1]; now.After(last.Time) {
		add(now, standing.Weight)
	}
	c.Series = []Series{s}
	return c
}
