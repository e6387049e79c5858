package stats

import (
	"math"
	"slices"
)

// Gate is what differences of blocks say of where they are centred: an e-value against "not above" some
// value, and one against "not below" it.
type Gate struct{ Up, Down float64 }

// EValue is against "symmetric about the value": two-sided.
func (g Gate) EValue() float64 { return (g.Up + g.Down) / 2 }

// signShare is the part of the stake that Centre bets on signs.
const signShare = 1. / 8

// Centre bets on where the differences of Blocks are centred, mostly on their sizes (TanhGate), and with a
// small share on their signs alone (SignGate): the first finds small effects soonest, the second those that
// every block shows. Both stay true however heavy the tails and however the blocks depend on those before,
// as long as the labels within a pair are exchangeable.
func Centre(differences []float64, at float64) Gate {
	tanh, sign := TanhGate(differences, at), SignGate(differences, at)
	return Gate{mixed(tanh.Up, sign.Up), mixed(tanh.Down, sign.Down)}
}

func mixed(tanh, sign float64) float64 { return (1-signShare)*tanh + signShare*sign }

// CentreInterval is a confidence sequence for where the differences are centred: the values that Centre has
// not refuted. Each end alone is ever wrong with probability alpha at most. Without enough differences an
// end is infinite.
func CentreInterval(differences []float64, alpha float64) (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	if len(differences) == 0 {
		return low, high
	}
	const beyond = 1
	from, to := slices.Min(differences)-beyond, slices.Max(differences)+beyond
	if above := func(at float64) bool { return Centre(differences, at).Up >= 1/alpha }; above(from) {
		low, _ = halve(from, to, func(at float64) bool { return !above(at) })
	}
	if below := func(at float64) bool { return Centre(differences, at).Down >= 1/alpha }; below(to) {
		_, high = halve(from, to, below)
	}
	return low, high
}

// tanhStakes are mixed in both signs.
var tanhStakes = [...]float64{.05, .1, .2, .3, .45, .6, .8}

// tanhWarmUp is the number of differences that only set the scale.
const tanhWarmUp = 3

// TanhGate bets on tanh((d-at)/s), where s is the median size of the differences so far, scaled by 1.4826 to
// match a normal standard deviation. The mean of its two sides is an e-value against "each difference is
// symmetric about the value given those before", however heavy the tails. Where nothing varied yet it bets
// on the sign, the limit of that.
func TanhGate(differences []float64, at float64) Gate {
	var up, down [len(tanhStakes)]wealth
	sizes := make([]float64, 0, len(differences)) // ascending
	for r, d := range differences {
		d = (d - at) * math.Sqrt(Merged(r))
		if r >= tanhWarmUp {
			u := tanhScore(d, sizes)
			for j, stake := range tanhStakes {
				up[j].times(1 + stake*u)
				down[j].times(1 - stake*u)
			}
		}
		i, _ := slices.BinarySearch(sizes, math.Abs(d))
		sizes = slices.Insert(sizes, i, math.Abs(d))
	}
	return Gate{mean(up[:]), mean(down[:])}
}

func tanhScore(d float64, sizes []float64) float64 {
	n := len(sizes)
	scale := 1.4826 * (sizes[(n-1)/2] + sizes[n/2]) / 2
	switch {
	case d == 0:
		return 0
	case scale == 0:
		return math.Copysign(1, d)
	}
	return math.Tanh(d / scale)
}

// wealth is what one unit staked has grown to, as the logarithm of what no number holds and a factor.
type wealth struct{ log, factor float64 }

func (w *wealth) times(f float64) {
	if w.factor == 0 {
		w.factor = 1
	}
	w.factor *= f
	if w.factor > 1e200 || w.factor < 1e-200 {
		w.log += math.Log(w.factor)
		w.factor = 1
	}
}

func mean(all []wealth) float64 {
	sum := 0.0
	for _, w := range all {
		if w.factor == 0 { // never staked
			w.factor = 1
		}
		sum += math.Exp(w.log) * w.factor
	}
	return sum / float64(len(all))
}

// Needed estimates how many differences Centre needs to tell centre, as they spread about it with this
// scale (1.4826 times the median distance), from zero on one side; false if more than a million.
func Needed(centre, scale, alpha float64) (n int64, ok bool) {
	centre = math.Abs(centre)
	if !(centre > 0) || math.IsInf(scale, 0) || math.IsNaN(scale) {
		return 0, false
	}
	share := normalBelow(centre / scale) // of signs on the centre's side
	growth := tanhGrowth(centre, scale)
	return Fewest(1e6, func(n int64) bool {
		e := 0.0
		for _, g := range growth {
			e += math.Exp(min(700, g*float64(max(0, n-tanhWarmUp)))) / float64(len(growth))
		}
		agreeing := math.Round(share * float64(n))
		return mixed(e, signUp(agreeing, float64(n)-agreeing)) >= 1/alpha
	})
}

// tanhGrowth is the expected log growth of each stake a block, over normal differences.
func tanhGrowth(centre, scale float64) [len(tanhStakes)]float64 {
	const points = 99
	var growth [len(tanhStakes)]float64
	size := 1.4826 * normalMedianSize(centre, scale)
	for i := range points {
		d := centre + scale*normalQuantile((float64(i)+.5)/points)
		u := math.Tanh(d / size)
		for j, stake := range tanhStakes {
			growth[j] += math.Log1p(stake*u) / points
		}
	}
	return growth
}
