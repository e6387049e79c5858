package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
)

// What is read of one file is bounded, so that aliases of aliases cannot unfold without end.
const (
	maxDocuments = 100
	maxEntries   = 100_000 // of mappings and lists
	maxMerge     = 16      // mappings that merge others that merge others …
)

// reader turns YAML nodes into values. What it cannot read it notes as a flaw with its position and
// goes on, so that people see all that is wrong at once.
type reader struct {
	file    string
	o       Options
	entered int // entries read so far
	flaws   []*assay.Error
	meant   map[*yaml.Node][]string // of mappings with misspelt keys: the keys that those were meant to be
}

func (r *reader) where(n *yaml.Node) string { return where(r.file, n) }

func (r *reader) fail(n *yaml.Node, hint, format string, args ...any) {
	r.failAt(r.where(n), hint, format, args...)
}

func (r *reader) failAt(where, hint, format string, args ...any) {
	r.flaws = append(r.flaws, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf(format, args...), Where: where, Hint: hint})
}

// documents returns the root of each YAML document in the data that is not empty.
func (r *reader) documents(data []byte) []*yaml.Node {
	if len(data) > MaxBytes {
		r.failAt(r.file, "split the file", "the file has %d bytes, more than %d", len(data), MaxBytes)
		return nil
	}
	if at := invalidUTF8(data); at >= 0 {
		line, column := position(data, at)
		r.failAt(fmt.Sprintf("%s:%d:%d", r.file, line, column), "save the file as UTF-8", "the byte 0x%02x is not UTF-8 text", data[at])
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(pairSurrogates(data)))
	if err != nil {
		r.syntax(err)
		return nil
	}
	var roots []*yaml.Node
	for {
		var n yaml.Node
		switch err := loader.Load(&n); {
		case errors.Is(err, io.EOF):
			return roots
		case err != nil:
			r.syntax(err)
			return nil
		case len(roots) == maxDocuments:
			r.fail(&n, "put them into one", "more than %d YAML documents in one file", maxDocuments)
			return nil
		}
		if len(n.Content) > 0 && !null(n.Content[0]) {
			roots = append(roots, n.Content[0])
		}
	}
}

func (r *reader) syntax(err error) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		r.failAt(r.file, "check that it is the right file", "not YAML: %v", err)
		return
	}
	what, hint := e.Message, "check indentation, quotes and brackets just before this place"
	if strings.Contains(what, "cannot start any token") {
		hint = "indent with spaces, never with tabs, and quote values that begin with a special sign"
	}
	if e.ContextMsg != "" {
		what = e.ContextMsg + ": " + what
	}
	mark := e.Mark
	if mark.Line == 0 {
		mark = e.ContextMark
	}
	r.failAt(fmt.Sprintf("%s:%d:%d", r.file, max(mark.Line, 1), max(mark.Column, 1)), hint, "not YAML: %s", what)
}

// invalidUTF8 is the offset of the first byte that is not part of UTF-8 text, -1 if there is none.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

func position(data []byte, at int) (line, column int) {
	before := data[:at]
	start := bytes.LastIndexByte(before, '\n') + 1
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[start:])
}

// surrogates finds the one thing that JSON has and YAML has not: a character as two escapes. The
// first alternative steps over escaped backslashes.
var surrogates = regexp.MustCompile(`\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

func pairSurrogates(data []byte) []byte {
	if !bytes.Contains(data, []byte(`\u`)) || !json.Valid(data) {
		return data
	}
	return surrogates.ReplaceAllFunc(data, func(m []byte) []byte {
		var s string
		if len(m) == 2 || json.Unmarshal([]byte(`"`+string(m)+`"`), &s) != nil {
			return m
		}
		return []byte(s)
	})
}

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func null(n *yaml.Node) bool { return follow(n).Tag == "!!null" }

// enter counts an entry and says whether it may still be read.
func (r *reader) enter(n *yaml.Node) bool {
	r.entered++
	if r.entered == maxEntries+1 {
		r.fail(n, "split the file, or unfold its aliases", "more than %d entries", maxEntries)
	}
	return r.entered <= maxEntries
}

// entries visits the keys and values of a mapping in the order of the file, those merged in with
// "<<" last. A key given twice is a flaw.
func (r *reader) entries(n *yaml.Node, what string) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(_, _ *yaml.Node) bool) {
		if node := follow(n); node.Kind != yaml.MappingNode {
			if !null(n) {
				r.fail(n, "write keys with values below it", "%s should be a mapping, and is %s", what, kindOf(node))
			}
			return
		}
		r.mapping(n, map[string]*yaml.Node{}, 0, yield)
	}
}

// mapping visits one mapping for entries. seen are the keys so far; depth is 0 for the mapping itself,
// more for what is merged in. It returns false when the visitor has had enough.
func (r *reader) mapping(n *yaml.Node, seen map[string]*yaml.Node, depth int, yield func(_, _ *yaml.Node) bool) bool {
	var merged []*yaml.Node
	content := follow(n).Content
	for i := 0; i+1 < len(content); i += 2 {
		key, value := content[i], content[i+1]
		if !r.enter(key) {
			return false
		}
		if key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		first, twice := seen[key.Value]
		switch {
		case follow(key).Kind != yaml.ScalarNode:
			r.fail(key, "write a plain word", "a key cannot be %s", kindOf(key))
			continue
		case twice && depth > 0:
			continue // what is merged in gives way
		case twice:
			r.fail(key, fmt.Sprintf("keep one; the other is at line %d", first.Line), "the key %q stands here twice", key.Value)
			continue
		}
		seen[key.Value] = key
		if !yield(key, value) {
			return false
		}
	}
	for _, m := range merged {
		if !r.merge(m, seen, depth+1, yield) {
			return false
		}
	}
	return true
}

// merge visits what "<<" brings: a mapping or a list of mappings.
func (r *reader) merge(n *yaml.Node, seen map[string]*yaml.Node, depth int, yield func(_, _ *yaml.Node) bool) bool {
	node := follow(n)
	switch {
	case depth > maxMerge:
		r.fail(n, "unfold them", "mappings are merged more than %d deep", maxMerge)
	case node.Kind == yaml.MappingNode:
		return r.mapping(node, seen, depth, yield)
	case node.Kind == yaml.SequenceNode:
		for _, item := range node.Content {
			if !r.enter(item) || !r.merge(item, seen, depth+1, yield) {
				return false
			}
		}
	default:
		r.fail(n, "write << with an alias of a mapping", "%s cannot be merged in", kindOf(node))
	}
	return true
}

// fields says how to read the value of each key.
type fields map[string]func(*yaml.Node)

// fields reads a mapping whose keys are known. A key without a value is as good as left out; an unknown
// one is a flaw that names the nearest known.
func (r *reader) fields(n *yaml.Node, what string, known fields) {
	for key, value := range r.entries(n, what) {
		switch read, ok := known[key.Value]; {
		case !ok:
			r.misspelt(n, nearest(key.Value, known))
			r.fail(key, suggest(key.Value, known), "%s has no key %q", what, key.Value)
		case !null(value):
			read(value)
		}
	}
}

// misspelt remembers what a mapping lacks because of a misspelt key; meant is "" where that is not known.
func (r *reader) misspelt(mapping *yaml.Node, meant string) {
	if meant == "" {
		return
	}
	if r.meant == nil {
		r.meant = map[*yaml.Node][]string{}
	}
	r.meant[follow(mapping)] = append(r.meant[follow(mapping)], meant)
}

// items visits the items of a list; a single scalar is a list of one, nothing a list of none.
func (r *reader) items(n *yaml.Node, what string) iter.Seq[*yaml.Node] {
	return func(yield func(*yaml.Node) bool) {
		node := follow(n)
		switch {
		case null(n):
		case node.Kind == yaml.ScalarNode:
			yield(n)
		case node.Kind == yaml.SequenceNode:
			for _, item := range node.Content {
				if !r.enter(item) || !yield(item) {
					return
				}
			}
		default:
			r.fail(n, "write it as [a, b]", "%s should be a list, and is %s", what, kindOf(node))
		}
	}
}

// text reads any scalar as it was written; nothing is "".
func (r *reader) text(n *yaml.Node) string {
	node := follow(n)
	if node.Kind != yaml.ScalarNode {
		r.fail(n, "write a word, or a line in quotes", "there should be text here, and there is %s", kindOf(node))
		return ""
	}
	if null(n) {
		return ""
	}
	return node.Value
}

func (r *reader) texts(n *yaml.Node, what string) []string {
	var all []string
	for item := range r.items(n, what) {
		all = append(all, r.text(item))
	}
	return all
}

// integer reads a whole number.
func (r *reader) integer(n *yaml.Node) int64 {
	node := follow(n)
	v, err := strconv.ParseInt(node.Value, 0, 64)
	if node.Tag != "!!int" || err != nil {
		r.fail(n, "write digits alone, for example 16", "there should be a whole number here, and there is %s", kindOf(node))
	}
	return v
}

// small reads a whole number that fits an int on every machine.
func (r *reader) small(n *yaml.Node) int {
	v := r.integer(n)
	if v < math.MinInt32 || v > math.MaxInt32 {
		r.fail(n, "write a smaller number", "%d is too large here", v)
		return 0
	}
	return int(v)
}

func (r *reader) number(n *yaml.Node) float64 {
	node := follow(n)
	v, err := strconv.ParseFloat(node.Value, 64)
	if node.Tag != "!!int" && node.Tag != "!!float" || err != nil {
		r.fail(n, "write a plain number, for example 0.001", "there should be a number here, and there is %s", kindOf(node))
	}
	return v
}

func (r *reader) boolean(n *yaml.Node) bool {
	node := follow(n)
	v, err := strconv.ParseBool(node.Value)
	if node.Tag != "!!bool" || err != nil {
		r.fail(n, "write true or false, without quotes", "there should be true or false here, and there is %s", kindOf(node))
	}
	return v
}

// parsed reads text by one of the parsers of units.go.
func parsed[T any](r *reader, n *yaml.Node, parse func(string) (T, error)) T {
	v, err := parse(r.text(n))
	if err != nil {
		var e *assay.Error
		if errors.As(err, &e) {
			r.fail(n, e.Hint, "%s", e.What)
		}
	}
	return v
}

// kindOf says what a node is, for people.
func kindOf(n *yaml.Node) string {
	switch n = follow(n); {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case null(n):
		return "nothing"
	}
	if len(n.Value) > 40 {
		return fmt.Sprintf("%q", n.Value[:40]+"…")
	}
	return fmt.Sprintf("%q", n.Value)
}
