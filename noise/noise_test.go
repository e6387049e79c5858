package noise

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// pairs makes samples at a path of "control|secondary", one a trial; several values are joined by ";".
func pairs(path string, texts ...string) (all []assay.NoiseSample) {
	for i, text := range texts {
		a, b, _ := strings.Cut(text, "|")
		all = append(all, assay.NoiseSample{Path: path, Kind: assay.KindValue, Trial: fmt.Sprint(i), Time: noon.Add(time.Duration(i) * time.Second),
			Control: strings.Split(a, ";"), Secondary: strings.Split(b, ";")})
	}
	return all
}

func TestPropose(t *testing.T) {
	for _, tt := range []struct {
		name  string
		path  string
		pairs []string
		want  string // "class within", "" for none
	}{
		{"times", "body:$.at", []string{`"2026-11-25T12:00:00Z"|"2026-11-25T12:00:00.5Z"`, `"2026-11-25T12:00:01Z"|"2026-11-25T12:00:01.25Z"`, `"2026-11-25T12:00:02Z"|"2026-11-25T12:00:03Z"`}, "timestamp 60"},
		{"slow times", "body:$.at", []string{`"2026-11-25 12:00:00"|"2026-11-25 12:00:11"`, `"2026-11-25 12:00:01"|"2026-11-25 12:00:12"`, `"2026-11-25 12:00:02"|"2026-11-25 12:00:09"`}, "timestamp 200"},
		{"times that mean something", "body:$.due", []string{`"2026-11-25T12:00:00Z"|"2026-12-25T12:00:00Z"`, `"2026-11-25T12:00:01Z"|"2026-12-25T12:00:00Z"`, `"2026-11-25T12:00:02Z"|"2026-12-26T12:00:00Z"`}, ""},
		{"epochs", "body:$.at", []string{"1764072000|1764072001", "1764072001|1764072002", "1764072002|1764072002"}, "epoch 60"},
		{"epochs in ms", "header:x-time", []string{"1764072000123|1764072001456", "1764072001123|1764072002456", "1764072002123|1764072002456"}, "epoch 60"},
		{"dates", "header:expires", []string{"Wed, 25 Nov 2026 12:00:00 GMT|Wed, 25 Nov 2026 12:00:01 GMT", "Wed, 25 Nov 2026 12:00:00 GMT|Wed, 25 Nov 2026 12:00:01 GMT", "Wed, 25 Nov 2026 12:00:00 GMT|Wed, 25 Nov 2026 12:00:01 GMT"}, "http-date 60"},
		{"uuids", "body:$.id", []string{`"6f1c2a9e-4d0b-4c7f-9a51-000000000000"|"6f1c2a9e-4d0b-4c7f-9a51-000000000001"`, `"6f1c2a9e-4d0b-4c7f-9a51-000000000002"|"6f1c2a9e-4d0b-4c7f-9a51-000000000003"`, `"6F1C2A9E-4d0b-4c7f-9a51-000000000004"|"6f1c2a9e-4d0b-4c7f-9a51-000000000005"`}, "uuid 0"},
		{"request ids", "header:x-request-id", []string{"Root=1-aaaaaa|Root=1-bbbbbb", "Root=1-cccccc|Root=1-dddddd", "Root=1-eeeeee|Root=1-ffffff"}, "request-id 0"},
		{"request ids in bodies", "body:$.meta.requestId", []string{`"aaaaaa"|"bbbbbb"`, `"cccccc"|"dddddd"`, `"eeeeee"|"ffffff"`}, "request-id 0"},
		{"etags", "header:etag", []string{`W/"1a"|W/"1b"`, `W/"2a"|W/"2b"`, `"3a"|"3b"`}, "etag 0"},
		{"cursors", "body:$.next", []string{`"eyJvIjoxMH0="|"eyJvIjoxMX0="`, `"eyJvIjoxMn0="|"eyJvIjoxM30="`, `"eyJvIjoxNH0="|"eyJvIjoxNX0="`}, "token 0"},
		{"a counter", "body:$.hits", []string{"10|11", "14|15", "20|30"}, "counter 0"},
		{"numbers that go back", "body:$.hits", []string{"10|11", "24|35", "20|30"}, ""},
		{"jitter", "body:$.score", []string{"0.5001|0.5003", "0.71|0.7101", "0.25|0.2501"}, "jitter 0.0004"},
		{"numbers far apart", "body:$.score", []string{"0.5|0.9", "0.7|0.1", "0.25|0.5"}, ""},
		{"words", "body:$.name", []string{`"ann"|"bob"`, `"cid"|"dan"`, `"eve"|"fay"`}, ""},
		{"too few", "body:$.id", []string{`"6f1c2a9e-4d0b-4c7f-9a51-000000000000"|"6f1c2a9e-4d0b-4c7f-9a51-000000000001"`}, ""},
		{"one that does not fit", "body:$.id", []string{`"6f1c2a9e-4d0b-4c7f-9a51-000000000000"|"6f1c2a9e-4d0b-4c7f-9a51-000000000001"`, `"6f1c2a9e-4d0b-4c7f-9a51-000000000002"|"6f1c2a9e-4d0b-4c7f-9a51-000000000003"`, `"none"|"6f1c2a9e-4d0b-4c7f-9a51-000000000005"`}, ""},
		{"a set", "body:$.tags[*]", []string{`"a";"b"|"b";"a"`, `"a";"c"|"c";"a"`, `"b";"c"|"c";"b"`}, "unordered 0"},
		{"not a set", "body:$.tags[*]", []string{`"a";"b"|"b";"a"`, `"a";"c"|"c";"x"`, `"b";"c"|"c";"b"`}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			for _, p := range Propose(pairs(tt.path, tt.pairs...), nil) {
				got = fmt.Sprintf("%s %g", p.Class, p.Within)
				if p.Class == assay.ClassUnordered && p.Path != "body:$.tags" || p.Pairs != len(tt.pairs) {
					t.Errorf("%+v", p)
				}
			}
			if got != tt.want {
				t.Errorf("proposed %q, want %q", got, tt.want)
			}
		})
	}
}

func TestProposeObjectsInAnArray(t *testing.T) {
	var all []assay.NoiseSample
	for _, p := range []string{"body:$.lines[*].id", "body:$.lines[*].name"} {
		all = append(all, pairs(p, "1;2|2;1", "3;2|2;3", "4;2|2;4")...)
	}
	got := Propose(all, nil)
	if len(got) != 1 || got[0].Path != "body:$.lines" || got[0].Class != assay.ClassUnordered {
		t.Fatalf("%+v", got)
	}
	if again := Propose(all, []assay.Rule{got[0].Rule}); len(again) != 0 {
		t.Errorf("proposed although in force: %+v", again)
	}
}

// judged compares two JSON bodies under rules and renders what is found: "path kind ignored".
func judged(t *testing.T, rules []assay.Rule, at time.Time, control, other string) string {
	t.Helper()
	specs := []assay.ComparatorSpec{{Kind: assay.CompareBody, As: "json"}}
	base, flaws := compare.New(specs)
	if flaws != nil {
		t.Fatal(flaws)
	}
	c := Excuse(base, rules, func(paths []string) assay.Comparator {
		specs[0].Unordered = paths
		c, flaws := compare.New(specs)
		if flaws != nil {
			t.Fatal(flaws)
		}
		return c
	})
	a := &assay.Observation{Started: at, Body: []byte(control), BodySize: int64(len(control))}
	b := &assay.Observation{Started: at, Body: []byte(other), BodySize: int64(len(other))}
	var lines []string
	for _, d := range c.Compare(a, b) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", d.Path, d.Kind, d.Ignored)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

func TestExcuse(t *testing.T) {
	rule := func(path string, class assay.Class, within float64) assay.Rule {
		return assay.Rule{Path: path, Class: class, Within: within, Owner: "ann", Expires: noon.Add(time.Hour)}
	}
	uuid := rule("body:$.id", assay.ClassUUID, 0)
	at := rule("body:$.at", assay.ClassTimestamp, 60)
	score := rule("body:$.score", assay.ClassJitter, 0.1)
	tags := rule("body:$.tags", assay.ClassUnordered, 0)
	users := rule("body:$.users[*].tags", assay.ClassUnordered, 0)
	const one, two = `"6f1c2a9e-4d0b-4c7f-9a51-000000000001"`, `"6f1c2a9e-4d0b-4c7f-9a51-000000000002"`
	for _, tt := range []struct {
		name           string
		rules          []assay.Rule
		at             time.Time
		control, other string
		want           string
	}{
		{"of the class", []assay.Rule{uuid}, noon, `{"id": ` + one + `}`, `{"id": ` + two + `}`, "body:$.id value " + uuid.Text()},
		{"outside the class", []assay.Rule{uuid}, noon, `{"id": ` + one + `}`, `{"id": "none"}`, "body:$.id value"},
		{"another type", []assay.Rule{uuid}, noon, `{"id": ` + one + `}`, `{"id": null}`, "body:$.id type"},
		{"missing", []assay.Rule{uuid}, noon, `{"id": ` + one + `}`, `{}`, "body:$.id missing"},
		{"elsewhere", []assay.Rule{uuid}, noon, `{"key": ` + one + `}`, `{"key": ` + two + `}`, "body:$.key value"},
		{"expired", []assay.Rule{uuid}, noon.Add(time.Hour), `{"id": ` + one + `}`, `{"id": ` + two + `}`, "body:$.id value"},
		{"near", []assay.Rule{at}, noon, `{"at": "2026-11-25T12:00:00Z"}`, `{"at": "2026-11-25T13:00:30+01:00"}`, "body:$.at value " + at.Text()},
		{"an hour off", []assay.Rule{at}, noon, `{"at": "2026-11-25T12:00:00Z"}`, `{"at": "2026-11-25T13:00:00Z"}`, "body:$.at value"},
		{"jitter", []assay.Rule{score}, noon, `{"score": 0.5}`, `{"score": 0.55}`, "body:$.score value " + score.Text()},
		{"more than jitter", []assay.Rule{score}, noon, `{"score": 0.5}`, `{"score": 0.75}`, "body:$.score value"},
		{"a set", []assay.Rule{tags}, noon, `{"tags": [1, 2]}`, `{"tags": [2, 1]}`, "body:$.tags[0] value " + tags.Text() + "; body:$.tags[1] value " + tags.Text()},
		{"another set", []assay.Rule{tags}, noon, `{"tags": [1, 2]}`, `{"tags": [3, 1]}`,
			"body:$.tags[0] extra; body:$.tags[0] value " + tags.Text() + "; body:$.tags[1] missing; body:$.tags[1] value " + tags.Text()},
		{"a set no more", []assay.Rule{tags}, noon.Add(time.Hour), `{"tags": [1, 2]}`, `{"tags": [2, 1]}`, "body:$.tags[0] value; body:$.tags[1] value"},
		{"a set in an array", []assay.Rule{users}, noon, `{"users": [{"tags": [1, 2]}]}`, `{"users": [{"tags": [2, 1]}]}`,
			"body:$.users[0].tags[0] value " + users.Text() + "; body:$.users[0].tags[1] value " + users.Text()},
		{"two rules", []assay.Rule{uuid, tags}, noon, `{"id": ` + one + `, "tags": [1, 2]}`, `{"id": ` + two + `, "tags": [2, 1]}`,
			"body:$.id value " + uuid.Text() + "; body:$.tags[0] value " + tags.Text() + "; body:$.tags[1] value " + tags.Text()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := judged(t, tt.rules, tt.at, tt.control, tt.other); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestReviewRingsTheAlarm(t *testing.T) {
	rule := assay.Rule{Path: "body:$.id", Class: assay.ClassUUID, Owner: "ann", Expires: noon}
	excuse := func(candidate, secondary int64) []assay.ExcuseCount {
		return []assay.ExcuseCount{
			{Arm: "a", Rule: rule.Text(), Hits: candidate + 7, CandidateOnly: candidate, SecondaryOnly: secondary, Last: noon},
			{Arm: "b", Rule: rule.Text(), Hits: 5, Last: noon.Add(time.Second)},
			{Arm: "a", Rule: "ignore $.x", Hits: 1, Last: noon},
		}
	}
	for _, tt := range []struct {
		name                 string
		candidate, secondary int64
		rings                bool
	}{
		{"never apart", 0, 0, false}, {"as often", 30, 28, false}, {"a little more", 12, 6, false},
		{"far more", 40, 2, true}, {"only the candidate", 20, 0, true}, {"only the secondary", 0, 40, false},
	} {
		got := Review([]assay.Rule{rule}, &assay.Counts{}, excuse(tt.candidate, tt.secondary), 0.05, noon.Add(-time.Hour))
		if len(got) != 2 || (len(got[0].Alarms) > 0) != tt.rings || got[0].Hits != tt.candidate+12 || got[0].State != Active || !got[0].Last.Equal(noon.Add(time.Second)) {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

func TestReviewSeesWhatFallsOutside(t *testing.T) {
	rule := assay.Rule{Path: "body:$.id", Class: assay.ClassUUID, Owner: "ann", Expires: noon}
	counts := &assay.Counts{Arms: []assay.ArmCounts{
		{Name: "control", Role: assay.RoleControl},
		{Name: "a", Role: assay.RoleCandidate, Paths: []assay.PathCount{{Path: "body:$.id", Kind: assay.KindType, Mismatches: 3}, {Path: "body:$.other", Mismatches: 5}}},
		{Name: "b", Role: assay.RoleCandidate, Paths: []assay.PathCount{{Path: "body:$.id", Kind: assay.KindValue, Ignored: 3}}},
	}}
	got := Review([]assay.Rule{rule}, counts, nil, 0.05, noon)
	if len(got) != 1 || got[0].State != Expired || len(got[0].Alarms) != 1 || got[0].Alarms[0].Candidate != "a" || !strings.Contains(got[0].Alarms[0].What, "3 differences") {
		t.Errorf("%+v", got)
	}
}

func TestSort(t *testing.T) {
	for rendered, want := range map[string]string{
		"": "", "null": "null", "true": "boolean", "21": "integer", "-2.5e3": "number", `"21"`: "number in a string", `""`: "empty string",
		`"a"`: "string", "plain": "string", `{"a":1}`: "object", "[1,2]": "array", "[redacted 0123456789ab]": "string",
		`"6f1c2a9e-4d0b-4c7f-9a51-000000000001"`: "uuid", "2026-11-25T12:00:00Z": "timestamp", "Wed, 25 Nov 2026 12:00:00 GMT": "http-date",
	} {
		if got := Sort(rendered); got != want {
			t.Errorf("%s is %q, want %q", rendered, got, want)
		}
	}
}

// A rule over a value that flickers alike in both arms rings in at most alpha of all runs, however often one
// looks; one that hides what the candidate alone does rings soon.
func TestAlarmKeepsItsWord(t *testing.T) {
	const runs, looks, alpha = 500, 150, 0.05
	rings := func(seed uint64, extra float64) (loudest int) {
		r := rand.New(rand.NewPCG(seed, 7))
		for range runs {
			x := assay.ExcuseCount{Arm: "a", Rule: "rule"}
			for range looks {
				candidate, secondary := r.Float64() < 0.2+extra, r.Float64() < 0.2
				if candidate && !secondary {
					x.CandidateOnly++
				}
				if secondary && !candidate {
					x.SecondaryOnly++
				}
				if got := Review(nil, &assay.Counts{}, []assay.ExcuseCount{x}, alpha, noon); len(got[0].Alarms) > 0 {
					loudest++
					break
				}
			}
		}
		return loudest
	}
	if n := rings(1, 0); n > runs*alpha {
		t.Errorf("without a difference it rang in %d of %d runs", n, runs)
	}
	if n := rings(2, 0.3); n < runs*95/100 {
		t.Errorf("with 30 points more it rang in only %d of %d runs", n, runs)
	}
}

func FuzzClasses(f *testing.F) {
	f.Add(`"2026-11-25T12:00:00Z"`, "body:$.at", "1764072000")
	f.Add(`[redacted ab]`, "header:x-request-id", "…abc")
	f.Fuzz(func(t *testing.T, a, path, b string) {
		if Sort(a) == "" && a != "" {
			t.Errorf("%q is of no sort", a)
		}
		for _, class := range assay.Classes {
			r := assay.Rule{Path: path, Class: class, Within: 1}
			if excuses(&r, a, b) != excuses(&r, b, a) {
				t.Errorf("%s excuses %q and %q, and not the reverse", class, a, b)
			}
		}
		Propose(pairs(path, a+"|"+b, a+"|"+b, b+"|"+a), nil)
	})
}

// weight is a comparator that takes so much to compare.
type weight int64

func (w weight) Compare(_, _ *assay.Observation) []assay.Difference { return nil }
func (w weight) Weigh(_, _ *assay.Observation) int64                { return int64(w) }

func TestRulesWeighNothing(t *testing.T) {
	rules := []assay.Rule{{Path: "body:$.id", Class: assay.ClassUUID}}
	if got := assay.WeightOf(Excuse(weight(7), rules, nil), &assay.Observation{}, &assay.Observation{}); got != 7 {
		t.Errorf("with rules, comparing weighs %d instead of 7", got)
	}
}
