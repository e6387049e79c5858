package metrics

import "github.com/prometheus/client_golang/prometheus"

// Family is one metric of another room.
type Family struct {
	Name, Help string
	Label      string // of which Values are; its values must be known beforehand
	Gauge      bool   // else it only grows
	Values     func() map[string]float64
}

// familyCollector shows a family as it is at each scrape.
type familyCollector struct {
	Family
	desc *prometheus.Desc
}

func newFamily(f Family) familyCollector {
	return familyCollector{f, prometheus.NewDesc(f.Name, f.Help, []string{f.Label}, nil)}
}

// Describe implements prometheus.Collector.
func (f familyCollector) Describe(out chan<- *prometheus.Desc) { out <- f.desc }

// Collect implements prometheus.Collector.
func (f familyCollector) Collect(out chan<- prometheus.Metric) {
	kind := prometheus.CounterValue
	if f.Gauge {
		kind = prometheus.GaugeValue
	}
	for label, v := range f.Values() {
		out <- prometheus.MustNewConstMetric(f.desc, kind, v, label)
	}
}
