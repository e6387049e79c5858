package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assaylab/assay/suite"
)

func TestFormats(t *testing.T) {
	odd := run
	odd.Results = append(odd.Results[:len(odd.Results):len(odd.Results)], suite.Result{ID: "x # y\nz", Status: suite.Crash, File: "a,b.py", Message: "50%\nof: it"})
	var tap, github, lines strings.Builder
	for _, err := range []error{TAP(&tap, odd), GitHub(&github, odd), Lines(&lines, odd)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for text, in := range map[string]string{
		"1..5\nok 1 - a\nnot ok 2 - b\n": tap.String(), `not ok 5 - x \# y z`: tap.String(),
		"::error file=a%2Cb.py,line=1,title=x # y%0Az::50%25%0Aof: it\n": github.String(),
	} {
		if !strings.Contains(in, text) {
			t.Errorf("%q is not in\n%s", text, in)
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(lines.String()), "\n") {
		var r suite.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.ID != odd.Results[i].ID {
			t.Errorf("%v: %s", err, line)
		}
	}
}
