package pages

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// sketch writes lines with their marks: "!" differs, "~" excused.
func sketch(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(map[mark]string{markNone: " ", markDiffers: "!", markExcused: "~"}[l.Mark] + l.Text + "\n")
	}
	return b.String()
}

func TestBodyLines(t *testing.T) {
	diff := func(path string, kind assay.Kind, ignored string) assay.Difference {
		return assay.Difference{Path: path, Kind: kind, Ignored: ignored}
	}
	for _, tc := range []struct {
		name, control, other string
		diffs                []assay.Difference
		left, right          string
	}{
		{"value and rule", `{"b":[1.0,{"c":null}],"a":"<x>"}`, `{"a":"<x>","b":[2,{"c":true}]}`,
			[]assay.Difference{diff("body:$.b[0]", assay.KindValue, ""), diff("body:$['b'][1][\"c\"]", assay.KindType, "ignore $..c")},
			" {\n   \"a\": \"<x>\",\n   \"b\": [\n!    1.0,\n     {\n~      \"c\": null\n     }\n   ]\n }\n",
			" {\n   \"a\": \"<x>\",\n   \"b\": [\n!    2,\n     {\n~      \"c\": true\n     }\n   ]\n }\n"},
		{"missing subtree", `{"a":{"b":[]}}`, `{}`, []assay.Difference{diff("body:$.a", assay.KindMissing, "")},
			" {\n!  \"a\": {\n!    \"b\": []\n!  }\n }\n", " {}\n"},
		{"length marks the array alone", `[1,2]`, `[1]`, []assay.Difference{diff("body:$", assay.KindLength, "")},
			"![\n   1,\n   2\n ]\n", "![\n   1\n ]\n"},
		{"text", "a\nb\nc\n", "a\r\nx\ny\nc", []assay.Difference{diff("body", assay.KindValue, "")}, " a\n!b\n c\n", " a\n!x\n!y\n c\n"},
		{"text without a difference", "a\n", "b\n", nil, " a\n", " b\n"},
		{"one is not JSON", `{"a":1}`, `oops`, []assay.Difference{diff("body", assay.KindMalformed, "")}, "!{\n!  \"a\": 1\n!}\n", "!oops\n"},
		{"empty", ``, `x`, []assay.Difference{diff("body", assay.KindValue, "a rule")}, "", "~x\n"},
	} {
		left, right := bodyLines([]byte(tc.control), []byte(tc.other), tc.diffs)
		if sketch(left) != tc.left || sketch(right) != tc.right {
			t.Errorf("%s:\n%s---\n%s", tc.name, sketch(left), sketch(right))
		}
	}
}

func TestBinaryIsDumped(t *testing.T) {
	left, right := bodyLines([]byte("\x00\x01abc"), []byte("\x00\x02abc"), []assay.Difference{{Path: "body", Kind: assay.KindValue}})
	if want := "!00000000  00 01 61 62 63                                    |..abc|\n"; sketch(left) != want || right[0].Mark != markDiffers {
		t.Errorf("%s%s", sketch(left), sketch(right))
	}
	if lines := writeOut(make([]byte, 1<<20), kindHex); len(lines) != maxHex/16 {
		t.Errorf("%d lines of a megabyte", len(lines))
	}
}

func TestPlaceOf(t *testing.T) {
	for path, want := range map[string]string{
		`$`: ``, `$.a.b[3]`: `["a"]["b"][3]`, `$['a.b']["c"]`: `["a.b"]["c"]`, `$['it\'s "x"']`: `["it's \"x\""]`, `$.é`: `["é"]`, `$['a]']`: `["a]"]`,
	} {
		if got, ok := placeOf(path); !ok || got != want {
			t.Errorf("%s: %s, %v", path, got, ok)
		}
	}
	for _, path := range []string{``, `a`, `$.`, `$a`, `$[`, `$['a`, `$['a'`, `$[x]`, `$[*]`, `$..a`, `$['\q']`, `$.a.`} {
		if got, ok := placeOf(path); ok {
			t.Errorf("%s taken for %s", path, got)
		}
	}
}

func FuzzPlaceOf(f *testing.F) {
	f.Add("$.a['b'][0]")
	f.Add(`$['\u00e9\'']`)
	f.Fuzz(func(_ *testing.T, path string) { placeOf(path) })
}

func FuzzBodyLines(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":2}]}`), []byte(`{"a":[1]}`), "body:$.a[1]")
	f.Add([]byte("text\n"), []byte("\x00"), "body")
	f.Add([]byte("GIF89a"), []byte("[[[["), "body:$")
	f.Fuzz(func(t *testing.T, control, other []byte, path string) {
		left, right := bodyLines(control, other, []assay.Difference{{Path: path, Kind: assay.KindValue}})
		one, two := 0, 0
		for _, w := range beside(left, right) {
			if w.Left != nil {
				one++
			}
			if w.Right != nil {
				two++
			}
		}
		if one != len(left) || two != len(right) {
			t.Errorf("%d and %d lines of %d and %d", one, two, len(left), len(right))
		}
		if kindOf(control) == kindJSON && len(left) == 0 {
			t.Error("JSON without a line")
		}
	})
}

func TestFormats(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1,000"}, {count(-1234567), "−1,234,567"},
		{millis(0), "–"}, {millis(0.123), "0.12"}, {millis(1.25), "1.2"}, {millis(99.94), "99.9"}, {millis(1234.5), "1,235"},
		{percent(0), "0%"}, {percent(1), "100%"}, {percent(0.1), "10%"}, {percent(0.00001), "<0.01%"}, {percent(0.99999), ">99.99%"}, {percent(0.0005), "0.05%"},
		{exactPercent(0), "0%"}, {exactPercent(1), "100%"}, {exactPercent(0.00001), "0.001%"}, {exactPercent(0.12345), "12.345%"}, {exactPercent(0.1), "10%"},
		{ratio(1.1), "110%"}, {ratio(1e300), "∞"},
		{dollars(0.41), "$0.41"}, {dollars(0.0000123), "$1.23e-05"}, {dollars(1234.5), "$1234.50"},
		{bytesText(54), "54 B"}, {bytesText(1536), "1.5 kB"}, {bytesText(6 << 20), "6.0 MB"},
		{pathTo("experiments", "a/b?c"), "/experiments/a%2Fb%3Fc"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s, want %s", tc.got, tc.want)
		}
	}
}

// TestRatesComeBack: what the sample field is filled with changes nothing when it is sent.
func TestRatesComeBack(t *testing.T) {
	for i := range 100_001 {
		rate := float64(i) / 100_000
		text := exactPercent(rate)
		if got, err := shape.ParsePatch([]byte(`{"sample":"`+text+`"}`), assay.Sample{}); err != nil || got.Sample.Rate != rate {
			t.Fatalf("%v is written %s, read %v (%v)", rate, text, got, err)
		}
	}
}

func BenchmarkBodyLines(b *testing.B) {
	items := make([]map[string]any, 2000)
	for i := range items {
		items[i] = map[string]any{"id": i, "name": "item", "price": 1.5}
	}
	body, err := json.Marshal(items)
	if err != nil {
		b.Fatal(err)
	}
	diffs := []assay.Difference{{Path: "body:$[1000].price", Kind: assay.KindValue}}
	for b.Loop() {
		left, right := bodyLines(body, body, diffs)
		free := pageRoom
		fold(beside(left, right), &free)
	}
}
