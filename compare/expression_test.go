package compare

import (
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

func TestExpressions(t *testing.T) {
	control := answer("application/json", []byte(`{"total": 10, "items": [1, 2]}`))
	other := answer("application/json", []byte(`{"total": 10.05, "items": [1, 2, 3]}`))
	for expect, want := range map[string]string{
		"candidate.json.total <= control.json.total * 1.01":          "",
		"candidate.json.total == control.json.total":                 "value",
		"len(candidate.json.items) == len(control.json.items)":       "value",
		"candidate.status == control.status and control.fault == ''": "",
		"all(control.json.items, # in candidate.json.items)":         "",
		"'Content-Type' in candidate.header":                         "",
		"candidate.json.nobody.age > 1":                              "malformed",
		"candidate.body contains 'total'":                            "",
		"int(candidate.body) == 1":                                   "malformed",
	} {
		c, flaws := New([]assay.ComparatorSpec{{Kind: assay.CompareExpression, Name: "x", Expect: expect}})
		if len(flaws) > 0 {
			t.Fatal(expect, flaws)
		}
		got := ""
		for _, d := range c.Compare(control, other) {
			got += string(d.Kind)
			if d.Path != "expression:x" || d.Detail == "" || strings.Contains(d.Detail, "10.05") {
				t.Errorf("%s: %+v", expect, d)
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", expect, got, want)
		}
	}
}

// Several stand side by side; what is no condition is refused with its column.
func TestExpressionsAreChecked(t *testing.T) {
	two := []assay.ComparatorSpec{
		{Kind: assay.CompareExpression, Name: "a", Expect: "control.status == 0"}, {Kind: assay.CompareExpression, Name: "b", Expect: "candidate.status == 0"},
	}
	c, flaws := New(two)
	if len(flaws) > 0 {
		t.Fatal(flaws)
	}
	o := answer("", nil)
	if d := c.Compare(o, o); len(d) != 2 || d[0].Path != "expression:a" || d[1].Path != "expression:b" {
		t.Errorf("%+v", d)
	}
	for expect, want := range map[string]string{
		"control.colour == 1": "column 9", "1 + 1": "bool", "now() > now()": "now", "((": "column", strings.Repeat(" ", 5000): "longer", "": "unexpected",
		"keys(control.json)[0] == 'a'":                                        "keys",
		"all(control.json, all(candidate.json, # == 1))":                      "within another",
		"any(control.json.a, any(control.json.b, any(control.json.c, true)))": "within another",
	} {
		if _, flaws := New([]assay.ComparatorSpec{{Kind: assay.CompareExpression, Name: "x", Expect: expect}}); len(flaws) != 1 || !strings.Contains(flaws[0].What, want) {
			t.Errorf("%.20q: %+v, want %q", expect, flaws, want)
		}
	}
	if _, flaws := New([]assay.ComparatorSpec{{Kind: assay.CompareExpression, Expect: "true"}}); len(flaws) != 1 || flaws[0].Path[2] != "name" {
		t.Errorf("without a name: %+v", flaws)
	}
}

// What an expression cannot look into, or could look into for ever, agrees with nothing.
func TestExpressionsAreBounded(t *testing.T) {
	c, flaws := New([]assay.ComparatorSpec{{Kind: assay.CompareExpression, Name: "x", Expect: "control.json == candidate.json"}})
	if len(flaws) > 0 {
		t.Fatal(flaws)
	}
	for name, sides := range map[string][2]string{
		"broken on both sides": {"{", "["},
		"a member twice":       {`{"a": 1, "a": 2}`, `{"a": 2}`},
		"many values":          {"[" + strings.Repeat("1,", 2000) + "1]", "[2]"},
	} {
		d := c.Compare(answer("", []byte(sides[0])), answer("", []byte(sides[1])))
		if len(d) != 1 || d[0].Kind != assay.KindMalformed {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// Numbers are what was written, not the binary fractions next to them; where that cannot be, nobody can tell.
func TestExpressionsAreExact(t *testing.T) {
	for _, test := range []struct{ control, other, expect, want string }{
		{`[0.1, 0.2]`, `0.3`, "control.json[0] + control.json[1] == candidate.json", ""},
		{`[0.1, 0.2]`, `0.3`, "sum(control.json) == candidate.json and reduce(control.json, #acc + #) == candidate.json", ""},
		{`[{"p": 0.1}, {"p": 0.2}]`, `0.3`, "sum(control.json, .p) == candidate.json", ""},
		{`0.3`, `0.1`, "control.json - candidate.json == 0.2", ""},
		{`1.1`, `1.21`, "control.json * control.json == candidate.json and control.json ** 2 == candidate.json", ""},
		{`100`, `101.00`, "candidate.json <= control.json * 1.01", ""},
		{`100`, `101.001`, "candidate.json <= control.json * 1.01", "value"},
		{`10.05`, `10.06`, "abs(control.json - candidate.json) <= 0.01", ""},
		{`9007199254740993`, `9007199254740992`, "control.json == candidate.json", "value"},
		{`9007199254740993`, `9007199254740992`, "control.json == candidate.json + 1", ""},
		{`9007199254740993`, `1`, "control.json == 9007199254740992.0", "value"},
		{`[9007199254740993]`, `9007199254740992`, "candidate.json in control.json", "value"},
		{`[1, 2.50, 1e2]`, `[1.0, 2.5, 100]`, "control.json == candidate.json", ""},
		{`1`, `3`, "candidate.json / control.json == 3 and control.json / candidate.json * 3 < 1.01", ""},
		{`9223372036854775807`, `1`, "control.json + candidate.json > 0", "malformed"},
		{`0.1234567890123456`, `0.1234567890123456`, "control.json * candidate.json > 0", "malformed"},
		{`1`, `0`, "control.json / candidate.json > 0", "malformed"},
		{`0.1`, `0.10000000000000001`, "control.json == candidate.json", "malformed"},
		{`1`, `18446744073709551616`, "control.json == candidate.json", "malformed"},
		{`1`, `9007199254740992.5`, "control.json == candidate.json", "malformed"},
		{`1`, `1e999999999999`, "control.json == candidate.json", "malformed"},
		{`0`, `1e-999999999999`, "control.json == candidate.json", "malformed"},
		{`"a"`, `"b"`, "control.json + candidate.json == 'ab'", ""},
		{`"a"`, `1`, "control.json + candidate.json == 'a1'", "malformed"},
		{`"1"`, `1`, "sum([control.json, candidate.json]) == 2", "malformed"},
	} {
		c, flaws := New([]assay.ComparatorSpec{{Kind: assay.CompareExpression, Name: "x", Expect: test.expect}})
		if len(flaws) > 0 {
			t.Error(test.expect, flaws)
			continue
		}
		got := ""
		for _, d := range c.Compare(answer("", []byte(test.control)), answer("", []byte(test.other))) {
			got += string(d.Kind)
		}
		if got != test.want {
			t.Errorf("%s, %s: %s: %q, want %q", test.control, test.other, test.expect, got, test.want)
		}
	}
	if _, flaws := New([]assay.ComparatorSpec{{Kind: assay.CompareExpression, Name: "x", Expect: "control.status + 'a' == 1"}}); len(flaws) != 1 || !strings.Contains(flaws[0].What, "column") {
		t.Errorf("types that are known: %+v", flaws)
	}
}
