package json

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/theory/jsonpath/spec"
)

// trie holds the plain paths of rules, step by step.
type trie struct {
	root  *node
	nodes int
}

func newTrie() *trie { return &trie{root: &node{}} }

// node is a place in the trie.
type node struct {
	number  int
	names   map[string]*node
	indexes map[int]*node
	any     *node // by the wildcard
	deep    *node // by what a descendant segment selects; that node goes along further down
	sticky  bool  // it is a deep of another
	rules   []*rule
}

func (t *trie) node() *node {
	t.nodes++
	return &node{number: t.nodes}
}

func (t *trie) insert(steps []step, r *rule) {
	n := t.root
	for _, s := range steps {
		if s.deep {
			if n.deep == nil {
				n.deep = t.node()
				n.deep.sticky = true
			}
			n = n.deep
		}
		n = t.next(n, s.selector)
	}
	n.rules = append(n.rules, r)
}

// next returns the node that a selector leads to, new if need be.
func (t *trie) next(n *node, selector spec.Selector) *node {
	switch s := selector.(type) {
	case spec.Name:
		return child(t, &n.names, string(s))
	case spec.Index:
		return child(t, &n.indexes, int(s))
	}
	if n.any == nil {
		n.any = t.node()
	}
	return n.any
}

func child[K comparable](t *trie, children *map[K]*node, key K) *node {
	if *children == nil {
		*children = map[K]*node{}
	}
	if (*children)[key] == nil {
		(*children)[key] = t.node()
	}
	return (*children)[key]
}

// nodes are where in the trie a path may be, in the order of their numbers.
type nodes []*node

// enter adds a node, and with it what a descendant segment looks for from there on.
func (s nodes) enter(n *node) nodes {
	if n == nil || slices.Contains(s, n) {
		return s
	}
	return append(s, n).enter(n.deep)
}

// along adds where any name or index leads to from the nodes of another set.
func (s nodes) along(from nodes) nodes {
	for _, n := range from {
		s = s.enter(n.any)
		if n.sticky {
			s = s.enter(n)
		}
	}
	return s
}

// place is where in the rules a path has led to: one place, however many nodes of the trie. The rules in
// force are the first of each kind. A nil place has none, nor has anything below it.
type place struct {
	ignore, subset, nfc, items, within *rule
	close                              []*rule // tolerances
	names                              map[string]*place
	indexes                            map[int]*place
	other                              *place // by any other name or index

	nodes nodes
	maker *places // nil once the ways on are known
}

// places makes places, each once.
type places struct{ known map[string]*place }

// maxPlaces bounds what is made in advance. Paths with many descendant segments could lead to
// exponentially many; those of larger sets of rules are made as documents lead there.
const maxPlaces = 4096

// compile makes all places in advance, so that walks only read them; nil if they are none or too many.
func (t *trie) compile() *place {
	m := &places{known: map[string]*place{}}
	start := t.begin(m)
	for todo := []*place{start}; len(todo) > 0; {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if p == nil || p.maker == nil {
			continue
		}
		p.open()
		if len(m.known) > maxPlaces {
			return nil
		}
		todo = append(todo, p.other)
		for _, next := range p.names {
			todo = append(todo, next)
		}
		for _, next := range p.indexes {
			todo = append(todo, next)
		}
	}
	return start
}

func (t *trie) isEmpty() bool { return t.nodes == 0 && len(t.root.rules) == 0 }

// begin is the place at the root of a document.
func (t *trie) begin(m *places) *place {
	if t.isEmpty() {
		return nil
	}
	return m.of(nodes{}.enter(t.root))
}

// of returns the place of a set of nodes.
func (m *places) of(s nodes) *place {
	if len(s) == 0 {
		return nil
	}
	slices.SortFunc(s, func(a, b *node) int { return cmp.Compare(a.number, b.number) })
	var key []byte
	for _, n := range s {
		key = binary.AppendVarint(key, int64(n.number))
	}
	if p := m.known[string(key)]; p != nil {
		return p
	}
	p := &place{nodes: s, maker: m}
	for _, n := range s {
		for _, r := range n.rules {
			p.put(r)
		}
	}
	m.known[string(key)] = p
	return p
}

func (p *place) put(r *rule) {
	switch r.kind {
	case ruleIgnore:
		p.ignore = first(p.ignore, r)
	case ruleSubset:
		p.subset = first(p.subset, r)
	case ruleNFC:
		p.nfc = first(p.nfc, r)
	case ruleWithin:
		p.within = first(p.within, r)
	case ruleUnordered, ruleKey, ruleAlign:
		p.items = first(p.items, r)
	default:
		p.close = append(p.close, r)
		slices.SortFunc(p.close, func(a, b *rule) int { return cmp.Compare(a.order, b.order) })
	}
}

// first is the one of two rules that the definition has first; either may be nil.
func first(a, b *rule) *rule {
	if a == nil || b != nil && b.order < a.order {
		return b
	}
	return a
}

// open finds out where names and indexes lead to.
func (p *place) open() {
	m := p.maker
	p.maker = nil
	p.other = m.of(nodes{}.along(p.nodes))
	p.names, p.indexes = map[string]*place{}, map[int]*place{}
	for _, n := range p.nodes {
		for name := range n.names {
			p.names[name] = m.of(ways(p.nodes, func(n *node) *node { return n.names[name] }))
		}
		for index := range n.indexes {
			p.indexes[index] = m.of(ways(p.nodes, func(n *node) *node { return n.indexes[index] }))
		}
	}
}

// ways are the nodes that one step leads to.
func ways(from nodes, step func(*node) *node) nodes {
	s := nodes{}.along(from)
	for _, n := range from {
		s = s.enter(step(n))
	}
	return s
}

func (p *place) member(name string) *place {
	if p == nil {
		return nil
	}
	if p.maker != nil {
		p.open()
	}
	if next, known := p.names[name]; known {
		return next
	}
	return p.other
}

func (p *place) item(index int) *place {
	if p == nil {
		return nil
	}
	if p.maker != nil {
		p.open()
	}
	if next, known := p.indexes[index]; known {
		return next
	}
	return p.other
}

// rule returns one of the rules in force, nil if there is none.
func (p *place) rule(which func(*place) *rule) *rule {
	if p == nil {
		return nil
	}
	return which(p)
}

// begin is the place at the root of a document, with the paths looked up that need the document.
func (r *rules) begin(doc *value) *place {
	if len(r.lookups) == 0 {
		return r.beginPlain()
	}
	found := &trie{root: &node{number: -1}, nodes: r.plain.nodes}
	input := doc.plain()
	for _, rule := range r.lookups {
		for _, located := range rule.path.SelectLocated(input) {
			found.insert(locatedSteps(located.Path), rule)
		}
	}
	m := &places{known: map[string]*place{}}
	return m.of(nodes{}.enter(r.plain.root).enter(found.root))
}

// beginPlain is the place at the root of any document, when no path needs to be looked up.
func (r *rules) beginPlain() *place {
	if r.start != nil {
		return r.start
	}
	if r.plain.isEmpty() {
		return nil
	}
	return r.plain.begin(&places{known: map[string]*place{}})
}

func locatedSteps(path spec.NormalizedPath) []step {
	steps := make([]step, len(path))
	for i, selector := range path {
		steps[i].selector = selector.(spec.Selector) // Name and Index are both
	}
	return steps
}
