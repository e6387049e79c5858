package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// took is how one run of a suite went.
type took struct {
	wall     time.Duration // of the command
	makespan time.Duration // from the first test's start to the last one's end
	before   time.Duration // from the command's start to the first test's
	sent     float64       // bytes, of what was uploaded
}

// test runs `assay test` in a project and reads what it says.
func (b *bench) test(ctx context.Context, dir string, args ...string) (t took, err error) {
	lines := filepath.Join(b.dir, "results.jsonl")
	args = append([]string{"test", "--workers", strconv.Itoa(b.workers), "--json", lines}, args...)
	began := time.Now()
	out, err := b.command(ctx, dir, b.assay, args...)
	if err != nil {
		return t, err
	}
	t.wall = time.Since(began)
	first, last, err := span(lines)
	if err != nil {
		return t, err
	}
	t.makespan = time.Duration((last - first) * float64(time.Second))
	t.before = time.Duration((first - float64(began.UnixNano())/1e9) * float64(time.Second))
	t.sent, err = sent(out)
	fmt.Fprintf(b.progress, "  assay: %.2f s, tests %.2f s, first test after %.2f s\n", t.wall.Seconds(), t.makespan.Seconds(), t.before.Seconds())
	return t, err
}

// xdist runs the same suite with pytest-xdist.
func (b *bench) xdist(ctx context.Context, dir, scheduler string) (time.Duration, error) {
	began := time.Now()
	_, err := b.command(ctx, dir, filepath.Join(b.python, "bin", "python"), "-m", "pytest", "-q", "-n", strconv.Itoa(b.workers), "--dist", scheduler)
	wall := time.Since(began)
	fmt.Fprintf(b.progress, "  xdist %s: %.2f s\n", scheduler, wall.Seconds())
	return wall, err
}

func (b *bench) command(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "VIRTUAL_ENV=" + b.python}
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(os.Interrupt) }, 20*time.Second
	out, err := cmd.CombinedOutput()
	if b.verbose {
		b.progress.Write(out)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, out)
	}
	return out, nil
}

// span is when the first test of a run began, and when the last one ended, in seconds since 1970.
func span(lines string) (first, last float64, err error) {
	data, err := os.ReadFile(lines)
	if err != nil {
		return 0, 0, err
	}
	first = math.Inf(1)
	for scan := bufio.NewScanner(bytes.NewReader(data)); scan.Scan(); {
		var r struct{ Start, Setup, Call, Teardown float64 }
		if err := json.Unmarshal(scan.Bytes(), &r); err != nil {
			return 0, 0, err
		}
		first, last = min(first, r.Start), max(last, r.Start+r.Setup+r.Call+r.Teardown)
	}
	return first, last, nil
}

var sentOf = regexp.MustCompile(`sent ([0-9.]+) (B|kB|MB) of `)

// sent reads how many bytes a run says that it sent.
func sent(out []byte) (float64, error) {
	m := sentOf.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("it does not say what it sent:\n%s", out)
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	return n * map[string]float64{"B": 1, "kB": 1e3, "MB": 1e6}[string(m[2])], err
}
