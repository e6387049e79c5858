// Package drift infers what JSON the arms answer with, and tells in what the shapes differ. In come pairs
// of bodies, the control's and a candidate's; out go the fields that appeared, vanished, or changed their
// type, whether they may be null, or the words they take. Pure.
package drift

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Bounds: of a document, and of what is remembered of all.
const (
	maxDepth  = 100
	maxFields = 2000
	maxWords  = 12  // distinct strings of a field that has a fixed set of them
	maxWord   = 64  // bytes
	perWord   = 5   // times that a field must have been seen for each of its words
	longPath  = 512 // bytes
)

// The kinds of drift.
const (
	Appeared = "appeared" // the candidate alone has the field
	Vanished = "vanished" // the control alone has it
	Optional = "optional" // one always has it where the other sometimes does not
	Type     = "type"     // other types of values
	Nullable = "nullable" // one alone has nulls there
	Enum     = "enum"     // words that the control never answered, from a small set of them
)

// Drift is one way in which the shapes of two arms' answers differ.
type Drift struct {
	Path      string `json:"path"` // array indexes folded to [*]
	Kind      string `json:"kind"`
	Control   string `json:"control"`   // what the control has there, with counts
	Candidate string `json:"candidate"` // and the candidate
}

// Shape is the fields of many JSON documents.
type Shape struct {
	documents int
	fields    map[string]*field
	crowded   bool // there were more fields than are remembered
}

// field is what was seen at one path.
type field struct {
	types   map[string]int
	words   map[string]int // nil once there are too many
	strings int
}

// Pair is the shapes of two arms that answered the same requests.
type Pair struct {
	Control, Candidate Shape
	Skipped            int // pairs of bodies of which one is not JSON
}

// Add takes in a pair of bodies, if both are JSON.
func (p *Pair) Add(control, candidate []byte) {
	a, errA := parse(control)
	b, errB := parse(candidate)
	if errA != nil || errB != nil {
		p.Skipped++
		return
	}
	p.Control.add(a)
	p.Candidate.add(b)
}

// Documents is how many pairs of JSON bodies were taken in.
func (p *Pair) Documents() int { return p.Control.documents }

// Crowded tells whether there were more fields than are remembered.
func (p *Pair) Crowded() bool { return p.Control.crowded || p.Candidate.crowded }

func parse(body []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more after the end of the value")
	}
	return v, nil
}

func (s *Shape) add(document any) {
	if s.fields == nil {
		s.fields = map[string]*field{}
	}
	s.documents++
	s.value("$", document, 0)
}

// value notes a value and goes on below it.
func (s *Shape) value(path string, v any, depth int) {
	f := s.field(path)
	if f == nil || depth > maxDepth {
		return
	}
	f.types[typeOf(v)]++
	switch v := v.(type) {
	case string:
		f.word(v)
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			s.value(path+step(name), v[name], depth+1)
		}
	case []any:
		for _, item := range v {
			s.value(path+"[*]", item, depth+1)
		}
	}
}

func (s *Shape) field(path string) *field {
	f := s.fields[path]
	if f == nil {
		if len(s.fields) >= maxFields || len(path) > longPath {
			s.crowded = true
			return nil
		}
		f = &field{types: map[string]int{}, words: map[string]int{}}
		s.fields[path] = f
	}
	return f
}

func (f *field) word(s string) {
	f.strings++
	if f.words == nil {
		return
	}
	if f.words[s]++; len(f.words) > maxWords || len(s) > maxWord {
		f.words = nil
	}
}

// step is a member on a path, as compare writes it.
func step(name string) string {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return "['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "']"
		}
	}
	if name == "" {
		return "['']"
	}
	return "." + name
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "number"
		}
		return "integer"
	case []any:
		return "array"
	}
	return "object"
}

// Drifts lists in what the candidate's shape differs from the control's, in the order of the paths. What
// lies below a field that one side alone has is not listed apart.
func (p *Pair) Drifts() []Drift {
	paths := slices.AppendSeq(slices.Collect(maps.Keys(p.Control.fields)), maps.Keys(p.Candidate.fields))
	slices.Sort(paths)
	all := []Drift{}
	var alone []string // paths of fields that one side alone has
	for _, path := range slices.Compact(paths) {
		a, b := p.Control.fields[path], p.Candidate.fields[path]
		if slices.ContainsFunc(alone, func(above string) bool { return below(path, above) }) {
			continue
		}
		switch {
		case a == nil && p.Control.crowded, b == nil && p.Candidate.crowded: // it may have been there
		case a == nil:
			alone = append(alone, path)
			all = append(all, Drift{path, Appeared, "", p.Candidate.describe(path, b)})
		case b == nil:
			alone = append(alone, path)
			all = append(all, Drift{path, Vanished, p.Control.describe(path, a), ""})
		default:
			all = append(all, p.changes(path, a, b)...)
		}
	}
	slices.SortStableFunc(all, func(a, b Drift) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// below tells whether a path leads on from another.
func below(path, above string) bool {
	rest, begins := strings.CutPrefix(path, above)
	return begins && rest != "" && strings.ContainsAny(rest[:1], ".[")
}

func (p *Pair) changes(path string, a, b *field) (all []Drift) {
	note := func(kind, control, candidate string) { all = append(all, Drift{path, kind, control, candidate}) }
	if !slices.Equal(a.kinds(), b.kinds()) {
		note(Type, counted(a.types), counted(b.types))
	}
	if (a.types["null"] > 0) != (b.types["null"] > 0) {
		note(Nullable, counted(a.types), counted(b.types))
	}
	if x, y := p.Control.missing(path, a), p.Candidate.missing(path, b); (x > 0) != (y > 0) {
		note(Optional, absent(x), absent(y))
	}
	if words := newWords(a, b); len(words) > 0 {
		note(Enum, counted(a.words), "also "+strings.Join(words, ", "))
	}
	return all
}

// kinds lists the types other than null. Integers and numbers are one: 1 and 1.0 are.
func (f *field) kinds() (kinds []string) {
	for t := range f.types {
		if t == "integer" {
			t = "number"
		}
		if t != "null" && !slices.Contains(kinds, t) {
			kinds = append(kinds, t)
		}
	}
	slices.Sort(kinds)
	return kinds
}

func (f *field) seen() (n int) {
	for _, c := range f.types {
		n += c
	}
	return n
}

// missing is how many objects could have had the field and had not; 0 for items of arrays.
func (s *Shape) missing(path string, f *field) int {
	end := max(strings.LastIndexByte(path, '.'), strings.LastIndex(path, "['"))
	if strings.HasSuffix(path, "[*]") || end < 0 {
		return 0
	}
	above := s.fields[path[:end]]
	if above == nil {
		return 0
	}
	return above.types["object"] - f.seen()
}

func absent(n int) string {
	if n <= 0 {
		return "always there"
	}
	return fmt.Sprintf("missing %d times", n)
}

// newWords lists what the candidate answers and the control never did, where the control has a fixed set of
// words: few, each seen several times on average.
func newWords(a, b *field) (words []string) {
	if a.words == nil || b.words == nil || a.strings < perWord*len(a.words) || len(a.words) == 0 {
		return nil
	}
	for w, n := range b.words {
		if a.words[w] == 0 {
			words = append(words, fmt.Sprintf("%q %d times", w, n))
		}
	}
	slices.Sort(words)
	return words
}

func (s *Shape) describe(path string, f *field) string {
	text := counted(f.types)
	if n := s.missing(path, f); n > 0 {
		text += ", " + absent(n)
	}
	return text
}

// counted writes words with how often each was seen, most first.
func counted(counts map[string]int) string {
	words := slices.Collect(maps.Keys(counts))
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	for i, w := range words {
		words[i] = fmt.Sprintf("%s %d times", w, counts[w])
	}
	return strings.Join(words, ", ")
}

// Report is what there is to say of one candidate's answers.
type Report struct {
	Candidate string  `json:"candidate"`
	Compared  int     `json:"compared"`       // trials in which both answers were JSON
	Skipped   int     `json:"skipped"`        // trials in which one was not
	Bare      int     `json:"without_bodies"` // trials whose bodies were not kept
	Crowded   bool    `json:"crowded"`        // there were more fields than are looked at
	Drifts    []Drift `json:"drifts"`
}

// Report returns what was found of a candidate; bare trials are those whose bodies were not kept.
func (p *Pair) Report(candidate string, bare int) Report {
	return Report{Candidate: candidate, Compared: p.Documents(), Skipped: p.Skipped, Bare: bare, Crowded: p.Crowded(), Drifts: p.Drifts()}
}
