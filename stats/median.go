package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

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

func normalBelow(z float64) float64    { return distuv.UnitNormal.CDF(z) }
func normalQuantile(p float64) float64 { return distuv.UnitNormal.Quantile(p) }

// normalMedianSize is the median distance from zero of normal numbers.
func normalMedianSize(centre, scale float64) float64 {
	_, m := bisect(0, math.Abs(centre)+scale, func(x float64) bool {
		return normalBelow((x-centre)/scale)-normalBelow((-x-centre)/scale) >= .5
	})
	return m
}
