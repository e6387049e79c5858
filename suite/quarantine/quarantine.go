// Package quarantine keeps a list of tests whose failures do not fail a run short. In come the list, a run's
// results and how the tests ended before; out come the entries that are not needed any longer. It is pure.
package quarantine

import (
	"strings"

	"github.com/assaylab/assay/suite"
)

// Review looks at each entry of a list. An entry is ready to leave when all tests that it names have passed so
// many times in a row, this run included; one that names no test is unused.
func Review(l suite.List, results []suite.Result, past map[string]suite.Past, passes int) suite.Quarantine {
	named, held := make([]bool, len(l)), make([]bool, len(l))
	for _, r := range results {
		i := l.Find(r.ID)
		if i < 0 {
			continue
		}
		named[i] = true
		held[i] = held[i] || passed(past[r.ID].Late+r.Status.Mark()) < min(passes, suite.KeptMarks+1)
	}
	q := suite.Quarantine{List: l}
	for i, e := range l {
		switch {
		case !named[i]:
			q.Unused = append(q.Unused, e)
		case !held[i]:
			q.Ready = append(q.Ready, e)
		}
	}
	return q
}

// passed counts the passes at the end of what is known, skipped runs left out.
func passed(marks string) int {
	marks = strings.ReplaceAll(marks, suite.Skip.Mark(), "")
	return len(marks) - len(strings.TrimRight(marks, suite.Pass.Mark()))
}
