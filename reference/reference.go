// Package reference writes reference pages from what the code holds: in comes the schema of definitions, out goes a
// page in Markdown. Pure.
package reference

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// schema is the part of JSON Schema that the schema of definitions uses.
type schema struct {
	Title         string            `json:"title"`
	Description   string            `json:"description"`
	Ref           string            `json:"$ref"`
	Type          words             `json:"type"`
	Enum          []any             `json:"enum"`
	Const         any               `json:"const"`
	Pattern       string            `json:"pattern"`
	Default       any               `json:"default"`
	Properties    map[string]schema `json:"properties"`
	Additional    any               `json:"additionalProperties"`
	Items         *schema           `json:"items"`
	AnyOf         []schema          `json:"anyOf"`
	OneOf         []schema          `json:"oneOf"`
	Definitions   map[string]schema `json:"$defs"`
	PropertyNames *schema           `json:"propertyNames"`
}

// words is one word or several.
type words []string

func (w *words) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(w))
}

// Definitions is the page of the keys of definition files.
func Definitions(text []byte) (string, error) {
	var root schema
	if err := json.Unmarshal(text, &root); err != nil {
		return "", fmt.Errorf("the schema of definitions: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Keys of definition files\n\n%s. Written by `make reference` from the schema that `assay schema` prints.\n\n", root.Description)
	b.WriteString(keys("", root))
	for _, name := range slices.Sorted(maps.Keys(root.Definitions)) {
		if d := root.Definitions[name]; len(d.Properties) > 0 {
			b.WriteString("\n" + keys(name, d))
		}
	}
	b.WriteString("\n## Values\n\n| | |\n| --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(root.Definitions)) {
		if d := root.Definitions[name]; len(d.Properties) == 0 {
			fmt.Fprintf(&b, "| <a id=%q></a>%s | %s |\n", anchor(name), name, says(d))
		}
	}
	return b.String(), nil
}

// keys is the table of a mapping's keys, and of the mappings within it.
func keys(name string, s schema) string {
	var b strings.Builder
	if name != "" {
		fmt.Fprintf(&b, "## %s\n\n<a id=%q></a>", title(name), anchor(name))
		if s.Description != "" {
			b.WriteString(cell(s.Description) + ".")
		}
		b.WriteString("\n\n")
	}
	b.WriteString("| key | value | |\n| --- | --- | --- |\n")
	for _, row := range rows("", s) {
		b.WriteString(row)
	}
	return b.String()
}

func rows(prefix string, s schema) (all []string) {
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		value := s.Properties[key]
		all = append(all, fmt.Sprintf("| `%s%s` | %s | %s |\n", prefix, key, kind(value), cell(value.Description)))
		for _, inner := range append([]schema{value}, append(value.AnyOf, value.OneOf...)...) {
			all = append(all, rows(prefix+key+".", inner)...)
		}
	}
	return all
}

// says is a value in words: what it is for, and how it looks.
func says(s schema) string {
	if s.Description == "" {
		return kind(s)
	}
	return cell(s.Description) + ": " + kind(s)
}

// kind is how a value looks.
func kind(s schema) string {
	switch {
	case s.Ref != "":
		name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		return fmt.Sprintf("[%s](#%s)", title(name), anchor(name))
	case len(s.Enum) > 0:
		return choices(s.Enum)
	case s.Const != nil:
		return choices([]any{s.Const})
	case len(s.AnyOf)+len(s.OneOf) > 0:
		return either(append(slices.Clone(s.AnyOf), s.OneOf...))
	case s.Items != nil:
		return "list of " + kind(*s.Items)
	}
	if inner, ok := s.Additional.(map[string]any); ok && slices.Contains(s.Type, "object") {
		if ref, ok := inner["$ref"].(string); ok {
			return "names, each with " + kind(schema{Ref: ref})
		}
	}
	return typeOf(s)
}

func typeOf(s schema) string {
	var types []string
	for _, t := range s.Type {
		if t != "null" { // every key may be left empty
			types = append(types, map[string]string{"string": "text", "object": "keys", "array": "list", "integer": "whole number", "boolean": "true or false"}[t])
			if types[len(types)-1] == "" {
				types[len(types)-1] = t
			}
		}
	}
	text := strings.Join(types, " or ")
	if s.Pattern != "" {
		text += " like " + code(s.Pattern)
	}
	return text
}

func either(all []schema) string {
	var kinds []string
	for _, s := range all {
		if k := kind(s); k != "" && !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	return strings.Join(kinds, " or ")
}

func choices(all []any) string {
	var texts []string
	for _, v := range all {
		if v != nil {
			texts = append(texts, code(fmt.Sprint(v)))
		}
	}
	return strings.Join(texts, ", ")
}

func code(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }

func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ").Replace(text)
}

// title is a definition's name in words: comparatorName is "comparator name".
func title(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func anchor(name string) string { return "value-" + strings.ReplaceAll(title(name), " ", "-") }
