package compare

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/image/imagetest"
	"github.com/assaylab/assay/compare/report"
)

// order makes a document of about 160 bytes an item, in which every price is off by the given amount.
func orders(items int, off float64) *assay.Observation {
	type item struct {
		ID       int      `json:"id"`
		Name     string   `json:"name"`
		Price    float64  `json:"price"`
		Tags     []string `json:"tags"`
		InStock  bool     `json:"in_stock"`
		Supplier any      `json:"supplier"`
	}
	list := make([]item, items)
	for i := range list {
		list[i] = item{i, fmt.Sprintf("item number %d", i), float64(i)*1.25 + off, []string{"new", "blue", "sale"}, i%2 == 0, map[string]any{"id": i, "country": "NL"}}
	}
	data, _ := json.Marshal(map[string]any{"items": list, "total": items})
	return answer("application/json", data)
}

func benchmark(b *testing.B, spec assay.ComparatorSpec, control, other *assay.Observation, differences int) {
	spec.Kind = assay.CompareBody
	c := comparator(b, spec)
	b.SetBytes(int64(len(control.Body)))
	b.ReportAllocs()
	for b.Loop() {
		if got := c.Compare(control, other); len(got) != differences {
			b.Fatalf("%d differences", len(got))
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	for _, size := range []struct {
		name  string
		items int
	}{{"2kB", 15}, {"200kB", 1500}} {
		control, reordered := orders(size.items, 0), orders(size.items, 0)
		reordered.Body = []byte(strings.Replace(string(reordered.Body), `"items":`, ` "items":`, 1))
		rules := assay.ComparatorSpec{Ignore: []string{"$..id", "$.trace"}, Tolerance: map[string]float64{"$.items[*].price": 1}}
		b.Run(size.name+"/equal", func(b *testing.B) { benchmark(b, assay.ComparatorSpec{}, control, orders(size.items, 0), 0) })
		b.Run(size.name+"/respaced", func(b *testing.B) { benchmark(b, assay.ComparatorSpec{}, control, reordered, 0) })
		one := answer("application/json", []byte(strings.Replace(string(control.Body), `"price":2.5,`, `"price":3.5,`, 1)))
		b.Run(size.name+"/one", func(b *testing.B) { benchmark(b, assay.ComparatorSpec{}, control, one, 1) })
		b.Run(size.name+"/differing", func(b *testing.B) {
			benchmark(b, assay.ComparatorSpec{}, control, orders(size.items, 0.5), min(size.items, report.MaxListed))
		})
		b.Run(size.name+"/rules", func(b *testing.B) {
			benchmark(b, rules, control, orders(size.items, 0.5), min(size.items, report.MaxListed))
		})
		b.Run(size.name+"/unordered", func(b *testing.B) {
			benchmark(b, assay.ComparatorSpec{Unordered: []string{"$.items"}}, control, reordered, 0)
		})
	}
}

func BenchmarkImages(b *testing.B) {
	rows := strings.TrimSuffix(strings.Repeat(strings.Repeat("wk", 400)+"/", 600), "/")
	t := new(testing.T)
	control, other := answer("image/png", imagetest.Draw(t, "png", rows)), answer("image/png", imagetest.Draw(t, "palette-png", rows))
	benchmark(b, assay.ComparatorSpec{}, control, other, 0)
}
