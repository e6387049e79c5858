package judge

import (
	"math"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// accuracy of the values of a latency histogram, relative.
const accuracy = 0.01

// times is how long calls took, as far as it is known.
type times struct {
	buckets []assay.Bucket // of the calls that answered, and of time-outs, from below
	calls   int64          // all of them
	lost    int64          // those that faulted otherwise: they might have taken any time
	cut     int64          // time-outs, at most: they would have taken longer
}

// warmTimes are the warm calls of an arm that answered or timed out.
func warmTimes(a assay.ArmCounts) times {
	return times{buckets: a.Latency.Buckets, calls: total(a.Latency.Buckets)}
}

// timed is the number of calls in the buckets.
func (t times) timed() int64 { return t.calls - t.lost }

// unknown tells whether so many calls are lost that they may be all that is above the quantile.
func (t times) unknown(q float64) bool { return float64(t.lost) > (1-q)*float64(t.calls) }

// bounds is a confidence sequence for the quantile that the calls would have had without faults. It supposes
// the worst at either end: that those lost took no time, or for ever, and that those cut did for ever.
func (t times) bounds(q, alpha float64) (low, high float64) {
	first, last := stats.QuantileRanks(t.calls, q, alpha, tuned)
	return at(t.buckets, first-t.lost), at(t.buckets, last+t.cut)
}

// point is the quantile of what is in the buckets.
func (t times) point(q float64) float64 { return at(t.buckets, rank(q, t.timed())) }

// compare decides on the ratio of a quantile of two arms whose calls do not come in pairs.
func (f *finding) compare(q, most, alpha float64, ours, theirs times) {
	low, high := ours.bounds(q, alpha/2)
	refLow, refHigh := theirs.bounds(q, alpha/2)
	const slack = (1 + accuracy) / (1 - accuracy)
	f.decide(most, low/refHigh/slack, high/refLow*slack)
}

// quantile reads "p99" or "p99.9" as a number between 0 and 1.
func quantile(name string) (float64, bool) {
	digits, ok := strings.CutPrefix(name, "p")
	percent, err := strconv.ParseFloat(digits, 64)
	return percent / 100, ok && err == nil && percent > 0 && percent < 100
}

// bounded is the number of observations from which on both ends of an interval for the quantile exist.
func bounded(q, alpha float64) int64 {
	n, _ := stats.Fewest(most, func(n int64) bool {
		low, high := stats.QuantileRanks(n, q, alpha, tuned)
		return low > 0 && high <= n
	})
	return n
}

// rank of a quantile among n observations.
func rank(q float64, n int64) int64 { return max(1, int64(math.Ceil(q*float64(n)))) }

// at is the value of the observation of that rank, counted from 1; 0 before the first, infinite after the last.
func at(buckets []assay.Bucket, rank int64) float64 {
	if rank < 1 {
		return 0
	}
	for _, b := range buckets {
		if rank -= b.Count; rank <= 0 {
			return b.Value
		}
	}
	return math.Inf(1)
}

func total(buckets []assay.Bucket) (n int64) {
	for _, b := range buckets {
		n += b.Count
	}
	return n
}
