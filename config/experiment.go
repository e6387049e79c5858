package config

import (
	"maps"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
)

// defaults is the experiment that a definition starts from.
func defaults(name, file string) assay.Experiment {
	return assay.Experiment{
		Name: name, Source: file,
		Sample:     assay.Sample{Rate: 1},
		Budget:     assay.DefaultBudget,
		Hypothesis: assay.Hypothesis{Mismatch: 0.001, Alpha: 0.05},
		Comparators: []assay.ComparatorSpec{
			{Kind: assay.CompareStatus},
			{Kind: assay.CompareHeaders, Only: []string{"content-type"}},
			{Kind: assay.CompareBody},
		},
	}
}

// experiment reads the body of an experiment. Flaws in its whole are shown at key.
func (r *reader) experiment(name string, key, body *yaml.Node) assay.Experiment {
	e := defaults(name, r.file)
	var rollout *yaml.Node
	r.fields(body, "an experiment", fields{
		"traffic":     func(n *yaml.Node) { e.Traffic = traffic(r.text(n)) },
		"path":        func(n *yaml.Node) { e.Path = rooted(r.text(n)) },
		"methods":     func(n *yaml.Node) { e.Methods = r.texts(n, "methods") },
		"unsafe":      func(n *yaml.Node) { e.Unsafe = r.boolean(n) },
		"sample":      func(n *yaml.Node) { e.Sample = r.sample(n) },
		"secondary":   func(n *yaml.Node) { e.Secondary = parsed(r, n, parseShare) },
		"budget":      func(n *yaml.Node) { r.budget(n, &e.Budget) },
		"holdout":     func(n *yaml.Node) { e.Holdout = parsed(r, n, parseShare) },
		"protect":     func(n *yaml.Node) { r.protect(n, &e.Protect) },
		"control":     func(n *yaml.Node) { e.Control = r.arm(string(assay.RoleControl), n) },
		"candidates":  func(n *yaml.Node) { e.Candidates = r.candidates(n) },
		"comparators": func(n *yaml.Node) { e.Comparators = r.comparators(n) },
		"rules":       func(n *yaml.Node) { e.Rules = r.rules(n) },
		"redact":      func(n *yaml.Node) { e.Redact = r.texts(n, "redact") },
		"hypothesis":  func(n *yaml.Node) { r.hypothesis(n, &e.Hypothesis) },
		"until":       func(n *yaml.Node) { r.until(n, &e.Until) },
		"keep":        func(n *yaml.Node) { r.keep(n, &e.Keep) },
		"rollout":     func(n *yaml.Node) { rollout = n },
	})
	if rollout != nil {
		r.rollout(rollout, &e) // once the candidates are known
	}
	e.Control.Name = string(assay.RoleControl)
	if len(e.Comparators) == 0 {
		e.Comparators = defaults(name, r.file).Comparators
	}
	e.Digest = Digest(e)
	r.locate(check.Experiment(&e), key, body)
	return e
}

// traffic reads "live", which need not be written, or "recorded".
func traffic(s string) string {
	if s == "live" {
		return assay.TrafficLive
	}
	return s
}

// rooted gives a path its first slash; the talk's format leaves it out.
func rooted(path string) string {
	if path == "" || strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}

// sample reads 10%, 0.1 or {rate: 10%, by: header:x-user}.
func (r *reader) sample(n *yaml.Node) assay.Sample {
	s := assay.Sample{Rate: 1}
	if follow(n).Kind != yaml.MappingNode {
		s.Rate = parsed(r, n, parseShare)
		return s
	}
	r.fields(n, "sample", fields{
		"rate": func(n *yaml.Node) { s.Rate = parsed(r, n, parseShare) },
		"by":   func(n *yaml.Node) { s.By = r.text(n) },
		"rare": func(n *yaml.Node) { s.Rare = r.small(n) },
	})
	return s
}

func (r *reader) budget(n *yaml.Node, b *assay.Budget) {
	r.fields(n, "budget", fields{
		"concurrency": func(n *yaml.Node) { b.Concurrency = r.small(n) },
		"queue":       func(n *yaml.Node) { b.Queue = r.small(n) },
		"memory":      func(n *yaml.Node) { b.Memory = parsed(r, n, ParseSize) },
		"timeout":     func(n *yaml.Node) { b.Timeout = parsed(r, n, parseDuration) },
		"body":        func(n *yaml.Node) { b.Body = parsed(r, n, ParseSize) },
	})
}

func (r *reader) arm(name string, n *yaml.Node) assay.Arm {
	a := assay.Arm{Name: name}
	r.fields(n, "an arm", fields{
		"name":         func(n *yaml.Node) { a.Title = r.text(n) },
		"url":          func(n *yaml.Node) { a.Target.URL = r.address(n) },
		"arn":          func(n *yaml.Node) { a.Target.ARN = r.address(n) },
		"function":     func(n *yaml.Node) { a.Target.Function = r.address(n) },
		"endpoint":     func(n *yaml.Node) { a.Target.Endpoint = r.address(n) },
		"architecture": func(n *yaml.Node) { a.Target.Architecture = r.text(n) },
		"event":        func(n *yaml.Node) { a.Target.Event = r.text(n) },
		"tls":          func(n *yaml.Node) { a.Target.TLS = r.tls(n) },
	})
	return a
}

func (r *reader) tls(n *yaml.Node) assay.TLS {
	var t assay.TLS
	r.fields(n, "tls", fields{
		"ca":   func(n *yaml.Node) { t.CA = r.folder(n) },
		"cert": func(n *yaml.Node) { t.Cert = r.folder(n) },
		"key":  func(n *yaml.Node) { t.Key = r.folder(n) },
		"name": func(n *yaml.Node) { t.Name = r.text(n) },
	})
	return t
}

// candidates keeps the order of the file: it is the order of reports.
func (r *reader) candidates(n *yaml.Node) []assay.Arm {
	var all []assay.Arm
	for key, body := range r.entries(n, "candidates") {
		all = append(all, r.arm(key.Value, body))
	}
	return all
}

// placeholder is {NAME} in an address, to be filled in from the environment.
var placeholder = regexp.MustCompile(`\{[A-Z_][A-Z0-9_]*\}`)

// embedded is what the talk's placeholders stand for when the environment is silent.
var embedded = map[string]string{
	"AWSREGION":     assay.EmbeddedRegion,
	"AWSACCOUNT_ID": assay.EmbeddedAccount,
}

func (r *reader) address(n *yaml.Node) string {
	return placeholder.ReplaceAllStringFunc(r.text(n), func(braced string) string {
		name := strings.Trim(braced, "{}")
		if r.o.LookupEnv != nil {
			if v, ok := r.o.LookupEnv(name); ok {
				return v
			}
		}
		v, ok := embedded[name]
		if !ok {
			r.fail(n, "set the environment variable "+name, "nothing is known to put in place of %s", braced)
		}
		return v
	})
}

// table reads a mapping of free keys; without entries it is nil.
func table[V any](r *reader, n *yaml.Node, what string, read func(*yaml.Node) V) map[string]V {
	var m map[string]V
	for key, value := range r.entries(n, what) {
		if m == nil {
			m = map[string]V{}
		}
		m[key.Value] = read(value)
	}
	return m
}

// rules reads a list of rules, each a mapping.
func (r *reader) rules(n *yaml.Node) []assay.Rule {
	var all []assay.Rule
	for item := range r.items(n, "rules") {
		var rule assay.Rule
		r.fields(item, "a rule", fields{
			"path":     func(n *yaml.Node) { rule.Path = assay.FoldPath(r.text(n)) },
			"class":    func(n *yaml.Node) { rule.Class = assay.Class(r.text(n)) },
			"within":   func(n *yaml.Node) { rule.Within = r.number(n) },
			"owner":    func(n *yaml.Node) { rule.Owner = r.text(n) },
			"expires":  func(n *yaml.Node) { rule.Expires = parsed(r, n, ParseTime) },
			"accepted": func(n *yaml.Node) { rule.Accepted = parsed(r, n, ParseTime) },
		})
		all = append(all, rule)
	}
	return all
}

func (r *reader) hypothesis(n *yaml.Node, h *assay.Hypothesis) {
	limit := func(n *yaml.Node) float64 { return parsed(r, n, parseLimit) }
	pointed := func(n *yaml.Node) *float64 { v := limit(n); return &v }
	r.fields(n, "hypothesis", fields{
		"mismatch": func(n *yaml.Node) { h.Mismatch = limit(n) },
		"faults":   func(n *yaml.Node) { h.Faults = pointed(n) },
		"latency":  func(n *yaml.Node) { h.Latency = table(r, n, "latency", limit) },
		"cold":     func(n *yaml.Node) { h.Cold = table(r, n, "cold", limit) },
		"cost":     func(n *yaml.Node) { h.Cost = pointed(n) },
		"memory":   func(n *yaml.Node) { h.Memory = pointed(n) },
		"guard":    func(n *yaml.Node) { h.Guard = r.guard(n) },
		"delta":    func(n *yaml.Node) { h.Delta = r.delta(n) },
		"alpha":    func(n *yaml.Node) { h.Alpha = parsed(r, n, parseShare) },
	})
}

// guard reads {p99: 10%, errors: 1%}, a list of names with the default margins, or true for all of them.
func (r *reader) guard(n *yaml.Node) map[string]float64 {
	switch follow(n).Kind {
	case yaml.MappingNode:
		return table(r, n, "guard", r.share)
	case yaml.ScalarNode:
		if null(n) || !r.boolean(n) {
			return nil
		}
		return maps.Clone(assay.Guards)
	}
	var guard map[string]float64
	for _, name := range r.texts(n, "guard") {
		if guard == nil {
			guard = map[string]float64{}
		}
		guard[name] = assay.Guards[name] // Flaws knows the names
	}
	return guard
}

// delta reads 3% for all, or {latency: 3%, cost: 2%}.
func (r *reader) delta(n *yaml.Node) map[string]float64 {
	if follow(n).Kind == yaml.MappingNode {
		return table(r, n, "delta", r.share)
	}
	if null(n) {
		return nil
	}
	all, delta := r.share(n), map[string]float64{}
	for name := range assay.Deltas {
		delta[name] = all
	}
	return delta
}

func (r *reader) share(n *yaml.Node) float64 { return parsed(r, n, parseShare) }

func (r *reader) until(n *yaml.Node, u *assay.Until) {
	r.fields(n, "until", fields{
		"trials": func(n *yaml.Node) { u.Trials = r.integer(n) },
		"for":    func(n *yaml.Node) { u.For = parsed(r, n, parseDuration) },
	})
}

func (r *reader) keep(n *yaml.Node, k *assay.Keep) {
	r.fields(n, "keep", fields{
		"size": func(n *yaml.Node) { k.Size = parsed(r, n, ParseSize) },
		"for":  func(n *yaml.Node) { k.For = parsed(r, n, parseDuration) },
	})
}
