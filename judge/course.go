package judge

import (
	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// Course tells how the interval of each candidate came to be what it is: what a verdict's MismatchInterval was
// at each milestone.
func Course(e assay.Experiment, milestones []assay.Milestone) []assay.Waypoint {
	alpha := map[string]float64{}
	for _, arm := range e.Candidates {
		alpha[arm.Name] = newMatter(e, assay.Counts{}, arm.Name).alpha()
	}
	var all []assay.Waypoint
	for _, m := range milestones {
		a, asked := alpha[m.Arm]
		if !asked {
			continue
		}
		low, high := stats.BernoulliInterval(m.Mismatches, m.Trials, a, tuned)
		all = append(all, assay.Waypoint{Milestone: m, Interval: [2]float64{rounded(low), rounded(high)}})
	}
	return all
}
