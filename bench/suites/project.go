package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// lognormal is n durations whose logarithms are normal (sigma 1.5: the longest of 400 takes about half of what eight workers take), which sum up to a total, the longest at
// a place of the listing: "first", "middle", "last", or where chance put it.
func lognormal(seed uint64, n int, total time.Duration, longest string) []time.Duration {
	r := rand.New(rand.NewPCG(seed, 7))
	raw, sum := make([]float64, n), 0.0
	for i := range raw {
		raw[i] = math.Exp(1.5 * r.NormFloat64())
		sum += raw[i]
	}
	all := make([]time.Duration, n)
	for i := range raw {
		all[i] = time.Duration(raw[i] / sum * float64(total)).Round(time.Millisecond)
	}
	at := slices.Index(all, slices.Max(all))
	to, moved := map[string]int{"first": 0, "middle": n / 2, "last": n - 1}[longest]
	if moved {
		all[at], all[to] = all[to], all[at]
	}
	return all
}

// aFile is how many tests stand in one file.
const aFile = 20

// sleepers writes a pytest project whose tests sleep so long, in this order.
func sleepers(dir string, durations []time.Duration) error {
	for from := 0; from < len(durations); from += aFile {
		text := &strings.Builder{}
		fmt.Fprintln(text, "import time")
		for i := from; i < min(from+aFile, len(durations)); i++ {
			fmt.Fprintf(text, "\ndef test_%04d():\n    time.sleep(%.3f)\n", i, durations[i].Seconds())
		}
		if err := write(dir, fmt.Sprintf("tests/test_%03d.py", from/aFile), text.String()); err != nil {
			return err
		}
	}
	return write(dir, "pytest.ini", "[pytest]\n")
}

func write(dir, name, text string) error {
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// large adds files of text that does not compress to nothing, so many MB of them: a project's data.
func large(dir string, mb int) error {
	r := rand.New(rand.NewPCG(1, 1))
	const each = 25_000 // bytes
	for i := range mb * 1_000_000 / each {
		text := &strings.Builder{}
		for text.Len() < each {
			fmt.Fprintf(text, "value_%d = %d\n", r.IntN(1000), r.Uint64())
		}
		if err := write(dir, fmt.Sprintf("package/part_%02d/module_%04d.py", i/50, i), text.String()); err != nil {
			return err
		}
	}
	return nil
}
