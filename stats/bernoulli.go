package stats

import "math"

// BernoulliEValue is an e-value against "the share of successes is at most limit", after that many
// successes in that many trials. Each trial's chance may depend on those before.
//
// It mixes the likelihood ratios p : limit over shares p above the limit, one to each halving of the excess,
// so that shares far above and just above the limit are found. Against a limit of 0 a single success is
// proof: +Inf. Counts that cannot be tell nothing: 1.
func BernoulliEValue(successes, trials int64, limit float64) float64 {
	if !possible(successes, trials) || limit >= 1 {
		return 1
	}
	if limit <= 0 {
		if successes > 0 {
			return math.Inf(1)
		}
		return 1
	}
	hits, misses := float64(successes), float64(trials-successes)
	const halvings = 24
	e := 0.0
	for i := range halvings {
		excess := math.Exp2(-0.5 - float64(i)) // the alternative is p = limit + excess*(1-limit)
		e += math.Exp(hits*math.Log1p(excess*(1-limit)/limit) + misses*math.Log1p(-excess))
	}
	return e / halvings
}

// BernoulliLowerBound is the largest limit that BernoulliEValue has refuted: the share of successes ever
// falls below it with probability alpha at most.
func BernoulliLowerBound(successes, trials int64, alpha float64) float64 {
	if !possible(successes, trials) || successes == 0 {
		return 0
	}
	low, _ := bisect(0, float64(successes)/float64(trials), func(limit float64) bool {
		return BernoulliEValue(successes, trials, limit) < 1/alpha
	})
	return low
}

// BernoulliPointEValue is an e-value against "the share of successes is exactly p", 0 < p < 1. It mixes
// the likelihood ratios over Beta(mp, m(1-p)), which is centred at p; the strength m makes the mixture
// sharpest after about tOpt trials when 1/alpha is what it has to reach.
func BernoulliPointEValue(successes, trials int64, p, alpha, tOpt float64) float64 {
	if !possible(successes, trials) {
		return 1
	}
	return math.Exp(logBetaBinomial(successes, trials, p, strength(alpha, tOpt)))
}

// BernoulliInterval is a confidence sequence for the share of successes: the shares against which
// BernoulliPointEValue is below 1/alpha. Without a success its upper end is close to log(1/alpha)/trials,
// the rule of three. Counts that cannot be tell nothing: 0 to 1.
func BernoulliInterval(successes, trials int64, alpha, tOpt float64) (low, high float64) {
	low, high = 0, 1
	if !possible(successes, trials) || trials == 0 {
		return low, high
	}
	m := strength(alpha, tOpt)
	inside := func(p float64) bool {
		return logBetaBinomial(successes, trials, p, m) < math.Log(1/alpha)
	}
	share := float64(successes) / float64(trials)
	if successes > 0 {
		low, _ = bisect(0, share, inside)
	}
	if successes < trials {
		_, high = bisect(share, 1, func(p float64) bool { return !inside(p) })
	}
	return low, high
}

// QuantileRanks is a confidence sequence for the q-quantile of a distribution, 0 < q < 1, as ranks among
// n observations in ascending order, counted from 1: the quantile lies between the observation of rank
// low and that of rank high. Rank 0 and rank n+1 stand for no bound. It supposes nothing about the
// distribution; ties do no harm.
func QuantileRanks(n int64, q, alpha, tOpt float64) (low, high int64) {
	if n <= 0 {
		return 0, 1
	}
	m := strength(alpha, tOpt)
	inside := func(below int64) bool {
		return logBetaBinomial(below, n, q, m) < math.Log(1/alpha)
	}
	middle := int64(q * float64(n))
	low = search(0, middle, inside)
	high = search(middle, n+1, func(below int64) bool { return below > n || !inside(below) })
	return low, high
}

// strength is the weight, in trials, of the prior of the beta-binomial mixture.
func strength(alpha, tOpt float64) float64 {
	return max(NormalMixtureRho(tOpt, alpha)-1, 1e-3)
}

// logBetaBinomial is the log of the mixture over Beta(mp, m(1-p)) of the likelihood ratios against p.
func logBetaBinomial(successes, trials int64, p, m float64) float64 {
	k, f := float64(successes), float64(trials-successes)
	return logBeta(k+m*p, f+m*(1-p)) - logBeta(m*p, m*(1-p)) - times(k, math.Log(p)) - times(f, math.Log1p(-p))
}

func logBeta(a, b float64) float64 {
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	return la + lb - lab
}

// times is n*log, and 0 for no observations however impossible they are.
func times(n, log float64) float64 {
	if n == 0 {
		return 0
	}
	return n * log
}

func possible(successes, trials int64) bool {
	return 0 <= successes && successes <= trials
}
