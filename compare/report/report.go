// Package report lists differences. In come differences, one after another; out goes a list within bounds, with
// renderings and paths that people can read. It is pure.
package report

import (
	"fmt"
	"slices"

	"github.com/assaylab/assay"
)

// MaxListed is how many differences of one comparator are listed that no rule excuses, and as many that one does.
const MaxListed = 100

// Report collects differences in the order of their paths. Excused ones have room of their own, so that
// they never crowd out one that matters.
type Report struct {
	List []assay.Difference // in the order of their paths
	Held Tally              // those listed since the last Begin
	seen Tally              // all there were
}

// Tally counts differences that no rule excuses, and those that one does.
type Tally [2]int

// class is where a tally counts a difference.
func class(ignored string) int {
	if ignored == "" {
		return 0
	}
	return 1
}

// Add counts a difference and, while there is room, lists what describe makes of it.
func (r *Report) Add(ignored string, describe func() assay.Difference) {
	if r.Room(ignored) {
		d := describe()
		d.Ignored = ignored
		r.Put(d)
	}
}

// Room counts a difference, and tells whether there is room to put it into the list.
func (r *Report) Room(ignored string) bool {
	c := class(ignored)
	r.seen[c]++
	return r.Held[c] < MaxListed
}

// Put lists a difference that Room has counted.
func (r *Report) Put(d assay.Difference) {
	r.Held[class(d.Ignored)]++
	if len(r.List) == cap(r.List) {
		r.List = slices.Grow(r.List, 4+3*len(r.List))
	}
	r.List = append(r.List, d)
}

// Begin opens a part of which it is not known yet whether it comes before what is listed; so it has room
// of its own, unless all that has come for certain has left none. It returns what End takes.
func (r *Report) Begin() Tally {
	before := r.Held
	for c := range r.Held {
		if r.Held[c] < MaxListed {
			r.Held[c] = 0
		}
	}
	return before
}

// End closes the parts that begin at a place of the list, in their order by now, and strikes out what
// there is no room for.
func (r *Report) End(start int, before Tally) {
	r.Held = before
	kept := start
	for i := start; i < len(r.List); i++ {
		c := class(r.List[i].Ignored)
		if r.Held[c] == MaxListed {
			continue
		}
		r.Held[c]++
		if kept < i {
			r.List[kept] = r.List[i]
		}
		kept++
	}
	clear(r.List[kept:])
	r.List = r.List[:kept]
}

// Differences returns the list; where some had no room, the last one listed says how many.
func (r *Report) Differences() []assay.Difference {
	for c, seen := range r.seen {
		more := seen - MaxListed
		for i := len(r.List) - 1; i >= 0 && more > 0; i-- {
			if d := &r.List[i]; class(d.Ignored) == c {
				d.Detail = Joined(d.Detail, fmt.Sprintf("and %d more differences", more))
				break
			}
		}
	}
	return r.List
}
