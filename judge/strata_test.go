package judge

import (
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

// TestAVerdictNamesWhatItDidNotSee, the most frequent first, and not without end.
func TestAVerdictNamesWhatItDidNotSee(t *testing.T) {
	key := func(route, class string) assay.StratumKey {
		return assay.StratumKey{Method: "GET", Route: route, Class: class}
	}
	c := assay.Counts{Strata: []assay.TrafficStratum{
		{StratumKey: key("/a", ""), Requests: 900}, // seen, as the next line says
		{StratumKey: key("/a", "2xx"), Requests: 100, Sampled: 100, Trials: 100},
		{StratumKey: key("/b", ""), Requests: 70},
		{StratumKey: key("/a", "5xx"), Requests: 3, Sampled: 3},
	}}
	for _, route := range []string{"/c", "/d", "/e", "/f", "/g"} {
		c.Strata = append(c.Strata, assay.TrafficStratum{StratumKey: key(route, ""), Requests: 1})
	}
	e := assay.Experiment{Candidates: []assay.Arm{{Name: "new"}}}
	said := strings.Join(Judge(e, c)["new"].NotSeen, "\n")
	for _, want := range []string{"no trial of GET /b (70 requests", "no trial of GET /a 5xx (3 requests", "no trial of 2 further parts"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, "no trial of GET /a (") {
		t.Errorf("what was seen is called not seen:\n%s", said)
	}
}
