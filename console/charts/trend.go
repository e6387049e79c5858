package charts

import (
	"slices"
	"strconv"

	"github.com/assaylab/assay"
)

// trendPoints is how many points of a trend are shown at most: minutes are put together beyond.
const trendPoints = 180

// Arm is how a chart shows an arm.
type Arm struct {
	Name  string
	Role  assay.Role
	Label string
	Tone  string
}

// Tone is that of the candidate with this number.
func Tone(i int) string { return strconv.Itoa(i%6 + 1) }

// Mismatches is the share of trials that mismatch over time, by candidate and of the secondary.
func Mismatches(minutes []assay.Minute, arms []Arm) Chart {
	c := overTime("Share of trials that mismatch", Axis{Label: "Mismatches", Unit: Share, Scale: Linear}, minutes, arms,
		func(m assay.Minute) (value, weight float64) { return float64(m.Mismatches), float64(m.Observations) })
	return c
}

// Latencies is the mean latency of warm calls over time, by arm.
func Latencies(minutes []assay.Minute, arms []Arm) Chart {
	return overTime("Mean latency of warm calls", Axis{Label: "Latency", Unit: Milliseconds, Scale: Linear}, minutes, arms,
		func(m assay.Minute) (value, weight float64) { return m.MeanMS * float64(m.Timed), float64(m.Timed) })
}

// Pace is how many calls a minute were observed, by arm.
func Pace(minutes []assay.Minute, arms []Arm) Chart {
	return overTime("Calls a minute", Axis{Label: "Calls a minute", Unit: Count, Scale: Linear}, minutes, arms,
		func(m assay.Minute) (value, weight float64) { return float64(m.Observations), 1 })
}

// overTime draws a quotient of sums over stretches of whole minutes.
func overTime(title string, y Axis, minutes []assay.Minute, arms []Arm, of func(assay.Minute) (value, weight float64)) Chart {
	c := Chart{Title: title, X: Axis{Label: "Time", Unit: Time, Scale: Linear}, Y: y}
	if len(minutes) == 0 {
		return c
	}
	from, to := minutes[0].Time.Unix(), minutes[len(minutes)-1].Time.Unix()
	stretch := (to-from)/60/trendPoints + 1 // minutes
	for at := from; at <= to; at += 60 * stretch {
		c.At = append(c.At, float64(at))
	}
	for _, a := range arms {
		values, weights := make([]float64, len(c.At)), make([]float64, len(c.At))
		for _, m := range minutes {
			if m.Role == a.Role && m.Arm == a.Name {
				i := (m.Time.Unix() - from) / 60 / stretch
				value, weight := of(m)
				values[i] += value
				weights[i] += weight
			}
		}
		if s := quotients(values, weights); s != nil {
			c.Series = append(c.Series, Series{Label: a.Label, Tone: a.Tone, Form: Line, Values: s})
		}
	}
	return c
}

// quotients is nil where nothing is known at all.
func quotients(values, weights []float64) []*float64 {
	if !slices.ContainsFunc(weights, func(w float64) bool { return w > 0 }) {
		return nil
	}
	all := make([]*float64, len(values))
	for i, w := range weights {
		if w > 0 {
			all[i] = known(values[i] / w)
		}
	}
	return all
}
