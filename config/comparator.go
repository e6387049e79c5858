package config

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
)

// comparators reads a list of names, each alone or with its options as a mapping of one key.
func (r *reader) comparators(n *yaml.Node) []assay.ComparatorSpec {
	var all []assay.ComparatorSpec
	for item := range r.items(n, "comparators") {
		if follow(item).Kind == yaml.ScalarNode {
			all = append(all, r.comparator(item, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}))
			continue
		}
		count := 0
		for key, options := range r.entries(item, "a comparator") {
			if count++; count > 1 {
				r.fail(key, "give each a dash of its own", "one comparator stands in the place of another")
				break
			}
			all = append(all, r.comparator(key, options))
		}
	}
	return all
}

func (r *reader) comparator(name, options *yaml.Node) assay.ComparatorSpec {
	spec := assay.ComparatorSpec{Kind: r.text(name)}
	switch spec.Kind {
	case assay.CompareHeaders:
		r.headers(options, &spec)
	case assay.CompareBody:
		r.body(options, &spec)
	case assay.CompareStatus:
		r.status(options, &spec)
	default:
		if !null(options) {
			r.fail(options, "leave the value out", "%s takes no options", spec.Kind)
		}
	}
	return spec
}

func (r *reader) status(n *yaml.Node, spec *assay.ComparatorSpec) {
	r.fields(n, assay.CompareStatus, fields{
		"path": func(n *yaml.Node) { spec.Path = rooted(r.text(n)) },
	})
}

// headers reads [a, b], {only: [a, b]} or {except: [a, b]}; nothing is the content type.
func (r *reader) headers(n *yaml.Node, spec *assay.ComparatorSpec) {
	switch node := follow(n); {
	case null(n):
		spec.Only = []string{"content-type"}
	case node.Kind == yaml.MappingNode:
		r.fields(n, assay.CompareHeaders, fields{
			"path":   func(n *yaml.Node) { spec.Path = rooted(r.text(n)) },
			"only":   func(n *yaml.Node) { spec.Only = r.lowered(n) },
			"except": func(n *yaml.Node) { spec.Except = r.lowered(n) },
		})
	default:
		spec.Only = r.lowered(n)
	}
}

// lowered reads names of header fields, or media types, whose case does not matter.
func (r *reader) lowered(n *yaml.Node) []string {
	names := r.texts(n, "it")
	for i := range names {
		names[i] = strings.ToLower(names[i])
	}
	return names
}

// body reads "json", or {type: application/json, as: json, ignore: [...], ...}.
func (r *reader) body(n *yaml.Node, spec *assay.ComparatorSpec) {
	if follow(n).Kind == yaml.ScalarNode {
		spec.As = r.text(n)
		return
	}
	known := r.content(spec)
	known["path"] = func(n *yaml.Node) { spec.Path = rooted(r.text(n)) }
	known["type"] = func(n *yaml.Node) { spec.Type = r.lowered(n) }
	r.fields(n, assay.CompareBody, known)
}

// content says how to read what bodies, and strings within them, are compared by.
func (r *reader) content(spec *assay.ComparatorSpec) fields {
	return fields{
		"as":        func(n *yaml.Node) { spec.As = r.text(n) },
		"ignore":    func(n *yaml.Node) { spec.Ignore = r.texts(n, "ignore") },
		"unordered": func(n *yaml.Node) { spec.Unordered = r.texts(n, "unordered") },
		"tolerance": func(n *yaml.Node) { spec.Tolerance = table(r, n, "tolerance", r.number) },
		"key":       func(n *yaml.Node) { spec.Key = table(r, n, "key", r.text) },
		"within":    func(n *yaml.Node) { spec.Within = table(r, n, "within", r.within) },
	}
}

// within reads "json", or {as: json, ignore: [...], ...}. How deep it goes the reader of YAML limits.
func (r *reader) within(n *yaml.Node) (spec assay.ComparatorSpec) {
	if follow(n).Kind == yaml.ScalarNode {
		spec.As = r.text(n)
	} else {
		r.fields(n, "within", r.content(&spec))
	}
	return spec
}
