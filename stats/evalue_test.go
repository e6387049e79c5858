package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// expectation of an e-value over n independent trials of chance p, by summing over all counts.
func expectation(n int64, p float64, e func(k int64) float64) float64 {
	sum := 0.0
	for k := range n + 1 {
		logChance := -math.Log(float64(n+1)) - logBeta(float64(k+1), float64(n-k+1)) +
			times(float64(k), math.Log(p)) + times(float64(n-k), math.Log1p(-p))
		sum += math.Exp(logChance) * e(k)
	}
	return sum
}

// An e-value's expectation is 1 at most under what it is against, and 1 at its edge when nothing is wasted.
func TestExpectationUnderTheClaim(t *testing.T) {
	for _, p := range []float64{.001, .05, .3, .9} {
		for _, n := range []int64{1, 7, 300} {
			edge := expectation(n, p, func(k int64) float64 { return BernoulliEValue(k, n, p) })
			below := expectation(n, p/2, func(k int64) float64 { return BernoulliEValue(k, n, p) })
			point := expectation(n, p, func(k int64) float64 { return BernoulliPointEValue(k, n, p, .05, 100) })
			if math.Abs(edge-1) > 1e-9 || below > 1 || math.Abs(point-1) > 1e-9 {
				t.Errorf("p=%v n=%v: edge %v, below %v, point %v", p, n, edge, below, point)
			}
		}
	}
	sign := expectation(40, .5, func(k int64) float64 { return signs(k, 40) })
	if math.Abs(sign-1) > 1e-9 {
		t.Errorf("sign: %v", sign)
	}
}

// The paired e-value over all outcomes of a few pairs, at the edge of its claim.
func TestPairedExpectation(t *testing.T) {
	const n = 12
	for _, c := range []struct{ first, second float64 }{{0.2, 0.2}, {0.05, 0.01}, {0.01, 0.05}, {0.5, 0.5}} {
		limit, sum := c.first-c.second, 0.0
		for b := range int64(n + 1) {
			for s := range n + 1 - b {
				chance := multinomial(n, b, s) * math.Pow(c.first, float64(b)) * math.Pow(c.second, float64(s)) *
					math.Pow(1-c.first-c.second, float64(n-b-s))
				sum += chance * PairedEValue(b, s, n, limit)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%+v: expectation %v", c, sum)
		}
	}
}

func multinomial(n, a, b int64) float64 {
	log := func(x int64) float64 { l, _ := math.Lgamma(float64(x + 1)); return l }
	return math.Exp(log(n) - log(a) - log(b) - log(n-a-b))
}

func TestEdges(t *testing.T) {
	if e := BernoulliEValue(1, 1000, 0); !math.IsInf(e, 1) {
		t.Errorf("a success against a limit of 0: %v", e)
	}
	for name, e := range map[string]float64{
		"no success against 0":  BernoulliEValue(0, 1000, 0),
		"no trials":             BernoulliEValue(0, 0, .1),
		"limit of 1":            BernoulliEValue(10, 10, 1),
		"impossible":            BernoulliEValue(11, 10, .1),
		"negative":              BernoulliEValue(-1, 10, .1),
		"impossible point":      BernoulliPointEValue(11, 10, .1, .05, 100),
		"impossible pairs":      PairedEValue(3, 3, 5, 0),
		"pairs, limit beyond 1": PairedEValue(3, 0, 5, 1),
		"no pairs":              PairedEValue(0, 0, 0, .1),
	} {
		if math.Abs(e-1) > 1e-12 {
			t.Errorf("%s: %v, want 1", name, e)
		}
	}
	if low, high := BernoulliInterval(0, 0, .05, 100); low != 0 || high != 1 {
		t.Errorf("interval of nothing: %v..%v", low, high)
	}
	if low, high := BernoulliInterval(9, 9, .05, 100); low < .3 || high != 1 {
		t.Errorf("interval of all: %v..%v", low, high)
	}
}

func TestBillionsOfTrials(t *testing.T) {
	const n = 1e9
	low, high := BernoulliInterval(1e6, n, .05, 100)
	if !(0.00099 < low && low < 0.001 && 0.001 < high && high < 0.00101) {
		t.Errorf("interval %v..%v", low, high)
	}
	if _, high := BernoulliInterval(0, n, .05, 100); high < 2.9e-9 || high > 3.1e-9 {
		t.Errorf("rule of three: %v", high)
	}
	if e := BernoulliEValue(1.01e6, n, .001); e < 1e6 {
		t.Errorf("one per cent above the limit: %v", e)
	}
	if e := BernoulliEValue(1e6, n, .001); e > 1 {
		t.Errorf("at the limit: %v", e)
	}
	if e := PairedEValue(1e7+1e5, 1e7, n, 0); e < 1e6 {
		t.Errorf("one per cent more in the first: %v", e)
	}
	if e := PairedEValue(1e7, 1e7, n, 0); e > 1 {
		t.Errorf("as many: %v", e)
	}
}

// The bounds are where the e-values reach 1/alpha.
func TestBoundsInvertEValues(t *testing.T) {
	for _, c := range []struct{ k, n int64 }{{1, 10}, {3, 500}, {50, 1000}, {999, 1000}} {
		low := BernoulliLowerBound(c.k, c.n, .05)
		if e := BernoulliEValue(c.k, c.n, low); math.Abs(e-20) > 1e-3 {
			t.Errorf("%v: lower bound %v has e-value %v", c, low, e)
		}
		a, b := BernoulliInterval(c.k, c.n, .05, 100)
		for _, p := range []float64{a, b} {
			if e := BernoulliPointEValue(c.k, c.n, p, .05, 100); p > 0 && p < 1 && math.Abs(e-20) > 1e-3 {
				t.Errorf("%v: end %v has e-value %v", c, p, e)
			}
		}
		excess := PairedLowerBound(c.k, 1, c.n+1, .05)
		if e := PairedEValue(c.k, 1, c.n+1, excess); math.Abs(e-20) > 1e-3 {
			t.Errorf("%v: excess %v has e-value %v", c, excess, e)
		}
	}
}

// In runs looked at after every trial the interval misses the truth no more often than alpha.
func TestBernoulliIntervalCovers(t *testing.T) {
	const runs, trials, alpha = 1000, 1000, .1
	rng := rand.New(rand.NewPCG(1, 2))
	for _, p := range []float64{.01, .1, .5} {
		missed := 0
		for range runs {
			k := int64(0)
			for n := int64(1); n <= trials; n++ {
				if rng.Float64() < p {
					k++
				}
				if BernoulliPointEValue(k, n, p, alpha, 100) >= 1/alpha {
					missed++
					break
				}
			}
		}
		if float64(missed) > alpha*runs {
			t.Errorf("p=%v: missed in %d of %d runs", p, missed, runs)
		}
	}
}

func TestQuantileRanks(t *testing.T) {
	for _, c := range []struct {
		n         int64
		q         float64
		low, high int64
	}{
		{0, .5, 0, 1},
		{3, .5, 0, 4},
		{1000, .5, 445, 556}, // a fixed look at 97.5 % has 465 and 536
		{1000, .99, 977, 999},
		{100, .99, 94, 101},
	} {
		if low, high := QuantileRanks(c.n, c.q, .025, 100); low != c.low || high != c.high {
			t.Errorf("n=%d q=%v: %d..%d, want %d..%d", c.n, c.q, low, high, c.low, c.high)
		}
	}
}

// The true median of skewed numbers stays between the ranks, looked at after every one.
func TestQuantileRanksCover(t *testing.T) {
	const runs, n, alpha = 400, 400, .1
	rng := rand.New(rand.NewPCG(3, 4))
	type ranks struct{ low, high int64 }
	at := make([]ranks, n+1)
	for i := range at {
		at[i].low, at[i].high = QuantileRanks(int64(i), .5, alpha, 100)
	}
	missed := 0
	for range runs {
		below := int64(0) // observations below the true median, ln 2
		for i := int64(1); i <= n; i++ {
			if rng.ExpFloat64() < math.Ln2 {
				below++
			}
			if below < at[i].low || below >= at[i].high {
				missed++
				break
			}
		}
	}
	if float64(missed) > alpha*runs {
		t.Errorf("missed in %d of %d runs", missed, runs)
	}
}

func TestMeanDeviation(t *testing.T) {
	mean, sd := MeanDeviation(4, 2+4+4+6, 4+16+16+36)
	if mean != 4 || math.Abs(sd-math.Sqrt(8./3)) > 1e-12 {
		t.Errorf("mean %v, deviation %v", mean, sd)
	}
	if mean, sd := MeanDeviation(0, 0, 0); mean != 0 || sd != 0 {
		t.Errorf("of nothing: %v, %v", mean, sd)
	}
}

func TestEBH(t *testing.T) {
	for _, c := range []struct {
		evalues []float64
		want    []bool
	}{
		{nil, []bool{}},
		{[]float64{19}, []bool{false}},
		{[]float64{20}, []bool{true}},
		{[]float64{39, 1}, []bool{false, false}}, // alone among two it needs 40
		{[]float64{20, 1, 20}, []bool{false, false, false}},
		{[]float64{30, 1, 30}, []bool{true, false, true}}, // two of three need 30 each
		{[]float64{math.Inf(1), 0}, []bool{true, false}},
	} {
		if got := EBH(c.evalues, .05); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.evalues, got, c.want)
		}
	}
}

func BenchmarkBernoulliInterval(b *testing.B) {
	for b.Loop() {
		BernoulliInterval(50, 1000, .05, 100)
	}
}

func BenchmarkPairedLowerBound(b *testing.B) {
	for b.Loop() {
		PairedLowerBound(50, 20, 1000, .05)
	}
}
