// Package model is AWS's published model of Lambda's API: which operations there are, at which routes, and
// what each may be given. A request's parts come in; the faults that AWS finds before it calls the service
// come out, in its words.
//
// model.json is made by scripts/lambda-model from what botocore brings.
package model

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

//go:embed model.json
var published []byte

// Operation is one of AWS's.
type Operation struct {
	Name   string
	Method string `json:"method"`
	URI    string `json:"uri"`    // with {Member} for parts, and a query if that tells it from another
	Status int    `json:"status"` // when it succeeds

	Input string `json:"input"` // the name of a shape
	input *shape
}

// shape is a type of the model with its constraints. Of a number min and max bound the value, of a string
// and a list the length.
type shape struct {
	Type      string   `json:"type"`
	Min       *float64 `json:"min"`
	Max       *float64 `json:"max"`
	Pattern   string   `json:"pattern"`
	Enum      []string `json:"enum"`
	Sensitive bool     `json:"sensitive"`
	Members   []member `json:"members"` // of a structure
	Member    string   `json:"member"`  // of a list
	Key       string   `json:"key"`     // of a map
	Value     string   `json:"value"`

	matches            func(string) bool
	member, key, value *shape
}

type member struct {
	Name     string `json:"name"`
	Shape    string `json:"shape"`
	In       string `json:"in"` // "uri", "querystring", "header", "payload"; "" is a member of the body
	As       string `json:"as"` // its name there
	Required bool   `json:"required"`

	label string // as errors name it
	shape *shape
}

// Load returns all operations, by name.
func Load() ([]*Operation, error) {
	var m struct {
		Operations map[string]*Operation
		Shapes     map[string]*shape
	}
	if err := json.Unmarshal(published, &m); err != nil {
		return nil, fmt.Errorf("AWS's model of Lambda: %w", err)
	}
	for name, s := range m.Shapes {
		if err := s.link(m.Shapes); err != nil {
			return nil, fmt.Errorf("AWS's model of Lambda: %s: %w", name, err)
		}
	}
	var all []*Operation
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		o := m.Operations[name]
		o.Name, o.input = name, m.Shapes[o.Input]
		all = append(all, o)
	}
	return all, nil
}

// link finds the shapes that a shape names.
func (s *shape) link(all map[string]*shape) (err error) {
	s.member, s.key, s.value = all[s.Member], all[s.Key], all[s.Value]
	for i := range s.Members {
		m := &s.Members[i]
		m.shape, m.label = all[m.Shape], strings.ToLower(m.Name[:1])+m.Name[1:]
	}
	if s.Pattern != "" {
		s.matches, err = matcher(s.Pattern)
	}
	return err
}

// number is Java's look-ahead that keeps an alias from being a version's number. Go's expressions have
// none.
var number = regexp.MustCompile(`^[0-9]+$`)

// matcher makes a test of a whole string. Patterns with look-ahead are put in other words; those of
// services that the engine does not have are not tested.
func matcher(pattern string) (func(string) bool, error) {
	switch pattern {
	case `(?!^[0-9]+$)([a-zA-Z0-9-_]+)`, `((?!^\d+$)^[0-9a-zA-Z-_]+$)`:
		plain := regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
		return func(s string) bool { return plain.MatchString(s) && !number.MatchString(s) }, nil
	case `[0-9A-Za-z\.\-_]*(?<!\.)`:
		plain := regexp.MustCompile(`^[0-9A-Za-z.\-_]*$`)
		return func(s string) bool { return plain.MatchString(s) && !strings.HasSuffix(s, ".") }, nil
	case `(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)`:
		return nil, nil
	}
	pattern, qualified := strings.CutSuffix(pattern, `(:((?!\d+$)[0-9a-zA-Z-_]+))?`)
	if qualified {
		pattern += `(:([0-9a-zA-Z-_]+))?`
	}
	re, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil {
		return nil, err
	}
	names := strings.Contains(pattern, "(function:)?([a-zA-Z0-9-_") // most are bare: spare them the expression
	return func(s string) bool {
		if names && bare(s) {
			return true
		}
		last := s[strings.LastIndexByte(s, ':')+1:]
		return re.MatchString(s) && !(qualified && len(last) < len(s) && number.MatchString(last))
	}, nil
}

// bare tells whether a function's name is nothing but a name.
func bare(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 64
}
