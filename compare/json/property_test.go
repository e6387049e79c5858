package json

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/theory/jsonpath"
	"pgregory.net/rapid"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/report"
)

var (
	someNames   = []string{"a", "b", "id", "é", "x y", ""}
	someNumbers = []string{"0", "-0", "1", "1.0", "10e-1", "0.1E1", "-1", "20.5", "205e-1", "9007199254740992", "9007199254740993", "1e30", "1000000000000000000000000000000"}
	someStrings = []string{"", "a", "1", "é", "\"\\/\n", "😀"}
)

// drawDocument draws a tree as encoding/json decodes one, of few values so that parts are often equal.
func drawDocument(t *rapid.T, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return json.Number(rapid.SampledFrom(someNumbers).Draw(t, "number"))
	case 3:
		return rapid.SampledFrom(someStrings).Draw(t, "string")
	case 4:
		items := make([]any, rapid.IntRange(0, 4).Draw(t, "items"))
		for i := range items {
			items[i] = drawDocument(t, depth-1)
		}
		return items
	}
	members := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		members[rapid.SampledFrom(someNames).Draw(t, "name")] = drawDocument(t, depth-1)
	}
	return members
}

// drawNear draws a document like another, with a few places changed.
func drawNear(t *rapid.T, doc any, depth int) any {
	if rapid.IntRange(0, 9).Draw(t, "change") == 0 {
		return drawDocument(t, depth)
	}
	switch doc := doc.(type) {
	case []any:
		near := make([]any, len(doc))
		for i := range doc {
			near[i] = drawNear(t, doc[i], depth-1)
		}
		return near
	case map[string]any:
		near := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(doc)) {
			near[name] = drawNear(t, doc[name], depth-1)
		}
		return near
	}
	return doc
}

// written serialises a document in one of the many ways there are: any order of members, space,
// forms of numbers, escapes; and any order of items if shuffled.
func written(r *rand.Rand, doc any, shuffled bool) string {
	space := func() string { return strings.Repeat(" ", r.IntN(2)) + strings.Repeat("\n\t", r.IntN(2)) }
	var parts []string
	switch doc := doc.(type) {
	case nil:
		return space() + "null" + space()
	case json.Number:
		return space() + otherForm(r, string(doc)) + space()
	case string:
		return space() + otherEscapes(r, doc) + space()
	case []any:
		for _, item := range doc {
			parts = append(parts, written(r, item, shuffled))
		}
		if shuffled {
			shuffle(r, parts)
		}
		return space() + "[" + strings.Join(parts, ",") + space() + "]"
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(doc)) {
			parts = append(parts, space()+otherEscapes(r, name)+space()+":"+written(r, doc[name], shuffled))
		}
		shuffle(r, parts)
		return "{" + space() + strings.Join(parts, ",") + "}" + space()
	}
	return fmt.Sprint(doc)
}

func shuffle(r *rand.Rand, parts []string) {
	r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
}

// otherForm writes a number with zeros, and an exponent, that change nothing.
func otherForm(r *rand.Rand, literal string) string {
	switch {
	case r.IntN(2) == 0 || strings.ContainsAny(literal, "eE"):
		return literal
	case strings.Contains(literal, "."):
		return literal + "00"
	}
	return literal + ".000E+00"
}

func otherEscapes(r *rand.Rand, s string) string {
	if r.IntN(2) == 0 {
		return quoted(s)
	}
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return `"` + b.String() + `"`
}

func drawSource(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
}

func jsonRules(t *rapid.T, spec assay.ComparatorSpec) *rules {
	r, flaws := newRules(spec, Formats())
	if len(flaws) > 0 {
		t.Fatalf("flaws %+v", flaws)
	}
	return r
}

func TestWrittenOtherwiseIsEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc, r := drawDocument(t, 4), drawSource(t)
		a, b := written(r, doc, false), written(r, doc, false)
		if got := jsonRules(t, assay.ComparatorSpec{}).compareJSON([]byte(a), []byte(b)); len(got) > 0 {
			t.Fatalf("%s\n%s\n%+v", a, b, got)
		}
	})
}

func TestShuffledIsEqualUnordered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc, r := drawDocument(t, 4), drawSource(t)
		a, b := written(r, doc, true), written(r, doc, true)
		everywhere := assay.ComparatorSpec{Unordered: []string{"$", "$..*"}}
		if got := jsonRules(t, everywhere).compareJSON([]byte(a), []byte(b)); len(got) > 0 {
			t.Fatalf("%s\n%s\n%+v", a, b, got)
		}
	})
}

func TestAgreesWithNaiveOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawDocument(t, 3)
		b := drawNear(t, a, 3)
		control, _ := json.Marshal(a)
		other, _ := json.Marshal(b)
		var got []string
		for _, d := range jsonRules(t, assay.ComparatorSpec{}).compareJSON(control, other) {
			got = append(got, string(d.Kind)+" "+d.Path)
		}
		want := naive("body:$", a, b)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%s\n%s\ngot  %q\nwant %q", control, other, got, want)
		}
	})
}

// naive compares as encoding/json and math/big see it.
func naive(path string, a, b any) []string {
	var all []string
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return []string{"type " + path}
		}
		for name := range a {
			below := string(report.AppendName([]byte(path), name))
			if _, ok := b[name]; !ok {
				all = append(all, "missing "+below)
			} else {
				all = append(all, naive(below, a[name], b[name])...)
			}
		}
		for name := range b {
			if _, ok := a[name]; !ok {
				all = append(all, "extra "+string(report.AppendName([]byte(path), name)))
			}
		}
	case []any:
		b, ok := b.([]any)
		if !ok {
			return []string{"type " + path}
		}
		if len(a) != len(b) {
			all = append(all, "length "+path)
		}
		for i := range max(len(a), len(b)) {
			below := fmt.Sprintf("%s[%d]", path, i)
			switch {
			case i >= len(b):
				all = append(all, "missing "+below)
			case i >= len(a):
				all = append(all, "extra "+below)
			default:
				all = append(all, naive(below, a[i], b[i])...)
			}
		}
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return []string{"type " + path}
		}
		if rational(string(a)).Cmp(rational(string(b))) != 0 {
			return []string{"value " + path}
		}
	default:
		if fmt.Sprintf("%T", a) != fmt.Sprintf("%T", b) {
			return []string{"type " + path}
		}
		if a != b {
			return []string{"value " + path}
		}
	}
	return all
}

func rational(literal string) *big.Rat {
	r, _ := new(big.Rat).SetString(literal)
	return r
}

// mirrored swaps the sides of a difference.
func mirrored(d assay.Difference) assay.Difference {
	d.Control, d.Candidate = d.Candidate, d.Control
	switch d.Kind {
	case assay.KindMissing:
		d.Kind = assay.KindExtra
	case assay.KindExtra:
		d.Kind = assay.KindMissing
	}
	return d
}

func TestSymmetric(t *testing.T) {
	specs := []assay.ComparatorSpec{
		{},
		{Ignore: []string{"$..id", "$.a[0]", "$[?@.a == 1]"}},
		{Tolerance: map[string]float64{"$..*": 1}},
		{Unordered: []string{"$", "$..*"}},
		{Unordered: []string{"$", "$..*"}, Ignore: []string{"$..id"}},
	}
	rapid.Check(t, func(t *rapid.T) {
		a := drawDocument(t, 3)
		b := drawNear(t, a, 3)
		control, _ := json.Marshal(a)
		other, _ := json.Marshal(b)
		rules := jsonRules(t, rapid.SampledFrom(specs).Draw(t, "spec"))
		there, back := rules.compareJSON(control, other), rules.compareJSON(other, control)
		if len(there) != len(back) {
			t.Fatalf("%s\n%s\n%+v\n%+v", control, other, there, back)
		}
		if rules.kinds[ruleUnordered] {
			return // paths have the control's indexes, which are others on the way back
		}
		for i := range there {
			if mirrored(there[i]) != back[i] {
				t.Fatalf("%s\n%s\n%+v\n%+v", control, other, there[i], back[i])
			}
		}
	})
}

// TestUnorderedForgivesOnly: what matches in order does so without order as well.
func TestUnorderedForgivesOnly(t *testing.T) {
	ignored := []string{"$[*][*]", "$[*][1]", "$[0]", "$[1][0]", "$[?@[0] == 1]", "$[*][?@ == 2]"}
	tables := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 2), 0, 2), 1, 2)
	rapid.Check(t, func(t *rapid.T) {
		control, _ := json.Marshal(tables.Draw(t, "control"))
		other, _ := json.Marshal(tables.Draw(t, "other"))
		spec := assay.ComparatorSpec{Ignore: rapid.SliceOfN(rapid.SampledFrom(ignored), 1, 3).Draw(t, "ignore")}
		if rapid.Bool().Draw(t, "tolerant") {
			spec.Tolerance = map[string]float64{"$[*][*]": 1}
		}
		before := jsonRules(t, spec).compareJSON(control, other)
		spec.Unordered = rapid.SampledFrom([][]string{{"$"}, {"$[*]"}, {"$", "$[*]"}}).Draw(t, "unordered")
		after := jsonRules(t, spec).compareJSON(control, other)
		if allIgnored(before) && !allIgnored(after) {
			t.Fatalf("%s\n%s\n%+v\nin order %+v\nwithout  %+v", control, other, spec, before, after)
		}
	})
}

func allIgnored(list []assay.Difference) bool {
	return !slices.ContainsFunc(list, func(d assay.Difference) bool { return d.Ignored == "" })
}

func TestShuffledIsEqualByKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawSource(t)
		items := make([]any, rapid.IntRange(0, 6).Draw(t, "items"))
		for i := range items {
			items[i] = map[string]any{"id": json.Number(strconv.Itoa(i)), "v": drawDocument(t, 2)}
		}
		control, _ := json.Marshal(items)
		r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		other, _ := json.Marshal(items)
		rules := jsonRules(t, assay.ComparatorSpec{Key: map[string]string{"$": "$.id"}})
		if got := rules.compareJSON(control, other); len(got) > 0 {
			t.Fatalf("%s\n%s\n%+v", control, other, got)
		}
	})
}

// TestTrieAgreesWithJSONPath: the places that plain rules are in force at are those that the library selects.
func TestTrieAgreesWithJSONPath(t *testing.T) {
	segments := []string{".a", ".b", ".id", "['x y']", "[0]", "[1]", "[*]", ".*", "..a", "..id", "..[0]", "..*"}
	rapid.Check(t, func(t *rapid.T) {
		path := "$" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(segments), 0, 4).Draw(t, "segments"), "")
		rules := jsonRules(t, assay.ComparatorSpec{Ignore: []string{path}})
		if len(rules.lookups) > 0 {
			t.Fatalf("%s is not plain", path)
		}
		tree := drawDocument(t, 4)
		data, _ := json.Marshal(tree)
		doc, err := parse(data)
		if err != nil {
			t.Fatal(err)
		}
		got := placesOf(&doc, rules.begin(&doc), "$")
		want := map[string]bool{}
		for _, located := range jsonpath.MustParse(path).SelectLocated(tree) {
			want[located.Path.String()] = true
		}
		slices.Sort(got)
		if !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
			t.Fatalf("%s in %s\ngot  %q\nwant %q", path, data, got, slices.Sorted(maps.Keys(want)))
		}
	})
}

// placesOf lists, as normalized paths, the places below v that a rule is in force at.
func placesOf(v *value, at *place, path string) []string {
	var all []string
	if at != nil && at.ignore != nil {
		all = append(all, path)
	}
	for i := range v.items {
		if m := &v.items[i]; v.kind == object {
			all = append(all, placesOf(m, at.member(m.name), path+"['"+m.name+"']")...)
		} else {
			all = append(all, placesOf(m, at.item(i), fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return all
}

// TestFiltersOfAnyKind: whatever a filter compares, absent or not, nothing panics.
func TestFiltersOfAnyKind(t *testing.T) {
	values := []string{"@", "@.a", "@[0]", "$.a", "1", "'a'", "null", "true", "length(@)", "length(@.a)", "count(@.*)", "value(@..a)"}
	tests := []string{"%s == %s", "%s < %s", "%s >= %s", "%s != %s", "match(%s, %s)", "!search(%s, %s)", "(%s == %s || @.a && !@.b)"}
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom(values)
		filter := fmt.Sprintf(rapid.SampledFrom(tests).Draw(t, "test"), value.Draw(t, "left"), value.Draw(t, "right"))
		rules := jsonRules(t, assay.ComparatorSpec{Ignore: []string{"$[?" + filter + "]", "$..[?" + filter + "]"}})
		doc := drawDocument(t, 3)
		control, _ := json.Marshal(doc)
		other, _ := json.Marshal(drawNear(t, doc, 3))
		rules.compareJSON(control, other)
	})
}

func TestLimitsOfDocuments(t *testing.T) {
	tests := []struct{ name, doc, want string }{
		{"deep", strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), ""},
		{"too deep", strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), "nested more than 1000 deep"},
		{"many", "[" + strings.Repeat("1,", maxValues-2) + "1]", ""},
		{"too many", "[" + strings.Repeat("1,", maxValues) + "1]", "more than 1000000 values"},
		{"a large exponent", "1e000999999999999999999", ""},
		{"too large an exponent", "1e1000000000000000000", "an exponent of more than 18 digits"},
	}
	for _, test := range tests {
		_, err := parse([]byte(test.doc))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestMatchingIsBounded: arrays that would take billions of comparisons take a moment.
func TestMatchingIsBounded(t *testing.T) {
	side := func(offset float64) []byte {
		items := make([][]float64, 2000)
		for i := range items {
			items[i] = []float64{float64(i) + offset, 0}
		}
		data, _ := json.Marshal(items)
		return data
	}
	rules, _ := newRules(assay.ComparatorSpec{Unordered: []string{"$", "$[*]"}, Tolerance: map[string]float64{"$..*": 0.25}}, Formats())
	if got := rules.compareJSON(side(0), side(0.5)); len(got) != report.MaxListed {
		t.Errorf("%d differences", len(got))
	}
}

func TestTruncatedDocumentsAreMalformed(t *testing.T) {
	doc := []byte(`{"a": [1, 2.5e-3, "x\u00e9\n", true, null], "b": {"c": {}}}`)
	for n := range len(doc) {
		if _, err := parse(doc[:n]); err == nil {
			t.Errorf("parsed %s", doc[:n])
		}
	}
	if _, err := parse(bytes.TrimSpace(doc)); err != nil {
		t.Error(err)
	}
}
