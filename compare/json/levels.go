package json

import (
	"cmp"
	"slices"

	"github.com/assaylab/assay/compare/report"
)

// level is what is known of a container that may hold a difference: where in the rules and in the report it
// is. Of all containers but the innermost with a level, the item being compared has been entered.
type level struct {
	at      spot
	start   int          // where in the report the differences in it begin
	before  report.Tally // as it began
	members int          // where the list of differences of its members begins

	itemStart  int // of the member being compared
	itemBefore report.Tally
}

// memberDifferences is where in the report the differences of one member stand.
type memberDifferences struct {
	name       string
	start, end int
}

func (l *lockstep) level(at spot) level {
	return level{at: at, start: len(l.report.List), before: l.report.Held, members: len(l.members)}
}

// reach makes the levels that are missing; there has been no difference in them so far. It returns where the
// innermost container is. Before an array whose items a rule matches it goes back to that, for them to be
// matched: what has been passed over in it was the same in both.
func (l *lockstep) reach() (at spot, matched bool) {
	for i := len(l.levels); i < len(l.open); i++ {
		at = l.enter()
		if l.open[i].bracket == '[' && at.find(itemsRule) != nil {
			l.back(i)
			return at, true
		}
		l.levels = append(l.levels, l.level(at))
	}
	if n := len(l.levels); n > 0 {
		at = l.levels[n-1].at
	}
	return at, false
}

// back returns to where an open container begins.
func (l *lockstep) back(i int) {
	c := &l.open[i]
	l.b.at += c.start - l.a.at
	l.a.at, l.seen = c.start, c.seen
	l.names, l.open = l.names[:c.names], l.open[:i]
	l.state = atValue
}

// enter goes into the item being compared in the innermost container with a level, and returns where that is.
func (l *lockstep) enter() spot {
	i := len(l.levels) - 1
	if i < 0 {
		return l.root
	}
	c, at := &l.open[i], l.levels[i].at
	if c.bracket == '[' {
		p := pair{c.index, c.index}
		l.steps = append(l.steps, pathStep{isItem: true, item: p})
		return at.item(p)
	}
	last := len(l.names)
	if i+1 < len(l.open) {
		last = l.open[i+1].names
	}
	name := l.names[last-1]
	l.enterMember(name)
	return at.member(name)
}

func (l *lockstep) enterMember(name string) {
	v := &l.levels[len(l.levels)-1]
	l.steps = append(l.steps, pathStep{name: name})
	v.itemStart, v.itemBefore = len(l.report.List), l.report.Begin()
}

// exit comes out of the item that was entered last, and notes where its differences are if it is a member.
func (l *lockstep) exit() {
	if len(l.levels) == 0 {
		return
	}
	v := &l.levels[len(l.levels)-1]
	step := l.steps[len(l.steps)-1]
	l.steps = l.steps[:len(l.steps)-1]
	if step.isItem {
		return
	}
	l.report.Held = v.itemBefore
	if len(l.report.List) == v.itemStart {
		return
	}
	l.members = append(l.members, memberDifferences{step.name, v.itemStart, len(l.report.List)})
	if len(l.report.List)-v.start > 16*report.MaxListed {
		l.settle(v)
		l.report.Held = v.before
	}
}

// leave comes out of the innermost container.
func (l *lockstep) leave() {
	v := &l.levels[len(l.levels)-1]
	l.levels = l.levels[:len(l.levels)-1]
	if len(l.members) > v.members {
		l.settle(v)
		l.members = l.members[:v.members]
	}
}

// settle puts the differences of an object's members into the order of the names, and strikes out what there
// is no room for.
func (l *lockstep) settle(v *level) {
	found := l.members[v.members:]
	byName := func(x, y memberDifferences) int { return cmp.Compare(x.name, y.name) }
	if len(found) == 1 || slices.IsSortedFunc(found, byName) && len(l.report.List)-v.start <= report.MaxListed {
		l.report.End(v.start, v.before)
		return
	}
	slices.SortStableFunc(found, byName)
	sorted := report.Report{Held: v.before}
	for i, m := range found {
		from := len(sorted.List)
		sorted.List = append(sorted.List, l.report.List[m.start:m.end]...)
		sorted.End(from, sorted.Held)
		found[i].start, found[i].end = v.start+from, v.start+len(sorted.List)
	}
	l.report.List = append(l.report.List[:v.start], sorted.List...)
	l.report.Held = sorted.Held
}

// rotate puts what begins at a place of a list before what comes before it.
func rotate[T any](list []T, at int) {
	slices.Reverse(list[:at])
	slices.Reverse(list[at:])
	slices.Reverse(list)
}
