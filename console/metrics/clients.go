package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/assaylab/assay/clients"
)

// The metrics of what clients take. Labels name addresses and ways, which are known beforehand.
var (
	openDesc    = prometheus.NewDesc("assay_clients", "Connections of clients now.", []string{"address"}, nil)
	refusedDesc = prometheus.NewDesc("assay_clients_refused_total", "Connections for which there was no room.", []string{"address"}, nil)
	slowDesc    = prometheus.NewDesc("assay_clients_slow_total", "Clients that were cut off because they did not read, or did not send.", []string{"address", "way"}, nil)
)

// clientCollector tells of the clients of each address.
type clientCollector struct {
	counts func() map[string]clients.Counts
}

// Describe implements prometheus.Collector.
func (clientCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{openDesc, refusedDesc, slowDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c clientCollector) Collect(out chan<- prometheus.Metric) {
	for address, n := range c.counts() {
		out <- prometheus.MustNewConstMetric(openDesc, prometheus.GaugeValue, float64(n.Open), address)
		out <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(n.Refused), address)
		out <- prometheus.MustNewConstMetric(slowDesc, prometheus.CounterValue, float64(n.Readers), address, "read")
		out <- prometheus.MustNewConstMetric(slowDesc, prometheus.CounterValue, float64(n.Senders), address, "send")
	}
}
