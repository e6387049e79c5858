package stats

import "math"

// NormalMixtureRho is the precision that makes the two-sided normal mixture sharpest at variance v, when
// 1/alpha is what it has to reach. For v > 0, 0 < alpha < 1.
func NormalMixtureRho(v, alpha float64) float64 {
	l := 2 * math.Log(1/alpha)
	return v / (l + math.Log1p(l))
}

// NormalLogMixture is the log of the two-sided normal mixture martingale for a sum s of centred
// observations whose variances add up to v.
func NormalLogMixture(s, v, rho float64) float64 {
	return math.Log(rho/(v+rho))/2 + s*s/(2*(v+rho))
}

// NormalMixtureBound is the bound that the absolute sum of centred observations ever crosses with
// probability alpha at most, at variance v.
func NormalMixtureBound(v, alpha, rho float64) float64 {
	return math.Sqrt((v + rho) * (math.Log1p(v/rho) + 2*math.Log(1/alpha)))
}

// AsymptoticMargin is half the width of the asymptotic confidence sequence for a mean of t observations
// of standard deviation sd: the mean of any distribution with a variance, approximately, for t not small.
// It is the normal mixture's bound on their standardised sum. rho2 > 0 tunes it; it is sharpest after about
// 8/rho2 observations at alpha .05.
func AsymptoticMargin(t, sd, rho2, alpha float64) float64 {
	return sd / t * NormalMixtureBound(t, alpha, 1/rho2)
}

// AsymptoticEValue is the normal mixture's e-value against "the mean is centre" that AsymptoticMargin bounds:
// it reaches 1/alpha where the mean lies a margin away.
func AsymptoticEValue(t, mean, sd, centre, rho2 float64) float64 {
	if t <= 0 || sd <= 0 {
		return 1
	}
	return math.Exp(NormalLogMixture(t*(mean-centre)/sd, t, 1/rho2))
}

// MeanDeviation is the mean and the sample standard deviation of n numbers of that sum and sum of squares;
// the deviation is 0 for fewer than two.
func MeanDeviation(n, sum, squares float64) (mean, sd float64) {
	if n < 1 {
		return 0, 0
	}
	mean = sum / n
	if n < 2 {
		return mean, 0
	}
	return mean, math.Sqrt(max(0, squares/n-mean*mean) * n / (n - 1))
}
