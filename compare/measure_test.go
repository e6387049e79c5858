package compare

import (
	"testing"
	"time"

	"github.com/assaylab/assay"
)

func TestMeasures(t *testing.T) {
	c := comparator(t,
		assay.ComparatorSpec{Kind: "latency", Ratio: 2, Plus: 10},
		assay.ComparatorSpec{Kind: "memory", Ratio: 1.1},
		assay.ComparatorSpec{Kind: "cost", Plus: 0.5},
	)
	call := func(ms, mb int, usd float64) *assay.Observation {
		return &assay.Observation{Duration: time.Duration(ms) * time.Millisecond, MaxMemoryMB: mb, CostUSD: usd}
	}
	cold, failed := call(1000, 100, 1), call(1000, 100, 1)
	cold.Cold, failed.Fault = true, &assay.Fault{Kind: assay.FaultTimeout}
	tests := []struct {
		name           string
		control, other *assay.Observation
		want           string
	}{
		{"at the limits", call(20, 100, 1), call(50, 110, 1.5), ""},
		{"less", call(20, 100, 1), call(1, 1, 0.1), ""},
		{"slower", call(20, 100, 1), call(51, 100, 1), "limit latency | 20 ms | 51 ms | 255 % of the control's, at most 50 ms"},
		{"larger", call(20, 100, 1), call(20, 111, 1), "limit memory | 100 MB | 111 MB | 111 % of the control's, at most 110 MB"},
		{"dearer", call(20, 100, 1), call(20, 100, 1.51), "limit cost | 1 USD | 1.51 USD | 151 % of the control's, at most 1.5 USD"},
		{"not known", call(20, 0, 0), call(20, 500, 5), ""},
		{"one is cold", call(20, 100, 1), cold, ""},
		{"both failed", failed, failed, ""},
	}
	for _, test := range tests {
		if got := showAll(c.Compare(test.control, test.other)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestStatusCodesThatCountAsTheSame(t *testing.T) {
	c := comparator(t, assay.ComparatorSpec{Kind: "statuscode", Class: true, Exact: []int{404}, Same: []int{301, 200}})
	for _, test := range []struct {
		a, b int
		want string
	}{
		{200, 200, ""}, {200, 204, "value status | 200 | 204 |  | class 2xx"}, {200, 500, "value status | 200 | 500"},
		{404, 400, "value status | 404 | 400"}, {400, 403, "value status | 400 | 403 |  | class 4xx"}, {301, 200, "value status | 301 | 200 |  | same"},
	} {
		if got := showAll(c.Compare(&assay.Observation{Status: test.a}, &assay.Observation{Status: test.b})); got != test.want {
			t.Errorf("%d and %d: %s, want %s", test.a, test.b, got, test.want)
		}
	}
}

func TestFaultsByMoreOrLess(t *testing.T) {
	fault := func(kind assay.FaultKind, of, message string) *assay.Observation {
		return &assay.Observation{Fault: &assay.Fault{Kind: kind, Type: of, Message: message}}
	}
	a := fault(assay.FaultCrash, "A", "RequestId: 8f5a2c1e-0000-4000-8000-000000000001 Error: out of memory")
	for _, test := range []struct {
		by      string
		other   *assay.Observation
		differs bool
	}{
		{"kind", fault(assay.FaultCrash, "B", ""), false},
		{"kind", fault(assay.FaultTimeout, "A", ""), true},
		{"type", fault(assay.FaultCrash, "B", ""), true},
		{"", fault(assay.FaultCrash, "A", ""), false},
		{"message", fault(assay.FaultCrash, "A", "RequestId: 8f5a2c1e-0000-4000-8000-000000000002 Error: out of memory"), false},
		{"message", fault(assay.FaultCrash, "A", "RequestId: 8f5a2c1e-0000-4000-8000-000000000002 Error: killed"), true},
	} {
		c := comparator(t, assay.ComparatorSpec{Kind: "fault", By: test.by})
		if got := c.Compare(a, test.other); (len(got) > 0) != test.differs {
			t.Errorf("by %q: %+v", test.by, got)
		}
	}
}
