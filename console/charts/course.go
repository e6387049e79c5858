package charts

import (
	"slices"

	"github.com/assaylab/assay"
)

// Course shows how the interval of the share of trials that mismatch became narrower, by the number of trials,
// beside the share that is allowed.
func Course(waypoints []assay.Waypoint, arms []Arm, limit float64) Chart {
	c := Chart{
		Title:  "Share of trials that mismatch",
		X:      Axis{Label: "Trials", Unit: Count, Scale: Log},
		Y:      Axis{Label: "Mismatches", Unit: Share, Scale: Root},
		Limits: []Mark{{At: limit, Label: "allowed"}},
	}
	for _, w := range waypoints {
		if isOf(arms, w) {
			c.At = append(c.At, float64(w.Trials))
		}
	}
	slices.Sort(c.At)
	c.At = slices.Compact(c.At)
	for _, a := range arms {
		if a.Role != assay.RoleCandidate {
			continue
		}
		if s := courseOf(a, waypoints, c.At); s != nil {
			c.Series = append(c.Series, *s)
		}
	}
	return c
}

func isOf(arms []Arm, w assay.Waypoint) bool {
	return slices.ContainsFunc(arms, func(a Arm) bool { return a.Role == assay.RoleCandidate && a.Name == w.Arm })
}

// courseOf holds what was known at a waypoint up to the next; it is nil without any.
func courseOf(a Arm, waypoints []assay.Waypoint, at []float64) *Series {
	s := &Series{Label: a.Label, Tone: a.Tone, Form: Line}
	mine := slices.DeleteFunc(slices.Clone(waypoints), func(w assay.Waypoint) bool { return w.Arm != a.Name })
	if len(mine) == 0 {
		return nil
	}
	now, i := (*assay.Waypoint)(nil), 0
	for _, x := range at {
		for ; i < len(mine) && float64(mine[i].Trials) <= x; i++ {
			now = &mine[i]
		}
		if now == nil || x > float64(mine[len(mine)-1].Trials) {
			s.Values, s.Low, s.High = append(s.Values, nil), append(s.Low, nil), append(s.High, nil)
			continue
		}
		s.Values = append(s.Values, known(float64(now.Mismatches)/float64(now.Trials)))
		s.Low, s.High = append(s.Low, known(now.Interval[0])), append(s.High, known(now.Interval[1]))
	}
	return s
}
