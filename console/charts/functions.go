package charts

import (
	"time"

	"github.com/assaylab/assay"
)

// Invocations is what became of a function's invocations, minute by minute.
func Invocations(minutes []assay.FunctionMinute) Chart {
	return ofFunction("Invocations a minute", Axis{Label: "Invocations", Unit: Count, Scale: Linear}, minutes, []measure{
		{"Invocations", "1", func(m *assay.FunctionMinute) *float64 { return known(float64(m.Invocations)) }},
		{"Errors", "refuted", func(m *assay.FunctionMinute) *float64 { return known(float64(m.Errors)) }},
		{"Throttles", "inconclusive", func(m *assay.FunctionMinute) *float64 { return known(float64(m.Throttles)) }},
		{"Cold starts", "secondary", func(m *assay.FunctionMinute) *float64 { return known(float64(m.ColdStarts)) }},
	})
}

// Durations is how long a function's invocations ran, on average, and how long callers waited for inits.
func Durations(minutes []assay.FunctionMinute) Chart {
	return ofFunction("Mean duration", Axis{Label: "Duration", Unit: Milliseconds, Scale: Linear}, minutes, []measure{
		{"Duration", "1", func(m *assay.FunctionMinute) *float64 { return mean(m.Duration, m.Ran) }},
		{"Init, of cold starts", "secondary", func(m *assay.FunctionMinute) *float64 { return mean(m.Init, m.ColdStarts) }},
	})
}

// measure is one series of a chart of a function.
type measure struct {
	label, tone string
	of          func(*assay.FunctionMinute) *float64 // nil where it is not known
}

// ofFunction draws minutes from the first that counted something to the last; between them, nothing happened.
func ofFunction(title string, y Axis, minutes []assay.FunctionMinute, measures []measure) Chart {
	c := Chart{Title: title, X: Axis{Label: "Time", Unit: Time, Scale: Linear}, Y: y}
	for _, m := range measures {
		c.Series = append(c.Series, Series{Label: m.label, Tone: m.tone, Form: Line})
	}
	add := func(minute *assay.FunctionMinute) {
		c.At = append(c.At, float64(minute.Time.Unix()))
		for i, m := range measures {
			c.Series[i].Values = append(c.Series[i].Values, m.of(minute))
		}
	}
	for i := range minutes {
		if i > 0 {
			for at := minutes[i-1].Time.Add(time.Minute); at.Before(minutes[i].Time); at = at.Add(time.Minute) {
				add(&assay.FunctionMinute{Time: at})
			}
		}
		add(&minutes[i])
	}
	return c
}

// mean is nil of nothing.
func mean(total time.Duration, n int64) *float64 {
	if n == 0 || total == 0 {
		return nil
	}
	return known(float64(total) / float64(n) / float64(time.Millisecond))
}
