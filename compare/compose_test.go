package compare

import (
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

// showAll writes the differences, one after another.
func showAll(differences []assay.Difference) string {
	var lines []string
	for _, d := range differences {
		lines = append(lines, showDifference(d))
	}
	return strings.Join(lines, "; ")
}

// TestEntriesByPathAndType: of the entries of one kind the first that fits compares, and what none takes
// is compared all the same.
func TestEntriesByPathAndType(t *testing.T) {
	c := comparator(t,
		assay.ComparatorSpec{Kind: "body", Path: "/orders/{id}", Type: []string{"application/json"}, Ignore: []string{"$.a"}},
		assay.ComparatorSpec{Kind: "body", Type: []string{"application/json", "*/*+json"}, Tolerance: map[string]float64{"$.a": 1}},
		assay.ComparatorSpec{Kind: "body", Type: []string{"image/*"}, As: "bytes"},
		assay.ComparatorSpec{Kind: "headers", Path: "/orders/*", Except: []string{"content-type"}},
	)
	tests := []struct{ name, path, media, other, want string }{
		{"path and type", "/orders/7", "application/json", "", "value body:$.a | 1 | 2 |  | ignore $.a"},
		{"encoded path", "/%6frders/7", "application/json", "", "value body:$.a | 1 | 2 |  | ignore $.a"},
		{"type alone", "/orders/7/lines", "application/json", "", "value body:$.a | 1 | 2 |  | tolerance $.a 1"},
		{"a pattern of types", "/", "application/problem+json", "", "value body:$.a | 1 | 2 |  | tolerance $.a 1"},
		{"parameters of the type", "/", "Application/JSON; charset=utf-8", "", "value body:$.a | 1 | 2 |  | tolerance $.a 1"},
		{"the candidate's type", "/", "text/plain", "application/json", "value body:$.a | 1 | 2 |  | tolerance $.a 1"},
		{"as", "/", "image/png", "", "value body | 31 7d | 32 7d | 7 and 7 bytes, first differing at offset 5"},
		{"no entry", "/", "text/plain", "", `value body | {"a":1} | {"a":2} | line 1, column 6; 1 edit`},
		{"nothing known", "/", "", "", `value body:$.a | 1 | 2`},
	}
	for _, test := range tests {
		control, other := answer(test.media, []byte(`{"a":1}`)), answer(test.media, []byte(`{"a":2}`))
		if test.other != "" {
			other.Header.Set("Content-Type", test.other)
		}
		inv := &assay.Invocation{Request: &assay.Request{Path: test.path}}
		if got := showAll(assay.ComparatorFor(c, inv).Compare(control, other)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestEntriesOfAPath(t *testing.T) {
	c := comparator(t, assay.ComparatorSpec{Kind: "headers", Path: "/a/*", Only: []string{"etag"}})
	control, other := answer("", nil), answer("", nil)
	other.Header.Set("Etag", "1")
	for path, want := range map[string]int{"/a/b": 1, "/a": 1, "/b": 0, "/": 0} {
		inv := &assay.Invocation{Request: &assay.Request{Path: path}}
		if got := assay.ComparatorFor(c, inv).Compare(control, other); len(got) != want {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := assay.ComparatorFor(c, &assay.Invocation{}).Compare(control, other); len(got) != 0 {
		t.Errorf("of a function that was invoked directly: %+v", got)
	}
}

func TestWithin(t *testing.T) {
	spec := assay.ComparatorSpec{Kind: "body", Ignore: []string{"$.quiet"}, Within: map[string]assay.ComparatorSpec{
		"$..payload": {As: "json", Ignore: []string{"$.id"}, Within: map[string]assay.ComparatorSpec{"$.deep": {As: "json"}}},
		"$.quiet":    {As: "json"},
		"$.page":     {As: "text"},
	}}
	tests := []struct{ name, control, other, want string }{
		{"equal", `{"payload":"{\"a\":1,\"b\":2}"}`, `{"payload":"{\"b\":2, \"a\":1.0}"}`, ""},
		{"a value", `{"x":[{"payload":"{\"a\":[1]}"}]}`, `{"x":[{"payload":"{\"a\":[2]}"}]}`, "value body:$.x[0].payload.a[0] | 1 | 2"},
		{"a rule within", `{"payload":"{\"id\":1}"}`, `{"payload":"{\"id\":2}"}`, "value body:$.payload.id | 1 | 2 |  | ignore $.id"},
		{"deeper", `{"payload":"{\"deep\":\"[1]\"}"}`, `{"payload":"{\"deep\":\"[2]\"}"}`, "value body:$.payload.deep[0] | 1 | 2"},
		{"malformed", `{"payload":"{\"a\":1}"}`, `{"payload":"{"}`, `malformed body:$.payload | {"a":1} | { | candidate: offset 1: no name of a member`},
		{"excused", `{"quiet":"[1]"}`, `{"quiet":"[2]"}`, "value body:$.quiet[0] | 1 | 2 |  | ignore $.quiet"},
		{"text", `{"page":"a\nb"}`, `{"page":"a\nc"}`, `value body:$.page | b | c | line 2, column 1; 1 edit\n@@ -2,1 +2,1 @@\n-b\n+c`},
		{"another type", `{"page":"1"}`, `{"page":1}`, `type body:$.page | "1" | 1`},
		{"empty", `{"payload":""}`, `{"payload":"{}"}`, `value body:$.payload | "" | "{}"`},
	}
	c := comparator(t, spec)
	for _, test := range tests {
		got := showAll(c.Compare(answer("application/json", []byte(test.control)), answer("application/json", []byte(test.other))))
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestWithinUnordered: items whose strings are equal in their own format are matched.
func TestWithinUnordered(t *testing.T) {
	c := comparator(t, assay.ComparatorSpec{Kind: "body", Unordered: []string{"$"}, Within: map[string]assay.ComparatorSpec{"$[*]": {As: "json"}}})
	got := c.Compare(answer("application/json", []byte(`["[1]","{\"a\":1,\"b\":2}"]`)), answer("application/json", []byte(`["{\"b\":2,\"a\":1}","[1.0]"]`)))
	if len(got) > 0 {
		t.Errorf("%+v", got)
	}
}
