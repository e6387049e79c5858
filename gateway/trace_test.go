package gateway

import (
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// untraced is what a request costs that nobody traces.
func untraced(c *call, o *assay.Observation) assay.Trace {
	c.spans.begin(c.gateway.tracer, c.route, c.request, c.received)
	to := c.follow(c.received)
	c.finish(o)
	return to
}

func TestTracingOffAllocatesNothing(t *testing.T) {
	c := &call{gateway: New(Options{}), route: &Route{Function: "orders", Path: "/orders"}, request: &assay.Request{Method: "GET"}, received: time.Now()}
	o := &assay.Observation{Status: 200}
	if n := testing.AllocsPerRun(100, func() { untraced(c, o) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkTracingOff is what there being traces costs a request of which there is none: a few nanoseconds, no
// allocation.
func BenchmarkTracingOff(b *testing.B) {
	c := &call{gateway: New(Options{}), route: &Route{Function: "orders", Path: "/orders"}, request: &assay.Request{Method: "GET"}, received: time.Now()}
	o := &assay.Observation{Status: 200}
	b.ReportAllocs()
	for b.Loop() {
		untraced(c, o)
	}
}
