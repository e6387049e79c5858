// Command suites measures `assay test` against the floor of a test suite, max(longest test, all tests /
// workers), and beside pytest-xdist. In come the assay binary and a virtual environment with pytest and
// xdist; out comes one table, each row with its goal. The suites are of tests that sleep for log-normal
// times, so that what is measured is who runs what when, and not the processor. Durations are the nominal
// ones: what a runner adds to each test counts against it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options say what to measure.
type options struct {
	assay   string        // the binary
	python  string        // a virtual environment with pytest and xdist
	only    string        // the one topic to measure; all if empty
	tests   int           // of a suite
	workers int           //
	floor   time.Duration // of a suite
	rounds  int           // second runs of each suite, of which the median is told
	places  []string      // of the longest test in the listing
	large   int           // MB of the project whose second upload is measured
	verbose bool
}

func main() {
	o := options{places: []string{"first", "middle", "last", "by chance"}}
	flag.StringVar(&o.assay, "assay", "bin/assay", "the binary")
	flag.StringVar(&o.python, "python", ".deps/python", "virtual environment with pytest and pytest-xdist")
	flag.StringVar(&o.only, "only", "", "one topic alone: "+strings.Join(names(), ", "))
	flag.IntVar(&o.tests, "tests", 400, "tests of a suite")
	flag.IntVar(&o.workers, "workers", 8, "workers of each runner")
	flag.DurationVar(&o.floor, "floor", 25*time.Second, "of a suite: all its tests' sleep over the workers")
	flag.IntVar(&o.rounds, "rounds", 3, "second runs of each suite; medians are told")
	flag.IntVar(&o.large, "large", 50, "MB of the project that is uploaded twice")
	flag.BoolVar(&o.verbose, "v", false, "show what the runners print")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "suites:", err)
		os.Exit(1)
	}
}

// topic is one thing that is measured.
type topic struct {
	name    string
	measure func(*bench, context.Context) ([]row, error)
}

var topics = []topic{{"floor", (*bench).againstFloor}, {"upload", (*bench).secondUpload}, {"simulated", (*bench).simulated}}

func names() (all []string) {
	for _, t := range topics {
		all = append(all, t.name)
	}
	return all
}

// bench is where measurements take place.
type bench struct {
	options
	dir      string
	progress io.Writer
}

// run measures one topic after another and prints the table.
func run(ctx context.Context, o options, out, progress io.Writer) (err error) {
	b := &bench{options: o, progress: progress}
	if b.dir, err = os.MkdirTemp("", "assay-suites-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	for _, path := range []*string{&b.assay, &b.python} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	var all []row
	for _, t := range topics {
		if o.only != "" && t.name != o.only {
			continue
		}
		rows, err := t.measure(b, ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		all = append(all, rows...)
	}
	return printTable(out, all)
}

// row is one figure, and the most it is to be.
type row struct {
	what  string
	value float64
	goal  float64
	note  string
}

// printTable writes Markdown: it is quoted in the documentation as it stands.
func printTable(w io.Writer, rows []row) error {
	if _, err := fmt.Fprintln(w, "| | measured | goal | reached |\n| --- | ---: | ---: | --- |"); err != nil {
		return err
	}
	for _, r := range rows {
		reached := "yes"
		if r.value > r.goal {
			reached = "no"
		}
		if _, err := fmt.Fprintf(w, "| %s (%s) | %.3g | <= %.3g | %s |\n", r.what, r.note, r.value, r.goal, reached); err != nil {
			return err
		}
	}
	return nil
}
