package stats

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// values draws n latencies in milliseconds with a long tail.
func values(seed uint64, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	v := make([]float64, n)
	for i := range v {
		v[i] = math.Exp(1 + 1.5*r.NormFloat64())
	}
	return v
}

func sketchOf(v []float64) *Sketch {
	s := NewSketch()
	for _, x := range v {
		s.Add(x)
	}
	return s
}

func TestSketchQuantilesAreWithinOnePercent(t *testing.T) {
	for _, n := range []int{1, 2, 10, 1000, 100_000} {
		v := values(uint64(n), n)
		s := sketchOf(v)
		slices.Sort(v)
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
			exact := v[int(q*float64(n-1))]
			if got := s.Quantile(q); math.Abs(got-exact) > 0.01*exact {
				t.Errorf("n=%d q=%g: %g, exactly %g", n, q, got, exact)
			}
		}
		if s.Count() != int64(n) {
			t.Errorf("count %d of %d", s.Count(), n)
		}
	}
}

func TestSketchesOfPartsMergeIntoTheWhole(t *testing.T) {
	v := append(values(7, 10_000), 0, 0)
	whole, parts := sketchOf(v), NewSketch()
	for part := range slices.Chunk(v, 301) {
		parts.Merge(sketchOf(part))
	}
	if !bytes.Equal(whole.Encode(), parts.Encode()) {
		t.Error("the merged sketch differs from the sketch of all values")
	}
}

func TestSketchSurvivesEncoding(t *testing.T) {
	for _, v := range [][]float64{nil, {0}, {0, 0, 5}, {1e-6, 1, 1e6}, values(3, 5000)} {
		s := sketchOf(v)
		got, err := DecodeSketch(s.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if got.Count() != int64(len(v)) || got.Quantile(0.9) != s.Quantile(0.9) || !bytes.Equal(got.Encode(), s.Encode()) {
			t.Errorf("%d values: decoded into another sketch", len(v))
		}
	}
}

func TestEncodedQuantilesAreTheSketchs(t *testing.T) {
	for _, v := range [][]float64{nil, {0}, {0, 0, 5}, {1e-6, 1, 1e6}, {7}, {1, 2}, values(3, 5000), append(values(4, 30), 0, 0, 0)} {
		s, shares := sketchOf(v), []float64{-1, 0, 0.1, 0.5, 0.9, 0.99, 1, 2}
		got, count, err := EncodedQuantiles(s.Encode(), shares...)
		if err != nil || count != s.Count() {
			t.Fatalf("%d values, want %d, %v", count, s.Count(), err)
		}
		for i, q := range shares {
			if got[i] != s.Quantile(q) {
				t.Errorf("of %d values %g is %g, want %g", len(v), q, got[i], s.Quantile(q))
			}
		}
	}
	if _, _, err := EncodedQuantiles([]byte{0x80}, 0.5); err == nil {
		t.Error("garbage has quantiles")
	}
}

func TestSketchTakesAnyNumber(t *testing.T) {
	s := sketchOf([]float64{math.NaN(), -1, math.Inf(-1), 0, math.SmallestNonzeroFloat64, math.MaxFloat64, math.Inf(1)})
	if s.Count() != 6 {
		t.Errorf("%d values, want all but NaN", s.Count())
	}
	if got := s.Quantile(1); math.IsInf(got, 0) || got < 1e300 {
		t.Errorf("largest is %g", got)
	}
	if got := NewSketch().Quantile(0.5); got != 0 {
		t.Errorf("median of nothing is %g", got)
	}
}

func TestSketchStaysSmall(t *testing.T) {
	s := NewSketch()
	for e := -300.0; e < 300; e += 0.001 {
		s.Add(math.Pow(10, e))
	}
	if n := len(s.Encode()); n > 4*sketchBins {
		t.Errorf("%d bytes", n)
	}
	if got := s.Quantile(0.999); math.Abs(math.Log10(got)-299.4) > 0.01 {
		t.Errorf("p99.9 is %g", got)
	}
}

func TestSketchBucketsAscendAndAddUp(t *testing.T) {
	s := sketchOf(append(values(5, 1000), 0, 0, 0))
	last, sum := -1.0, int64(0)
	s.Each(func(value float64, count int64) {
		if value <= last {
			t.Errorf("%g after %g", value, last)
		}
		last, sum = value, sum+count
	})
	if sum != s.Count() {
		t.Errorf("buckets hold %d of %d", sum, s.Count())
	}
}

func FuzzDecodeSketch(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0xff})
	f.Add(NewSketch().Encode())
	f.Add(binary.AppendUvarint(binary.AppendVarint([]byte{0}, math.MinInt64), 1))
	f.Add(sketchOf(values(1, 100)).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSketch(b)
		if err != nil {
			return
		}
		again, err := DecodeSketch(s.Encode())
		if err != nil || again.Count() != s.Count() {
			t.Errorf("a decoded sketch does not encode: %v", err)
		}
	})
}

func BenchmarkSketchAdd(b *testing.B) {
	v, s := values(1, 1024), NewSketch()
	for i := 0; b.Loop(); i++ {
		s.Add(v[i%len(v)])
	}
}

func BenchmarkSketchDecodeMergeEncode(b *testing.B) {
	part, whole := sketchOf(values(1, 256)), sketchOf(values(2, 100_000)).Encode()
	b.ReportMetric(float64(len(whole)), "bytes")
	for b.Loop() {
		s, err := DecodeSketch(whole)
		if err != nil {
			b.Fatal(err)
		}
		s.Merge(part)
		s.Encode()
	}
}
