package stats

import "math"

// bets are the stakes over which the paired e-value is mixed, as fractions of the largest that cannot ruin.
// It is a table: nothing changes it. One half of the weight is on stakes close to that largest one, for
// large effects on few pairs; the other half is spread over ever smaller stakes, for small effects on many.
var bets = pairedBets()

type bet struct{ fraction, weight float64 }

func pairedBets() []bet {
	const large, small = 4, 20
	all := make([]bet, 0, large+small)
	for i := range large {
		all = append(all, bet{1 - math.Exp2(-3-float64(i)), 0.5 / large})
	}
	for i := range small {
		all = append(all, bet{math.Exp2(-1 - float64(i)), 0.5 / small})
	}
	return all
}

// PairedEValue is an e-value against "the first of a pair exceeds the second by at most limit on
// average", for pairs of yes-or-no outcomes: of so many pairs, in firsts the first alone said yes, in
// seconds the second alone. It is a mixture of bets on the difference, which is -1, 0 or 1; nothing is
// supposed about how the pairs depend on those before. With limit 0 it is a one-sided sign e-process, to
// which pairs that agree say nothing. By symmetry PairedEValue(seconds, firsts, pairs, -limit) is an
// e-value against "exceeds by at least limit". Limits run from -1 to 1; beyond, and for counts that
// cannot be, it tells nothing: 1.
func PairedEValue(firsts, seconds, pairs int64, limit float64) float64 {
	equal := pairs - firsts - seconds
	if firsts < 0 || seconds < 0 || equal < 0 || limit <= -1 || limit >= 1 {
		return 1
	}
	e := 0.0
	for _, b := range bets {
		stake := b.fraction / (1 + limit)
		e += b.weight * math.Exp(
			float64(firsts)*math.Log1p(stake*(1-limit))+
				float64(equal)*math.Log1p(-stake*limit)+
				float64(seconds)*math.Log1p(-b.fraction))
	}
	return e
}

// PairedLowerBound is the largest limit that PairedEValue has refuted: the average excess of the first of
// a pair over the second ever falls below it with probability alpha at most. By symmetry
// -PairedLowerBound(seconds, firsts, pairs, alpha) bounds the excess from above.
func PairedLowerBound(firsts, seconds, pairs int64, alpha float64) float64 {
	low, _ := bisect(-1, 1, func(limit float64) bool {
		return PairedEValue(firsts, seconds, pairs, limit) < 1/alpha
	})
	return low
}
