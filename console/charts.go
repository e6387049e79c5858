package console

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/charts"
	"github.com/assaylab/assay/console/shape"
)

// experimentChart draws one chart of an experiment; candidate is "" for all.
type experimentChart func(c *Console, ctx context.Context, r *assay.Report, candidate string) (charts.Chart, error)

// experimentCharts are those that an experiment has, by their names in addresses.
var experimentCharts = map[string]experimentChart{
	"latency":   latencies(charts.Distribution, warm),
	"quantiles": latencies(charts.Quantiles, warm),
	"cold":      latencies(charts.Distribution, cold),
	"mismatches": trends(func(m []assay.Minute, all []charts.Arm) charts.Chart {
		return charts.Mismatches(m, slices.DeleteFunc(all, func(a charts.Arm) bool { return a.Role == assay.RoleControl }))
	}),
	"course": course,
	"rollout": func(c *Console, ctx context.Context, r *assay.Report, _ string) (charts.Chart, error) {
		standing, steps, err := c.opt.Laboratory.Rollout(ctx, r.Experiment.Name)
		return charts.Shares(standing, steps, drawn(r, ""), c.opt.Now()), err
	},
	"means": trends(charts.Latencies),
	"pace":  trends(charts.Pace),
}

// experimentChart answers with a chart of an experiment: all arms, or one candidate beside the control, as JSON,
// or with ?format=csv as a table.
func (c *Console) experimentChart(w http.ResponseWriter, r *http.Request) error {
	report, err := c.opt.Laboratory.Report(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	draw, known := experimentCharts[r.PathValue("chart")]
	if !known {
		return &assay.Error{Code: assay.CodeNotFound, What: "no such chart", Where: r.PathValue("chart"),
			Hint: "there are " + strings.Join(slices.Sorted(maps.Keys(experimentCharts)), ", ")}
	}
	chart, err := draw(c, r.Context(), &report, r.URL.Query().Get("candidate"))
	if err != nil {
		return err
	}
	return writeChart(w, r, &chart)
}

// writeChart answers with a chart as JSON, or with ?format=csv as a table.
func writeChart(w http.ResponseWriter, r *http.Request, chart *charts.Chart) error {
	chart.At, chart.Series = append([]float64{}, chart.At...), append([]charts.Series{}, chart.Series...) // never null
	if r.URL.Query().Get("format") != "csv" {
		return writeJSON(w, http.StatusOK, chart)
	}
	var table bytes.Buffer
	if err := chart.CSV(&table); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="chart.csv"`)
	_, _ = w.Write(table.Bytes()) // the caller may have gone
	return nil
}

// drawn are the arms that a chart shows, with their labels and tones: all, or one candidate with what it is
// compared to.
func drawn(r *assay.Report, candidate string) (arms []charts.Arm) {
	number := 0
	for _, a := range shape.ArmsOf(r) {
		one := charts.Arm{Name: a.Arm.Name, Role: a.Role, Label: a.Title, Tone: string(a.Role)}
		switch a.Role {
		case assay.RoleSecondary:
			one.Label = "Control, called again"
		case assay.RoleCandidate:
			one.Tone = charts.Tone(number)
			number++
			if candidate != "" && a.Arm.Name != candidate {
				continue
			}
		}
		if one.Label == "" {
			one.Label = a.Name()
		}
		arms = append(arms, one)
	}
	return arms
}

func warm(a assay.ArmCounts) assay.Latency { return a.Latency }
func cold(a assay.ArmCounts) assay.Latency { return a.ColdLatency }

func latencies(draw func(string, []charts.Calls) charts.Chart, of func(assay.ArmCounts) assay.Latency) experimentChart {
	return func(_ *Console, _ context.Context, r *assay.Report, candidate string) (charts.Chart, error) {
		var all []charts.Calls
		for _, a := range drawn(r, candidate) {
			all = append(all, charts.Calls{Label: a.Label, Tone: a.Tone, Latency: of(r.Counts.Arm(a.Role, a.Name))})
		}
		return draw("Latency", all), nil
	}
}

// chartMinutes is how much of a trend a chart shows: the last day, a minute a pixel.
const chartMinutes = 24 * 60

func trends(draw func([]assay.Minute, []charts.Arm) charts.Chart) experimentChart {
	return func(c *Console, ctx context.Context, r *assay.Report, candidate string) (charts.Chart, error) {
		minutes, err := c.minutes(ctx, r, chartMinutes)
		if err != nil {
			return charts.Chart{}, err
		}
		return draw(minutes, drawn(r, candidate)), nil
	}
}

// course draws how the interval of each candidate became narrower.
func course(c *Console, ctx context.Context, r *assay.Report, candidate string) (charts.Chart, error) {
	waypoints, err := c.opt.Laboratory.Course(ctx, r.Experiment.Name)
	return charts.Course(waypoints, drawn(r, candidate), r.Experiment.Hypothesis.Mismatch), err
}
