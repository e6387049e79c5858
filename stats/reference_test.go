package stats

import (
	"fmt"
	"math"
	"testing"
)

// differences are those of the reference values for the sign and the tanh e-process.
var differences = []float64{
	-.08, -.05, .01, -.12, -.03, -.07, -.02, .04, -.09, -.06,
	-.11, -.01, -.05, -.10, -.04, .02, -.07, -.08, -.03, -.06,
}

func positives(d []float64) (n int64) {
	for _, x := range d {
		if x > 0 {
			n++
		}
	}
	return n
}

// TestReferenceValues holds the room against values computed elsewhere: the confseq package's own tests
// and an independent implementation of the e-processes.
func TestReferenceValues(t *testing.T) {
	low, high := BernoulliInterval(700, 1000, .05, 100)
	rho := NormalMixtureRho(100, .05)
	tanh := func(n int) float64 { e, _ := TanhEValue(differences[:n]); return e }
	sign := func(n int) float64 { return SignEValue(positives(differences[:n]), int64(n)) }
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
		{"8 unanimous signs", SignEValue(8, 8), 28.44, 1e-2},
		{"9 unanimous signs", SignEValue(0, 9), 51.2, 1e-1},
		{"tanh at 10", tanh(10), 1.679558, 1e-6},
		{"tanh at 15", tanh(15), 5.818585, 1e-6},
		{"tanh at 20", tanh(20), 18.56947, 1e-5},
	} {
		// The Bernoulli row gives digits cut off, not rounded; so a whole unit is allowed.
		if math.Abs(c.got-c.want) >= c.digits {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestTanhEValueSaysWhichSide(t *testing.T) {
	if _, share := TanhEValue(differences); share >= .05 {
		t.Errorf("share of the positive side is %v of mostly negative differences", share)
	}
	if e, share := TanhEValue([]float64{0, 0, 0, 0, 0}); e != 1 || share != .5 {
		t.Errorf("differences of zero: %v, %v", e, share)
	}
}

func ExampleBernoulliInterval() {
	low, high := BernoulliInterval(0, 1000, 0.05, 100)
	fmt.Printf("%.5f to %.5f", low, high)
	// Output: 0.00000 to 0.00316
}
