package ci

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// rounding is an experiment with a candidate that holds, one that is refuted, and one not decided.
func rounding() *shape.Experiment {
	third := 0.05
	candidate := func(name string, v assay.Verdict, paths ...assay.PathCount) shape.Arm {
		return shape.Arm{Name: name, Role: assay.RoleCandidate, Candidate: &shape.Candidate{Trials: 1000, Mismatches: 50, Paths: paths, Verdict: v}}
	}
	refuted := assay.Check{Clause: "mismatch <= 0.1%", Conclusion: assay.Refuted, Reason: "50 of 1000 | differ", Estimate: &third, Interval: [2]float64{0.037, 0.066}}
	return &shape.Experiment{
		Name: "rounding_float", Outcome: assay.Refuted, Trials: 1000, Requests: 2000, InFlight: 3,
		Arms: []shape.Arm{
			{Name: "control", Role: assay.RoleControl, Observations: 1000, LatencyMS: &assay.Latency{P50: 1.25, P99: 4}},
			candidate("floor", assay.Verdict{Outcome: assay.Holds, Reason: "no more than allowed", Evidence: assay.Evidence{Checks: []assay.Check{{Clause: "mismatch <= 0.1%", Conclusion: assay.Holds}}}}),
			candidate("python", assay.Verdict{Outcome: assay.Refuted, Reason: "differs:\nfar too often, 5%", Change: "a new version", Evidence: assay.Evidence{Checks: []assay.Check{refuted}}},
				assay.PathCount{Path: "body:$.a`|b", Kind: "value", Mismatches: 50, Noise: 2}, assay.PathCount{Path: "ignored", Ignored: 4}),
			candidate("go", assay.Verdict{Outcome: assay.Inconclusive, Reason: "too few trials", Needs: &assay.Needs{Trials: 3000, More: 2000}, NotSeen: []string{"POST <requests>"}}),
		},
	}
}

func places(candidate string) Place {
	return Place{"deploy/assay.yaml", map[string]int{"python": 12}[candidate]}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := Markdown(&b, rounding()); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		"## ❌ rounding\\_float: refuted", "1000 trials of 2000 requests, 3 in flight.",
		"| control | control | 1000 |", "| python | ❌ refuted | 1000 | 50 |", "| 1.25, 4 ms |",
		"| mismatch &lt;= 0.1% | ❌ refuted | 5% | 3.7% to 6.6% |", "| `` body:$.a`\\|b `` | value | 50 | 2 |",
		"What would change it: a new version", "Trials needed: about 3000 in all, 2000 more.", "- POST &lt;requests&gt;",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "ignored") {
		t.Errorf("a path at which nothing differs is listed:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); strings.HasPrefix(line, "|") && cells != 5 && cells != 8 {
			t.Errorf("a row of %d bars: %s", cells, line)
		}
	}
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := JUnit(&b, rounding(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Suites []struct {
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Errors   int    `xml:"errors,attr"`
			Time     string `xml:"timestamp,attr"`
			Cases    []struct {
				Class string `xml:"classname,attr"`
				Name  string `xml:"name,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	s := got.Suites[0]
	if s.Tests != 3 || s.Failures != 1 || s.Errors != 1 || s.Time != "2026-01-02T03:04:05Z" {
		t.Errorf("%+v", s)
	}
	if s.Cases[1].Class != "rounding_float.python" || s.Cases[1].Name != "mismatch <= 0.1%" {
		t.Errorf("%+v", s.Cases[1])
	}
}

// TestSARIF: the report passes SARIF's own schema, names what differs, and nothing else.
func TestSARIF(t *testing.T) {
	var b bytes.Buffer
	if err := SARIF(&b, rounding(), "1.0", places); err != nil {
		t.Fatal(err)
	}
	report, err := sarif.FromBytes(b.Bytes())
	if err == nil {
		err = report.Validate()
	}
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range report.Runs[0].Results {
		at := r.Locations[0].PhysicalLocation
		if *at.ArtifactLocation.URI != "deploy/assay.yaml" || *at.Region.StartLine != 12 {
			t.Errorf("shown at %s:%d", *at.ArtifactLocation.URI, *at.Region.StartLine)
		}
		got = append(got, *r.RuleID+" "+r.Level+" "+r.PartialFingerprints["assay/v1"])
	}
	want := "refuted error rounding_float/python/mismatch <= 0.1%\ndiffers error rounding_float/python/body:$.a`|b value"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func TestNothingWrongIsAnEmptyReport(t *testing.T) {
	var b bytes.Buffer
	if err := SARIF(&b, &shape.Experiment{Name: "x"}, "1.0", places); err != nil {
		t.Fatal(err)
	}
	var got struct{ Runs []struct{ Results []any } }
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got.Runs[0].Results == nil {
		t.Errorf("results are %v: %v", got.Runs, err)
	}
}

func TestAnnotations(t *testing.T) {
	var b bytes.Buffer
	if err := Annotations(&b, rounding(), places); err != nil {
		t.Fatal(err)
	}
	want := "::error file=deploy/assay.yaml,line=12,title=rounding_float%3A python is refuted::differs:%0Afar too often, 5%25\n" +
		"::warning file=deploy/assay.yaml,line=1,title=rounding_float%3A go is inconclusive::too few trials\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
