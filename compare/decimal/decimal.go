// Package decimal is numbers and moments exactly, and how far apart two may be. In come JSON's literals and HTTP's
// texts, with a limit; out goes whether they are close enough. It is pure.
package decimal

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Decimal is a number exactly: digits × 10^exponent. It is normal (no zero leads or trails the digits,
// zero has none and no sign), so that equal numbers are equal under ==. It is never written out:
// 1e1000000000 costs no more than 1.
type Decimal struct {
	negative bool
	digits   string
	exponent int64
}

// maxExponentDigits bounds exponents so that sums of them fit an int64.
const maxExponentDigits = 18

// Scan passes over a JSON number (RFC 8259, section 6) and says what is wrong with it, "" if nothing is. It
// takes no exponent of more than 18 digits.
func Scan(doc string, at int) (end int, wrong string) {
	if at < len(doc) && doc[at] == '-' {
		at++
	}
	whole := at
	at = passDigits(doc, at)
	if at == whole || doc[whole] == '0' && at > whole+1 {
		return at, "not a number"
	}
	if at < len(doc) && doc[at] == '.' {
		fraction := at + 1
		if at = passDigits(doc, fraction); at == fraction {
			return at, "no digit after the decimal point"
		}
	}
	if at < len(doc) && doc[at]|0x20 == 'e' {
		return scanExponent(doc, at+1)
	}
	return at, ""
}

func scanExponent(doc string, at int) (end int, wrong string) {
	if at < len(doc) && (doc[at] == '+' || doc[at] == '-') {
		at++
	}
	end = passDigits(doc, at)
	switch {
	case end == at:
		return end, "no digit in an exponent"
	case len(strings.TrimLeft(doc[at:end], "0")) > maxExponentDigits:
		return end, fmt.Sprintf("an exponent of more than %d digits", maxExponentDigits)
	}
	return end, ""
}

func passDigits(doc string, at int) int {
	for at < len(doc) && '0' <= doc[at] && doc[at] <= '9' {
		at++
	}
	return at
}

// IsNumber tells a text that is a number as JSON has them.
func IsNumber(s string) bool {
	end, wrong := Scan(s, 0)
	return wrong == "" && end == len(s)
}

// Parse reads a JSON number that Scan takes.
func Parse(literal string) Decimal {
	rest, negative := strings.CutPrefix(literal, "-")
	var exponent int64
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		exponent, _ = strconv.ParseInt(rest[i+1:], 10, 64) // it fits: see above
		rest = rest[:i]
	}
	whole, fraction, _ := strings.Cut(rest, ".")
	digits := whole + fraction
	exponent -= int64(len(fraction))
	trimmed := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(trimmed))
	trimmed = strings.TrimLeft(trimmed, "0")
	if trimmed == "" {
		return Decimal{}
	}
	return Decimal{negative: negative, digits: trimmed, exponent: exponent}
}

// Same tells whether two literals that are not the same stand for one number.
func Same(a, b string) bool {
	if x, y := fractionDigits(a), fractionDigits(b); x >= 0 && x == y && len(a) == len(b) {
		return false // digit by digit, they are written in one form
	}
	return (Limit{isFew: true}).Holds(a, b)
}

// fixed is a number of few digits, none of them in an exponent: units / 10^places. It takes no memory.
type fixed struct {
	units          int64
	digits, places int
}

// maxFixedDigits bounds the digits of a fixed so that twice as many units fit an int64.
const maxFixedDigits = 18

// parseFixed reads a JSON number; false of one that is no fixed.
func parseFixed(literal string) (f fixed, ok bool) {
	rest, negative := strings.CutPrefix(literal, "-")
	if len(rest) > maxFixedDigits {
		return f, false
	}
	for _, c := range []byte(rest) {
		switch {
		case c == '.':
			f.places = -f.digits
			continue
		case c < '0' || c > '9':
			return f, false
		}
		f.units = 10*f.units + int64(c-'0')
		f.digits++
	}
	if len(rest) > f.digits {
		f.places += f.digits
	}
	if negative {
		f.units = -f.units
	}
	return f, true
}

// withinFixed tells whether a and b are no further apart than limit; not ok if their units do not fit.
func withinFixed(a, b, limit fixed) (within, ok bool) {
	places := max(a.places, b.places, limit.places)
	var units [3]int64
	for i, f := range [...]fixed{a, b, limit} {
		if f.digits+places-f.places > maxFixedDigits {
			return false, false
		}
		units[i] = f.units
		for range places - f.places {
			units[i] *= 10
		}
	}
	distance := units[0] - units[1]
	return max(distance, -distance) <= units[2], true
}

// Limit is how far apart two numbers may be.
type Limit struct {
	exact Decimal
	fixed fixed
	isFew bool // digits, so that fixed stands for it
}

// ParseLimit reads a JSON number that is not negative.
func ParseLimit(literal string) Limit {
	few, isFew := parseFixed(literal)
	return Limit{Parse(literal), few, isFew}
}

// Holds tells whether two numbers are no further apart.
func (l Limit) Holds(a, b string) bool {
	x, okX := parseFixed(a)
	y, okY := parseFixed(b)
	if l.isFew && okX && okY {
		if near, ok := withinFixed(x, y, l.fixed); ok {
			return near
		}
	}
	return Within(Parse(a), Parse(b), l.exact)
}

// fractionDigits counts the digits after the point; -1 of a number with an exponent.
func fractionDigits(literal string) int {
	point := len(literal) - 1
	for i := range len(literal) {
		switch literal[i] {
		case '.':
			point = i
		case 'e', 'E':
			return -1
		}
	}
	return len(literal) - 1 - point
}

// Append writes the number in its one normal form.
func (d Decimal) Append(dst []byte) []byte {
	if d.negative {
		dst = append(dst, '-')
	}
	dst = append(dst, d.digits...)
	dst = append(dst, 'e')
	return strconv.AppendInt(dst, d.exponent, 10)
}

// maxSpan bounds the digits that within writes numbers out to.
const maxSpan = 4096

// Within tells whether a and b are no further apart than limit, exactly. Numbers whose digits, brought
// to one exponent, are more than maxSpan long are taken to be further apart.
func Within(a, b, limit Decimal) bool {
	low, high := span(a, b, limit)
	if high-low > maxSpan {
		return false
	}
	if high-low < 18 {
		distance := a.small(low) - b.small(low)
		return max(distance, -distance) <= limit.small(low)
	}
	distance := a.scaled(low)
	distance.Sub(distance, b.scaled(low))
	return distance.CmpAbs(limit.scaled(low)) <= 0
}

// span is the range of the places that the numbers other than zero have digits at.
func span(numbers ...Decimal) (low, high int64) {
	first := true
	for _, d := range numbers {
		if d.digits == "" {
			continue
		}
		end := d.exponent + int64(len(d.digits))
		if first {
			low, high, first = d.exponent, end, false
		}
		low, high = min(low, d.exponent), max(high, end)
	}
	return low, high
}

// scaled is d / 10^exponent, for an exponent no larger than d's.
func (d Decimal) scaled(exponent int64) *big.Int {
	n := new(big.Int)
	if d.digits == "" {
		return n
	}
	n.SetString(d.digits+strings.Repeat("0", int(d.exponent-exponent)), 10)
	if d.negative {
		n.Neg(n)
	}
	return n
}

// Int64 is the number as an integer; false if it is none, or too large.
func (d Decimal) Int64() (int64, bool) {
	const most = 19 // digits of the largest
	if d.exponent < 0 || d.exponent+int64(len(d.digits)) > most {
		return 0, false
	}
	n := d.scaled(0)
	return n.Int64(), n.IsInt64()
}

// times is the product of two numbers.
func (d Decimal) times(e Decimal) Decimal {
	product := d.scaled(d.exponent)
	product.Mul(product, e.scaled(e.exponent))
	n := Parse(product.String())
	if n.digits != "" {
		n.exponent += d.exponent + e.exponent
	}
	return n
}

// small is d / 10^exponent, for an exponent no larger than d's, if that has less than 18 digits.
func (d Decimal) small(exponent int64) int64 {
	if d.digits == "" {
		return 0
	}
	var n int64
	for _, c := range []byte(d.digits) {
		n = 10*n + int64(c-'0')
	}
	for range d.exponent - exponent {
		n *= 10
	}
	if d.negative {
		return -n
	}
	return n
}
