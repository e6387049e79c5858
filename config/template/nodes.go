package template

import (
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// null tells whether a node is missing or says nothing.
func null(n *yaml.Node) bool { return n == nil || follow(n).Tag == "!!null" }

// get follows keys as they stand, without what "<<" merges in; nil when there is none.
func get(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if n = follow(n); n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var found *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				found = n.Content[i+1]
			}
		}
		n = found
	}
	return n
}

// pair is an entry of a mapping.
type pair struct{ key, value *yaml.Node }

// pairs lists the entries of a mapping, with what "<<" merges into it; of a list of mappings, theirs.
func (r *reader) pairs(n *yaml.Node, what string) []pair {
	n = r.eval(n)
	switch {
	case null(n) || !r.step(n):
		return nil
	case n.Kind == yaml.SequenceNode:
		var all []pair
		for _, item := range n.Content {
			all = append(all, r.pairs(item, what)...)
		}
		return all
	case n.Kind != yaml.MappingNode:
		r.fail(n, "write keys with values below it", "%s should be a mapping, and is %s", what, said(n))
		return nil
	}
	var all, merged []pair
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			merged = append(merged, r.pairs(n.Content[i+1], what)...)
			continue
		}
		own[n.Content[i].Value] = true
		all = append(all, pair{n.Content[i], n.Content[i+1]})
	}
	for _, p := range merged {
		if !own[p.key.Value] {
			all = append(all, p)
		}
	}
	return all
}

// items lists what is in a list; one thing alone is a list of one.
func (r *reader) items(n *yaml.Node) []*yaml.Node {
	n = r.eval(n)
	if null(n) || !r.step(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	var all []*yaml.Node
	for _, item := range n.Content {
		if item = r.eval(item); !null(item) {
			all = append(all, item)
		}
	}
	return all
}

// text reads a scalar; nothing is "".
func (r *reader) text(n *yaml.Node) string {
	n = r.eval(n)
	if null(n) {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		r.fail(n, "write a word, or a line in quotes", "there should be text here, and there is %s", said(n))
		return ""
	}
	return n.Value
}

func (r *reader) texts(n *yaml.Node) []string {
	var all []string
	for _, item := range r.items(n) {
		all = append(all, r.text(item))
	}
	return all
}

// integer reads a whole number, also in quotes, as AWS does.
func (r *reader) integer(n *yaml.Node) int {
	s := r.text(n)
	v, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || v < math.MinInt32 || v > math.MaxInt32 {
		if s != "" {
			r.fail(n, "write digits alone", "there should be a whole number here, and there is %q", s)
		}
		return 0
	}
	return int(v)
}

func (r *reader) number(n *yaml.Node) float64 {
	s := r.text(n)
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		r.fail(n, "write a plain number", "there should be a number here, and there is %q", s)
		return 0
	}
	return v
}

// table reads a mapping of texts.
func (r *reader) table(n *yaml.Node, what string) map[string]string {
	all := map[string]string{}
	for _, p := range r.pairs(n, what) {
		if v := r.eval(p.value); !null(v) {
			all[p.key.Value] = r.text(v)
		}
	}
	return all
}

// said says what a node is, for people.
func said(n *yaml.Node) string {
	switch n = follow(n); {
	case null(n):
		return "nothing"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case len(n.Value) > 40:
		return strconv.Quote(n.Value[:40] + "…")
	}
	return strconv.Quote(n.Value)
}

// scalar makes text that stands where another node does.
func scalar(at *yaml.Node, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: at.Line, Column: at.Column}
}

// nothing stands for AWS::NoValue.
func nothing(at *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: at.Line, Column: at.Column}
}
