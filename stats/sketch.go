package stats

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

const (
	// sketchAccuracy is the relative error of a quantile: 1 %.
	sketchAccuracy = 0.01
	// sketchBins bounds a sketch to 16 kB; at this accuracy they span 17 decades.
	sketchBins = 2048
)

// Sketch is a distribution of non-negative numbers in bounded memory, from which quantiles are read to
// within 1 % of the value. Sketches of parts merge into exactly the sketch of the whole. Should the
// values span more than 17 decades, the lowest ones are lumped together and lose their accuracy.
//
// It is a DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
// relative-error guarantees", VLDB 2019) with cubically interpolated buckets. Not safe for concurrent use.
type Sketch struct {
	dd *ddsketch.DDSketch
}

// cubic maps values to bins. It does not change.
var cubic = func() *mapping.CubicallyInterpolatedMapping {
	m, err := mapping.NewCubicallyInterpolatedMapping(sketchAccuracy)
	if err != nil {
		panic(err) // sketchAccuracy is not between 0 and 1
	}
	return m
}()

// NewSketch returns an empty sketch.
func NewSketch() *Sketch {
	return &Sketch{ddsketch.NewDDSketch(cubic, store.NewCollapsingLowestDenseStore(sketchBins), store.NewSparseStore())}
}

// Add counts one value. Negative values count as zero, values beyond what a sketch can index (above
// 1e300) as the largest it can, and NaN not at all.
func (s *Sketch) Add(v float64) {
	if math.IsNaN(v) {
		return
	}
	// The value is in range now, and the other errors are of values out of range.
	_ = s.dd.Add(min(max(v, 0), s.dd.MaxIndexableValue()))
}

// Merge counts every value of o as well.
func (s *Sketch) Merge(o *Sketch) {
	_ = s.dd.MergeWith(o.dd) // fails for sketches of another accuracy; there is but one
}

// Count is the number of values.
func (s *Sketch) Count() int64 { return int64(s.dd.GetCount()) }

// Quantile returns the value below which a share q, from 0 to 1, of the values lies; 0 if the sketch
// is empty.
func (s *Sketch) Quantile(q float64) float64 {
	v, err := s.dd.GetValueAtQuantile(min(max(q, 0), 1))
	if err != nil {
		return 0
	}
	return v
}

// Each calls f for every bucket that holds something, in ascending order of value.
func (s *Sketch) Each(f func(value float64, count int64)) {
	if n := s.dd.GetZeroCount(); n > 0 {
		f(0, int64(n))
	}
	s.eachBin(func(index, count int64) { f(s.dd.Value(int(index)), count) })
}

// eachBin visits the bins above zero, in ascending order.
func (s *Sketch) eachBin(f func(index, count int64)) {
	s.dd.GetPositiveValueStore().ForEach(func(index int, count float64) (stop bool) {
		if count > 0 {
			f(int64(index), int64(count))
		}
		return false
	})
}

// Encode writes the sketch as varints: the count of zeros, then for each bin the step from the index
// before it and its count.
func (s *Sketch) Encode() []byte {
	b := binary.AppendUvarint(nil, uint64(s.dd.GetZeroCount()))
	last := int64(0)
	s.eachBin(func(index, count int64) {
		b = binary.AppendVarint(b, index-last)
		b = binary.AppendUvarint(b, uint64(count))
		last = index
	})
	return b
}

// What an encoded sketch can hold: as many values as a float64 counts exactly, and indexes beyond
// those of any float64 at this accuracy.
const (
	maxSketchCount = 1 << 53
	maxSketchIndex = 1 << 17
)

var errSketch = errors.New("not an encoded sketch")

// DecodeSketch reads what Encode wrote, and fails on anything else.
func DecodeSketch(b []byte) (*Sketch, error) {
	bins, err := decodeBins(b)
	if err != nil {
		return nil, err
	}
	s := NewSketch()
	_ = s.dd.AddWithCount(0, float64(bins[0].count)) // fails for a negative count or value only
	for _, bin := range bins[1:] {
		s.dd.GetPositiveValueStore().AddWithCount(int(bin.index), float64(bin.count))
	}
	return s, nil
}

func decodeBins(b []byte) ([]bin, error) {
	total, n := binary.Uvarint(b)
	if n <= 0 || total > maxSketchCount {
		return nil, errSketch
	}
	bins := append(make([]bin, 0, len(b)/2+1), bin{zeros: true, count: int64(total)})
	for index := int64(0); n < len(b); {
		step, i := binary.Varint(b[n:])
		count, j := binary.Uvarint(b[n+max(i, 0):])
		if i <= 0 || j <= 0 || step < -2*maxSketchIndex || step > 2*maxSketchIndex || count > maxSketchCount {
			return nil, errSketch
		}
		n, index, total = n+i+j, index+step, total+count
		if index < -maxSketchIndex || index > maxSketchIndex || total > maxSketchCount {
			return nil, errSketch
		}
		bins = append(bins, bin{index: index, count: int64(count)})
	}
	return bins, nil
}

// EncodedQuantiles returns the same quantiles as the sketch that Encode wrote, and its count, without making a
// sketch of it: for those who read thousands.
func EncodedQuantiles(b []byte, shares ...float64) (values []float64, count int64, err error) {
	bins, err := decodeBins(b)
	if err != nil {
		return nil, 0, err
	}
	for _, bin := range bins {
		count += bin.count
	}
	values = make([]float64, len(shares))
	for i, q := range shares {
		rank, below := min(max(q, 0), 1)*float64(count-1), int64(0)
		for _, bin := range bins {
			if below += bin.count; float64(below) > rank {
				values[i] = bin.value()
				break
			}
		}
	}
	return values, count, nil
}

// bin is an encoded bin; the one of zeros comes first.
type bin struct {
	zeros        bool
	index, count int64
}

func (b bin) value() float64 {
	if b.zeros {
		return 0
	}
	return cubic.Value(int(b.index))
}
