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
	path := func(n *yaml.Node) { spec.Path = rooted(r.text(n)) }
	switch spec.Kind {
	case assay.CompareHeaders:
		r.headers(options, &spec)
	case assay.CompareBody:
		r.body(options, &spec)
	case assay.CompareStatus:
		r.fields(options, spec.Kind, fields{
			"path":  path,
			"class": func(n *yaml.Node) { spec.Class = r.boolean(n) },
			"exact": func(n *yaml.Node) { spec.Exact = r.smalls(n) },
			"same":  func(n *yaml.Node) { spec.Same = r.smalls(n) },
		})
	case assay.CompareFault:
		r.fields(options, spec.Kind, fields{
			"path": path,
			"by":   func(n *yaml.Node) { spec.By = r.text(n) },
		})
	case assay.CompareLatency, assay.CompareMemory, assay.CompareCost:
		r.fields(options, spec.Kind, fields{
			"path":  path,
			"ratio": func(n *yaml.Node) { spec.Ratio = parsed(r, n, parseLimit) },
			"plus":  func(n *yaml.Node) { spec.Plus = r.plus(n, spec.Kind) },
		})
	case assay.CompareExpression:
		r.fields(options, spec.Kind, fields{
			"path":   path,
			"name":   func(n *yaml.Node) { spec.Name = r.text(n) },
			"expect": func(n *yaml.Node) { spec.Expect = r.text(n) },
		})
	case assay.CompareCommand, assay.CompareWasm:
		r.own(options, &spec)
	default:
		if !null(options) {
			r.fail(options, "leave the value out", "%s takes no options", spec.Kind)
		}
	}
	return spec
}

// own reads a comparator that is code of the user's.
func (r *reader) own(n *yaml.Node, spec *assay.ComparatorSpec) {
	known := fields{
		"path":    func(n *yaml.Node) { spec.Path = rooted(r.text(n)) },
		"name":    func(n *yaml.Node) { spec.Name = r.text(n) },
		"code":    func(n *yaml.Node) { spec.Code = r.folder(n) },
		"timeout": func(n *yaml.Node) { spec.Timeout = parsed(r, n, parseDuration) },
		"memory":  func(n *yaml.Node) { spec.MemoryMB = parsed(r, n, parseMemory) },
	}
	if spec.Kind == assay.CompareCommand {
		known["run"] = func(n *yaml.Node) { spec.Run = r.texts(n, "run") }
	}
	r.fields(n, spec.Kind, known)
}

func (r *reader) smalls(n *yaml.Node) (all []int) {
	for item := range r.items(n, "it") {
		all = append(all, r.small(item))
	}
	return all
}

// plus reads what a candidate may need more than the control: a time, a size or a price.
func (r *reader) plus(n *yaml.Node, kind string) float64 {
	switch kind {
	case assay.CompareLatency:
		return parsed(r, n, parseDuration).Seconds() * 1000
	case assay.CompareMemory:
		return float64(parsed(r, n, ParseSize)) / (1 << 20)
	}
	return r.number(n)
}

// headers reads [a, b], {only: [a, b]} or {except: [a, b]}; nothing is the content type.
func (r *reader) headers(n *yaml.Node, spec *assay.ComparatorSpec) {
	switch node := follow(n); {
	case null(n):
		spec.Only = []string{"content-type"}
	case node.Kind == yaml.MappingNode:
		r.fields(n, assay.CompareHeaders, fields{
			"path":      func(n *yaml.Node) { spec.Path = rooted(r.text(n)) },
			"only":      func(n *yaml.Node) { spec.Only = r.lowered(n) },
			"except":    func(n *yaml.Node) { spec.Except = r.lowered(n) },
			"ignore":    func(n *yaml.Node) { spec.Ignore = r.texts(n, "ignore") },
			"unordered": func(n *yaml.Node) { spec.Unordered = r.lowered(n) },
			"tolerance": func(n *yaml.Node) { r.tolerance(n, spec) },
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
		"as":         func(n *yaml.Node) { spec.As = r.text(n) },
		"ignore":     func(n *yaml.Node) { spec.Ignore = r.texts(n, "ignore") },
		"subset":     func(n *yaml.Node) { spec.Subset = r.texts(n, "subset") },
		"tolerance":  func(n *yaml.Node) { r.tolerance(n, spec) },
		"nfc":        func(n *yaml.Node) { spec.NFC = r.texts(n, "nfc") },
		"unordered":  func(n *yaml.Node) { spec.Unordered = r.texts(n, "unordered") },
		"key":        func(n *yaml.Node) { spec.Key = table(r, n, "key", r.text) },
		"align":      func(n *yaml.Node) { spec.Align = r.texts(n, "align") },
		"within":     func(n *yaml.Node) { spec.Within = table(r, n, "within", r.within) },
		"trim":       func(n *yaml.Node) { spec.Trim = r.boolean(n) },
		"case":       func(n *yaml.Node) { spec.Case = r.text(n) },
		"whitespace": func(n *yaml.Node) { spec.Whitespace = r.text(n) },
		"edits":      func(n *yaml.Node) { spec.Edits = parsed(r, n, parseShare) },
		"perceptual": func(n *yaml.Node) { spec.Perceptual = parsed(r, n, parseShare) },
		"alpha":      func(n *yaml.Node) { spec.Alpha = r.text(n) },
		"descriptor": func(n *yaml.Node) { spec.Descriptor = r.folder(n) },
		"message":    func(n *yaml.Node) { spec.Message = r.text(n) },
	}
}

// tolerance reads what is tolerated at a path or in a field: a number, a share of it (1%), or a time (5s).
func (r *reader) tolerance(n *yaml.Node, spec *assay.ComparatorSpec) {
	for key, value := range r.entries(n, "tolerance") {
		switch text := r.text(value); {
		case strings.HasSuffix(text, "%"):
			put(&spec.Relative, key.Value, parsed(r, value, parseShare))
		case follow(value).Tag == "!!str":
			put(&spec.Dates, key.Value, parsed(r, value, parseDuration))
		default:
			put(&spec.Tolerance, key.Value, r.number(value))
		}
	}
}

func put[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
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
