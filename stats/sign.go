package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// SignGate bets on the signs of the differences about a value. No distribution is supposed, only that either
// sign is equally likely given those before; a difference of exactly that value says nothing. The mean of its
// two sides is 2^n S!(n-S)!/(n+1)!, the mixture over all biases of a coin that came up S times among n.
func SignGate(differences []float64, at float64) Gate {
	var above, below float64
	for _, d := range differences {
		switch {
		case d > at:
			above++
		case d < at:
			below++
		}
	}
	return Gate{signUp(above, below), signUp(below, above)}
}

// signUp mixes over the biases of the coin towards the first side alone.
func signUp(firsts, seconds float64) float64 {
	n := firsts + seconds
	side := mathext.RegIncBeta(seconds+1, firsts+1, .5) // the share of the mixture on that side
	return 2 * math.Exp(n*math.Ln2+logBeta(firsts+1, seconds+1)) * side
}
