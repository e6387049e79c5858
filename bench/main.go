// Command bench measures what Assay costs its clients, beside the proxies that people use: nginx
// (proxy_pass and mirror) and HAProxy. In come these programs, the assay binary and wrk, which drives all of
// them alike; out comes one table, each row with its ratio and the goal. Everything runs on loopback, for a
// time that is known beforehand; rounds alternate between the ones compared, and medians are told.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// options say how long to measure.
type options struct {
	assay  string        // the binary
	rounds int           // of each comparison
	window time.Duration // one measurement; wrk takes whole seconds
	hold   time.Duration // how long the candidate hangs while memory is watched
	trials int           // kept before pages are asked for
	asks   int           // for each page
	only   string        // the one topic to measure; all if empty
	rush   bool          // all topics at once, to see that they work
}

// short runs everything once and at once, to see that it works; its figures say nothing.
func (o *options) short() {
	o.rounds, o.window, o.hold, o.trials, o.asks, o.rush = 1, time.Second, time.Second, 4000, 2, true
}

func main() {
	var o options
	var short bool
	flag.StringVar(&o.assay, "assay", "bin/assay", "the binary")
	flag.IntVar(&o.rounds, "rounds", 7, "measurements of each, alternating; the median is told")
	flag.DurationVar(&o.window, "window", 4*time.Second, "time of one measurement, in whole seconds")
	flag.DurationVar(&o.hold, "hold", time.Minute, "time of traffic with a hung candidate")
	flag.IntVar(&o.trials, "trials", 1_000_000, "trials kept before each page and API call is asked for")
	flag.IntVar(&o.asks, "asks", 200, "times that each is asked for")
	flag.StringVar(&o.only, "only", "", "one topic alone: "+topicNames())
	flag.BoolVar(&short, "short", false, "run everything once, for a second: the figures say nothing")
	flag.Parse()
	if short {
		o.short()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run starts what is compared, measures one topic after another, and prints the table.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.assay, err = filepath.Abs(o.assay); err != nil {
		return err
	}
	s, err := newStage(dir)
	if err != nil {
		return err
	}
	defer s.close()
	rows, err := measure(ctx, s, o, progress)
	if err != nil {
		return err
	}
	return printTable(out, rows)
}

// measure goes through the topics, one after another unless in a rush.
func measure(ctx context.Context, s *stage, o options, progress io.Writer) ([]row, error) {
	found, group := make([][]row, len(topics)), new(errgroup.Group)
	group.SetLimit(1)
	if o.rush {
		group.SetLimit(len(topics))
	}
	for i, t := range topics {
		if o.only != "" && t.name != o.only {
			continue
		}
		group.Go(func() (err error) {
			fmt.Fprintf(progress, "%s ...\n", t.name)
			if found[i], err = t.measure(ctx, s, o); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			return nil
		})
	}
	err := group.Wait()
	return slices.Concat(found...), err
}
