package pages

import (
	"strings"

	"github.com/assaylab/assay"
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
	common := commonLines(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			changes = append(changes, changedLine{false, strings.TrimSpace(a[i])})
			i++
		default:
			changes = append(changes, changedLine{true, strings.TrimSpace(b[j])})
			j++
		}
	}
	return changes
}

// commonLines has at [i][j] the length of the longest common subsequence of a[i:] and b[j:].
func commonLines(a, b []string) [][]int {
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	return common
}
