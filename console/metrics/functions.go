package metrics

import (
	"math"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assaylab/assay"
)

// maxFunctions is how many functions have metrics of their own, in the order of their names; the rest
// share one label.
const maxFunctions = 200

func functionDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("assay_function_"+name, help, []string{"function"}, nil)
}

// functionMetrics are CloudWatch's, by function: all versions together. What each version counts is in
// the API.
var functionMetrics = []struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(assay.Deployment) float64
	join func(a, b float64) float64 // of functions that share a label
}{
	{functionDesc("invocations_total", "Invocations, without those throttled."), prometheus.CounterValue, func(d assay.Deployment) float64 { return float64(d.Invocations) }, plus},
	{functionDesc("errors_total", "Invocations that failed."), prometheus.CounterValue, func(d assay.Deployment) float64 { return float64(d.Errors) }, plus},
	{functionDesc("throttles_total", "Invocations refused for want of concurrency."), prometheus.CounterValue, func(d assay.Deployment) float64 { return float64(d.Throttles) }, plus},
	{functionDesc("cold_starts_total", "Inits that an invocation asked for."), prometheus.CounterValue, func(d assay.Deployment) float64 { return float64(d.ColdStarts) }, plus},
	{functionDesc("environments", "Environments now."), prometheus.GaugeValue, func(d assay.Deployment) float64 { return float64(d.Environments) }, plus},
	{functionDesc("concurrent_executions", "Environments at work now."), prometheus.GaugeValue, func(d assay.Deployment) float64 { return float64(d.Busy) }, plus},
	{functionDesc("duration_seconds_total", "Time that invocations ran."), prometheus.CounterValue, func(d assay.Deployment) float64 {
		return overVersions(d, func(m assay.Metrics) float64 { return m.Duration.Seconds() })
	}, plus},
	{functionDesc("billed_seconds_total", "Time that AWS would bill."), prometheus.CounterValue, func(d assay.Deployment) float64 {
		return overVersions(d, func(m assay.Metrics) float64 { return m.Billed.Seconds() })
	}, plus},
	{functionDesc("init_seconds_total", "Time that callers waited for inits."), prometheus.CounterValue, func(d assay.Deployment) float64 {
		return overVersions(d, func(m assay.Metrics) float64 { return m.Init.Seconds() })
	}, plus},
	{functionDesc("max_memory_bytes", "The most memory that one environment used."), prometheus.GaugeValue, func(d assay.Deployment) float64 {
		most := 0
		for _, m := range d.Metrics {
			most = max(most, m.MaxMemoryMB)
		}
		return float64(most) * (1 << 20)
	}, math.Max},
}

// otherFunctions is the label of the rest; no function can have that name.
const otherFunctions = "(other)"

func plus(a, b float64) float64 { return a + b }

func overVersions(d assay.Deployment, of func(assay.Metrics) float64) (total float64) {
	for _, m := range d.Metrics {
		total += of(m)
	}
	return total
}

// functionCollector turns deployments into metrics at each scrape.
type functionCollector struct{ functions Functions }

// Describe implements prometheus.Collector.
func (functionCollector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range functionMetrics {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c functionCollector) Collect(out chan<- prometheus.Metric) {
	all := c.functions.Deployments()
	for _, m := range functionMetrics {
		rest := 0.0 // as no counter or maximum is below
		for i, d := range all {
			if i >= maxFunctions {
				rest = m.join(rest, m.of(d))
				continue
			}
			out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.of(d), strings.ToValidUTF8(d.Name, "?"))
		}
		if len(all) > maxFunctions {
			out <- prometheus.MustNewConstMetric(m.desc, m.kind, rest, otherFunctions)
		}
	}
}
