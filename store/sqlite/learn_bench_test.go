package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/storetest"
)

// BenchmarkLearn keeps trials from which there is most to learn: a secondary that differs at three paths,
// a candidate that mismatches at two, and six rules that excuse. Beside it, the same without differences.
// Learning, folded in memory and written once a batch, is less than a tenth of what such trials take; a
// statement for each trial took as long as all the rest. The rest is the marks of eleven paths.
func BenchmarkLearn(b *testing.B) {
	for _, c := range []struct {
		name string
		much bool
	}{{"much", true}, {"nothing", false}} {
		b.Run(c.name, func(b *testing.B) {
			trials := storetest.Plain(1, benchBatch)
			for i := range trials {
				t := &trials[i]
				t.Secondary = &assay.Comparison{Observation: t.Control}
				t.Secondary.Observation.Role = assay.RoleSecondary
				if c.much {
					t.Secondary.Differences = differences(3, 6)
					t.Candidates[0].Differences = differences(2, 6)
				}
			}
			s := open(b, filepath.Join(b.TempDir(), "assay.db"), Options{})
			before := cpuTime(b)
			for n := 0; b.Loop(); n++ {
				keep(b, s, renamed(trials, n)...)
			}
			perTrial(b, before)
		})
	}
}

func differences(unexcused, excused int) (all []assay.Difference) {
	for i := range unexcused {
		all = append(all, assay.Difference{Path: fmt.Sprintf("body:$.k%d", i), Kind: assay.KindValue, Control: "1", Candidate: "2"})
	}
	for i := range excused {
		all = append(all, assay.Difference{Path: fmt.Sprintf("body:$.x%d", i), Kind: assay.KindValue, Control: "1", Candidate: "2", Ignored: fmt.Sprint("rule ", i)})
	}
	return all
}
