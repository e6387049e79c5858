package storetest

import (
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// trends compares minutes with what plain loops over the trials count, keeps some trials twice, and lets the
// oldest minutes go.
func trends(t *testing.T, store assay.Store) {
	s, ok := store.(assay.Trends)
	if !ok {
		t.Fatal("the store knows no trends")
	}
	trials := Trials(23, 200) // one a second
	for batch := range slices.Chunk(trials, 30) {
		keep(t, store, batch...)
	}
	keep(t, store, trials[:50]...)
	sameTrend(t, trials, trendOf(t, s, assay.MaxMinutes), assay.CoarseMinutes*time.Minute)
	trend := trendOf(t, s, assay.FineMinutes)
	sameTrend(t, trials, trend, time.Minute)
	if last, err := s.Trend(t.Context(), Experiment, 1, 2); err != nil || !reflect.DeepEqual(last, lastOf(trend, 2)) {
		t.Errorf("the last two minutes are %+v, %v", last, err)
	}
	late := Trials(24, 1)
	late[0].Time = trials[199].Time.Add(assay.MaxMinutes * time.Minute)
	keep(t, store, late...)
	for _, minutes := range []int{assay.FineMinutes, assay.MaxMinutes} {
		if left := trendOf(t, s, minutes); left[0].Time.Before(late[0].Time.Add(-assay.MaxMinutes * time.Minute)) {
			t.Errorf("the minute of %v is still known at %v", left[0].Time, late[0].Time)
		}
	}
}

// sameTrend compares a trend with what its steps are, counted anew.
func sameTrend(t *testing.T, trials []assay.Trial, trend []assay.Minute, step time.Duration) {
	t.Helper()
	var seen int64
	for _, m := range trend {
		want := stepOf(trials, m, step)
		mean := m.MeanMS
		m.MeanMS, m.LatencyMS = want.MeanMS, assay.Latency{}
		if !reflect.DeepEqual(m, want) || math.Abs(mean-want.MeanMS) > 1e-2 {
			t.Errorf("got %+v, mean %v\nwant %+v", m, mean, want)
		}
		seen += m.Observations
	}
	if want := int64(200*3) + trialsWithSecondary(trials); seen != want {
		t.Errorf("%d observations in %d minutes, want %d", seen, len(trend), want)
	}
}

// lastOf is what happened in the last minutes of a trend.
func lastOf(trend []assay.Minute, minutes int) []assay.Minute {
	begin := trend[len(trend)-1].Time.Add(-time.Duration(minutes) * time.Minute)
	return slices.DeleteFunc(slices.Clone(trend), func(m assay.Minute) bool { return !m.Time.After(begin) })
}

func trendOf(t *testing.T, s assay.Trends, minutes int) []assay.Minute {
	t.Helper()
	trend, err := s.Trend(t.Context(), Experiment, 1, minutes)
	if err != nil || len(trend) == 0 {
		t.Fatalf("%d minutes, %v", len(trend), err)
	}
	return trend
}

func trialsWithSecondary(trials []assay.Trial) (n int64) {
	for i := range trials {
		if trials[i].Secondary != nil {
			n++
		}
	}
	return n
}

// stepOf counts anew the step of the arm that m is about.
func stepOf(trials []assay.Trial, m assay.Minute, step time.Duration) assay.Minute {
	want := assay.Minute{Time: m.Time, Role: m.Role, Arm: m.Arm}
	sum := 0.0
	for i := range trials {
		t := &trials[i]
		if !t.Time.Truncate(step).Equal(m.Time) {
			continue
		}
		all := slices.Concat([]assay.Comparison{{Observation: t.Control}}, t.Candidates)
		if t.Secondary != nil {
			all = append(all, *t.Secondary)
		}
		for _, c := range all {
			o := &c.Observation
			if o.Role != m.Role || o.Arm != m.Arm {
				continue
			}
			want.Observations++
			if o.Cold {
				want.Cold++
			}
			if o.Fault != nil {
				want.Faults++
			}
			if c.Outcome() == assay.OutcomeMismatch {
				want.Mismatches++
			}
			if !o.Cold && (o.Fault == nil || o.Fault.Kind == assay.FaultTimeout) {
				want.Timed++
				sum += float64(o.Duration) / 1e6
			}
		}
	}
	want.MeanMS = sum / float64(max(want.Timed, 1))
	return want
}
