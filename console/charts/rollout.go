package charts

import (
	"time"

	"github.com/assaylab/assay"
)

// Shares is the share of requests that a rollout's candidate served, from its first step until now.
func Shares(standing assay.Standing, steps []assay.Step, now time.Time) Chart {
	c := Chart{
		Title: "Share of requests served by the candidate", X: Axis{Label: "Time", Unit: Time, Scale: Linear},
		Y: Axis{Label: "Share", Unit: Share, Scale: Linear, Range: &[2]float64{0, 1}},
	}
	if len(steps) == 0 {
		return c
	}
	s := Series{Label: "Share of " + standing.Candidate, Tone: "1", Form: Steps}
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
