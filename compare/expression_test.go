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
