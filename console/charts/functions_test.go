package charts

import (
	"testing"
	"time"

	"github.com/assaylab/assay"
)

func TestFunctionCharts(t *testing.T) {
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	minutes := []assay.FunctionMinute{
		{Time: noon, Invocations: 4, Ran: 4, Errors: 1, ColdStarts: 2, Duration: 6 * time.Millisecond, Init: 100 * time.Millisecond},
		{Time: noon.Add(3 * time.Minute), Invocations: 1, Throttles: 7},
	}
	c := Invocations(minutes)
	if len(c.At) != 4 || len(c.Series) != 4 || *c.Series[0].Values[0] != 4 || *c.Series[0].Values[1] != 0 || *c.Series[2].Values[3] != 7 {
		t.Errorf("%+v", c)
	}
	c = Durations(minutes)
	if d := c.Series[0].Values; *d[0] != 1.5 || d[1] != nil || d[3] != nil || *c.Series[1].Values[0] != 50 {
		t.Errorf("%+v", c)
	}
	if c := Invocations(nil); len(c.At) != 0 {
		t.Errorf("%+v", c)
	}
}
