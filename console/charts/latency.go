package charts

import (
	"math"

	"github.com/assaylab/assay"
)

// Calls is how long calls took, of somebody.
type Calls struct {
	Label, Tone string
	Latency     assay.Latency
}

// perDecade is how many bars there are from 1 to 10 ms. From a microsecond to a day there are 132.
const perDecade = 12

// Distribution has a bar for each of steps that grow alike: the share of the calls that took so long.
func Distribution(title string, all []Calls) Chart {
	first, last, any := bars(all)
	c := Chart{Title: title, X: latencyAxis(first, last, any), Y: Axis{Label: "Share of calls", Unit: Share, Scale: Linear}}
	for i := first; any && i <= last; i++ {
		c.At = append(c.At, edge(float64(i)))
	}
	for _, k := range all {
		counts, total := make([]int64, len(c.At)), int64(0)
		for _, b := range k.Latency.Buckets {
			counts[barOf(b.Value)-first] += b.Count
			total += b.Count
		}
		if total == 0 {
			continue
		}
		s := Series{Label: k.Label, Tone: k.Tone, Form: Steps}
		for _, n := range counts {
			s.Values = append(s.Values, known(float64(n)/float64(total)))
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// Quantiles says for each latency which share of the calls took at most as long, on the axis of Distribution.
func Quantiles(title string, all []Calls) Chart {
	first, last, any := bars(all)
	c := Chart{Title: title, X: latencyAxis(first, last, any), Y: Axis{Label: "Calls that took no longer", Unit: Share, Scale: Tail}}
	const steps = 4 // in a bar
	for i := first * steps; any && i <= (last+1)*steps; i++ {
		c.At = append(c.At, edge(float64(i)/steps))
	}
	for _, k := range all {
		if values := cumulated(c.At, k.Latency.Buckets); values != nil {
			c.Series = append(c.Series, Series{Label: k.Label, Tone: k.Tone, Form: Steps, Values: values})
		}
	}
	return c
}

// cumulated is the share of the calls up to each latency; 1 is left out, for it has no place on a tail's axis.
func cumulated(at []float64, buckets []assay.Bucket) (values []*float64) {
	var total, sum int64
	for _, b := range buckets {
		total += b.Count
	}
	if total == 0 {
		return nil
	}
	i := 0
	for _, v := range at {
		for ; i < len(buckets) && buckets[i].Value <= v; i++ {
			sum += buckets[i].Count
		}
		if sum == 0 || sum == total {
			values = append(values, nil)
			continue
		}
		values = append(values, known(float64(sum)/float64(total)))
	}
	return values
}

// bars are the first and the last that all calls need.
func bars(all []Calls) (first, last int, any bool) {
	for _, k := range all {
		for _, b := range k.Latency.Buckets {
			i := barOf(b.Value)
			if !any {
				first, last, any = i, i, true
			}
			first, last = min(first, i), max(last, i)
		}
	}
	return first, last, any
}

// barOf is the bar of a latency in milliseconds, from a microsecond to a day.
func barOf(ms float64) int {
	return int(math.Floor(math.Log10(min(max(ms, 1e-3), 1e8)) * perDecade))
}

func edge(bar float64) float64 { return rounded(math.Pow(10, bar/perDecade)) }

func latencyAxis(first, last int, any bool) Axis {
	a := Axis{Label: "Latency", Unit: Milliseconds, Scale: Log}
	if any {
		a.Range = &[2]float64{edge(float64(first)), edge(float64(last + 1))}
	}
	return a
}
