package stats

import "math"

// bisect narrows down where passed turns true, between low, where it is false, and high, where it is true.
// Bounds return the cautious end, which is the one they began with where passed does not turn.
func bisect(low, high float64, passed func(float64) bool) (before, after float64) {
	const relative, absolute = 1e-10, 1e-18
	for high-low > absolute+relative*max(math.Abs(low), math.Abs(high)) {
		middle := low + (high-low)/2
		if middle == low || middle == high {
			break
		}
		if passed(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return low, high
}

// halve narrows down likewise, to a ten-thousandth.
func halve(low, high float64, passed func(float64) bool) (before, after float64) {
	for high-low > 1e-4 {
		middle := low + (high-low)/2
		if middle == low || middle == high {
			break // as far apart as numbers go
		}
		if passed(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return low, high
}

// Fewest is the least n, from 1 to about most, for which enough is true, supposing that it stays so; false if
// there is none.
func Fewest(most int64, enough func(n int64) bool) (n int64, ok bool) {
	low, high := int64(1), int64(1)
	for !enough(high) {
		if high > most {
			return 0, false
		}
		low, high = high+1, 2*high
	}
	return search(low, high, enough), true
}

// search finds the least integer from low to high that passed; high if none before it does.
func search(low, high int64, passed func(int64) bool) int64 {
	for low < high {
		if middle := low + (high-low)/2; passed(middle) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}
