package schedule

import "time"

// Rates are what a run is weighed by, in US dollars.
type Rates struct {
	Worker  float64       // a second of a worker
	Waiting float64       // a second until the run ends
	Startup time.Duration // of each worker, before its first test
}

// Best is the number of workers, up to a limit, for which money and waiting together are worth least: more
// of them would shorten the run by less than they cost.
func (r Rates) Best(durations []time.Duration, limit int) int {
	sum, longest := time.Duration(0), time.Duration(0)
	for _, d := range durations {
		sum, longest = sum+d, max(longest, d)
	}
	best, least := 1, 0.0
	for n := 1; n <= min(limit, len(durations)); n++ {
		paid := sum + time.Duration(n)*r.Startup
		waited := r.Startup + max(longest, sum/time.Duration(n))
		if worth := r.Worker*paid.Seconds() + r.Waiting*waited.Seconds(); n == 1 || worth < least {
			best, least = n, worth
		}
	}
	return best
}
