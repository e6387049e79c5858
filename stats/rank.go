package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// The tests here are for one look at a size that was fixed before. Looked at again and again they cry wolf;
// that is what the e-values of this package are for.

// MannWhitney tests whether x tends to be above y: w counts the pairs in which it is, ties half, and p is
// the chance of as many or more when both come from one distribution. It is exact without ties, and a
// normal approximation with continuity correction otherwise. Without numbers it is 1.
func MannWhitney(x, y []float64) (w, p float64) {
	ties := false
	for _, a := range x {
		for _, b := range y {
			switch {
			case a > b:
				w++
			case a == b:
				w, ties = w+.5, true
			}
		}
	}
	m, n := len(x), len(y)
	switch {
	case m*n == 0:
		return w, 1
	case ties || m*n > 2500:
		return w, normalTail(w, float64(m*n)/2, math.Sqrt(rankVariance(x, y)))
	}
	return w, upperShare(subsetCounts(m, n), w)
}

// subsetCounts[u] is in how many orders of m and n numbers the first exceed u of the pairs, by the
// recurrence on which of the two holds the largest.
func subsetCounts(m, n int) []float64 {
	row := make([][]float64, n+1) // for the m so far
	for j := range row {
		row[j] = []float64{1}
	}
	for i := 1; i <= m; i++ {
		next := make([][]float64, n+1)
		next[0] = []float64{1}
		for j := 1; j <= n; j++ {
			counts := make([]float64, i*j+1)
			copy(counts, next[j-1]) // the largest is of the second
			for u, c := range row[j] {
				counts[u+j] += c // it is of the first, and exceeds j
			}
			next[j] = counts
		}
		row = next
	}
	return row[n]
}

// rankVariance of w, ties taken into account.
func rankVariance(x, y []float64) float64 {
	m, n := float64(len(x)), float64(len(y))
	all := slices.Sorted(slices.Values(slices.Concat(x, y)))
	tied := 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i] {
			j++
		}
		t := float64(j - i)
		tied += t*t*t - t
		i = j
	}
	total := m + n
	return m * n / 12 * (total + 1 - tied/(total*(total-1)))
}

// SignedRank tests whether differences tend to be above zero: v is the sum of the ranks, by size, of those
// that are, and p the chance of as much or more when they are symmetric about zero. Zeros are left out.
// It is exact without ties up to 50 differences, and a normal approximation otherwise.
func SignedRank(differences []float64) (v, p float64) {
	d := slices.DeleteFunc(slices.Clone(differences), func(x float64) bool { return x == 0 })
	slices.SortFunc(d, func(a, b float64) int { return compareSizes(a, b) })
	ties, squares := false, 0.0
	for i := 0; i < len(d); {
		j := i
		for j < len(d) && compareSizes(d[j], d[i]) == 0 {
			j++
		}
		ties = ties || j-i > 1
		rank := float64(i+j+1) / 2
		for ; i < j; i++ {
			squares += rank * rank
			if d[i] > 0 {
				v += rank
			}
		}
	}
	n := len(d)
	switch {
	case n == 0:
		return 0, 1
	case ties || n > 50:
		return v, normalTail(v, float64(n*(n+1))/4, math.Sqrt(squares/4))
	}
	counts := []float64{1}
	for k := 1; k <= n; k++ {
		next := make([]float64, len(counts)+k)
		copy(next, counts)
		for s, c := range counts {
			next[s+k] += c
		}
		counts = next
	}
	return v, upperShare(counts, v)
}

// compareSizes takes for ties what differs by rounding alone.
func compareSizes(a, b float64) int {
	a, b = math.Abs(a), math.Abs(b)
	switch d := a - b; {
	case math.Abs(d) <= 1e-12*max(a, b):
		return 0
	case d < 0:
		return -1
	}
	return 1
}

// upperShare is the share of counts at value or above.
func upperShare(counts []float64, value float64) float64 {
	upper, all := 0.0, 0.0
	for u, c := range counts {
		all += c
		if float64(u) >= value {
			upper += c
		}
	}
	return upper / all
}

func normalTail(value, mean, deviation float64) float64 {
	if deviation == 0 {
		return 1
	}
	return 1 - normalBelow((value-mean-.5)/deviation)
}

// Shift is the Hodges-Lehmann estimate of how far x lies above y: the median difference of their pairs.
func Shift(x, y []float64) float64 {
	all := make([]float64, 0, len(x)*len(y))
	for _, a := range x {
		for _, b := range y {
			all = append(all, a-b)
		}
	}
	return Median(all)
}

// Pseudomedian is the Hodges-Lehmann estimate of the centre of numbers: the median mean of two of them, each
// with itself included. Of many, the last 100 stand for all.
func Pseudomedian(numbers []float64) float64 {
	const most = 100
	numbers = numbers[max(0, len(numbers)-most):]
	all := make([]float64, 0, len(numbers)*(len(numbers)+1)/2)
	for i, a := range numbers {
		for _, b := range numbers[i:] {
			all = append(all, (a+b)/2)
		}
	}
	return Median(all)
}

// Median of numbers, which it puts in order; 0 of none.
func Median(numbers []float64) float64 {
	n := len(numbers)
	if n == 0 {
		return 0
	}
	slices.Sort(numbers)
	return (numbers[(n-1)/2] + numbers[n/2]) / 2
}

// Spread is the scale of numbers about their median: 1.4826 times the median distance, which is the
// standard deviation of normal ones.
func Spread(numbers []float64) float64 {
	sizes := slices.Clone(numbers)
	middle := Median(sizes)
	for i := range sizes {
		sizes[i] = math.Abs(sizes[i] - middle)
	}
	return 1.4826 * Median(sizes)
}

// MedianRanks is the narrowest symmetric interval of order statistics, counted from 1, that holds the median
// of n observations with at least this confidence at one look, and the confidence that it has. It supposes
// nothing about the distribution. Ranks 0 and n+1 stand for no bound.
func MedianRanks(n int64, confidence float64) (low, high int64, has float64) {
	has = 1
	coin := distuv.Binomial{N: float64(n), P: .5}
	for next := int64(1); 2*next <= n; next++ {
		outside := 2 * coin.CDF(float64(next-1)) // the median lies below the next-th, or above its mirror
		if 1-outside < confidence {
			break
		}
		low, has = next, 1-outside
	}
	return low, n + 1 - low, has
}

func normalBelow(z float64) float64    { return distuv.UnitNormal.CDF(z) }
func normalQuantile(p float64) float64 { return distuv.UnitNormal.Quantile(p) }

// normalMedianSize is the median distance from zero of normal numbers.
func normalMedianSize(centre, scale float64) float64 {
	_, m := bisect(0, math.Abs(centre)+scale, func(x float64) bool {
		return normalBelow((x-centre)/scale)-normalBelow((-x-centre)/scale) >= .5
	})
	return m
}
