package noise

import (
	"slices"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

// excuser is a comparator that also knows rules.
type excuser struct {
	next   assay.Comparator
	values map[string][]assay.Rule // by path: those that are about single values
	arrays []assay.Rule            // unordered ones, the last to expire first
	piles  []assay.Comparator      // of each number of arrays: compares with the first so many unordered
}

// Excuse lets a comparator excuse what the rules excuse. A rule excuses what its class knows and nothing
// else, in trials whose control was called before it expired: the same trial is always judged alike.
// Unordered makes the comparator that also takes the arrays at these paths for unordered.
func Excuse(next assay.Comparator, rules []assay.Rule, unordered func(paths []string) assay.Comparator) assay.Comparator {
	if len(rules) == 0 {
		return next
	}
	e := &excuser{next: next, values: map[string][]assay.Rule{}}
	for _, r := range rules {
		if r.Class == assay.ClassUnordered {
			e.arrays = append(e.arrays, r)
		} else {
			e.values[r.Path] = append(e.values[r.Path], r)
		}
	}
	// The last to expire comes first, so that those in force at a time are the first ones.
	slices.SortStableFunc(e.arrays, func(a, b assay.Rule) int { return b.Expires.Compare(a.Expires) })
	var paths []string
	for _, r := range e.arrays {
		paths = append(paths, strings.TrimPrefix(r.Path, "body:"))
		e.piles = append(e.piles, unordered(slices.Clone(paths)))
	}
	return e
}

// Unordered is an experiment's comparators with the arrays at these JSONPaths unordered, wherever bodies may
// be JSON.
func Unordered(specs []assay.ComparatorSpec, paths []string) []assay.ComparatorSpec {
	specs = slices.Clone(specs)
	for i := range specs {
		if s := &specs[i]; s.Kind == assay.CompareBody && (s.As == "" || s.As == "json") {
			s.Unordered = append(slices.Clone(s.Unordered), paths...)
		}
	}
	return specs
}

// For implements assay.Chooser.
func (e *excuser) For(inv *assay.Invocation) assay.Comparator {
	chosen := *e
	chosen.next = assay.ComparatorFor(e.next, inv)
	chosen.piles = nil
	for _, p := range e.piles {
		chosen.piles = append(chosen.piles, assay.ComparatorFor(p, inv))
	}
	return &chosen
}

// Weigh implements assay.Weighing: what is compared again holds nothing of the time before.
func (e *excuser) Weigh(control, other *assay.Observation) int64 {
	return assay.WeightOf(e.next, control, other)
}

// Compare implements assay.Comparator.
func (e *excuser) Compare(control, other *assay.Observation) []assay.Difference {
	all := slices.Clone(e.next.Compare(control, other)) // the next one's list is its own
	all = e.asPiles(all, control, other)
	for i := range all {
		if all[i].Ignored == "" && all[i].Kind == assay.KindValue {
			all[i].Ignored = e.excuse(&all[i], control.Started)
		}
	}
	return all
}

func (e *excuser) excuse(d *assay.Difference, at time.Time) string {
	for _, r := range e.values[assay.FoldPath(d.Path)] {
		if !r.Expired(at) && excuses(&r, d.Control, d.Candidate) {
			return r.Text()
		}
	}
	return ""
}

// asPiles compares again with the arrays unordered, if any difference lies in one: what is gone then is
// excused, and what remains, or only shows then, counts.
func (e *excuser) asPiles(all []assay.Difference, control, other *assay.Observation) []assay.Difference {
	n := 0
	for n < len(e.arrays) && !e.arrays[n].Expired(control.Started) {
		n++
	}
	arrays := e.arrays[:n]
	if !slices.ContainsFunc(all, func(d assay.Difference) bool { return d.Ignored == "" && within(arrays, d.Path) != nil }) {
		return all
	}
	again := e.piles[n-1].Compare(control, other)
	for i := range all {
		d := &all[i]
		if r := within(arrays, d.Path); d.Ignored == "" && r != nil && !slices.ContainsFunc(again, sameAs(*d)) {
			d.Ignored = r.Text()
		}
	}
	for _, d := range again {
		if !slices.ContainsFunc(all, sameAs(d)) {
			all = append(all, d)
		}
	}
	return all
}

func sameAs(d assay.Difference) func(assay.Difference) bool {
	return func(o assay.Difference) bool { return o.Path == d.Path && o.Kind == d.Kind }
}

// within returns the rule of the array that a path lies in, nil if it lies in none.
func within(arrays []assay.Rule, path string) *assay.Rule {
	folded := assay.FoldPath(path)
	for i := range arrays {
		if a := arrays[i].Path; folded == a || strings.HasPrefix(folded, a+"[*]") {
			return &arrays[i]
		}
	}
	return nil
}
