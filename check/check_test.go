package check_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
)

func experiment() assay.Experiment {
	return assay.Experiment{
		Name: "rounding", Path: "/round", Sample: assay.Sample{Rate: 1}, Budget: assay.DefaultBudget,
		Control:     assay.Arm{Name: "control", Target: assay.Target{URL: "http://127.0.0.1:9000"}},
		Candidates:  []assay.Arm{{Name: "new", Target: assay.Target{ARN: "arn:aws:lambda:us-east-1:000000000000:function:new:$LATEST"}}},
		Comparators: []assay.ComparatorSpec{{Kind: assay.CompareStatus}},
		Hypothesis:  assay.Hypothesis{Mismatch: 0.001, Alpha: 0.05},
	}
}

func rule() assay.Rule {
	return assay.Rule{Path: "body:$.id", Class: assay.ClassUUID, Owner: "ann", Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}
}

// rollout of the only candidate, changed.
func rollout(change func(*assay.Rollout)) *assay.Rollout {
	o := assay.DefaultRollout
	o.Candidate = "new"
	if change != nil {
		change(&o)
	}
	return &o
}

func TestExperimentFlaws(t *testing.T) {
	cost, same, tooMany := math.NaN(), 1.0, 1.5
	function := assay.Target{Function: "old"}
	for _, tt := range []struct {
		name   string
		change func(*assay.Experiment)
		want   string // the path of the only flaw, "-" for none
	}{
		{"good", func(e *assay.Experiment) {}, "-"},
		{"no candidates yet", func(e *assay.Experiment) { e.Candidates = nil }, "-"},
		{"nothing sampled", func(e *assay.Experiment) { e.Sample.Rate = 0 }, "-"},
		{"every pattern", func(e *assay.Experiment) { e.Path = "/a/{id}/b/*" }, "-"},
		{"root", func(e *assay.Experiment) { e.Path = "/" }, "-"},
		{"slash in name", func(e *assay.Experiment) { e.Name = "a/b" }, ""},
		{"no path", func(e *assay.Experiment) { e.Path = "" }, "path"},
		{"star inside", func(e *assay.Experiment) { e.Path = "/a/*/b" }, "path"},
		{"star in a segment", func(e *assay.Experiment) { e.Path = "/a*" }, "path"},
		{"open brace", func(e *assay.Experiment) { e.Path = "/{id" }, "path"},
		{"brace in a segment", func(e *assay.Experiment) { e.Path = "/a{id}" }, "path"},
		{"query", func(e *assay.Experiment) { e.Path = "/a?b" }, "path"},
		{"method", func(e *assay.Experiment) { e.Methods = []string{"GET", "get"} }, "methods/1"},
		{"rate", func(e *assay.Experiment) { e.Sample.Rate = 1.01 }, "sample/rate"},
		{"rate of nothing", func(e *assay.Experiment) { e.Sample.Rate = math.NaN() }, "sample/rate"},
		{"fine rate", func(e *assay.Experiment) { e.Sample.Rate = 1e-6 }, "sample/rate"},
		{"by", func(e *assay.Experiment) { e.Sample.By = "header:" }, "sample/by"},
		{"secondary", func(e *assay.Experiment) { e.Secondary = -0.1 }, "secondary"},
		{"budget", func(e *assay.Experiment) { e.Budget.Queue = 0 }, "budget/queue"},
		{"no control", func(e *assay.Experiment) { e.Control.Target = assay.Target{} }, "control"},
		{"two targets", func(e *assay.Experiment) { e.Control.Target.Function = "f" }, "control"},
		{"url", func(e *assay.Experiment) { e.Control.Target.URL = "127.0.0.1:9000" }, "control/url"},
		{"url with a port that is none", func(e *assay.Experiment) { e.Control.Target.URL = "http://127.0.0.1:99999" }, "control/url"},
		{"url scheme", func(e *assay.Experiment) { e.Control.Target.URL = "ftp://a" }, "control/url"},
		{"arn", func(e *assay.Experiment) { e.Candidates[0].Target.ARN = "arn:aws:s3:::a" }, "candidates/new/arn"},
		{"architecture of a url", func(e *assay.Experiment) { e.Control.Target.Architecture = "arm64" }, "control/architecture"},
		{"architecture", func(e *assay.Experiment) { e.Candidates[0].Target.Architecture = "mips" }, "candidates/new/architecture"},
		{"endpoint without arn", func(e *assay.Experiment) { e.Control.Target.Endpoint = "http://a" }, "control/endpoint"},
		{"event", func(e *assay.Experiment) { e.Candidates[0].Target.Event = "v3" }, "candidates/new/event"},
		{"control's name", func(e *assay.Experiment) { e.Candidates[0].Name = "control" }, "candidates/control"},
		{"two of a name", func(e *assay.Experiment) { e.Candidates = append(e.Candidates, e.Candidates[0]) }, "candidates/new"},
		{"comparator", func(e *assay.Experiment) { e.Comparators[0].Kind = "colour" }, "comparators/0/colour"},
		{"rule", func(e *assay.Experiment) { e.Rules = []assay.Rule{rule()} }, "-"},
		{"rule twice", func(e *assay.Experiment) { e.Rules = []assay.Rule{rule(), rule()} }, "rules/1"},
		{"rule nowhere", func(e *assay.Experiment) { e.Rules = []assay.Rule{rule()}; e.Rules[0].Path = "status" }, "rules/0/path"},
		{"rule of no class", func(e *assay.Experiment) { e.Rules = []assay.Rule{rule()}; e.Rules[0].Class = "colour" }, "rules/0/class"},
		{"unordered header", func(e *assay.Experiment) {
			e.Rules = []assay.Rule{rule()}
			e.Rules[0].Class, e.Rules[0].Path = assay.ClassUnordered, "header:vary"
		}, "rules/0/path"},
		{"jitter without a distance", func(e *assay.Experiment) { e.Rules = []assay.Rule{rule()}; e.Rules[0].Class = assay.ClassJitter }, "rules/0/within"},
		{"rule of nobody", func(e *assay.Experiment) { e.Rules = []assay.Rule{rule()}; e.Rules[0].Owner = "" }, "rules/0/owner"},
		{"rule for ever", func(e *assay.Experiment) { e.Rules = []assay.Rule{rule()}; e.Rules[0].Expires = time.Time{} }, "rules/0/expires"},
		{"headers of nothing", func(e *assay.Experiment) { e.Comparators[0].Kind = "headers" }, "comparators/0/headers"},
		{"fields of status", func(e *assay.Experiment) { e.Comparators[0].Only = []string{"a"} }, "comparators/0/statuscode/only"},
		{"a format of headers", func(e *assay.Experiment) { e.Comparators[0].As = "json" }, "comparators/0/statuscode"},
		{"path of a comparator", func(e *assay.Experiment) { e.Comparators[0].Path = "/a/*/b" }, "comparators/0/statuscode/path"},
		{"fields within a body", func(e *assay.Experiment) {
			e.Comparators[0] = assay.ComparatorSpec{Kind: "body", Within: map[string]assay.ComparatorSpec{"$.a": {Only: []string{"a"}}}}
		}, "comparators/0/body/within/$.a/only"},
		{"tolerance", func(e *assay.Experiment) {
			e.Comparators[0] = assay.ComparatorSpec{Kind: "body", Tolerance: map[string]float64{"$.a": -1}}
		}, "comparators/0/body/tolerance/$.a"},
		{"redact", func(e *assay.Experiment) { e.Redact = []string{"$.a", "cookie"} }, "redact/1"},
		{"mismatch", func(e *assay.Experiment) { e.Hypothesis.Mismatch = 2 }, "hypothesis/mismatch"},
		{"quantile", func(e *assay.Experiment) { e.Hypothesis.Latency = map[string]float64{"p98": 1} }, "hypothesis/latency/p98"},
		{"cold quantile", func(e *assay.Experiment) {
			e.Control.Target, e.Hypothesis.Cold = function, map[string]float64{"mean": 1}
		}, "hypothesis/cold/mean"},
		{"faults", func(e *assay.Experiment) { e.Hypothesis.Faults = &tooMany }, "hypothesis/faults"},
		{"guard-rail", func(e *assay.Experiment) { e.Hypothesis.Guard = map[string]float64{"p50": .1} }, "hypothesis/guard/p50"},
		{"guard-rail's margin", func(e *assay.Experiment) { e.Hypothesis.Guard = map[string]float64{"p99": 1} }, "hypothesis/guard/p99"},
		{"guard-rail of a url", func(e *assay.Experiment) { e.Hypothesis.Guard = map[string]float64{"cost": .1} }, "hypothesis/guard/cost"},
		{"cold calls of a url", func(e *assay.Experiment) { e.Hypothesis.Cold = map[string]float64{"p50": 2} }, "hypothesis/cold"},
		{"memory of a url", func(e *assay.Experiment) { e.Hypothesis.Memory = &same }, "hypothesis/memory"},
		{"delta", func(e *assay.Experiment) { e.Hypothesis.Delta = map[string]float64{"latency": 0} }, "hypothesis/delta/latency"},
		{"ratio", func(e *assay.Experiment) { e.Hypothesis.Latency = map[string]float64{"p99": 0} }, "hypothesis/latency/p99"},
		{"cost", func(e *assay.Experiment) { e.Control.Target, e.Hypothesis.Cost = function, &cost }, "hypothesis/cost"},
		{"cost of a function", func(e *assay.Experiment) { e.Control.Target, e.Hypothesis.Cost = function, &same }, "-"},
		{"cost of a url", func(e *assay.Experiment) { e.Hypothesis.Cost = &same }, "hypothesis/cost"},
		{"alpha", func(e *assay.Experiment) { e.Hypothesis.Alpha = 1 }, "hypothesis/alpha"},
		{"rollout", func(e *assay.Experiment) { e.Rollout = rollout(nil) }, "-"},
		{"rollout of nobody", func(e *assay.Experiment) { e.Rollout = rollout(func(o *assay.Rollout) { o.Candidate = "nobody" }) }, "rollout/candidate"},
		{"rollout of recordings", func(e *assay.Experiment) { e.Rollout, e.Traffic = rollout(nil), assay.TrafficRecorded }, "rollout"},
		{"steps that shrink", func(e *assay.Experiment) {
			e.Rollout = rollout(func(o *assay.Rollout) { o.Canary = []float64{.1, .1} })
		}, "rollout/canary"},
		{"no steps", func(e *assay.Experiment) { e.Rollout = rollout(func(o *assay.Rollout) { o.Canary = nil }) }, "rollout/canary"},
		{"step over all", func(e *assay.Experiment) { e.Rollout = rollout(func(o *assay.Rollout) { o.Canary = []float64{1.1} }) }, "rollout/canary"},
		{"split by nothing", func(e *assay.Experiment) { e.Rollout = rollout(func(o *assay.Rollout) { o.By = "user" }) }, "rollout/by"},
		{"step without answers", func(e *assay.Experiment) { e.Rollout = rollout(func(o *assay.Rollout) { o.Requests = 0 }) }, "rollout/requests"},
		{"too short a step", func(e *assay.Experiment) { e.Rollout = rollout(func(o *assay.Rollout) { o.Within = time.Second }) }, "rollout/within"},
		{"share of errors", func(e *assay.Experiment) { e.Rollout = rollout(func(o *assay.Rollout) { o.Errors = 1 }) }, "rollout/errors"},
		{"ratio of a rollout", func(e *assay.Experiment) {
			e.Rollout = rollout(func(o *assay.Rollout) { o.Latency = map[string]float64{"p99": 0} })
		}, "rollout/latency/p99"},
		{"alias without a version", func(e *assay.Experiment) {
			e.Rollout = rollout(func(o *assay.Rollout) { o.Alias = "arn:aws:lambda:eu-west-1:123456789012:function:f:live" })
		}, "rollout/candidate"},
		{"alias", func(e *assay.Experiment) {
			e.Candidates[0].Target = assay.Target{ARN: "arn:aws:lambda:eu-west-1:123456789012:function:f:7"}
			e.Rollout = rollout(func(o *assay.Rollout) { o.Alias = "arn:aws:lambda:eu-west-1:123456789012:function:f:live" })
		}, "-"},
		{"no alias", func(e *assay.Experiment) {
			e.Candidates[0].Target = assay.Target{Function: "f:7"}
			e.Rollout = rollout(func(o *assay.Rollout) { o.Alias = "arn:aws:lambda:eu-west-1:123456789012:function:f" })
		}, "rollout/alias"},
		{"recorded traffic", func(e *assay.Experiment) { e.Traffic, e.Path = assay.TrafficRecorded, "" }, "-"},
		{"kind of traffic", func(e *assay.Experiment) { e.Traffic = "taped" }, "traffic"},
		{"until", func(e *assay.Experiment) { e.Until.For = -time.Second }, "until/for"},
		{"little kept", func(e *assay.Experiment) { e.Keep.Size = 1000 }, "keep/size"},
		{"kept shortly", func(e *assay.Experiment) { e.Keep.For = time.Second }, "keep/for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := experiment()
			tt.change(&e)
			expect(t, check.Experiment(&e), tt.want)
		})
	}
}

func TestFunctionFlaws(t *testing.T) {
	good := assay.Function{Name: "f", Runtime: "python3", Handler: "main.handler", Code: "/f", MemoryMB: 128, Timeout: time.Second}
	for _, tt := range []struct {
		name   string
		change func(*assay.Function)
		want   string
	}{
		{"good", func(f *assay.Function) { f.Environment = map[string]string{"A_1": "b=c"} }, "-"},
		{"provided needs no handler", func(f *assay.Function) { f.Runtime, f.Handler = "provided.al2023", "" }, "-"},
		{"name", func(f *assay.Function) { f.Name = "a.b" }, ""},
		{"runtime", func(f *assay.Function) { f.Runtime = "" }, "runtime"},
		{"handler", func(f *assay.Function) { f.Handler = "" }, "handler"},
		{"code", func(f *assay.Function) { f.Code = "" }, "code"},
		{"memory", func(f *assay.Function) { f.MemoryMB = 127 }, "memory"},
		{"timeout", func(f *assay.Function) { f.Timeout = 16 * time.Minute }, "timeout"},
		{"concurrency", func(f *assay.Function) { f.Concurrency = -1 }, "concurrency"},
		{"variable", func(f *assay.Function) { f.Environment = map[string]string{"A=B": ""} }, "environment/A=B"},
		{"environment", func(f *assay.Function) { f.Environment = map[string]string{"A": strings.Repeat("a", 4096)} }, "environment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := good
			tt.change(&f)
			expect(t, check.Function(&f), tt.want)
		})
	}
}

// expect wants one flaw, at the path, that says what is wrong and what to do.
func expect(t *testing.T, flaws []assay.Flaw, path string) {
	t.Helper()
	if path == "-" {
		if len(flaws) > 0 {
			t.Fatalf("flaws of a good definition: %+v", flaws)
		}
		return
	}
	if len(flaws) != 1 || strings.Join(flaws[0].Path, "/") != path {
		t.Fatalf("flaws %+v, want one at %q", flaws, path)
	}
	if flaws[0].What == "" || flaws[0].Hint == "" || slices.Contains(flaws[0].Path, "") {
		t.Errorf("a flaw without words or way: %+v", flaws[0])
	}
}
