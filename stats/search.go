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
