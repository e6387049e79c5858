package charts

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func calls(label string, counts map[float64]int64) Calls {
	k := Calls{Label: label, Tone: "1"}
	for v, n := range counts {
		k.Latency.Buckets = append(k.Latency.Buckets, assay.Bucket{Value: v, Count: n})
	}
	slices.SortFunc(k.Latency.Buckets, func(a, b assay.Bucket) int {
		if a.Value < b.Value {
			return -1
		}
		return 1
	})
	return k
}

func sum(values []*float64) (total float64) {
	for _, v := range values {
		if v != nil {
			total += *v
		}
	}
	return total
}

func TestDistributionsAreShares(t *testing.T) {
	c := Distribution("", []Calls{calls("control", map[float64]int64{1: 10, 2: 30, 100: 60}), calls("none", nil), calls("slow", map[float64]int64{1e12: 1})})
	if len(c.Series) != 2 {
		t.Fatalf("%d series of two that have calls", len(c.Series))
	}
	for _, s := range c.Series {
		if math.Abs(sum(s.Values)-1) > 1e-4 || len(s.Values) != len(c.At) {
			t.Errorf("%s: shares of %v in %d bars at %d places", s.Label, sum(s.Values), len(s.Values), len(c.At))
		}
	}
	if !slices.IsSorted(c.At) || len(c.At) > 140 {
		t.Errorf("bars at %v", c.At)
	}
}

func TestQuantilesAreOnTheAxisOfTheDistribution(t *testing.T) {
	all := []Calls{calls("control", map[float64]int64{1: 50, 2: 40, 8: 10}), calls("candidate", map[float64]int64{20: 1})}
	c, d := Quantiles("", all), Distribution("", all)
	if *c.X.Range != *d.X.Range {
		t.Errorf("one axis is %v, the other %v", c.X.Range, d.X.Range)
	}
	last := 0.0
	for i, v := range c.Series[0].Values {
		if v == nil {
			continue
		}
		if *v < last {
			t.Errorf("the share falls to %v at %v ms", *v, c.At[i])
		}
		last = *v
		if c.At[i] > 2 && c.At[i] < 8 && *v != 0.9 {
			t.Errorf("%v of the calls took at most %v ms, want 0.9", *v, c.At[i])
		}
	}
	if last != 0.9 {
		t.Errorf("the largest share that has a place is %v", last)
	}
}

func minutes(n int) (all []assay.Minute) {
	for i := range n {
		for _, arm := range []assay.Role{assay.RoleControl, assay.RoleCandidate} {
			all = append(all, assay.Minute{Time: start.Add(time.Duration(i) * time.Minute), Role: arm, Arm: string(arm), Observations: 10, Mismatches: int64(i % 2), Timed: 5, MeanMS: float64(i)})
		}
	}
	return all
}

func TestTrendsOfAWeekAreShort(t *testing.T) {
	arms := []Arm{{Name: "candidate", Role: assay.RoleCandidate, Label: "new"}, {Name: "gone", Role: assay.RoleCandidate}}
	for _, n := range []int{1, 2, 179, 181, assay.MaxMinutes} {
		c := Mismatches(minutes(n), arms)
		if len(c.Series) != 1 || len(c.At) > trendPoints || len(c.At) < min(n, trendPoints/2) {
			t.Fatalf("%d minutes: %d points of %d series", n, len(c.At), len(c.Series))
		}
		whole := float64(n/2) / float64(10*n)
		if mean := sum(c.Series[0].Values) / float64(len(c.At)); n > 10 && math.Abs(mean-whole) > 0.002 {
			t.Errorf("%d minutes: a mean of %v, want %v", n, mean, whole)
		}
	}
	if c := Mismatches(nil, arms); len(c.At) != 0 {
		t.Errorf("points of nothing: %v", c.At)
	}
}

func TestCourseHoldsWhatIsKnown(t *testing.T) {
	way := func(arm string, trials, mismatches int64) assay.Waypoint {
		return assay.Waypoint{Milestone: assay.Milestone{Arm: arm, Trials: trials, Mismatches: mismatches}, Interval: [2]float64{0, 1}}
	}
	arms := []Arm{{Name: "c", Role: assay.RoleControl}, {Name: "a", Role: assay.RoleCandidate, Label: "A"}, {Name: "b", Role: assay.RoleCandidate, Label: "B"}}
	c := Course([]assay.Waypoint{way("a", 1, 0), way("a", 10, 1), way("b", 5, 5), way("other", 7, 0)}, arms, 0.1)
	if !slices.Equal(c.At, []float64{1, 5, 10}) || len(c.Series) != 2 {
		t.Fatalf("%d series at %v", len(c.Series), c.At)
	}
	a, b := c.Series[0].Values, c.Series[1].Values
	if *a[0] != 0 || *a[1] != 0 || *a[2] != 0.1 {
		t.Errorf("A is at %v %v %v", *a[0], *a[1], *a[2])
	}
	if b[0] != nil || *b[1] != 1 || b[2] != nil {
		t.Errorf("B is known where it has no trials: %v", b)
	}
}
