package config

import (
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

func TestParseComparison(t *testing.T) {
	now := parseOK(t, full, Options{}).Experiments[0]
	for _, tt := range []struct {
		name, text         string
		comparators, rules int
		fails              string // what the error says, "" if there is none
	}{
		{"comparators", "comparators: [statuscode]", 1, 1, ""},
		{"rules", "rules:\n- {path: 'body:$.a', class: uuid, owner: ann, expires: 2027-01-01}\n- {path: 'body:$.b', class: uuid, owner: ann, expires: 2027-01-01}", 3, 2, ""},
		{"no rules any more", "rules: []", 3, 0, ""},
		{"JSON", `{"comparators": [{"body": {"as": "json", "ignore": ["$.a"]}}], "rules": []}`, 1, 0, ""},
		{"a whole definition", strings.ReplaceAll(full, "- statuscode\n", "- statuscode\n      - body: {as: text, type: text/plain}\n"), 4, 1, ""},
		{"another's definition", talk, 0, 0, "does not define the experiment everything"},
		{"another key", "comparators: [statuscode]\nhypothesis: {}", 0, 0, "rules.yaml:2:1"},
		{"a flaw of shape", "rules:\n- {path: 'body:$.a', class: colour, owner: ann, expires: 2027-01-01}", 0, 0, "rules.yaml:2:"},
		{"not YAML", "comparators: [", 0, 0, "rules.yaml:2:1"},
		{"nothing", "", 0, 0, "there must be one YAML document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, where, err := ParseComparison(now, "rules.yaml", []byte(tt.text), Options{})
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("error %v, want one with %q", err, tt.fails)
				}
				return
			}
			if err != nil || len(e.Comparators) != tt.comparators || len(e.Rules) != tt.rules {
				t.Fatalf("%d comparators, %d rules, %v", len(e.Comparators), len(e.Rules), err)
			}
			if e.Path != now.Path || e.Hypothesis.Alpha != now.Hypothesis.Alpha {
				t.Errorf("more than comparators and rules changed: %+v", e)
			}
			if tt.name == "comparators" && where("comparators", "0") != "rules.yaml:1:15" {
				t.Errorf("it stands at %s", where("comparators", "0"))
			}
		})
	}
	if len(now.Rules) != 1 || now.Comparators[0].Kind != assay.CompareStatus {
		t.Error("the experiment given was changed")
	}
}
