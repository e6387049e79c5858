package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assaylab/assay"
)

// talk is the definition format of the Serverless Scientist talk, as it stands.
const talk = `
experiments:
  rounding-float:
    comparators:
      - body:
      - statuscode:
      - headers:
        - content-type
    path: round
    control:
      name: Round Node8.10
      arn: arn:aws:lambda:{AWSREGION}:{AWSACCOUNT_ID}:function:control-round
    candidates:
      candidate-2:
        name: Round Python3-math
        arn: arn:aws:lambda:{AWSREGION}:{AWSACCOUNT_ID}:function:candidate-round-python3-math
      candidate-1:
        name: Round python-3-round
        arn: arn:aws:lambda:{AWSREGION}:{AWSACCOUNT_ID}:function:candidate-round-python3-round
`

// full uses every key.
const full = `
functions:
  round: &round {runtime: python3.12, handler: main.handler, code: functions/round, memory: 256MB, timeout: 1m30s}
  round-fast:
    <<: *round
    code: /srv/round
    build: make
    environment: {PORT: 8080, DEBUG: true, NONE: }
    concurrency: 4
    standby: 1
    layers: ["arn:aws:lambda:us-east-1:000000000000:layer:tools:3"]
    tmp: 1GB
    network: true
experiments:
  everything:
    path: /a/{id}/*
    methods: [GET, POST]
    unsafe: true
    sample: {rate: 0.7%, by: header:x-user}
    secondary: 20%
    budget: {concurrency: 8, queue: 10, memory: 1GB, timeout: 2s, body: 512KB}
    holdout: 1%
    protect: {breaker: 5, overhead: "<= 5ms", errors: "<= 1%"}
    control: {function: round-fast}
    candidates:
      c: {url: "https://127.0.0.1:9000/base", tls: {ca: tls/ca.pem, cert: tls/cert.pem, key: tls/key.pem, name: orders.internal}}
      a: {function: "round:$LATEST", event: v1}
      b: {arn: "arn:aws:lambda:eu-west-1:123456789012:function:b", endpoint: "http://127.0.0.1:4566", architecture: arm64}
    comparators:
      - statuscode
      - headers: {except: [Date, x-request-id]}
      - body: {as: json, ignore: ["$.requestId"], tolerance: {"$.rounded_number": 1e-9}, unordered: "$.items", key: {"$.users": "$.id"}}
    rules:
      - {path: "body:$.items[0].at", class: timestamp, within: 60, owner: ann, expires: 2027-01-31, accepted: 2026-11-25T10:00:00Z}
    redact: ["header:authorization", "$.card.number"]
    hypothesis: {mismatch: "<= 0.2%", faults: "<= 1%", latency: {p99: "<= 110%", p50: 1.5}, cold: {p50: 200%}, cost: 100%, memory: "<= 120%", guard: {errors: 1%, p99: 10%}, delta: {latency: 5%}, alpha: 0.01}
    until: {trials: 10000, for: 24h}
    keep: {size: 1GB, for: 7d}
`

func parseOK(t *testing.T, text string, o Options) Document {
	t.Helper()
	doc, err := Parse("assay.yaml", []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTalkLoadsUnmodified(t *testing.T) {
	env := map[string]string{"AWSREGION": "eu-west-1"}
	doc := parseOK(t, talk, Options{LookupEnv: func(k string) (string, bool) { v, ok := env[k]; return v, ok }})
	arm := func(name, title, function string) assay.Arm {
		return assay.Arm{Name: name, Title: title, Target: assay.Target{ARN: "arn:aws:lambda:eu-west-1:000000000000:function:" + function}}
	}
	want := assay.Experiment{
		Name: "rounding-float", Source: "assay.yaml", Path: "/round",
		Sample: assay.Sample{Rate: 1}, Budget: assay.DefaultBudget,
		Control: arm("control", "Round Node8.10", "control-round"),
		Candidates: []assay.Arm{
			arm("candidate-2", "Round Python3-math", "candidate-round-python3-math"),
			arm("candidate-1", "Round python-3-round", "candidate-round-python3-round"),
		},
		Comparators: []assay.ComparatorSpec{{Kind: "body"}, {Kind: "statuscode"}, {Kind: "headers", Only: []string{"content-type"}}},
		Hypothesis:  assay.Hypothesis{Mismatch: 0.001, Alpha: 0.05},
	}
	want.Digest = Digest(want)
	if diff := cmp.Diff([]assay.Experiment{want}, doc.Experiments); diff != "" {
		t.Error(diff)
	}
}

func TestEveryKey(t *testing.T) {
	doc := parseOK(t, full, Options{Dir: "/home/me"})
	faults, cost, memory := 0.01, 1.0, 1.2
	e := assay.Experiment{
		Name: "everything", Source: "assay.yaml", Path: "/a/{id}/*", Methods: []string{"GET", "POST"}, Unsafe: true,
		Sample: assay.Sample{Rate: 0.007, By: "header:x-user"}, Secondary: 0.2,
		Budget:  assay.Budget{Concurrency: 8, Queue: 10, Memory: 1 << 30, Timeout: 2 * time.Second, Body: 512 << 10},
		Holdout: 0.01, Protect: assay.Protect{Breaker: 5, Overhead: 5 * time.Millisecond, Errors: &faults},
		Control: assay.Arm{Name: "control", Target: assay.Target{Function: "round-fast"}},
		Candidates: []assay.Arm{
			{Name: "c", Target: assay.Target{URL: "https://127.0.0.1:9000/base", TLS: assay.TLS{CA: "/home/me/tls/ca.pem", Cert: "/home/me/tls/cert.pem", Key: "/home/me/tls/key.pem", Name: "orders.internal"}}},
			{Name: "a", Target: assay.Target{Function: "round:$LATEST", Event: "v1"}},
			{Name: "b", Target: assay.Target{ARN: "arn:aws:lambda:eu-west-1:123456789012:function:b", Endpoint: "http://127.0.0.1:4566", Architecture: "arm64"}},
		},
		Comparators: []assay.ComparatorSpec{
			{Kind: "statuscode"},
			{Kind: "headers", Except: []string{"date", "x-request-id"}},
			{Kind: "body", As: "json", Ignore: []string{"$.requestId"}, Tolerance: map[string]float64{"$.rounded_number": 1e-9},
				Unordered: []string{"$.items"}, Key: map[string]string{"$.users": "$.id"}},
		},
		Rules: []assay.Rule{{Path: "body:$.items[*].at", Class: assay.ClassTimestamp, Within: 60, Owner: "ann",
			Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), Accepted: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)}},
		Redact: []string{"header:authorization", "$.card.number"},
		Hypothesis: assay.Hypothesis{
			Mismatch: 0.002, Faults: &faults, Latency: map[string]float64{"p99": 1.1, "p50": 1.5}, Cold: map[string]float64{"p50": 2},
			Cost: &cost, Memory: &memory, Guard: map[string]float64{"errors": 0.01, "p99": 0.1}, Delta: map[string]float64{"latency": 0.05}, Alpha: 0.01,
		},
		Until: assay.Until{Trials: 10000, For: 24 * time.Hour},
		Keep:  assay.Keep{Size: 1 << 30, For: 7 * 24 * time.Hour},
	}
	e.Digest = Digest(e)
	round := assay.Function{Name: "round", Runtime: "python3.12", Handler: "main.handler", Code: "/home/me/functions/round",
		MemoryMB: 256, Timeout: 90 * time.Second, Source: "assay.yaml"}
	fast := round
	fast.Name, fast.Code, fast.Build, fast.Concurrency = "round-fast", "/srv/round", "make", 4
	fast.Standby, fast.Layers, fast.TmpMB, fast.Network = 1, []string{"arn:aws:lambda:us-east-1:000000000000:layer:tools:3"}, 1024, true
	fast.Environment = map[string]string{"PORT": "8080", "DEBUG": "true", "NONE": ""}
	want := Document{Experiments: []assay.Experiment{e}, Functions: []assay.Function{round, fast}}
	if diff := cmp.Diff(want, doc, cmpopts.IgnoreUnexported(Document{})); diff != "" {
		t.Error(diff)
	}
}

// Guard-rails and deltas can be written shortly.
func TestShortHypotheses(t *testing.T) {
	for text, want := range map[string]assay.Hypothesis{
		"guard: true":           {Guard: assay.Guards},
		"guard: false":          {},
		"guard: [p99, cost]":    {Guard: map[string]float64{"p99": assay.Guards["p99"], "cost": assay.Guards["cost"]}},
		"delta: 5%":             {Delta: map[string]float64{"latency": .05, "cost": .05, "memory": .05}},
		"guard: , delta: ":      {},
		"guard: {errors: 0.1%}": {Guard: map[string]float64{"errors": .001}},
	} {
		want.Mismatch, want.Alpha = 0.001, 0.05
		doc := parseOK(t, "experiments:\n  a: {path: a, control: {function: f}, hypothesis: {"+text+"}}\n", Options{})
		if diff := cmp.Diff(want, doc.Experiments[0].Hypothesis); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestDefaults(t *testing.T) {
	doc := parseOK(t, `
functions: {f: {runtime: nodejs, handler: a.b, code: f, timeout: }}
experiments:
  e: {path: a, control: {url: "http://a"}, comparators: , sample: }
  none: {path: b, control: {url: "http://a"}, comparators: [], sample: 0}
`, Options{})
	if f := doc.Functions[0]; f.MemoryMB != 128 || f.Timeout != 3*time.Second {
		t.Errorf("defaults of a function: %+v", f)
	}
	e := doc.Experiments[0]
	if want := defaults("e", "assay.yaml"); !reflect.DeepEqual(e.Comparators, want.Comparators) || e.Sample != want.Sample {
		t.Errorf("keys without a value are not as good as left out: %+v", e)
	}
	if none := doc.Experiments[1]; len(none.Comparators) != 3 || none.Sample.Rate != 0 {
		t.Errorf("an empty list is not the defaults, or a zero not zero: %+v", none)
	}
}

// TestFlaws reads files with flaws. A flaw is written as position, what, hint.
func TestFlaws(t *testing.T) {
	arm := `{url: "http://a"}`
	for _, tt := range []struct {
		name, text string
		want       []string // "line:column", part of what, part of the hint; for each flaw
	}{
		{"unknown key", "experiments:\n  a:\n    path: a\n    control: " + arm + "\n    comparitors: []\n",
			[]string{"5:5", `an experiment has no key "comparitors"`, `did you mean "comparators"?`}},
		{"unknown key far from all", "experiments: {}\nzzz: 1\n",
			[]string{"2:1", `the file has no key "zzz"`, "known here: experiments, functions"}},
		{"unknown key of an arm", "experiments:\n  a: {path: a, control: {url: http://a, funktion: b}}\n",
			[]string{"2:41", `an arm has no key "funktion"`, `"function"`}},
		{"misspelt control", "experiments:\n  a:\n    path: a\n    controll: " + arm + "\n", []string{"4:5", `no key "controll"`, `"control"`}},
		{"misspelt key of an arm without another", "experiments:\n  a: {path: a, control: {urll: http://a}}\n", []string{"2:26", `no key "urll"`, `"url"`}},
		{"misspelt key beside a missing control", "experiments:\n  a:\n    secondary: 0\n    paht: a\n",
			[]string{"4:5", `no key "paht"`, `"path"`, "2:3", "names nothing", ""}},
		{"wrong type", "experiments:\n  a:\n    path: [a]\n    control: " + arm + "\n",
			[]string{"3:11", "there should be text here, and there is a list", ""}},
		{"list of experiments", "experiments:\n  - a\n", []string{"2:3", "experiments should be a mapping, and is a list", ""}},
		{"word for a number", "experiments:\n  a: {path: a, control: " + arm + ", budget: {queue: lots}}\n",
			[]string{"2:60", `there should be a whole number here, and there is "lots"`, ""}},
		{"word for a boolean", "experiments:\n  a: {path: a, control: " + arm + ", unsafe: yes}\n",
			[]string{"2:52", `true or false here, and there is "yes"`, ""}},
		{"key twice", "experiments:\n  a:\n    path: a\n    control: " + arm + "\n    path: b\n",
			[]string{"5:5", `the key "path" stands here twice`, "line 3"}},
		{"experiment twice", "experiments:\n  a: {path: a, control: " + arm + "}\n  a: {path: b, control: " + arm + "}\n",
			[]string{"3:3", `the key "a" stands here twice`, "line 2"}},
		{"experiment twice in two documents", "experiments:\n  a: {path: a, control: " + arm + "}\n---\nexperiments:\n  a: {path: b, control: " + arm + "}\n",
			[]string{"5:3", `the experiment "a" is defined twice`, "f.yaml:2:3"}},
		{"candidate twice", "experiments:\n  a:\n    path: a\n    control: " + arm + "\n    candidates:\n      x: " + arm + "\n      x: " + arm + "\n",
			[]string{"7:7", `the key "x" stands here twice`, "line 6"}},
		{"arm that names nothing", "experiments:\n  a:\n    path: a\n    control:\n      name: A\n",
			[]string{"4:5", "the arm names nothing to call", "url, arn and function"}},
		{"arm that names two", "experiments:\n  a: {path: a, control: " + arm + ", candidates: {b: {url: http://a, function: b}}}\n",
			[]string{"2:57", "more than one thing", ""}},
		{"tls without https", "experiments:\n  a: {path: a, control: {url: \"http://a\", tls: {name: b}}}\n", []string{"2:43", "nothing to speak TLS with", "https://"}},
		{"certificate without its key", "experiments:\n  a: {path: a, control: {url: \"https://a\", tls: {cert: c.pem}}}\n", []string{"2:44", "cert and key go together", "both"}},
		{"traffic", "experiments:\n  a: {traffic: taped, control: " + arm + "}\n", []string{"2:16", `"taped" is no kind of traffic`, `"recorded"`}},
		{"steps of a rollout", "experiments:\n  a: {path: a, control: " + arm + ", candidates: {b: " + arm + "}, rollout: {canary: 1% -> much}}\n", []string{"2:98", `"much" is not a percentage`, "1% -> 10%"}},
		{"no path, no control", "experiments:\n  a:\n", []string{"2:3", "no path", "", "2:3", "names nothing", ""}},
		{"percentage", "experiments:\n  a:\n    path: a\n    control: " + arm + "\n    sample: ten\n", []string{"5:13", `"ten" is not a percentage`, "10%"}},
		{"percentage without its sign", "experiments:\n  a:\n    path: a\n    control: " + arm + "\n    sample: 10\n", []string{"5:13", "1000 % is no share", "0% to 100%"}},
		{"size", "experiments:\n  a: {path: a, control: " + arm + ", budget: {memory: 64XB}}\n", []string{"2:61", `"64XB" is not a size`, "64MB"}},
		{"duration without unit", "functions:\n  f: {runtime: nodejs, handler: a.b, code: f, timeout: 3}\n", []string{"2:56", `"3" is not a duration`, "3s"}},
		{"limit", "experiments:\n  a: {path: a, control: " + arm + ", hypothesis: {mismatch: \">= 1%\"}}\n", []string{"2:67", `">= 1%" is not a limit`, "<="}},
		{"limit without its sign", "experiments:\n  a: {path: a, control: " + arm + ", hypothesis: {latency: {p99: \"<= 110\"}}}\n", []string{"2:72", `"<= 110" is not a limit`, "did you mean 110%?"}},
		{"unknown guard-rail", "experiments:\n  a: {path: a, control: " + arm + ", hypothesis: {guard: [p98]}}\n", []string{"2:57", `"p98" is nothing that guard knows`, "errors, memory, p99"}},
		{"cost of a url", "experiments:\n  a: {path: a, control: " + arm + ", hypothesis: {cost: \"<= 110%\"}}\n", []string{"2:63", "a url has no price", "control"}},
		{"placeholder", "experiments:\n  a: {path: a, control: {url: \"http://{NO_SUCH}\"}}\n", []string{"2:31", "nothing is known to put in place of {NO_SUCH}", "environment variable NO_SUCH"}},
		{"comparator", "experiments:\n  a:\n    path: a\n    control: " + arm + "\n    comparators:\n    - colour\n", []string{"6:7", `no comparator "colour"`, "statuscode"}},
		{"two comparators behind one dash", "experiments:\n  a:\n    path: a\n    control: " + arm + "\n    comparators:\n    - body:\n      statuscode:\n", []string{"7:7", "in the place of another", "dash"}},
		{"option of none", "experiments:\n  a:\n    path: a\n    control: " + arm + "\n    comparators:\n    - statuscode: 200\n", []string{"6:19", "statuscode should be a mapping", "write keys"}},
		{"option of a comparator", "experiments:\n  a:\n    path: a\n    control: " + arm + "\n    comparators:\n    - body: {ignored: [$.a]}\n", []string{"6:14", `body has no key "ignored"`, `"ignore"`}},
		{"function", "functions:\n  f: {runtime: nodejs, handler: a.b, code: f, memory: 64}\n", []string{"2:55", "64 MB of memory is out of range", "128"}},
		{"tab", "experiments:\n\ta: b\n", []string{"2:1", "not YAML", "never with tabs"}},
		{"bracket", "experiments: [\n", []string{"2:1", "not YAML", "brackets"}},
		{"unknown alias", "experiments: *x\n", []string{"1:14", "unknown anchor 'x'", ""}},
		{"not UTF-8", "experiments:\n  ä: \xff\n", []string{"2:6", "the byte 0xff is not UTF-8 text", "UTF-8"}},
		{"endless alias", "experiments: &a\n  a: *a\n", []string{"2:3", `an experiment has no key "a"`, ""}},
		{"endless merge", "experiments: &a\n  <<: [*a, *a]\n", []string{"2:7", "merged more than 16 deep", "unfold"}},
		{"all at once", "experimants: 1\nfunctions: 2\n", []string{"1:1", "", `"experiments"`, "2:12", "should be a mapping", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := Parse("f.yaml", []byte(tt.text), Options{})
			flaws := unjoin(t, err)
			if !reflect.DeepEqual(doc, Document{}) {
				t.Error("a file with flaws gave a document")
			}
			if tt.name == "endless merge" {
				flaws = flaws[:1] // one for each of the two ways down
			}
			if len(flaws) != len(tt.want)/3 {
				t.Fatalf("%d flaws, want %d:\n%v", len(flaws), len(tt.want)/3, err)
			}
			for i, f := range flaws {
				where, what, hint := "f.yaml:"+tt.want[3*i], tt.want[3*i+1], tt.want[3*i+2]
				if f.Hint == "" {
					t.Errorf("flaw %d says not what to do: %v", i, f)
				}
				if f.Code != assay.CodeInvalid || f.Where != where || !strings.Contains(f.What, what) || !strings.Contains(f.Hint, hint) {
					t.Errorf("flaw %d: %v\nwant %s at %s, hint %s", i, f, what, where, hint)
				}
			}
		})
	}
}

func unjoin(t *testing.T, err error) []*assay.Error {
	t.Helper()
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("no flaws: %v", err)
	}
	var all []*assay.Error
	for _, one := range many.Unwrap() {
		var e *assay.Error
		if !errors.As(one, &e) {
			t.Fatalf("not made for people: %v", one)
		}
		all = append(all, e)
	}
	return all
}

func TestFlawsAreBounded(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "k%d: 1\n", i)
	}
	_, err := Parse("f.yaml", []byte(text.String()), Options{})
	flaws := unjoin(t, err)
	if len(flaws) != maxFlaws+1 || !strings.Contains(flaws[maxFlaws].What, "30 more") {
		t.Errorf("%d flaws, the last %v", len(flaws), flaws[len(flaws)-1])
	}
}

func TestBombsEndCleanly(t *testing.T) {
	lists := "experiments: {a: {path: a, methods: *i}}\n" // the anchors below are of another document
	deep := strings.Repeat("[", 200_000)
	wide := "x: &x {" + strings.Repeat("k: v, ", 500) + "}\nexperiments:\n"
	var many strings.Builder
	many.WriteString("experiments:\n  first: &e\n    path: a\n    control: {url: http://a}\n    candidates: &c\n")
	for i := range 2000 {
		fmt.Fprintf(&many, "      c%d: {url: http://a}\n", i)
	}
	for i := range 2000 {
		fmt.Fprintf(&many, "  e%d: *e\n", i)
	}
	for name, text := range map[string]string{
		"other document": lists, "deep": deep, "wide": wide, "aliases": many.String(),
		"documents": strings.Repeat("---\nexperiments: {a: {}}\n", 1000),
		"large":     strings.Repeat("#", MaxBytes+1),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse("f.yaml", []byte(text), Options{})
			unjoin(t, err)
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestParseExperiment(t *testing.T) {
	for name, text := range map[string]string{
		"YAML": "path: round\ncontrol: {function: f}\ncandidates:\n  \"\U0001F600\": {function: g}\n",
		"JSON": "{\n\t\"path\": \"\\/round\",\n\t\"control\": {\"function\": \"f\"}, \"candidates\": {\"\\ud83d\\ude00\": {\"function\": \"g\"}}}",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseExperiment("e", "api", []byte(text), Options{})
			flaws := unjoin(t, err)
			if len(flaws) != 1 || !strings.Contains(flaws[0].What, "\U0001F600") {
				t.Fatalf("want a flaw in the candidate's name alone: %v", err)
			}
			e, err := ParseExperiment("e", "api", []byte(strings.NewReplacer("\U0001F600", "c", `\ud83d\ude00`, "c").Replace(text)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if e.Name != "e" || e.Path != "/round" || e.Source != "api" || e.Candidates[0].Name != "c" || e.Digest == "" {
				t.Errorf("%+v", e)
			}
		})
	}
	for _, text := range []string{"", "path: a\n---\npath: b\n", "- a\n", "a"} {
		if _, err := ParseExperiment("e", "api", []byte(text), Options{}); err == nil {
			t.Errorf("%q is taken for an experiment", text)
		}
	}
}

func TestWhere(t *testing.T) {
	doc := parseOK(t, talk, Options{})
	for path, want := range map[string]string{
		"experiments/rounding-float/path":                         "assay.yaml:9:11",
		"experiments/rounding-float/comparators/2/headers":        "assay.yaml:7:9",
		"experiments/rounding-float/comparators/2/headers/0":      "assay.yaml:8:11",
		"experiments/rounding-float/candidates/candidate-1/arn":   "assay.yaml:19:14",
		"experiments/rounding-float/candidates/candidate-1/event": "assay.yaml:17:7",
		"experiments/other": "assay.yaml:2:1",
		"functions/f":       "",
	} {
		if got := doc.Where(strings.Split(path, "/")...); got != want {
			t.Errorf("%s is at %q, want %q", path, got, want)
		}
	}
}

func TestDigest(t *testing.T) {
	e := parseOK(t, full, Options{}).Experiments[0]
	same := e
	same.Candidates = slices.Clone(e.Candidates)
	same.Version, same.Since, same.State, same.Source, same.Changed = 3, 2, assay.StatePaused, "other.yaml", time.Unix(1, 0)
	same.Candidates[0].Target.Revision = "abc"
	if Digest(same) != e.Digest {
		t.Error("the digest depends on more than the definition")
	}
	if e.Candidates[0].Target.Revision != "" {
		t.Error("the digest changed what it was given")
	}
	same.Sample.Rate = 0.5
	if Digest(same) == e.Digest {
		t.Error("another definition has the same digest")
	}
}

func TestSuggest(t *testing.T) {
	known := map[string]bool{"comparators": true, "control": true, "candidates": true, "path": true, "url": true, "arn": true}
	for unknown, want := range map[string]string{
		"comparator": "comparators", "Control": "control", "candidate": "candidates", "pth": "path", "uri": "url", "x": "", "paths": "path", "": "", "zebra": "",
	} {
		got := suggest(unknown, known)
		if want == "" && !strings.HasPrefix(got, "known here: ") || want != "" && !strings.Contains(got, `"`+want+`"`) {
			t.Errorf("suggest(%q) = %s, want %q", unknown, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{talk, full, `{"experiments": {"a": {"path": "\ud83d\ude00"}}}`, "a: &a [*a]", "<<: {a: b}", "? [a]\n: b", "!!binary a: b", "experiments: {? : }", "---\n---\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := Parse("f.yaml", []byte(text), Options{Dir: "/d"})
		if err != nil {
			for _, e := range unjoin(t, err) {
				if !strings.HasPrefix(e.Where, "f.yaml") {
					t.Errorf("nowhere: %v", e)
				}
			}
			return
		}
		again(t, doc)
	})
}
