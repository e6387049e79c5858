package stats

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// differences are those of the reference values for the sign and the tanh e-process.
var differences = []float64{
	-.08, -.05, .01, -.12, -.03, -.07, -.02, .04, -.09, -.06,
	-.11, -.01, -.05, -.10, -.04, .02, -.07, -.08, -.03, -.06,
}

// depression is an example of R's wilcox.test, after Hollander and Wolfe (1973).
var depression = minus(
	[]float64{1.83, .50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30},
	[]float64{.878, .647, .598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29})

func minus(x, y []float64) []float64 {
	d := make([]float64, len(x))
	for i := range d {
		d[i] = x[i] - y[i]
	}
	return d
}

// signs is the two-sided sign e-value of so many positive ones among n.
func signs(positive, n int64) float64 {
	d := slices.Repeat([]float64{1}, int(positive))
	return SignGate(append(d, slices.Repeat([]float64{-1}, int(n-positive))...), 0).EValue()
}

// TestReferenceValues holds the room against values computed elsewhere: the confseq package's own tests
// and an independent implementation of the e-processes.
func TestReferenceValues(t *testing.T) {
	low, high := BernoulliInterval(700, 1000, .05, 100)
	rho := NormalMixtureRho(100, .05)
	tanh := func(n int) float64 { return TanhGate(differences[:n], 0).EValue() }
	sign := func(n int) float64 { return SignGate(differences[:n], 0).EValue() }
	for _, c := range []struct {
		name      string
		got, want float64
		digits    float64 // a unit of the last digit given
	}{
		{"best rho", rho, 12.60056, 1e-5},
		{"normal log mixture", NormalLogMixture(10, 100, rho), -0.6510052, 1e-7},
		{"normal mixture bound", NormalMixtureBound(100, .05, rho), 30.35209, 1e-5},
		{"Bernoulli low", low, 0.651629, 1e-6},
		{"Bernoulli high", high, 0.745949, 1e-6},
		{"asymptotic margin at 10", AsymptoticMargin(10, 1, .1, .05), 1.1562535818, 1e-10},
		{"asymptotic margin at 100", AsymptoticMargin(100, 1, .1, .05), 0.3037811021, 1e-10},
		{"asymptotic margin at 1000", AsymptoticMargin(1000, 1, .1, .05), 0.1035019368, 1e-10},
		{"sign at 8", sign(8), 1.015873, 1e-6},
		{"sign at 12", sign(12), 4.773893, 1e-6},
		{"sign at 20", sign(20), 43.800167, 1e-6},
		{"8 unanimous signs", signs(8, 8), 28.44, 1e-2},
		{"9 unanimous signs", signs(0, 9), 51.2, 1e-1},
		{"tanh at 10", tanh(10), 1.679558, 1e-6},
		{"tanh at 15", tanh(15), 5.818585, 1e-6},
		{"tanh at 20", tanh(20), 18.56947, 1e-5},
		{"pseudomedian", Pseudomedian(depression), .46, 1e-9},
	} {
		// The Bernoulli row gives digits cut off, not rounded; so a whole unit is allowed.
		if math.Abs(c.got-c.want) >= c.digits {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestGatesSayWhichSide(t *testing.T) {
	for name, gate := range map[string]func([]float64, float64) Gate{"tanh": TanhGate, "sign": SignGate, "centre": Centre} {
		if g := gate(differences, 0); g.Down < 9*g.Up {
			t.Errorf("%s: %+v of mostly negative differences", name, g)
		}
		if g := gate(differences, -.06); g.EValue() > 1 {
			t.Errorf("%s: %+v about their own centre", name, g)
		}
		if g := gate([]float64{0, 0, 0, 0, 0}, 0); g.EValue() != 1 {
			t.Errorf("%s: %+v of differences of zero", name, g)
		}
		if g := gate(slices.Repeat([]float64{1}, 5000), 0); !math.IsInf(g.Up, 1) || g.Down > 1 {
			t.Errorf("%s: %+v of thousands of one sign", name, g)
		}
	}
}

func ExampleBernoulliInterval() {
	low, high := BernoulliInterval(0, 1000, 0.05, 100)
	fmt.Printf("%.5f to %.5f", low, high)
	// Output: 0.00000 to 0.00316
}
