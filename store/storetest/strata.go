package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/assaylab/assay"
)

func strataOf(source string, since int, parts ...assay.TrafficStratum) assay.Strata {
	return assay.Strata{Experiment: Experiment, Since: since, Source: source, Parts: parts}
}

func part(route, class string, requests int64) assay.TrafficStratum {
	return assay.TrafficStratum{StratumKey: assay.StratumKey{Method: "GET", Route: route, Class: class}, Requests: requests, Sampled: 3, Trials: 2, Rare: 1}
}

func keepStrata(t *testing.T, store assay.Store, all ...assay.Strata) {
	t.Helper()
	if err := store.Keep(t.Context(), assay.Batch{Strata: all}); err != nil {
		t.Fatal(err)
	}
}

// strataAreKept by source, each part as it was last told, and apart from those of other evidence.
func strataAreKept(t *testing.T, store assay.Store) {
	keepStrata(t, store, strataOf("", 1, part("/a", "2xx", 7), part("/a", "5xx", 1)), strataOf("", 2, part("/a", "2xx", 100)))
	keepStrata(t, store, strataOf("", 1, part("/a", "2xx", 9)), strataOf("other", 1, part("/a", "2xx", 10), part("/b", "", 30)))
	got := counts(t, store, Experiment, 1)
	want := []assay.TrafficStratum{part("/b", "", 30), part("/a", "2xx", 19), part("/a", "5xx", 1)}
	want[1].Sampled, want[1].Trials, want[1].Rare = 6, 4, 2
	if !reflect.DeepEqual(got.Strata, want) {
		t.Errorf("got %+v\nwant %+v", got.Strata, want)
	}
	if own := got.StrataOf(""); !slices.Equal(own, []assay.TrafficStratum{part("/a", "2xx", 9), part("/a", "5xx", 1)}) {
		t.Errorf("of one source: %+v", own)
	}
	if none := counts(t, store, Experiment, 3); none.Strata != nil {
		t.Errorf("of no evidence: %+v", none.Strata)
	}
}

// strataAreBounded where sources see different parts: the rest is one.
func strataAreBounded(t *testing.T, store assay.Store) {
	for source := range 3 {
		var parts []assay.TrafficStratum
		for i := range assay.MaxStrata {
			parts = append(parts, part(fmt.Sprintf("/%d/%d", source, i), "2xx", 10))
		}
		keepStrata(t, store, strataOf(fmt.Sprint(source), 1, parts...))
	}
	all := counts(t, store, Experiment, 1).Strata
	var requests int64
	for _, s := range all {
		requests += s.Requests
	}
	if len(all) != assay.MaxStrata+1 || requests != 3*10*assay.MaxStrata || all[assay.MaxStrata].Route != assay.OtherStratum {
		t.Errorf("%d strata of %d requests, the last is %s", len(all), requests, all[len(all)-1])
	}
}
