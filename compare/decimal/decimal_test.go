package decimal

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawNumber(t *rapid.T, label string) string {
	return rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`).Draw(t, label)
}

func ratio(literal string) *big.Rat {
	r, _ := new(big.Rat).SetString(literal)
	return r
}

func TestDecimalsAgreeWithRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawNumber(t, "a")
		b := rapid.OneOf(rapid.Just(a+"0"), rapid.Just("0"), rapid.Custom(func(t *rapid.T) string { return drawNumber(t, "b") })).Draw(t, "b")
		if strings.ContainsAny(a, "eE") && b == a+"0" || !strings.Contains(a, ".") && b == a+"0" {
			b = a
		}
		limit := strings.TrimPrefix(drawNumber(t, "limit"), "-")
		x, y := ratio(a), ratio(b)
		if got, want := Parse(a) == Parse(b), x.Cmp(y) == 0; got != want {
			t.Fatalf("%s == %s: %v", a, b, got)
		}
		distance := new(big.Rat).Sub(x, y)
		want := distance.Abs(distance).Cmp(ratio(limit)) <= 0
		if got := Within(Parse(a), Parse(b), Parse(limit)); got != want {
			t.Fatalf("%s within %s of %s: %v", a, limit, b, got)
		}
	})
}

func TestNumbersFarApart(t *testing.T) {
	huge, one := Parse("1e999999999999999999"), Parse("1")
	if Within(huge, one, one) || Within(one, Parse("-1e-999999999999999999"), one) {
		t.Error("numbers too far apart to be written out are within a tolerance")
	}
}
