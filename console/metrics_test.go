package console

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/assaylab/assay"
)

func scrape(t *testing.T, lab *fakeLab) map[string]*dto.MetricFamily {
	t.Helper()
	w := call(t, newConsole(lab, nil), "GET", "/metrics", "")
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// values maps the labels of each metric, joined, to its value.
func values(f *dto.MetricFamily) map[string]float64 {
	all := map[string]float64{}
	for _, m := range f.GetMetric() {
		var labels []string
		for _, l := range m.GetLabel() {
			labels = append(labels, l.GetValue())
		}
		all[strings.Join(labels, " ")] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return all
}

func TestMetrics(t *testing.T) {
	families := scrape(t, newFakeLab())
	for _, tc := range []struct {
		name, labels string
		want         float64
	}{
		{"assay_requests_total", "qr", 1234567},
		{"assay_offered_total", "qr", 1234567},
		{"assay_sampled_total", "qr", 123456},
		{"assay_trials_total", "qr", 123138},
		{"assay_dropped_total", "qr queue_full", 312},
		{"assay_dropped_total", "qr shutdown", 0},
		{"assay_arm_observations_total", "secondary rounding-float secondary", 200},
		{"assay_arm_faults_total", "wrong qr timeout candidate", 12},
		{"assay_comparisons_total", "candidate-2 rounding-float mismatch", 50},
		{"assay_verdict", "candidate-2 rounding-float refuted", 1},
		{"assay_verdict", "candidate-2 rounding-float holds", 0},
		{"assay_verdict", "wrong qr inconclusive", 1},
	} {
		if got, there := values(families[tc.name])[tc.labels]; !there || got != tc.want {
			t.Errorf("%s{%s} = %v, %v in %v", tc.name, tc.labels, got, there, values(families[tc.name]))
		}
	}
	for _, name := range []string{"go_goroutines", "process_start_time_seconds"} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	summary := families["assay_arm_latency_seconds"].GetMetric()[0].GetSummary()
	if summary.GetSampleCount() != 1000 || summary.GetQuantile()[0].GetValue() == 0 {
		t.Errorf("latency: %v", summary)
	}
}

func TestNoLatencyBeforeTheFirstObservation(t *testing.T) {
	lab := newFakeLab()
	for i := range lab.reports {
		for j := range lab.reports[i].Counts.Arms {
			lab.reports[i].Counts.Arms[j].Latency = assay.Latency{}
		}
	}
	if got := scrape(t, lab)["assay_arm_latency_seconds"]; got != nil {
		t.Errorf("latency: %v", got)
	}
}

func TestMetricLabelsAreBounded(t *testing.T) {
	lab := newFakeLab()
	lab.change(func(r *assay.Report) {
		r.Counts.Dropped = map[string]int64{"a": 1, "b": 2, "/path/1": 4}
		r.Counts.Arms[3].Faults = map[assay.FaultKind]int64{"weird": 3, "weirder": 4, assay.FaultCrash: 5}
	})
	families := scrape(t, lab)
	if got := values(families["assay_dropped_total"])["rounding-float other"]; got != 7 {
		t.Errorf("unknown reasons: %v", values(families["assay_dropped_total"]))
	}
	if got := values(families["assay_arm_faults_total"])["candidate-2 rounding-float other candidate"]; got != 7 {
		t.Errorf("unknown faults: %v", values(families["assay_arm_faults_total"]))
	}
	allowed := []string{"experiment", "function", "arm", "role", "kind", "reason", "outcome", "stage", "version"}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if strings.HasPrefix(name, "assay_") && !slices.Contains(allowed, l.GetName()) {
					t.Errorf("%s has a label %s", name, l.GetName())
				}
			}
		}
	}
}

func TestMetricsOutliveTrouble(t *testing.T) {
	lab := newFakeLab()
	lab.err = errors.New("store is away")
	if families := scrape(t, lab); families["go_goroutines"] == nil || families["assay_requests_total"] != nil {
		t.Error("want the process's metrics alone")
	}
}

func TestMetricsOfBrokenNames(t *testing.T) {
	lab := newFakeLab()
	lab.change(func(r *assay.Report) { r.Experiment.Name = "bad\xff\"\n" })
	if got := values(scrape(t, lab)["assay_requests_total"]); got["bad?\"\n"] != 1000 {
		t.Errorf("%v", got)
	}
}
