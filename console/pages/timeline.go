package pages

import (
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/lcs"
)

// timelineEntry is one version of a definition, and how it differs from the one before.
type timelineEntry struct {
	assay.Revision
	Anew  bool // it began new evidence
	First bool // no version before it is known
	Lines []changedLine
}

// changedLine is a line that a version has and the one before had not, or the reverse.
type changedLine struct {
	Added bool
	Text  string
}

// timelineVersions is how many versions a page shows.
const timelineVersions = 12

// timelineOf tells what changed from version to version; revisions are newest first, and so are the entries. Of
// the oldest it is told only if it is the first of all.
func timelineOf(revisions []assay.Revision) (all []timelineEntry) {
	for i, r := range revisions {
		e := timelineEntry{Revision: r, Anew: r.Since == r.Version}
		if i+1 < len(revisions) {
			before := revisions[i+1]
			e.Lines = changedLines(before.Definition, r.Definition)
			if before.State != r.State {
				e.Lines = append(e.Lines, changedLine{false, string(before.State)}, changedLine{true, string(r.State)})
			}
		} else if e.First = r.Version == 1; !e.First {
			break
		}
		all = append(all, e)
	}
	return all
}

// changedLines is the shortest list of lines that one text lost and the other gained, in order.
func changedLines(before, after string) (changes []changedLine) {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	common, _ := lcs.Pairs(a, b)
	from := lcs.Pair{}
	for _, p := range append(common, lcs.Pair{X: len(a), Y: len(b)}) {
		for _, lost := range a[from.X:p.X] {
			changes = append(changes, changedLine{false, strings.TrimSpace(lost)})
		}
		for _, gained := range b[from.Y:p.Y] {
			changes = append(changes, changedLine{true, strings.TrimSpace(gained)})
		}
		from = lcs.Pair{X: p.X + 1, Y: p.Y + 1}
	}
	return changes
}
