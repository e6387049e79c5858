package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assaylab/assay/suite/schedule"
)

// againstFloor runs the same durations with the longest test at several places: first with nothing known,
// then a second time, then with xdist.
func (b *bench) againstFloor(ctx context.Context) ([]row, error) {
	var first, second, wall []float64
	var against float64
	var floor time.Duration
	for i, place := range b.places {
		durations := lognormal(11+uint64(i), b.tests, b.floor*time.Duration(b.workers), place)
		floor = schedule.Floor(durations, b.workers)
		fmt.Fprintf(b.progress, "longest test %s (%.2f s), floor %.2f s\n", place, slices.Max(durations).Seconds(), floor.Seconds())
		dir := filepath.Join(b.dir, "floor-"+place)
		if err := sleepers(dir, durations); err != nil {
			return nil, err
		}
		one, two, err := b.twice(ctx, dir)
		if err != nil {
			return nil, err
		}
		first = append(first, over(one.makespan, floor))
		second = append(second, over(two.makespan, floor))
		wall = append(wall, over(two.wall, floor))
		if place != "last" {
			continue
		}
		if against, err = b.againstXdist(ctx, dir, two.wall); err != nil {
			return nil, err
		}
	}
	note := "longest test " + strings.Join(b.places, " %.3f, ") + " %.3f times the floor"
	return []row{
		{"makespan against the floor, second run", slices.Max(second), 1.02, fmt.Sprintf(note, list(second)...)},
		{fmt.Sprintf("wall clock against the floor of %.0f s, second run", floor.Seconds()), slices.Max(wall), 1.10, fmt.Sprintf(note, list(wall)...)},
		{"makespan against the floor, first run", slices.Max(first), 1.15, fmt.Sprintf(note, list(first)...)},
		{"wall clock against the better of xdist's load and worksteal, longest test last", against, 0.80, "same run, same suite"},
	}, nil
}

// twice runs a suite with nothing known, and then again: as often as there are rounds, of which the median
// by makespan counts.
func (b *bench) twice(ctx context.Context, dir string) (one, two took, err error) {
	if one, err = b.test(ctx, dir); err != nil {
		return one, two, err
	}
	var all []took
	for range b.rounds {
		if two, err = b.test(ctx, dir); err != nil {
			return one, two, err
		}
		all = append(all, two)
	}
	slices.SortFunc(all, func(a, b took) int { return int(a.makespan - b.makespan) })
	return one, all[len(all)/2], nil
}

func (b *bench) againstXdist(ctx context.Context, dir string, ours time.Duration) (float64, error) {
	load, err := b.xdist(ctx, dir, "load")
	if err != nil {
		return 0, err
	}
	steal, err := b.xdist(ctx, dir, "worksteal")
	return over(ours, min(load, steal)), err
}

func over(d, of time.Duration) float64 { return float64(d) / float64(of) }

func list(all []float64) (out []any) {
	for _, v := range all {
		out = append(out, v)
	}
	return out
}

// secondUpload runs a large project, changes a line, and runs it again.
func (b *bench) secondUpload(ctx context.Context) ([]row, error) {
	dir := filepath.Join(b.dir, "large")
	if err := sleepers(dir, lognormal(3, 40, 4*time.Second, "last")); err != nil {
		return nil, err
	}
	if err := large(dir, b.large); err != nil {
		return nil, err
	}
	fmt.Fprintf(b.progress, "project of %d MB\n", b.large)
	if _, err := b.test(ctx, dir); err != nil {
		return nil, err
	}
	var all []took
	for i := range b.rounds {
		file := filepath.Join(dir, "package", "part_00", "module_0000.py")
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, fmt.Appendf(text, "changed = %d\n", i), 0o644); err != nil {
			return nil, err
		}
		again, err := b.test(ctx, dir)
		if err != nil {
			return nil, err
		}
		all = append(all, again)
	}
	slices.SortFunc(all, func(a, b took) int { return int(a.before - b.before) })
	again := all[len(all)/2]
	return []row{
		{"upload after a one-line change, % of the project's bytes", 100 * again.sent / (float64(b.large) * 1e6), 1, fmt.Sprintf("%.0f bytes of %d MB, to all workers together", again.sent, b.large)},
		{"from the command to the first test's start after a one-line change, s", again.before.Seconds(), 2, fmt.Sprintf("%d MB, %d workers, median of %d", b.large, b.workers, len(all))},
	}, nil
}

// simulated runs 100,000 tests on 1,000 workers of an engine that takes no time of its own.
func (b *bench) simulated(context.Context) ([]row, error) {
	const workers = 1000
	durations := lognormal(5, 100_000, 100*time.Second*workers, "last")
	tasks := make([]schedule.Task, len(durations))
	for i, d := range durations {
		tasks[i] = schedule.Task{Estimate: d, Known: true}
	}
	began := time.Now()
	out := schedule.Simulate(tasks, schedule.Machine{Workers: workers, Takes: func(_, test int) time.Duration { return durations[test] }})
	computing := time.Since(began)
	return []row{
		{"simulated 1,000 workers and 100,000 tests: scheduler's time in all, s", computing.Seconds(), 1, fmt.Sprintf("%d leases", out.Invocations)},
		{"the same: makespan against the floor", over(out.Makespan, schedule.Floor(durations, workers)), 1.02, "fake engine, fake time"},
	}, nil
}
