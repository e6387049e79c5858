package compare

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/registry"
	"github.com/theory/jsonpath/spec"

	"github.com/assaylab/assay"
)

// The kinds of rule, as the definition calls them.
const (
	ruleIgnore    = "ignore"
	ruleTolerance = "tolerance"
	ruleUnordered = "unordered"
	ruleKey       = "key"
	ruleWithin    = "within"
)

// rule is one thing to be done differently at the places its path selects.
type rule struct {
	kind    string
	path    *jsonpath.Path
	text    string          // what Difference.Ignored calls it
	limit   decimal         // of tolerance
	key     []spec.Selector // of key: the way from an item to the value it is matched by
	compare CompareFunc     // of within
}

// rules are those of one body comparator. Plain paths are compiled into one trie that is walked along
// with the documents; the others (filters, slices, …) are looked up in each pair of documents first.
type rules struct {
	plain   *node
	lookups []*rule
	kinds   map[string]bool
}

func (r *rules) empty() bool { return len(r.kinds) == 0 }

// lenient tells whether values that are written differently may still match.
func (r *rules) lenient() bool {
	return r.kinds[ruleIgnore] || r.kinds[ruleTolerance] || r.kinds[ruleWithin]
}

// newRules compiles the rules of a spec, in an order that is always the same.
func newRules(s assay.ComparatorSpec, formats Formats) (*rules, []assay.Flaw) {
	c := compiler{
		rules:  rules{plain: &node{}, kinds: map[string]bool{}},
		arrays: map[string]string{},
		parser: newPathParser(),
	}
	for i, path := range s.Ignore {
		c.add(path, &rule{kind: ruleIgnore, text: "ignore " + path}, strconv.Itoa(i))
	}
	for _, path := range slices.Sorted(maps.Keys(s.Tolerance)) {
		c.addTolerance(path, s.Tolerance[path])
	}
	for i, path := range s.Unordered {
		c.add(path, &rule{kind: ruleUnordered}, strconv.Itoa(i))
	}
	for _, path := range slices.Sorted(maps.Keys(s.Key)) {
		c.addKey(path, s.Key[path])
	}
	for _, path := range slices.Sorted(maps.Keys(s.Within)) {
		c.addWithin(path, s.Within[path], formats)
	}
	return &c.rules, c.flaws
}

// compiler puts rules together and collects what is wrong with them.
type compiler struct {
	rules  rules
	arrays map[string]string // normal form of a path -> which rule matches the items there
	parser *jsonpath.Parser
	flaws  []assay.Flaw
}

// newPathParser makes match and search false where an argument is absent, as RFC 9535 has them in
// sections 2.4.6 and 2.4.7; the library's own panic there.
func newPathParser() *jsonpath.Parser {
	functions := registry.New()
	for _, name := range []string{"match", "search"} {
		function := functions.Get(name)
		library := *function
		*function = *spec.Extension(name, library.ReturnType(), library.Validate, func(args []spec.PathValue) spec.PathValue {
			if slices.ContainsFunc(args, isAbsent) {
				return spec.LogicalFalse
			}
			return library.Evaluate(args)
		})
	}
	return jsonpath.NewParser(jsonpath.WithRegistry(functions))
}

func isAbsent(arg spec.PathValue) bool { return spec.ValueFrom(arg) == nil }

func (c *compiler) flaw(r *rule, step, what, hint string) {
	c.flaws = append(c.flaws, assay.Flaw{Path: []string{r.kind, step}, What: what, Hint: hint})
}

// add compiles a rule's path; step is where in its list or map the definition has it.
func (c *compiler) add(path string, r *rule, step string) {
	parsed, err := c.parser.Parse(path)
	if err != nil {
		c.flaw(r, step, fmt.Sprintf("%q is not a JSONPath: %v", path, err), "as in RFC 9535: $.requestId, $.items[*].price, $..id")
		return
	}
	r.path = parsed
	if r.kind == ruleUnordered || r.kind == ruleKey {
		if before := c.arrays[parsed.String()]; before != "" {
			c.flaw(r, step, fmt.Sprintf("the items at %s are matched in two ways, by %s already", path, before), "leave one of the two out")
			return
		}
		c.arrays[parsed.String()] = r.kind
	}
	c.rules.kinds[r.kind] = true
	if steps, plain := plainSteps(parsed); plain {
		c.rules.plain.insert(steps, r)
		return
	}
	c.rules.lookups = append(c.rules.lookups, r)
}

func (c *compiler) addTolerance(path string, limit float64) {
	r := &rule{kind: ruleTolerance}
	if limit < 0 || math.IsNaN(limit) || math.IsInf(limit, 0) {
		c.flaw(r, path, fmt.Sprintf("a tolerance of %v", limit), "a number, 0 or larger, for example 1e-9")
		return
	}
	// The shortest decimal is what people wrote: 0.1, not the binary fraction next to it.
	shortest := strconv.FormatFloat(limit, 'g', -1, 64)
	r.limit = parseDecimal(shortest)
	r.text = "tolerance " + path + " " + shortest
	c.add(path, r, path)
}

func (c *compiler) addWithin(path string, s assay.ComparatorSpec, formats Formats) {
	r := &rule{kind: ruleWithin}
	compare, flaws := formats.Build(s)
	for _, f := range flaws {
		f.Path = append([]string{ruleWithin, path}, f.Path...)
		c.flaws = append(c.flaws, f)
	}
	r.compare = compare
	c.add(path, r, path)
}

func (c *compiler) addKey(path, within string) {
	r := &rule{kind: ruleKey}
	parsed, err := c.parser.Parse(within)
	if err != nil || parsed.Query().Singular() == nil {
		c.flaw(r, path, fmt.Sprintf("%q does not lead from an item to one value", within), "a path of names and indexes, with the item as $: $.id")
		return
	}
	for _, segment := range parsed.Query().Segments() {
		r.key = append(r.key, segment.Selectors()[0])
	}
	c.add(path, r, path)
}

// step is one step of a plain path.
type step struct {
	selector spec.Selector // a Name, an Index from the front, or the wildcard
	deep     bool          // at any depth
}

// plainSteps takes a path apart, if one look at each name or index on the way decides it.
func plainSteps(p *jsonpath.Path) (steps []step, plain bool) {
	for _, segment := range p.Query().Segments() {
		if len(segment.Selectors()) != 1 {
			return nil, false
		}
		selector := segment.Selectors()[0]
		switch s := selector.(type) {
		case spec.Name, spec.WildcardSelector:
		case spec.Index:
			if s < 0 {
				return nil, false
			}
		default:
			return nil, false
		}
		steps = append(steps, step{selector, segment.IsDescendant()})
	}
	return steps, true
}

// node is a place in the trie of plain paths.
type node struct {
	names   map[string]*node
	indexes map[int]*node
	any     *node // by the wildcard
	deep    *node // by what a descendant segment selects; that node goes along further down
	sticky  bool  // it is a deep of another
	rules   []*rule
}

func (n *node) insert(steps []step, r *rule) {
	for _, s := range steps {
		if s.deep {
			if n.deep == nil {
				n.deep = &node{sticky: true}
			}
			n = n.deep
		}
		n = n.next(s.selector)
	}
	n.rules = append(n.rules, r)
}

// next returns the node that a selector leads to, new if need be.
func (n *node) next(selector spec.Selector) *node {
	switch s := selector.(type) {
	case spec.Name:
		return child(&n.names, string(s))
	case spec.Index:
		return child(&n.indexes, int(s))
	}
	if n.any == nil {
		n.any = &node{}
	}
	return n.any
}

func child[K comparable](children *map[K]*node, key K) *node {
	if *children == nil {
		*children = map[K]*node{}
	}
	if (*children)[key] == nil {
		(*children)[key] = &node{}
	}
	return (*children)[key]
}

// state is the places of the trie that a path has led to.
type state []*node

// enter adds a place, and with it what a descendant segment looks for from there on.
func (s state) enter(n *node) state {
	if n == nil || slices.Contains(s, n) {
		return s
	}
	s = append(s, n)
	return s.enter(n.deep)
}

func (s state) member(name string) state {
	var next state
	for _, n := range s {
		next = next.along(n).enter(n.names[name])
	}
	return next
}

func (s state) item(index int) state {
	var next state
	for _, n := range s {
		next = next.along(n).enter(n.indexes[index])
	}
	return next
}

// along enters what any name or index leads to from n.
func (s state) along(n *node) state {
	s = s.enter(n.any)
	if n.sticky {
		s = s.enter(n)
	}
	return s
}

// find returns the first rule of a kind in force there, nil if there is none.
func (s state) find(kind string) *rule {
	for _, n := range s {
		for _, r := range n.rules {
			if r.kind == kind {
				return r
			}
		}
	}
	return nil
}

// begin is the state at the root of a document, with the paths looked up that need the document.
func (r *rules) begin(doc *value) state {
	var s state
	if !r.empty() {
		s = s.enter(r.plain)
	}
	if len(r.lookups) == 0 {
		return s
	}
	found := &node{}
	input := doc.plain()
	for _, rule := range r.lookups {
		for _, located := range rule.path.SelectLocated(input) {
			found.insert(locatedSteps(located.Path), rule)
		}
	}
	return s.enter(found)
}

func locatedSteps(path spec.NormalizedPath) []step {
	steps := make([]step, len(path))
	for i, selector := range path {
		steps[i].selector = selector.(spec.Selector) // Name and Index are both
	}
	return steps
}
