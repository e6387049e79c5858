package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Input is what a request brings, part by part. A part that is not there is "" or nil.
type Input struct {
	Path   func(name string) string
	Query  func(name string) []string
	Header func(name string) string
	Body   map[string]json.RawMessage // the members of a JSON body
}

// MalformedError tells of a value of another type than the model has.
type MalformedError struct{ Message string }

func (e *MalformedError) Error() string { return e.Message }

// Violations are the values that the model does not allow, each in AWS's words.
type Violations []string

func (v Violations) Error() string {
	noun := "error"
	if len(v) > 1 {
		noun = "errors"
	}
	return fmt.Sprintf("%d validation %s detected: %s", len(v), noun, strings.Join(v, "; "))
}

// Check compares a request's parts with the model. It returns a *MalformedError, or Violations, or nil.
func (o *Operation) Check(in Input) error {
	var c checker
	for i := range o.input.Members {
		m := &o.input.Members[i]
		c.member(m, m.label, m.read(in))
	}
	switch {
	case c.malformed != nil:
		return c.malformed
	case len(c.violations) > 0:
		return c.violations
	}
	return nil
}

// read returns a member as JSON; nil if the request does not have it. Payloads are not for the model.
func (m *member) read(in Input) json.RawMessage {
	var value string
	switch m.In {
	case "":
		return in.Body[m.Name]
	case "uri":
		value = in.Path(m.As)
	case "header":
		value = in.Header(m.As)
	case "querystring":
		values := in.Query(m.As)
		if m.shape.Type == "list" && len(values) > 0 {
			return quoted(values)
		}
		if len(values) > 0 {
			value = values[0]
		}
	}
	switch {
	case value == "":
		return nil
	case m.shape.Type == "string" || !json.Valid([]byte(value)): // anything else is told as of another type
		return quoted(value)
	}
	return json.RawMessage(value)
}

func quoted(v any) json.RawMessage {
	b, _ := json.Marshal(v) // strings always marshal
	return b
}

// checker collects what is wrong.
type checker struct {
	malformed  *MalformedError
	violations Violations
}

func (c *checker) member(m *member, path string, raw json.RawMessage) {
	if raw == nil || string(raw) == "null" {
		if m.Required && m.In != "payload" {
			c.violations = append(c.violations, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", path))
		}
		return
	}
	c.value(m.shape, path, raw)
}

func (c *checker) value(s *shape, path string, raw json.RawMessage) {
	switch s.Type {
	case "structure":
		c.structure(s, path, raw)
	case "list":
		c.list(s, path, raw)
	case "map":
		c.mapping(s, path, raw)
	default:
		text, ok := c.scalar(s, raw)
		if !ok {
			return
		}
		for _, broken := range s.broken(text) {
			c.violate(s, text, path, "Member must "+broken)
		}
	}
}

func (c *checker) violate(s *shape, value, path, constraint string) {
	shown := " '" + value + "'"
	if s.Sensitive {
		shown = ""
	}
	c.violations = append(c.violations, fmt.Sprintf("Value%s at '%s' failed to satisfy constraint: %s", shown, path, constraint))
}

func (c *checker) structure(s *shape, path string, raw json.RawMessage) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		c.unexpected(raw)
		return
	}
	for i := range s.Members {
		m := &s.Members[i]
		c.member(m, path+"."+m.label, members[m.Name])
	}
}

// list checks how many there are, and each. What is wrong with plain values is told of the list as a whole.
func (c *checker) list(s *shape, path string, raw json.RawMessage) {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		c.unexpected(raw)
		return
	}
	var texts []string
	var faulty bool
	for i, e := range elements {
		if s.member.nested() {
			c.value(s.member, fmt.Sprintf("%s.%d.member", path, i+1), e)
			continue
		}
		text, ok := c.scalar(s.member, e)
		texts, faulty = append(texts, text), faulty || !ok || len(s.member.broken(text)) > 0
	}
	shown := "[" + strings.Join(texts, ", ") + "]"
	for _, broken := range s.length(len(elements)) {
		c.violate(s, shown, path, "Member must "+broken)
	}
	if faulty && c.malformed == nil {
		c.violate(s, shown, path, "Member must satisfy constraint: ["+strings.Join(s.member.constraints(), ", ")+"]")
	}
}

func (c *checker) mapping(s *shape, path string, raw json.RawMessage) {
	var entries map[string]json.RawMessage
	if json.Unmarshal(raw, &entries) != nil {
		c.unexpected(raw)
		return
	}
	badKey, badValue := false, false
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		text, ok := c.scalar(s.value, entries[key])
		pairs = append(pairs, key+"="+text)
		badKey = badKey || len(s.key.broken(key)) > 0
		badValue = badValue || !ok || len(s.value.broken(text)) > 0
	}
	if c.malformed != nil {
		return
	}
	shown := "{" + strings.Join(pairs, ", ") + "}"
	for _, broken := range s.length(len(entries)) {
		c.violate(s, shown, path, "Member must "+broken)
	}
	if badKey {
		c.violate(s, shown, path, "Map keys must satisfy constraint: ["+strings.Join(s.key.constraints(), ", ")+"]")
	}
	if badValue {
		c.violate(s, shown, path, "Map value must satisfy constraint: ["+strings.Join(s.value.constraints(), ", ")+"]")
	}
}

// scalar is a plain value as text, if it is of the shape's type.
func (c *checker) scalar(s *shape, raw json.RawMessage) (text string, ok bool) {
	raw = bytes.TrimSpace(raw)
	kind, given := s.Type, kindOf(raw)
	switch kind {
	case "string", "blob", "timestamp":
		if given == "STRING_VALUE" {
			return text, json.Unmarshal(raw, &text) == nil
		}
		kind = "String"
	case "boolean":
		if given == "TRUE_VALUE" || given == "FALSE_VALUE" {
			return string(raw), true
		}
		kind = "Boolean"
	case "integer", "long":
		if _, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return string(raw), true
		}
		kind = "Integer"
	default:
		if given == "NUMBER_VALUE" {
			return string(raw), true
		}
		kind = "Double"
	}
	if given == "" {
		c.unexpected(raw)
		return "", false
	}
	c.malformed = &MalformedError{given + " can not be converted to a" + article(kind) + " " + kind}
	return "", false
}

func article(kind string) string {
	if kind == "Integer" {
		return "n"
	}
	return ""
}

// kindOf names a plain value as AWS's parser does; "" is a structure, a list, or null.
func kindOf(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		return "STRING_VALUE"
	case 't':
		return "TRUE_VALUE"
	case 'f':
		return "FALSE_VALUE"
	case '{', '[', 'n':
		return ""
	}
	return "NUMBER_VALUE"
}

func (c *checker) unexpected(raw []byte) {
	message := "Expected list or null"
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		message = "Start of structure or map found where not expected."
	} else if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		message = "Start of list found where not expected"
	}
	c.malformed = &MalformedError{message}
}

func (s *shape) nested() bool { return s.Type == "structure" || s.Type == "list" || s.Type == "map" }

// broken lists the constraints that a plain value does not satisfy, in AWS's words after "Member must".
func (s *shape) broken(text string) []string {
	switch s.Type {
	case "integer", "long", "double":
		n, _ := strconv.ParseFloat(text, 64) // it is a number
		return s.bounds(n, "value")
	case "string":
		all := s.length(utf8.RuneCountInString(text))
		if s.matches != nil && !s.matches(text) {
			all = append(all, "satisfy regular expression pattern: "+s.Pattern)
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
			all = append(all, "satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
		}
		return all
	}
	return nil
}

func (s *shape) length(n int) []string { return s.bounds(float64(n), "length") }

func (s *shape) bounds(n float64, of string) (all []string) {
	if s.Max != nil && n > *s.Max {
		all = append(all, fmt.Sprintf("have %s less than or equal to %s", of, plain(*s.Max)))
	}
	if s.Min != nil && n < *s.Min {
		all = append(all, fmt.Sprintf("have %s greater than or equal to %s", of, plain(*s.Min)))
	}
	return all
}

// constraints lists all that a plain value in a list or map must satisfy.
func (s *shape) constraints() []string {
	var all []string
	of := "length"
	if s.Type != "string" {
		of = "value"
	}
	if s.Max != nil {
		all = append(all, fmt.Sprintf("Member must have %s less than or equal to %s", of, plain(*s.Max)))
	}
	if s.Min != nil {
		all = append(all, fmt.Sprintf("Member must have %s greater than or equal to %s", of, plain(*s.Min)))
	}
	if s.Pattern != "" {
		all = append(all, "Member must satisfy regular expression pattern: "+s.Pattern)
	}
	if len(s.Enum) > 0 {
		all = append(all, "Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
	}
	return append(all, "Member must not be null")
}

func plain(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
