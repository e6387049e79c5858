package storetest

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/assaylab/assay"
)

// batchesDoNotShow keeps the same trials in batches of other sizes, twice, and mixed with those of others.
func batchesDoNotShow(t *testing.T, store assay.Store) {
	var first []assay.ArmCounts
	for since, size := range []int{1, 7, 40, 120} {
		trials := slices.Clone(Trials(21, 120))
		for i := range trials {
			trials[i].Since, trials[i].ID = since+1, fmt.Sprintf("%d-%s", since, trials[i].ID)
		}
		last := 0
		for batch := range slices.Chunk(trials, size) {
			keep(t, store, append(slices.Clone(batch), trials[last:last+len(batch)]...)...)
			last += len(batch)
		}
		keep(t, store, trials[20:60]...)
		got := counts(t, store, Experiment, since+1).Arms
		if first == nil {
			first = got
		}
		if len(got[2].Blocks) != len(assay.Measures) || !reflect.DeepEqual(got, first) {
			t.Errorf("in batches of %d:\n got %v\nwant %v", size, got, first)
		}
	}
}

// blocksAreExact works out the differences of some measures anew, in the plainest way.
func blocksAreExact(t *testing.T, store assay.Store) {
	trials := Trials(22, 500)
	for batch := range slices.Chunk(trials, 256) {
		keep(t, store, batch...)
	}
	got := candidateOne(t, store).Blocks
	for m, size := range map[assay.Measure]int{assay.MeasureP50: 5, assay.MeasureP95: 20, assay.MeasureP99: 100, assay.MeasureCost: 5, assay.MeasureHeadroom: 5} {
		ours, theirs := warmPairs(trials, m)
		if got[m].Pairs != int64(len(ours)) || len(got[m].Differences) != len(ours)/size {
			t.Errorf("%s: %d pairs in %d blocks, want %d in %d", m, got[m].Pairs, len(got[m].Differences), len(ours), len(ours)/size)
			continue
		}
		for i, d := range got[m].Differences {
			want := math.Log(block(m, ours[i*size:(i+1)*size]) / block(m, theirs[i*size:(i+1)*size]))
			if math.Abs(d-want) > 1e-9 {
				t.Errorf("%s: difference %d is %v, want %v", m, i, d, want)
			}
		}
	}
}

func warmPairs(trials []assay.Trial, m assay.Measure) (ours, theirs []float64) {
	for i := range trials {
		s, c := trials[i].Secondary, &trials[i].Candidates[0].Observation
		if s == nil || s.Observation.Cold || c.Cold {
			continue
		}
		if x, y := m.Of(c), m.Of(&s.Observation); x > 0 && y > 0 {
			ours, theirs = append(ours, x), append(theirs, y)
		}
	}
	return ours, theirs
}

// block is the mean of numbers, or that of them which at least a share of them does not exceed.
func block(m assay.Measure, numbers []float64) float64 {
	if m == assay.MeasureCost {
		sum := 0.0
		for _, x := range numbers {
			sum += x
		}
		return sum / float64(len(numbers))
	}
	for _, x := range slices.Sorted(slices.Values(numbers)) {
		within := 0
		for _, y := range numbers {
			if y <= x {
				within++
			}
		}
		if float64(within) >= m.Quantile()*float64(len(numbers)) {
			return x
		}
	}
	return math.NaN()
}
