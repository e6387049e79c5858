package assay_test

import (
	"reflect"
	"testing"

	"github.com/assaylab/assay"
)

func TestLedgersOfOneSourceJoinInAnyOrder(t *testing.T) {
	early := assay.Ledger{Source: "a", Requests: 5, Offered: 5, Sampled: 3, Handed: 2, NotSampled: map[string]int64{"chance": 2}, Dropped: map[string]int64{}}
	late := assay.Ledger{Source: "a", Requests: 9, Offered: 9, Sampled: 6, Handed: 1, NotSampled: map[string]int64{"chance": 3}, Dropped: map[string]int64{"memory": 1}}
	want := assay.Ledger{Source: "a", Requests: 9, Offered: 9, Sampled: 6, Handed: 2, NotSampled: map[string]int64{"chance": 3}, Dropped: map[string]int64{"memory": 1}}
	for _, got := range []assay.Ledger{early.Latest(late), late.Latest(early), late.Latest(early).Latest(early)} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if n := want.Unsettled(); n != 3 {
		t.Errorf("%d unsettled of 6, want 3", n)
	}
}

func TestCountsAddUpTheirSources(t *testing.T) {
	var c assay.Counts
	c.SetSources([]assay.Ledger{{Source: "a", Sampled: 5, Dropped: map[string]int64{"stream": 1}}, {Source: "b", Sampled: 2}})
	c.With(assay.Ledger{Source: "b", Sampled: 4, Dropped: map[string]int64{"stream": 2}})
	c.Trials = 3
	if c.Sampled != 9 || c.Dropped["stream"] != 3 || c.InFlight() != 3 || len(c.Sources) != 2 {
		t.Errorf("got %+v, %d in flight", c.Ledger, c.InFlight())
	}
	if l := c.Of("nobody"); l.Sampled != 0 || l.Source != "nobody" {
		t.Errorf("a source that counted nothing has %+v", l)
	}
}
