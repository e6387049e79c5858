package json

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assaylab/assay"
)

var documents = flag.Int("documents", 20_000, "documents to compare with themselves; a million take minutes")

// randomDocument is what drawDocument draws, faster.
func randomDocument(r *rand.Rand, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch r.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return json.Number(someNumbers[r.IntN(len(someNumbers))])
	case 3:
		return someStrings[r.IntN(len(someStrings))]
	case 4:
		items := make([]any, r.IntN(5))
		for i := range items {
			items[i] = randomDocument(r, depth-1)
		}
		return items
	}
	members := map[string]any{}
	for range r.IntN(5) {
		members[someNames[r.IntN(len(someNames))]] = randomDocument(r, depth-1)
	}
	return members
}

// TestReflexive: a document equals itself, written in two ways, under every option.
func TestReflexive(t *testing.T) {
	all := compiledRules(t)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range *documents {
		rules := all[i%len(all)]
		doc := randomDocument(r, 4)
		a, b := []byte(written(r, doc, false)), []byte(written(r, doc, false))
		if i%2 == 0 {
			b = a
		}
		if got := rules.compareJSON(a, b); len(got) > 0 {
			t.Fatalf("rules %d\n%s\n%s\n%+v", i%len(all), a, b, got)
		}
		if got := rules.compareTrees(a, b); len(got) > 0 {
			t.Fatalf("rules %d, trees\n%s\n%s\n%+v", i%len(all), a, b, got)
		}
	}
}

// TestMirrored: the other way round there are the same paths, with the kinds mirrored, under every option.
func TestMirrored(t *testing.T) {
	all := compiledRules(t)
	rapid.Check(t, func(t *rapid.T) {
		control, other := drawPair(t)
		rules := rapid.SampledFrom(all).Draw(t, "rules")
		there, back := rules.compareJSON(control, other), rules.compareJSON(other, control)
		for i := range back {
			back[i] = mirrored(back[i])
		}
		x, y := asSet(there, rules), asSet(back, rules)
		if !slices.Equal(x, y) {
			t.Fatalf("%s\n%s\n%s\n\n%s", control, other, strings.Join(x, "\n"), strings.Join(y, "\n"))
		}
	})
}

// asSet writes differences sorted. Details say where things are on either side, and subset is of one side
// alone.
func asSet(list []assay.Difference, rules *rules) []string {
	var lines []string
	for _, d := range list {
		d.Detail = ""
		if rules.kinds[ruleSubset] {
			d.Ignored = ""
		}
		lines = append(lines, fmt.Sprintf("%+v", d))
	}
	slices.Sort(lines)
	return lines
}

// TestHostileDocumentsAreBounded: what would take quadratic time or worse takes a moment, and what was
// given up for that is said.
func TestHostileDocumentsAreBounded(t *testing.T) {
	deep := func(leaf string) string { return strings.Repeat("[", 900) + leaf + strings.Repeat("]", 900) }
	names := func(n int, v string) string {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf(`"n%d":%s`, (i*7919)%n, v))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	items := func(n int, format string) string {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf(format, i))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	long := `"` + strings.Repeat("x", 1<<20)
	tests := []struct {
		name           string
		spec           assay.ComparatorSpec
		control, other string
		says           string
	}{
		{"deep", assay.ComparatorSpec{}, deep(long + `a"`), deep(long + `b"`), ""},
		{"deep, unordered", assay.ComparatorSpec{Unordered: []string{"$", "$..*"}, Ignore: []string{"$..id"}}, deep(long + `a"`), deep(long + `b"`), ""},
		{"deep, keyed by itself", assay.ComparatorSpec{Key: map[string]string{"$": "$", "$..*": "$"}}, deep(long + `a"`), deep(long + `b"`), ""},
		{"deep, aligned", assay.ComparatorSpec{Align: []string{"$", "$..*"}, Tolerance: map[string]float64{"$..*": 1}}, deep(long + `a"`), deep(long + `b"`), ""},
		{"many names", assay.ComparatorSpec{}, names(100_000, "1"), names(100_000, "2"), "and 99900 more"},
		{"nothing to align", assay.ComparatorSpec{Align: []string{"$"}}, items(20_000, `"a%d"`), items(20_000, `"b%d"`), "too different to be aligned"},
		{"nothing to match", assay.ComparatorSpec{Unordered: []string{"$"}, Tolerance: map[string]float64{"$[*]": 0.1}}, items(20_000, "%d"), items(20_000, "%d.5"), "too many items"},
		{"many rules in depth", assay.ComparatorSpec{Ignore: []string{"$..a..b..c..d", "$..b..a..d..c", "$..a[*]..c[*]..e", "$..e..d..c..b..a"}}, deep(`{"a":{"b":{"a":{"d":1}}}}`), deep(`{"a":{"b":{"a":{"d":2}}}}`), ""},
		{"long numbers", assay.ComparatorSpec{Relative: map[string]float64{"$": 0.1}}, strings.Repeat("9", 1<<20), strings.Repeat("8", 1<<20), ""},
	}
	for _, test := range tests {
		start := time.Now()
		rules, flaws := newRules(test.spec, Formats())
		if len(flaws) > 0 {
			t.Fatal(flaws)
		}
		got := rules.compareJSON([]byte(test.control), []byte(test.other))
		if len(got) == 0 || !slices.ContainsFunc(got, func(d assay.Difference) bool { return strings.Contains(d.Detail, test.says) }) {
			t.Errorf("%s: %d differences, %.300v", test.name, len(got), got)
		}
		t.Logf("%s: %v", test.name, time.Since(start))
	}
}

// TestMirroredDocuments is TestMirrored for as many pairs as TestReflexive has documents.
func TestMirroredDocuments(t *testing.T) {
	all := compiledRules(t)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range *documents {
		rules := all[i%len(all)]
		a, b := []byte(written(r, randomDocument(r, 3), false)), []byte(written(r, randomDocument(r, 3), false))
		there, back := rules.compareJSON(a, b), rules.compareJSON(b, a)
		for i := range back {
			back[i] = mirrored(back[i])
		}
		if x, y := asSet(there, rules), asSet(back, rules); !slices.Equal(x, y) {
			t.Fatalf("rules %d\n%s\n%s\n%q\n%q", i%len(all), a, b, x, y)
		}
	}
}
