package judge

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// notable is the share above which a verdict says that requests were not seen, or that observations have no
// price.
const notable = 0.01

// unseen says, as the end of a reason, which requests the trials do not speak for; "" if hardly any.
func (m matter) unseen() string {
	c := m.counts
	var parts []string
	if dropped := sum(c.Dropped); remarkable(dropped, c.Sampled) {
		parts = append(parts, fmt.Sprintf("%s of %s sampled requests were dropped (%s)", number(dropped), number(c.Sampled), list(c.Dropped)))
	}
	if left := m.leftOut(); remarkable(left, m.candidate.Trials+left) {
		parts = append(parts, count(left, "call")+" left out by the breaker")
	}
	if unsafe := c.NotSampled["unsafe"]; remarkable(unsafe, c.Offered) {
		parts = append(parts, fmt.Sprintf("%s of %s requests had an unsafe method", number(unsafe), number(c.Offered)))
	}
	if flying := c.InFlight(); remarkable(flying, c.Sampled) {
		parts = append(parts, number(flying)+" in flight")
	}
	if len(parts) == 0 {
		return ""
	}
	return "; not seen: " + strings.Join(parts, ", ")
}

func remarkable(part, whole int64) bool {
	return part > 0 && float64(part) > notable*float64(whole)
}

func sum[K ~string](counts map[K]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// against puts a conclusion about a limit in words.
func against(c assay.Conclusion, most float64) string {
	switch c {
	case assay.Refuted:
		return fmt.Sprintf("more than the %s allowed", spaced(most))
	case assay.Holds:
		return fmt.Sprintf("within the %s allowed", spaced(most))
	}
	return fmt.Sprintf("not decided yet against the %s allowed", spaced(most))
}

func between(low, high float64, form func(float64) string) string {
	if high >= math.MaxFloat64 {
		return "at least " + form(low)
	}
	return fmt.Sprintf("between %s and %s", form(low), form(high))
}

// within renders the interval of a ratio.
func within(interval [2]float64) string {
	if interval[0] <= 0 && interval[1] >= math.MaxFloat64 {
		return "not bounded yet"
	}
	if interval[0] <= 0 {
		return "at most " + ratio(interval[1])
	}
	return between(interval[0], interval[1], ratio)
}

// effectWords says which way a candidate differs, as the end of a sentence.
func effectWords(e assay.Effect, delta float64) string {
	switch e {
	case assay.Equivalent:
		return fmt.Sprintf("; equivalent: what difference there is, is within %s", spaced(delta))
	case assay.Better, assay.Worse:
		return "; " + string(e) + " than the control"
	}
	return ""
}

// label is what a measure is called in a sentence.
func label(measure assay.Measure) string {
	switch measure {
	case assay.MeasureCost:
		return "the mean cost"
	case assay.MeasureMemory:
		return "the memory used"
	case assay.MeasureHeadroom:
		return "the share of its memory that is used"
	}
	return "warm " + string(measure)
}

// pairs says how many pairs make a block.
func pairs(measure assay.Measure) string {
	return count(int64(stats.Statistic(measure.Quantile()).Size()), "pair")
}

// absolute renders what the ratio is of, after a semicolon, "" if it is not told.
func (m matter) absolute(measure assay.Measure) string {
	switch {
	case isLatency(measure):
		ours, theirs := warmTimes(m.candidate), warmTimes(m.secondary)
		if ours.calls == 0 || theirs.calls == 0 {
			return ""
		}
		return fmt.Sprintf("; %s ms against %s ms", short(ours.point(measure.Quantile())), short(theirs.point(measure.Quantile())))
	case measure == assay.MeasureCost && m.candidate.Priced > 0 && m.secondary.Priced > 0:
		return fmt.Sprintf("; of all calls, cold ones too, $%s against $%s a million", short(1e6*m.candidate.CostUSD/float64(m.candidate.Priced)),
			short(1e6*m.secondary.CostUSD/float64(m.secondary.Priced)))
	}
	return ""
}

// limit renders a share as definitions write it: 0.1%.
func limit(x float64) string { return strconv.FormatFloat(100*x, 'g', 6, 64) + "%" }

// spaced renders it as prose does: 0.1 %.
func spaced(x float64) string { return strconv.FormatFloat(100*x, 'g', 6, 64) + " %" }

// share renders a share in per cent, to two digits: 5.0 %, 0.037 %.
func share(x float64) string { return digits(100*x, 2) + " %" }

// ratio renders a ratio in per cent, to three digits: 104 %, 97.3 %.
func ratio(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "no known percentage"
	}
	return digits(100*x, 3) + " %"
}

// short renders a quantity to three digits.
func short(x float64) string { return digits(x, 3) }

// digits renders x with n significant digits, or more where it has them before the point.
func digits(x float64, n int) string {
	if x == 0 {
		return "0"
	}
	magnitude := int(math.Floor(math.Log10(math.Abs(x))))
	if magnitude < -6 {
		return strconv.FormatFloat(x, 'g', n, 64)
	}
	return strconv.FormatFloat(x, 'f', max(0, n-1-magnitude), 64)
}

// number renders a count with its thousands apart: 12,345.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// count renders a number of things: "1 time", "2 times".
func count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return number(n) + " " + thing
}

// list renders counts by name, most first, without those that are zero: "queue_full 9, breaker 1".
func list[K ~string](counts map[K]int64) string {
	order := slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, name := range order {
		if counts[name] > 0 {
			parts = append(parts, string(name)+" "+number(counts[name]))
		}
	}
	return strings.Join(parts, ", ")
}
