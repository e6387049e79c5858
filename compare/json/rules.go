package json

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/registry"
	"github.com/theory/jsonpath/spec"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/decimal"
	"github.com/assaylab/assay/compare/format"
)

// The kinds of rule, as the definition calls them.
const (
	ruleIgnore    = "ignore"
	ruleSubset    = "subset"
	ruleTolerance = "tolerance"
	ruleRelative  = "relative"
	ruleDates     = "dates"
	ruleNFC       = "nfc"
	ruleUnordered = "unordered"
	ruleKey       = "key"
	ruleAlign     = "align"
	ruleWithin    = "within"
)

// rule is one thing to be done differently at the places its path selects.
type rule struct {
	kind    string
	order   int // of several in force, the first of the definition counts
	path    *jsonpath.Path
	text    string                                 // what Difference.Ignored calls it
	close   func(kind valueKind, a, b string) bool // of the tolerances: whether two values of one kind are close enough
	key     []spec.Selector                        // of key: the way from an item to the value it is matched by
	compare format.CompareFunc                     // of within
}

// rules are those of one body comparator. Plain paths are compiled into places that are walked along
// with the documents; the others (filters, slices, …) are looked up in each pair of documents first.
type rules struct {
	plain   *trie
	start   *place // nil when there are no plain paths, or too many places to make in advance
	lookups []*rule
	kinds   map[string]bool
}

// lenient tells whether values that are written differently may still match.
func (r *rules) lenient() bool {
	for _, kind := range []string{ruleIgnore, ruleSubset, ruleTolerance, ruleRelative, ruleDates, ruleNFC, ruleWithin} {
		if r.kinds[kind] {
			return true
		}
	}
	return false
}

// newRules compiles the rules of a spec, in an order that is always the same.
func newRules(s assay.ComparatorSpec, formats format.Formats) (*rules, []assay.Flaw) {
	return compileRules(s, formats, false)
}

// compileRules compiles rules. In textual documents tolerances of numbers hold for texts, too.
func compileRules(s assay.ComparatorSpec, formats format.Formats, textual bool) (*rules, []assay.Flaw) {
	c := compiler{
		textual: textual,
		rules:   rules{plain: newTrie(), kinds: map[string]bool{}},
		arrays:  map[string]string{},
		parser:  newPathParser(),
	}
	c.addList(ruleIgnore, s.Ignore)
	c.addList(ruleSubset, s.Subset)
	each(s.Tolerance, c.addTolerance)
	each(s.Relative, c.addRelative)
	each(s.Dates, c.addDates)
	c.addList(ruleNFC, s.NFC)
	c.addList(ruleUnordered, s.Unordered)
	each(s.Key, c.addKey)
	c.addList(ruleAlign, s.Align)
	each(s.Within, func(path string, within assay.ComparatorSpec) { c.addWithin(path, within, formats) })
	c.rules.start = c.rules.plain.compile()
	return &c.rules, c.flaws
}

// each visits a map in the order of its keys.
func each[V any](m map[string]V, visit func(string, V)) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		visit(key, m[key])
	}
}

// compiler puts rules together and collects what is wrong with them.
type compiler struct {
	textual bool
	rules   rules
	added   int
	arrays  map[string]string // normal form of a path -> which rule matches the items there
	parser  *jsonpath.Parser
	flaws   []assay.Flaw
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
	option := r.kind
	if option == ruleRelative || option == ruleDates {
		option = ruleTolerance // as definitions write it
	}
	c.flaws = append(c.flaws, assay.Flaw{Path: []string{option, step}, What: what, Hint: hint})
}

// add compiles a rule's path; step is where in its list or map the definition has it.
func (c *compiler) add(path string, r *rule, step string) {
	parsed, err := c.parser.Parse(path)
	if err != nil {
		c.flaw(r, step, fmt.Sprintf("%q is not a JSONPath: %v", path, err), "as in RFC 9535: $.requestId, $.items[*].price, $..id")
		return
	}
	c.added++
	r.path, r.order = parsed, c.added
	if r.matches() {
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

// matches tells whether the rule says how the items of arrays are matched.
func (r *rule) matches() bool {
	return r.kind == ruleUnordered || r.kind == ruleKey || r.kind == ruleAlign
}

// addList adds rules that are paths alone.
func (c *compiler) addList(kind string, paths []string) {
	for i, path := range paths {
		c.add(path, &rule{kind: kind, text: kind + " " + path}, strconv.Itoa(i))
	}
}

func (c *compiler) addTolerance(path string, limit float64) {
	r := &rule{kind: ruleTolerance}
	_, text, ok := c.limit(r, path, limit)
	if !ok {
		return
	}
	largest := decimal.ParseLimit(text)
	r.text = "tolerance " + path + " " + text
	r.close = func(kind valueKind, a, b string) bool {
		return c.numbers(kind, a, b) && largest.Holds(a, b)
	}
	c.add(path, r, path)
}

// numbers tells whether two values of one kind are numbers, or texts that are where these count as such.
func (c *compiler) numbers(kind valueKind, a, b string) bool {
	return kind == number || c.textual && kind == text && decimal.IsNumber(a) && decimal.IsNumber(b)
}

// addRelative adds a tolerance that is a share of the number that is larger without its sign.
func (c *compiler) addRelative(path string, share float64) {
	r := &rule{kind: ruleRelative}
	largest, text, ok := c.limit(r, path, share)
	if !ok {
		return
	}
	r.text = "tolerance " + path + " " + text + " of the number"
	r.close = func(kind valueKind, a, b string) bool {
		return c.numbers(kind, a, b) && decimal.WithinShare(decimal.Parse(a), decimal.Parse(b), largest)
	}
	c.add(path, r, path)
}

// limit is a tolerance exactly, as people wrote it: 0.1, not the binary fraction next to it.
func (c *compiler) limit(r *rule, path string, v float64) (decimal.Decimal, string, bool) {
	if !(v >= 0) || math.IsInf(v, 0) {
		c.flaw(r, path, fmt.Sprintf("a tolerance of %v", v), "a number, 0 or larger, for example 1e-9")
		return decimal.Decimal{}, "", false
	}
	shortest := strconv.FormatFloat(v, 'g', -1, 64)
	return decimal.Parse(shortest), shortest, true
}

func (c *compiler) addDates(path string, limit time.Duration) {
	r := &rule{kind: ruleDates, text: "tolerance " + path + " " + limit.String()}
	if limit < 0 {
		c.flaw(r, path, fmt.Sprintf("a tolerance of %v", limit), "a time, 0s or longer, for example 5s")
		return
	}
	r.close = func(_ valueKind, a, b string) bool { return decimal.DatesWithin(a, b, limit) }
	c.add(path, r, path)
}

func (c *compiler) addWithin(path string, s assay.ComparatorSpec, formats format.Formats) {
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
