package compare

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/wI2L/jsondiff"

	"github.com/assaylab/assay"
)

// BenchmarkPeers compares JSON documents with differences, and tells how many times as long
// wI2L/jsondiff and google/go-cmp take for the same pair, each the best of alternating runs: ratios, so
// that a busy machine slows all alike. Both peers are given the texts, as a comparator is.
//
// What was learned, on a busy machine with two cores: go-cmp takes 100 to 900 times as long. At 200 kB jsondiff
// takes 15 to 20 times as long with one difference, 10 to 18 when every item differs, 11 to 14 with rules, and from
// 7.5 up when every item has a member of another name, which takes trees. At 2 kB it takes 7 to 8 times as
// long with one difference, 5 to 7 when every item differs or under rules, and 3 with other names: a third of
// the time goes into the comparison itself (its state, the list, two dozen bytes of text for each difference), and
// what it allocates costs more than what it reads. Three things brought these figures up from 6, 3 to 4 and 2: each
// byte is read once, as the walk keeps its place on a stack instead of beginning an item again; places in the rules
// and paths are found out only where there is a difference; and a difference takes one allocation. Skimming
// passes over 650 MB/s. Differences after the hundredth cost next to nothing.
func BenchmarkPeers(b *testing.B) {
	rules := assay.ComparatorSpec{Ignore: []string{"$..id", "$.trace"}, Tolerance: map[string]float64{"$.items[*].price": 0.1}, Unordered: []string{"$..tags"}}
	for _, size := range []struct {
		name  string
		items int
	}{{"2kB", 13}, {"200kB", 1300}} {
		control := orders(size.items, 0).Body
		few := []byte(strings.Replace(string(control), `"price":2.5,`, `"price":3.5,`, 1))
		many := orders(size.items, 0.5).Body
		reordered := []byte(strings.ReplaceAll(string(many), `"country":"NL","id":`, `"country":"NL","number":`))
		b.Run(size.name+"/one", func(b *testing.B) { peers(b, assay.ComparatorSpec{}, control, few) })
		b.Run(size.name+"/every-item", func(b *testing.B) { peers(b, assay.ComparatorSpec{}, control, many) })
		b.Run(size.name+"/every-item-renamed", func(b *testing.B) { peers(b, assay.ComparatorSpec{}, control, reordered) })
		b.Run(size.name+"/rules", func(b *testing.B) { peers(b, rules, control, many) })
	}
}

func peers(b *testing.B, spec assay.ComparatorSpec, control, other []byte) {
	spec.Kind = assay.CompareBody
	c := comparator(b, spec)
	x, y := answer("application/json", control), answer("application/json", other)
	contestants := []func() bool{
		func() bool { return len(c.Compare(x, y)) > 0 },
		func() bool { patch, err := jsondiff.CompareJSON(control, other); return err == nil && len(patch) > 0 },
		func() bool {
			var v, w any
			return json.Unmarshal(control, &v) == nil && json.Unmarshal(other, &w) == nil && cmp.Diff(v, w) != ""
		},
	}
	batch := 1 + 20_000/len(control) // as warm as one another
	best := []float64{math.Inf(1), math.Inf(1), math.Inf(1)}
	for b.Loop() {
		for i, contestant := range contestants {
			start := time.Now()
			for range batch {
				if !contestant() {
					b.Fatalf("contestant %d finds no difference", i)
				}
			}
			best[i] = min(best[i], float64(time.Since(start))/float64(batch))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(best[0], "best-ns")
	b.ReportMetric(best[1]/best[0], "x-jsondiff")
	b.ReportMetric(best[2]/best[0], "x-go-cmp")
}
