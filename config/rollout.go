package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
)

// rollout reads what may be left out altogether, or as good as: {} takes the only candidate over by the usual
// steps.
func (r *reader) rollout(n *yaml.Node, e *assay.Experiment) {
	if null(n) {
		return
	}
	o := assay.DefaultRollout
	o.Canary = slices.Clone(o.Canary)
	if len(e.Candidates) == 1 {
		o.Candidate = e.Candidates[0].Name
	}
	limit := func(n *yaml.Node) float64 { return parsed(r, n, parseLimit) }
	r.fields(n, "rollout", fields{
		"candidate": func(n *yaml.Node) { o.Candidate = r.text(n) },
		"canary":    func(n *yaml.Node) { o.Canary = r.steps(n) },
		"by":        func(n *yaml.Node) { o.By = r.text(n) },
		"requests":  func(n *yaml.Node) { o.Requests = r.integer(n) },
		"for":       func(n *yaml.Node) { o.For = parsed(r, n, parseDuration) },
		"within":    func(n *yaml.Node) { o.Within = parsed(r, n, parseDuration) },
		"errors":    func(n *yaml.Node) { o.Errors = limit(n) },
		"latency":   func(n *yaml.Node) { o.Latency = table(r, n, "latency", limit) },
		"alias":     func(n *yaml.Node) { o.Alias = r.address(n) },
		"endpoint":  func(n *yaml.Node) { o.Endpoint = r.address(n) },
	})
	e.Rollout = &o
}

// steps reads "1% -> 10% -> 100%", or a list.
func (r *reader) steps(n *yaml.Node) []float64 {
	var all []float64
	if follow(n).Kind != yaml.ScalarNode {
		for item := range r.items(n, "canary") {
			all = append(all, parsed(r, item, parseShare))
		}
		return all
	}
	for part := range strings.SplitSeq(r.text(n), "->") {
		share, err := parseShare(strings.TrimSpace(part))
		if err != nil {
			r.fail(n, `write "1% -> 10% -> 100%"`, "%q is not a percentage", strings.TrimSpace(part))
			return nil
		}
		all = append(all, share)
	}
	return all
}

type rolloutFile struct {
	Candidate string            `yaml:"candidate"`
	Canary    string            `yaml:"canary"`
	By        string            `yaml:"by,omitempty"`
	Requests  int64             `yaml:"requests"`
	For       string            `yaml:"for"`
	Within    string            `yaml:"within,omitempty"`
	Errors    string            `yaml:"errors"`
	Latency   map[string]string `yaml:"latency,omitempty"`
	Alias     string            `yaml:"alias,omitempty"`
	Endpoint  string            `yaml:"endpoint,omitempty"`
}

func rolloutBody(o *assay.Rollout) *rolloutFile {
	if o == nil {
		return nil
	}
	f := &rolloutFile{
		Candidate: o.Candidate, By: o.By, Requests: o.Requests, For: formatDuration(o.For), Errors: formatLimit(o.Errors),
		Alias: o.Alias, Endpoint: o.Endpoint,
	}
	var steps []string
	for _, share := range o.Canary {
		steps = append(steps, formatShare(share))
	}
	f.Canary = strings.Join(steps, " -> ")
	if o.Within != 0 {
		f.Within = formatDuration(o.Within)
	}
	for quantile, ratio := range o.Latency {
		if f.Latency == nil {
			f.Latency = map[string]string{}
		}
		f.Latency[quantile] = formatLimit(ratio)
	}
	return f
}
