// Command suite tells what the talk's test suite takes: 4,000 tests that run for 25 minutes in four
// processes, over AWS Lambda as it was done then and as `assay test` does it. In come the figures of
// the case, as flags; out comes a table of simulated runs, by the scheduler that `assay test` uses.
package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite/schedule"
)

// suiteCase is the talk's case. What the talk does not say is marked so.
type suiteCase struct {
	tests   int
	serial  time.Duration // all tests one after another
	longest time.Duration // not said: as long as made it "the floor" of a run below 4 minutes
	spread  float64       // not said: of the logarithms of durations
	zip     float64       // MB
	upload  time.Duration // of the zip
	memory  int           // MB; not said: one processor
	collect time.Duration // not said: what listing all tests takes a function that has no bytecode
	cold    time.Duration // not said: what starting a function of that size takes
}

var talk = suiteCase{
	tests: 4000, serial: 100 * time.Minute, longest: 117 * time.Second, spread: 1.5, zip: 50, upload: 90 * time.Second,
	memory: 1769, collect: 5 * time.Second, cold: 2 * time.Second,
}

// AWS Lambda's limits, as its documentation gives them: an invocation's time, how many run at once in an
// account that has asked for no more, and how large a zip may be that is uploaded.
const (
	maxTime    = 15 * time.Minute
	maxAtOnce  = 1000
	maxZip     = 50.0 // MB
	invocation = 50 * time.Millisecond
)

// durations are those of a log-normal distribution, in an order that looks random: those of its quantiles,
// with the longest and the sum as the case has them.
func (c suiteCase) durations() []time.Duration {
	weights, sum := make([]float64, c.tests-1), 0.0
	for i := range weights {
		weights[i] = math.Exp(c.spread * math.Sqrt2 * math.Erfinv(2*(float64(i)+.5)/float64(c.tests)-1))
		sum += weights[i]
	}
	all := []time.Duration{c.longest}
	for _, w := range weights {
		all = append(all, time.Duration(w/sum*float64(c.serial-c.longest)))
	}
	r := rand.New(rand.NewPCG(4000, 25))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// way is a way to run the suite.
type way struct {
	name    string
	workers int
	local   bool
	fixed   bool // each worker has its share from the start: test i goes to worker i mod workers
	known   bool // durations are known from earlier runs
	upload  time.Duration
	startup time.Duration // of a worker
	split   int           // the longest test is made of so many
}

// result is what a way takes.
type result struct {
	way
	total, tests, floor time.Duration
	cost                float64
	refused             string // by Lambda
}

// run simulates a way.
func (c suiteCase) run(w way) result {
	d := c.durations()
	if w.split > 1 {
		at := slices.Index(d, slices.Max(d))
		part := d[at] / time.Duration(w.split)
		d[at] = part
		for range w.split - 1 {
			d = append(d, part)
		}
	}
	tasks, share := make([]schedule.Task, len(d)), make([]time.Duration, w.workers)
	for i := range d {
		if w.known {
			tasks[i] = schedule.Task{Estimate: d[i], Known: true}
		}
		if w.fixed {
			tasks[i].Process = strconv.Itoa(i % w.workers)
		}
		share[i%w.workers] += d[i]
	}
	m := schedule.Machine{Workers: w.workers, Startup: func(int) time.Duration { return w.startup }, Takes: func(_, i int) time.Duration { return d[i] }}
	if !w.local {
		m.Call = invocation
	}
	out := schedule.Simulate(tasks, m)
	r := result{way: w, total: w.upload + out.Makespan, tests: out.Makespan - w.startup, floor: schedule.Floor(d, w.workers)}
	switch longest := slices.Max(share) + w.startup; {
	case w.local:
	case w.fixed && longest > maxTime:
		r.refused = fmt.Sprintf("a function would run for %s, and Lambda ends it after %s", clock(longest), clock(maxTime))
	case w.workers > maxAtOnce:
		r.refused = fmt.Sprintf("Lambda runs %d at once", maxAtOnce)
	case c.zip > maxZip:
		r.refused = fmt.Sprintf("Lambda takes zips of %g MB", maxZip)
	default:
		r.cost = c.cost(out)
	}
	return r
}

// cost of the workers' time and invocations, at AWS's prices.
func (c suiteCase) cost(out schedule.Outcome) float64 {
	p := assay.PublishedPrices().For("x86_64")
	return p.GBSecond*float64(c.memory)/1024*out.Work.Seconds() + p.Request*float64(out.Invocations)
}

// ways are those that the table compares.
func (c suiteCase) ways() []way {
	changed := 500 * time.Millisecond // reading the tree and sending some hundred bytes
	ready := c.cold + time.Second     // a worker that imports what its tests need
	enough := schedule.Enough(c.durations(), 0, maxAtOnce)
	return []way{
		{name: "four processes", workers: 4, local: true},
		{name: "four functions, a quarter each", workers: 4, fixed: true, upload: c.upload, startup: c.cold + c.collect},
		{name: "the talk: 400 functions, test number mod 400", workers: 400, fixed: true, upload: c.upload, startup: c.cold + c.collect},
		{name: "assay, first run", workers: 200, upload: c.upload, startup: ready},
		{name: "assay, one line changed", workers: 200, known: true, upload: changed, startup: ready},
		{name: "the same, as few workers as do", workers: enough, known: true, upload: changed, startup: ready},
		{name: "the same, all that Lambda runs at once", workers: maxAtOnce, known: true, upload: changed, startup: ready},
		{name: "the same, longest test split in four", workers: 200, known: true, upload: changed, startup: ready, split: 4},
	}
}

// print writes the table.
func (c suiteCase) print(w io.Writer) error {
	fmt.Fprintf(w, "%d tests, %s one after another, the longest %s; a package of %g MB that takes %s to upload\n\n", c.tests, clock(c.serial), clock(c.longest), c.zip, clock(c.upload))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WAY\tWORKERS\tUPLOAD\tSTART\tTESTS\tFLOOR\tIN ALL\tUSD")
	for _, way := range c.ways() {
		r := c.run(way)
		if r.refused != "" {
			fmt.Fprintf(t, "%s\t%d\t\t\t\t\tnot possible\n", r.name, r.workers)
			defer fmt.Fprintf(w, "%s: %s.\n", r.name, r.refused)
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.name, r.workers, clock(r.upload), clock(r.startup), clock(r.tests), clock(r.floor), clock(r.total), money(r.cost))
	}
	err := t.Flush()
	fmt.Fprintln(w)
	return err
}

// clock is a time as minutes and seconds.
func clock(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d", d/time.Minute, d%time.Minute/time.Second)
}

func money(usd float64) string {
	if usd == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", usd)
}

func main() {
	c := talk
	flag.IntVar(&c.tests, "tests", c.tests, "number of tests")
	flag.DurationVar(&c.serial, "serial", c.serial, "what they take one after another")
	flag.DurationVar(&c.longest, "longest", c.longest, "what the longest one takes")
	flag.Float64Var(&c.zip, "zip", c.zip, "MB of the package")
	flag.DurationVar(&c.upload, "upload", c.upload, "what uploading the package takes")
	flag.Parse()
	if c.tests < 2 || c.longest <= 0 || c.serial < c.longest {
		fmt.Fprintln(os.Stderr, "suite: there are two tests at least, and the longest takes no longer than all")
		os.Exit(2)
	}
	if err := c.print(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
