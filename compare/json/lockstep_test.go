package json

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assaylab/assay"
)

// someRules are specs with every option, over the documents that drawDocument draws.
var someRules = []assay.ComparatorSpec{
	{},
	{Ignore: []string{"$..id", "$.a[0]", "$.b"}},
	{Ignore: []string{"$[?@.a == 1]", "$[0:2]"}},
	{Subset: []string{"$"}},
	{Subset: []string{"$.a", "$[*]"}, Ignore: []string{"$..id"}},
	{Tolerance: map[string]float64{"$..*": 1}},
	{Relative: map[string]float64{"$..*": 0.1}, Dates: map[string]time.Duration{"$..a": time.Second}},
	{NFC: []string{"$..*"}},
	{Unordered: []string{"$", "$..*"}},
	{Unordered: []string{"$", "$..*"}, Ignore: []string{"$..id"}},
	{Unordered: []string{"$.a", "$[*]"}, Tolerance: map[string]float64{"$..*": 1}},
	{Key: map[string]string{"$": "$.id", "$..*": "$.a"}},
	{Align: []string{"$", "$..*"}},
	{Align: []string{"$..a", "$"}, Tolerance: map[string]float64{"$..*": 1}, Subset: []string{"$..b"}},
	{Within: map[string]assay.ComparatorSpec{"$..*": {As: "json"}}},
}

// drawPair draws two documents that are alike, written in many ways or in one.
func drawPair(t *rapid.T) (control, other []byte) {
	a := drawDocument(t, 4)
	b := drawNear(t, a, 4)
	r := drawSource(t)
	if rapid.Bool().Draw(t, "written otherwise") {
		return []byte(written(r, a, false)), []byte(written(r, b, false))
	}
	seed := r.Uint64()
	same := func() *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
	return []byte(written(same(), a, false)), []byte(written(same(), b, false))
}

// TestTextsAgreeWithTrees: the walk along the texts finds what the walk of the trees finds.
func TestTextsAgreeWithTrees(t *testing.T) {
	all := compiledRules(t)
	rapid.Check(t, func(t *rapid.T) {
		control, other := drawPair(t)
		agree(t, rapid.SampledFrom(all).Draw(t, "rules"), control, other)
	})
}

func compiledRules(t testing.TB) []*rules {
	var all []*rules
	for _, spec := range someRules {
		r, flaws := newRules(spec, Formats())
		if len(flaws) > 0 {
			t.Fatalf("%+v: %+v", spec, flaws)
		}
		all = append(all, r)
	}
	return all
}

func agree(t interface{ Fatalf(string, ...any) }, r *rules, control, other []byte) {
	texts, ok := r.compareTexts(control, other)
	trees := r.compareTrees(control, other)
	if ok && !reflect.DeepEqual(texts, trees) {
		t.Fatalf("%s\n%s\ntexts %+v\ntrees %+v", control, other, texts, trees)
	}
	broken := len(trees) == 1 && trees[0].Kind == assay.KindMalformed && trees[0].Path == "body"
	if ok == (broken || len(r.lookups) > 0) {
		t.Fatalf("%s\n%s\nof texts %v, trees %+v", control, other, ok, trees)
	}
}

// TestTextsAgreeWithTreesOnMany: where there is no room for all differences, the same ones are listed.
func TestTextsAgreeWithTreesOnMany(t *testing.T) {
	all := compiledRules(t)
	rapid.Check(t, func(t *rapid.T) {
		r := drawSource(t)
		side := func() []byte { return []byte(crowd(r, 3)) }
		agree(t, rapid.SampledFrom(all[:6]).Draw(t, "rules"), side(), side())
	})
}

// crowd writes a document of many members and items, each of whose names is there in most others.
func crowd(r *rand.Rand, depth int) string {
	if depth == 0 {
		return []string{"0", "1", "2.0", "null", `"a"`}[r.IntN(5)]
	}
	var parts []string
	if r.IntN(2) == 0 {
		for range 8 + r.IntN(3) {
			parts = append(parts, crowd(r, depth-1))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	for _, name := range []string{"k", "c", "id", "a", "z", "b", "x", "y", "e"} {
		if r.IntN(30) > 0 {
			parts = append(parts, quoted(name)+":"+crowd(r, depth-1))
		}
	}
	if r.IntN(8) == 0 {
		shuffle(r, parts)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func FuzzTexts(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":[1,2],"b":{"c":null}}`, `{"a":[1,3],"b":{"c":null}}`}, {`{"b":1,"a":2}`, `{"b":2,"a":1}`}, {`{"a":1,"b":2}`, `{"b":1,"a":2}`},
		{`[1,2,3]`, `[1,2]`}, {`{"a":1,"a":1}`, `{"a":1,"a":1}`}, {`"\u00e9"`, `"é"`}, {`[1.0]`, `[1]`}, {`[12]`, `[1]`}, {`{"a":1}`, `{"a":1} x`},
		{`[nul]`, `[null]`}, {`{"a":1,}`, `{"a":1}`}, {"[\"\xff\"]", `[""]`}, {`{"b":1,"a":2,"b":3}`, `{"b":1,"a":2,"c":3}`}, {`{"a\n":"\ud800"}`, `{"a\n":"\ud800"}`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
		f.Add([]byte(seed[0]), []byte(seed[0]))
	}
	all := compiledRules(f)
	f.Fuzz(func(t *testing.T, control, other []byte) {
		for _, r := range all {
			agree(t, r, control, other)
		}
	})
}
