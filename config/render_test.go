package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
)

type tester interface {
	Helper()
	Fatalf(string, ...any)
}

// again wants that reading what was rendered gives the same document, and returns the text.
func again(t tester, doc Document) []byte {
	t.Helper()
	text, err := Render(doc)
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	got, err := Parse("f.yaml", text, Options{})
	if err != nil {
		t.Fatalf("read what was rendered: %v\n%s", err, text)
	}
	if diff := cmp.Diff(doc, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Document{})); diff != "" {
		t.Fatalf("another document: %s\n%s", diff, text)
	}
	return text
}

func TestRenderRoundTrip(t *testing.T) {
	schema := compiled(t)
	rapid.Check(t, func(t *rapid.T) {
		text := again(t, documents().Draw(t, "document"))
		if err := schema.Validate(decoded(t, text)); err != nil {
			t.Fatalf("the schema refuses what was rendered: %v\n%s", err, text)
		}
	})
}

func TestRenderKeepsTheOrderOfTheFile(t *testing.T) {
	doc := parseOK(t, talk, Options{})
	text := again(t, Document{Experiments: doc.Experiments[:1:1]}.as("f.yaml"))
	if bytes.Index(text, []byte("candidate-2")) > bytes.Index(text, []byte("candidate-1")) {
		t.Errorf("sorted:\n%s", text)
	}
	if bytes.Contains(text, []byte("null")) { // people write "- body:"
		t.Errorf("nothing has a name:\n%s", text)
	}
}

// as is the document as if it had been read from the file.
func (d Document) as(file string) Document {
	for i := range d.Experiments {
		d.Experiments[i].Source = file
	}
	for i := range d.Functions {
		d.Functions[i].Source = file
	}
	return d
}

var (
	names  = rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,20}`)
	shares = rapid.OneOf(rapid.Float64Range(assay.MinRate, 1), rapid.Map(rapid.IntRange(1, 100_000), func(n int) float64 { return float64(n) / 100_000 }))
	ratios = rapid.OneOf(rapid.Float64Range(0.001, 1000), rapid.Map(rapid.IntRange(1, 500), func(n int) float64 { return float64(n) / 100 }))
	texts  = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "1", "0x1", "1e3", "true", "no", "~", "null", "- a", "a: b", "#", "a\nb\n", " a ", "\t", "<<", "*a", "&a", "!a", "2024-01-01", "\u2028", "{", "%"})).
		Filter(func(s string) bool { return !bytes.ContainsRune([]byte(s), 0) && len(s) < 500 })
	ignorable = rapid.SampledFrom([]string{"", "ignore"})
	durations = rapid.Map(rapid.Int64Range(0, 1e15), func(n int64) time.Duration { return time.Duration(n) })
	paths     = rapid.StringMatching(`\$(\.[a-z]{1,5}|\[[0-9]\]|\['[ -~]'\]){0,3}`)
)

func documents() *rapid.Generator[Document] {
	return rapid.Custom(func(t *rapid.T) Document {
		return Document{
			Experiments: rapid.SliceOfNDistinct(experiments(), 0, 2, func(e assay.Experiment) string { return e.Name }).Draw(t, "experiments"),
			Functions:   rapid.SliceOfNDistinct(functions(), 0, 2, func(f assay.Function) string { return f.Name }).Draw(t, "functions"),
		}
	})
}

func experiments() *rapid.Generator[assay.Experiment] {
	return rapid.Custom(func(t *rapid.T) assay.Experiment {
		e := defaults(names.Draw(t, "name"), "f.yaml")
		e.Path = rapid.StringMatching(`(/[a-z0-9.~%:]{0,8}|/\{[a-z]+\}){1,3}(/\*)?`).Draw(t, "path")
		e.Methods = rapid.SliceOfN(rapid.SampledFrom([]string{"GET", "POST", "M-SEARCH"}), 0, 3).Draw(t, "methods")
		e.Unsafe = rapid.Bool().Draw(t, "unsafe")
		e.Sample.Rate = shares.Draw(t, "rate")
		e.Sample.By = rapid.SampledFrom([]string{"", "header:x-user", "cookie:a", "query:b c"}).Draw(t, "by")
		e.Sample.Rare = rapid.IntRange(0, 100).Draw(t, "rare")
		e.Secondary = rapid.OneOf(rapid.Just(0.0), shares).Draw(t, "secondary")
		if rapid.Bool().Draw(t, "has a budget") {
			e.Budget = assay.Budget{
				Concurrency: rapid.IntRange(1, 1000).Draw(t, "concurrency"), Queue: rapid.IntRange(1, 100_000).Draw(t, "queue"),
				Memory: rapid.Int64Range(1, 1<<50).Draw(t, "memory"), Body: rapid.Int64Range(1, 1<<20).Draw(t, "body") << 10,
				Timeout: time.Duration(rapid.Int64Range(1, 1e15).Draw(t, "timeout")),
			}
		}
		e.Holdout = rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1e-6, .9)).Draw(t, "holdout")
		if e.Holdout > 0 {
			e.Protect.Overhead = time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "overhead"))
		}
		e.Protect.Errors = rapid.Ptr(shares, true).Draw(t, "errors")
		e.Protect.Breaker = rapid.IntRange(-1, 50).Draw(t, "breaker")
		e.Control = arms(rapid.Just("control")).Draw(t, "control")
		e.Candidates = rapid.SliceOfNDistinct(arms(names.Filter(func(s string) bool { return s != "control" && s != "secondary" })), 0, 3,
			func(a assay.Arm) string { return a.Name }).Draw(t, "candidates")
		e.Comparators = rapid.SliceOfNDistinct(comparators(), 1, 3, func(c assay.ComparatorSpec) string { return c.Kind }).Draw(t, "comparators")
		e.Rules = rapid.SliceOfNDistinct(rules(), 0, 2, func(r assay.Rule) string { return r.ID() }).Draw(t, "rules")
		e.Redact = rapid.SliceOfN(rapid.OneOf(paths, rapid.SampledFrom([]string{"header:a", "query:b"})), 0, 2).Draw(t, "redact")
		e.Hypothesis = assay.Hypothesis{Mismatch: rapid.OneOf(rapid.Just(0.0), shares).Draw(t, "mismatch"), Alpha: rapid.Float64Range(1e-9, 0.9).Draw(t, "alpha")}
		e.Hypothesis.Latency = rapid.MapOfN(rapid.SampledFrom([]string{"p50", "p90", "p95", "p99"}), ratios, 0, 3).Draw(t, "latency")
		e.Hypothesis.Cold = rapid.MapOfN(rapid.SampledFrom([]string{"p50", "p99"}), ratios, 0, 2).Draw(t, "cold")
		e.Hypothesis.Cost = rapid.Ptr(ratios, true).Draw(t, "cost")
		e.Hypothesis.Faults = rapid.Ptr(shares, true).Draw(t, "faults")
		e.Hypothesis.Guard = rapid.MapOfN(rapid.SampledFrom([]string{"errors", "p99"}), rapid.Float64Range(1e-6, .9), 0, 2).Draw(t, "guard")
		e.Hypothesis.Delta = rapid.MapOfN(rapid.SampledFrom([]string{"latency", "cost", "memory"}), rapid.Float64Range(1e-6, .9), 0, 3).Draw(t, "delta")
		e.Until = assay.Until{Trials: rapid.Int64Range(0, 1<<60).Draw(t, "trials"), For: time.Duration(rapid.Int64Range(0, 1e18).Draw(t, "for"))}
		e.Keep = assay.Keep{Size: rapid.SampledFrom([]int64{0, 1 << 20, 1<<20 + 1, 5 << 30}).Draw(t, "kept"), For: time.Duration(rapid.SampledFrom([]int64{0, 6e10, 6e10 + 1, 1e18}).Draw(t, "kept for"))}
		e.Digest = Digest(e)
		return e
	}).Filter(func(e assay.Experiment) bool { return len(check.Experiment(&e)) == 0 })
}

func arms(name *rapid.Generator[string]) *rapid.Generator[assay.Arm] {
	return rapid.Custom(func(t *rapid.T) assay.Arm {
		return assay.Arm{
			Name: name.Draw(t, "arm"), Title: texts.Draw(t, "title"),
			Target: rapid.SampledFrom([]assay.Target{
				{URL: "http://127.0.0.1:9000"}, {URL: "https://[::1]/a/{b}?"[:19]},
				{URL: "https://a", TLS: assay.TLS{Name: "b"}}, {URL: "https://a", TLS: assay.TLS{CA: "/ca.pem", Cert: "/a b.pem", Key: "/k.pem"}},
				{ARN: "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST", Endpoint: "http://a:1"},
				{Function: "f"}, {Function: "1"}, {Function: "f:$LATEST", Event: "v1"}, {Function: "f:1", Event: "v2"}, {Function: "f", Event: "url"}, {Function: "f", Event: "alb"},
			}).Draw(t, "target"),
		}
	})
}

func rules() *rapid.Generator[assay.Rule] {
	return rapid.Custom(func(t *rapid.T) assay.Rule {
		at := func(label string) time.Time { return time.Unix(rapid.Int64Range(1, 4e9).Draw(t, label), 0).UTC() }
		return assay.Rule{
			Path: rapid.SampledFrom([]string{"body", "body:$['a b'][*]", "body:$.at"}).Draw(t, "at"), Class: rapid.SampledFrom(assay.Classes).Draw(t, "class"),
			Within: rapid.Float64Range(1e-300, 1e300).Draw(t, "within"), Owner: texts.Filter(func(s string) bool { return s != "" }).Draw(t, "owner"),
			Expires: at("expires"), Accepted: at("accepted"),
		}
	})
}

func comparators() *rapid.Generator[assay.ComparatorSpec] {
	return rapid.Custom(func(t *rapid.T) assay.ComparatorSpec {
		c := assay.ComparatorSpec{Kind: rapid.SampledFrom([]string{"statuscode", "headers", "body", "fault", "latency", "memory", "cost", "expression", "command", "wasm"}).Draw(t, "kind")}
		c.Path = rapid.SampledFrom([]string{"", "/a/{id}", "/a/*"}).Draw(t, "path")
		fields := rapid.SliceOfN(rapid.SampledFrom([]string{"content-type", "etag", "1", "x-y"}), 1, 3).Draw(t, "fields")
		codes := rapid.SliceOfN(rapid.IntRange(100, 599), 0, 2)
		switch {
		case c.Kind == "statuscode":
			c.Class, c.Exact, c.Same = rapid.Bool().Draw(t, "class"), codes.Draw(t, "exact"), codes.Draw(t, "same")
		case c.Kind == "expression":
			c.Name, c.Expect = names.Draw(t, "name"), names.Draw(t, "expect")
		case c.Kind == "command" || c.Kind == "wasm":
			c.Name, c.Code = names.Draw(t, "name"), rapid.SampledFrom([]string{"/a/b.wasm", "/c d"}).Draw(t, "code")
			c.Timeout, c.MemoryMB = rapid.SampledFrom([]time.Duration{0, time.Second, 1500 * time.Millisecond}).Draw(t, "timeout"), rapid.IntRange(0, 512).Draw(t, "memory")
			if c.Kind == "command" {
				c.Run = append([]string{"./run"}, rapid.SliceOfN(texts, 0, 2).Draw(t, "words")...)
			}
		case c.Kind == "fault":
			c.By = rapid.SampledFrom([]string{"", "kind", "type", "message"}).Draw(t, "by")
		case c.Kind == "latency" || c.Kind == "memory" || c.Kind == "cost":
			c.Ratio, c.Plus = ratios.Draw(t, "ratio"), float64(rapid.IntRange(0, 1000).Draw(t, "plus"))
		case c.Kind == "headers" && rapid.Bool().Draw(t, "all but"):
			c.Except, c.Ignore = fields, rapid.SliceOfN(rapid.Just("set-cookie:a.expires"), 0, 1).Draw(t, "ignore")
			c.Dates = rapid.MapOfN(rapid.Just("expires"), durations, 0, 1).Draw(t, "dates")
		case c.Kind == "headers":
			c.Only = fields
		case c.Kind == "body":
			c.Type = rapid.SliceOfN(rapid.SampledFrom([]string{"application/json", "image/*", "*/*+xml"}), 0, 2).Draw(t, "type")
			content(t, &c, 1)
		}
		return c
	})
}

// content draws how bodies, or strings within, are compared.
func content(t *rapid.T, c *assay.ComparatorSpec, depth int) {
	c.As = rapid.SampledFrom([]string{"", "json", "text", "bytes", "image", "protobuf", "pdf"}).Draw(t, "as")
	if c.As == "text" {
		c.Trim, c.Edits = rapid.Bool().Draw(t, "trim"), rapid.OneOf(rapid.Just(0.0), shares).Draw(t, "edits")
		c.Case, c.Whitespace, c.Alpha = ignorable.Draw(t, "case"), ignorable.Draw(t, "whitespace"), ignorable.Draw(t, "alpha")
	}
	if c.As == "protobuf" {
		c.Descriptor, c.Message = "/api.binpb", "shop.v1.Order"
	}
	if c.As != "" && c.As != "json" {
		return
	}
	c.Subset = rapid.SliceOfN(paths, 0, 2).Draw(t, "subset")
	c.NFC = rapid.SliceOfN(paths, 0, 2).Draw(t, "nfc")
	c.Align = rapid.SliceOfN(paths, 0, 2).Draw(t, "align")
	c.Relative = rapid.MapOfN(rapid.Just("$.relative"), shares, 0, 1).Draw(t, "relative")
	c.Dates = rapid.MapOfN(rapid.Just("$.dates"), durations, 0, 1).Draw(t, "dates")
	c.Ignore = rapid.SliceOfN(paths, 0, 2).Draw(t, "ignore")
	c.Unordered = rapid.SliceOfN(paths, 0, 2).Draw(t, "unordered")
	c.Tolerance = rapid.MapOfN(paths, rapid.Float64Range(0, 1e300), 0, 2).Draw(t, "tolerance")
	c.Key = rapid.MapOfN(paths, paths, 0, 2).Draw(t, "key")
	if depth == 0 || rapid.Bool().Draw(t, "nothing within") {
		return
	}
	var within assay.ComparatorSpec
	content(t, &within, depth-1)
	c.Within = map[string]assay.ComparatorSpec{paths.Draw(t, "within"): within}
}

func functions() *rapid.Generator[assay.Function] {
	return rapid.Custom(func(t *rapid.T) assay.Function {
		return assay.Function{
			Name: rapid.StringMatching(`[A-Za-z0-9_-]{1,30}`).Draw(t, "name"), Source: "f.yaml",
			Runtime: rapid.SampledFrom([]string{"python3.12", "nodejs", "provided.al2023"}).Draw(t, "runtime"), Handler: "a.b",
			Code:     "/" + texts.Draw(t, "code"),
			Build:    texts.Draw(t, "build"),
			MemoryMB: rapid.IntRange(128, 10240).Draw(t, "memory"), Timeout: time.Duration(rapid.Int64Range(1, int64(15*time.Minute)).Draw(t, "timeout")),
			Environment: rapid.MapOfN(rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,9}`), texts, 0, 3).Draw(t, "environment"),
			Concurrency: rapid.IntRange(0, 100).Draw(t, "concurrency"),
			Standby:     rapid.IntRange(0, 9).Draw(t, "standby"),
			Layers:      rapid.SampledFrom([][]string{nil, {"arn:aws:lambda:us-east-1:000000000000:layer:l:1"}, {"a", "b"}}).Draw(t, "layers"),
			TmpMB:       rapid.SampledFrom([]int{0, 512, 10240}).Draw(t, "tmp"),
			Network:     rapid.Bool().Draw(t, "network"),
		}
	}).Filter(func(f assay.Function) bool { return len(check.Function(&f)) == 0 })
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// decoded is the text as a JSON Schema validator wants it.
func decoded(t tester, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Load(text, &v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(data)); err != nil {
		t.Fatalf("%v", err)
	}
	return v
}

func TestSchemaTakesExamples(t *testing.T) {
	schema := compiled(t)
	examples := map[string]string{"talk": talk, "full": full, "nothing": "experiments:\nfunctions:\n"}
	shipped, err := filepath.Glob("../examples/*/*.yaml")
	if err != nil || len(shipped) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range shipped {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		examples[file] = string(text)
	}
	for name, text := range examples {
		parseOK(t, text, Options{})
		if err := schema.Validate(decoded(t, []byte(text))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaKnowsWhatParseKnows plants an unknown key in each mapping of a file that has them all: where
// Parse refuses it, the schema must, and elsewhere keys are free for both.
func TestSchemaKnowsWhatParseKnows(t *testing.T) {
	schema := compiled(t)
	const key = "un-known"
	mappings := 0
	plant(decoded(t, []byte(full)), func(root any, at map[string]any) {
		at[key] = nil
		defer delete(at, key)
		mappings++
		text, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		_, parsed := Parse("f.json", text, Options{})
		if validated := schema.Validate(decoded(t, text)); (parsed == nil) != (validated == nil) {
			t.Errorf("Parse says %v\nthe schema says %v\nof %s", parsed, validated, text)
		}
	})
	if mappings < 15 {
		t.Errorf("only %d mappings were tried", mappings)
	}
}

// plant visits every mapping below the root.
func plant(root any, visit func(root any, at map[string]any)) {
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			visit(root, v)
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(root)
}

// TestSchemaListsTheKeysThatParseReads compares the keys of each object of the schema with those that
// Parse names when it meets an unknown one.
func TestSchemaListsTheKeysThatParseReads(t *testing.T) {
	schema := compiled(t)
	var all map[string]any
	if err := json.Unmarshal(Schema(), &all); err != nil {
		t.Fatal(err)
	}
	properties := func(def string) map[string]any {
		return all["$defs"].(map[string]any)[def].(map[string]any)["properties"].(map[string]any)
	}
	for def, body := range map[string]string{
		"experiment": `{"experiments": {"a": {"path": "a", "control": {"url": "http://a"}, "KEY": null}}}`,
		"arm":        `{"experiments": {"a": {"path": "a", "control": {"url": "http://a", "KEY": null}}}}`,
		"function":   `{"functions": {"a": {"runtime": "provided", "code": "a", "KEY": null}}}`,
	} {
		for key := range properties(def) {
			text := bytes.Replace([]byte(body), []byte("KEY"), []byte(key), 1)
			if bytes.Count(text, []byte(`"`+key+`"`)) > 1 {
				continue // it stands there already
			}
			if _, err := Parse("f.json", text, Options{}); err != nil {
				t.Errorf("Parse does not know %s of %s: %v", key, def, err)
			}
		}
	}
	if err := schema.Validate(decoded(t, []byte("experiments: {a: {path: a, control: {name: b}}}"))); err == nil {
		t.Error("the schema takes an arm that names nothing")
	}
}

// Recorded traffic needs no path; live traffic need not be called so.
func TestTrafficRoundTrip(t *testing.T) {
	doc := parseOK(t, "experiments:\n  taped: {traffic: recorded, control: {url: \"http://a\"}}\n  live: {traffic: live, path: a, control: {url: \"http://a\"}}\n", Options{})
	if taped, live := doc.Experiments[0], doc.Experiments[1]; taped.Traffic != assay.TrafficRecorded || taped.Path != "" || live.Traffic != assay.TrafficLive {
		t.Errorf("read as %+v and %+v", taped, live)
	}
	text, err := Render(doc)
	if err != nil {
		t.Fatal(err)
	}
	again := parseOK(t, string(text), Options{})
	if d := cmp.Diff(doc.Experiments, again.Experiments); d != "" {
		t.Error(d)
	}
}

func TestRolloutRoundTrip(t *testing.T) {
	head := "experiments:\n  e:\n    path: a\n    control: {url: \"http://a\"}\n    candidates: {b: {url: \"http://b\"}}\n    rollout: "
	for text, want := range map[string]*assay.Rollout{
		"":   nil,
		"{}": {Candidate: "b", Canary: []float64{0.01, 0.1, 0.5, 1}, Requests: 200, For: time.Minute, Errors: 0.01},
		`{candidate: b, canary: 0.5% -> 20%, by: "cookie:id", requests: 9, for: 0s, within: 24h, errors: <= 0.2%, latency: {p99: <= 120%}}`: {
			Candidate: "b", Canary: []float64{0.005, 0.2}, By: "cookie:id", Requests: 9, Within: 24 * time.Hour, Errors: 0.002, Latency: map[string]float64{"p99": 1.2}},
		"{canary: [1%, 100%]}": {Candidate: "b", Canary: []float64{0.01, 1}, Requests: 200, For: time.Minute, Errors: 0.01},
	} {
		doc := parseOK(t, head+text+"\n", Options{})
		if d := cmp.Diff(want, doc.Experiments[0].Rollout); d != "" {
			t.Errorf("%q: %s", text, d)
		}
		rendered, err := Render(doc)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, parseOK(t, string(rendered), Options{}).Experiments[0].Rollout); d != "" {
			t.Errorf("%q after Render: %s\n%s", text, d, rendered)
		}
	}
}
