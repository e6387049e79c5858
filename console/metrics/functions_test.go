package metrics

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/assaylab/assay"
)

// manyFunctions is an engine with more functions than have metrics of their own.
type manyFunctions struct{ Functions }

func (manyFunctions) Deployments() (list []assay.Deployment) {
	for i := range maxFunctions + 3 {
		list = append(list, assay.Deployment{
			Function: assay.Function{Name: fmt.Sprintf("f%03d", i)}, Invocations: int64(i),
			Metrics: []assay.Metrics{{Version: "$LATEST", Duration: time.Second, MaxMemoryMB: 10}, {Version: "1", Duration: time.Second, MaxMemoryMB: i}},
		})
	}
	return list
}

func TestFunctionMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(functionCollector{manyFunctions{}})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if len(f.Metric) != maxFunctions+1 {
			t.Errorf("%s has %d labels", f.GetName(), len(f.Metric))
		}
		for _, m := range f.Metric {
			got[f.GetName()+" "+m.Label[0].GetValue()] = value(m)
		}
	}
	for name, want := range map[string]float64{
		"assay_function_invocations_total f007": 7, "assay_function_invocations_total (other)": 200 + 201 + 202,
		"assay_function_duration_seconds_total f007": 2, "assay_function_max_memory_bytes f007": 10 << 20,
		"assay_function_max_memory_bytes f199": 199 << 20, "assay_function_max_memory_bytes (other)": 202 << 20,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

func value(m *dto.Metric) float64 {
	if m.Counter != nil {
		return m.Counter.GetValue()
	}
	return m.Gauge.GetValue()
}
