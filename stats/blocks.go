package stats

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Statistic is what one block of an arm's numbers comes to: a quantile above 0 and below 1, or, at zero,
// the mean.
type Statistic float64

// Mean is the statistic of numbers that are paid for by their sum.
const Mean Statistic = 0

// Size is the number of pairs in a block: 5, or as many as a high quantile needs to lie within.
func (s Statistic) Size() int { return max(5, int(math.Round(1/(1-float64(s))))) }

// log is the logarithm of the statistic of numbers, which it puts in order.
func (s Statistic) log(numbers []float64) float64 {
	if s == Mean {
		sum := 0.0
		for _, x := range numbers {
			sum += x
		}
		return math.Log(sum / float64(len(numbers)))
	}
	slices.Sort(numbers)
	rank := int(math.Ceil(float64(s)*float64(len(numbers)) - 1e-9))
	return math.Log(numbers[max(rank, 1)-1])
}

// stage is the number of differences after which a difference stands for twice as many blocks. So the
// differences of a billion pairs are some thousands.
const stage = 128

// Merged is the number of blocks that the r-th difference, counted from 0, is the mean of.
func Merged(r int) float64 { return math.Ldexp(1, r/stage) }

// Blocks folds pairs of positive numbers, in the order in which they come, into differences: that of the
// first's logarithmic statistic from the second's in a block of so many pairs. Where the labels within each
// pair are exchangeable, a difference is symmetric about zero given those before. The outcome depends on the
// order of the pairs and on nothing else. The zero value is empty; not safe for concurrent use.
type Blocks struct {
	pairs       int64
	first       []float64 // of the block under way
	second      []float64
	sum         float64 // of the blocks to be merged into one difference
	merging     float64 // how many those are
	differences []float64
}

// Add counts one pair and tells whether it could: both numbers are positive and finite.
func (b *Blocks) Add(s Statistic, first, second float64) bool {
	if !positive(first) || !positive(second) {
		return false
	}
	b.pairs++
	b.first, b.second = append(b.first, first), append(b.second, second)
	if len(b.first) < s.Size() {
		return true
	}
	b.sum += s.log(b.first) - s.log(b.second)
	b.merging++
	b.first, b.second = b.first[:0], b.second[:0]
	if b.merging >= Merged(len(b.differences)) {
		b.differences = append(b.differences, b.sum/b.merging)
		b.sum, b.merging = 0, 0
	}
	return true
}

func positive(x float64) bool { return x > 0 && !math.IsInf(x, 0) }

// Pairs is the number of pairs added.
func (b *Blocks) Pairs() int64 { return b.pairs }

// Differences are those of the blocks that are whole, in order.
func (b *Blocks) Differences() []float64 { return b.differences }

// Encode writes all of it, for DecodeBlocks.
func (b *Blocks) Encode() []byte {
	out := binary.AppendUvarint(nil, uint64(b.pairs))
	out = binary.AppendUvarint(out, uint64(len(b.first)))
	for _, numbers := range [][]float64{b.first, b.second, {b.sum, b.merging}, b.differences} {
		for _, x := range numbers {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(x))
		}
	}
	return out
}

var errBlocks = errors.New("not encoded blocks")

// DecodeBlocks reads what Encode wrote, and fails on anything else.
func DecodeBlocks(data []byte) (*Blocks, error) {
	pairs, n := binary.Uvarint(data)
	open, m := binary.Uvarint(data[max(n, 0):])
	if n <= 0 || m <= 0 || pairs > math.MaxInt64 {
		return nil, errBlocks
	}
	data = data[n+m:]
	rest := len(data)/8 - 2
	if len(data)%8 != 0 || rest < 0 || open > uint64(rest)/2 {
		return nil, errBlocks
	}
	numbers := make([]float64, len(data)/8)
	for i := range numbers {
		numbers[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	k := int(open)
	return &Blocks{
		pairs: int64(pairs), first: slices.Clone(numbers[:k]), second: slices.Clone(numbers[k : 2*k]),
		sum: numbers[2*k], merging: numbers[2*k+1], differences: numbers[2*k+2:],
	}, nil
}
