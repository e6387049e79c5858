package run

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite/schedule"
)

const (
	startup    = time.Second // what starting a worker is taken to cost
	mostWorker = 1000        // of AWS's default quota
	firstRun   = 20          // tests a worker, of which nothing is known
)

// limit is how many workers may be chosen: what this machine carries, or AWS.
func (t *testRun) limit() int {
	if t.options.Engine == "aws" {
		return mostWorker
	}
	if t.halved {
		return max(1, runtime.NumCPU())
	}
	return max(2, 2*runtime.NumCPU())
}

// rates are what a run is weighed by.
func (t *testRun) rates() schedule.Rates {
	second := assay.PublishedPrices().For(runtime.GOARCH).GBSecond * float64(t.options.MemoryMB) / 1024
	return schedule.Rates{Worker: second, Waiting: t.options.Worth / 3600, Startup: startup}
}

// count chooses the number of workers: as was asked for, or the best one by what is known of most tests.
func (t *testRun) count(tasks []schedule.Task) int {
	if n, _ := workersWanted(t.options.Workers); n > 0 {
		return n
	}
	known := 0
	for _, task := range tasks {
		if task.Known {
			known++
		}
	}
	if known == 0 || known < len(tasks)/2 {
		return min(t.limit(), max(2, runtime.NumCPU()*2, len(tasks)/firstRun))
	}
	return t.rates().Best(estimates(tasks), t.limit())
}

// estimates are what tests are expected to take. Those that nothing is known of take the mean.
func estimates(tasks []schedule.Task) []time.Duration {
	all := make([]time.Duration, len(tasks))
	for i, task := range schedule.Fill(tasks) {
		all[i] = task.Estimate
	}
	return all
}

// predict tells what a run would take, by what is known.
func (t *testRun) predict() error {
	tasks := t.tasks(t.tests)
	known, total, durations := 0, time.Duration(0), estimates(tasks)
	for i, task := range tasks {
		total += durations[i]
		if task.Known {
			known++
		}
	}
	w, prices := t.process.Stdout, assay.PublishedPrices()
	fmt.Fprintf(w, "%d tests with %s, %d of them timed before: %s one after another\n", len(tasks), t.kind.Name, known, total.Round(time.Millisecond))
	var lines [][]string
	for _, n := range planned(t.workers, schedule.Enough(durations, startup, mostWorker)) {
		out := schedule.Simulate(tasks, schedule.Machine{Workers: n, Call: 3 * time.Millisecond, Startup: func(int) time.Duration { return startup },
			Takes: func(_, i int) time.Duration { return durations[i] }})
		cost := t.rates().Worker*out.Work.Seconds() + prices.For(runtime.GOARCH).Request*float64(out.Invocations)
		mark := ""
		if n == t.workers {
			mark = "this run"
		}
		lines = append(lines, []string{strconv.Itoa(n), fmt.Sprintf("%.1fs", out.Makespan.Seconds()),
			fmt.Sprintf("%.1fs", schedule.Floor(durations, n).Seconds()), fmt.Sprintf("%.6f", cost), mark})
	}
	if err := process.Rows(w, "WORKERS TIME FLOOR USD", lines); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "USD are AWS's prices of %s for %d MB (%s)\n", prices.Date, t.options.MemoryMB, prices.Source)
	return err
}

// planned are the numbers of workers to predict for.
func planned(chosen, enough int) []int {
	all := []int{1, chosen, enough}
	for n := 2; n < enough; n *= 2 {
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
