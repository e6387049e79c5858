package stats

import (
	"math"
	"slices"
)

// SignEValue is a two-sided e-value against "positive and negative are equally likely", after positives
// among n signs: 2^n S!(n-S)!/(n+1)!, the mixture over all biases of the coin. No distribution is supposed.
func SignEValue(positives, n int64) float64 {
	if !possible(positives, n) {
		return 1
	}
	s, f := float64(positives), float64(n-positives)
	return math.Exp(float64(n)*math.Ln2 + logBeta(s+1, f+1))
}

// tanhStakes are mixed in both signs.
var tanhStakes = []float64{.05, .1, .2, .3, .45, .6, .8}

// tanhWarmUp is the number of differences that only set the scale.
const tanhWarmUp = 3

// TanhEValue is a two-sided e-value against "each difference is symmetric about zero given those before",
// however heavy its tails and however they depend on one another. It bets on tanh(d/s), where s is the
// median absolute difference so far, scaled by 1.4826 to match a normal standard deviation. The share is
// that of the stakes on positive differences, 0 to 1: which side won.
func TanhEValue(differences []float64) (e, share float64) {
	up := make([]float64, len(tanhStakes))   // logs of what the stakes on "positive" grew to
	down := make([]float64, len(tanhStakes)) // and on "negative"
	var sizes []float64                      // ascending
	for i, d := range differences {
		if i >= tanhWarmUp {
			u := tanhScore(d, sizes)
			for j, stake := range tanhStakes {
				up[j] += math.Log1p(stake * u)
				down[j] += math.Log1p(-stake * u)
			}
		}
		at, _ := slices.BinarySearch(sizes, math.Abs(d))
		sizes = slices.Insert(sizes, at, math.Abs(d))
	}
	positive, negative := meanExp(up), meanExp(down)
	return (positive + negative) / 2, positive / (positive + negative)
}

func tanhScore(d float64, sizes []float64) float64 {
	n := len(sizes)
	scale := 1.4826 * (sizes[(n-1)/2] + sizes[n/2]) / 2
	if scale == 0 {
		return 0 // nothing varied yet
	}
	return math.Tanh(d / scale)
}

func meanExp(logs []float64) float64 {
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l)
	}
	return sum / float64(len(logs))
}
