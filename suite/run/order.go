package run

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/order"
)

// arrange reads the lists of tests, and decides in which order tests run, and which have processes of their
// own: those that their suite marks, those that --alone names, and all of them where the order has been asked for.
func (t *testRun) arrange() error {
	alone, err := t.list(t.options.Alone)
	if err != nil {
		return err
	}
	if t.options.Quarantine != "" {
		if t.excused, err = t.list([]string{"@" + t.options.Quarantine}); err != nil {
			return err
		}
	}
	t.own = map[string]string{}
	if len(t.options.Sequence) > 0 {
		return t.inSequence()
	}
	for _, test := range t.tests {
		if test.Alone || alone.Find(test.ID) >= 0 {
			t.own[test.ID] = test.ID
		}
	}
	if t.options.Shuffle != "" && !t.options.Detect {
		return t.shuffle()
	}
	return nil
}

// list reads patterns of tests, and files of them: @FILE.
func (t *testRun) list(patterns []string) (all suite.List, err error) {
	for _, p := range patterns {
		file, isFile := strings.CutPrefix(p, "@")
		if !isFile {
			all = append(all, suite.Entry{Pattern: p})
			continue
		}
		text, err := os.ReadFile(t.process.Absolute(file))
		if err != nil {
			return nil, &assay.Error{Code: assay.CodeInvalid, What: "a list of tests cannot be read: " + err.Error(), Where: file, Hint: "write one test's id a line", Err: err}
		}
		all = append(all, suite.ParseList(string(text))...)
	}
	return all, nil
}

// inSequence leaves the tests that --sequence names, for one process.
func (t *testRun) inSequence() error {
	var tests []suite.Test
	for _, id := range t.options.Sequence {
		i := slices.IndexFunc(t.tests, func(test suite.Test) bool { return test.ID == id })
		if i < 0 {
			return process.Invalid(fmt.Sprintf("--sequence: there is no test %q", id), "write its id as the reports do")
		}
		if t.own[id] != "" {
			return process.Invalid(fmt.Sprintf("--sequence names %q twice", id), "a process runs a test once")
		}
		tests = append(tests, t.tests[i])
		t.own[id] = "sequence"
	}
	t.tests, t.workers = tests, 1
	t.order = fmt.Sprintf("%d tests in the order given, in one process", len(tests))
	return nil
}

// shuffle orders tests by a seed, and deals them out to one process a worker, so that the same seed and
// number of workers have the same tests run after the same ones.
func (t *testRun) shuffle() error {
	seed, err := t.seed()
	if err != nil {
		return err
	}
	ids, groups := t.names()
	all := order.Shuffle(ids, groups, seed)
	shared := slices.DeleteFunc(slices.Clone(all), func(i int) bool { return t.own[ids[i]] != "" })
	for n, part := range order.Deal(shared, t.workers) {
		for _, i := range part {
			t.own[ids[i]] = fmt.Sprint("shuffled ", n)
		}
	}
	tests := make([]suite.Test, len(all))
	for at, i := range all {
		tests[at] = t.tests[i]
	}
	t.tests = tests
	text := strconv.FormatUint(seed, 10)
	t.order = fmt.Sprintf("shuffled with seed %s; the same again: %s", text, t.command("--shuffle", text, "--workers", strconv.Itoa(t.workers)))
	return nil
}

// seed is what --shuffle says.
func (t *testRun) seed() (uint64, error) {
	if t.options.Shuffle == "random" {
		return uint64(rand.Uint32()), nil
	}
	seed, err := strconv.ParseUint(t.options.Shuffle, 10, 64)
	if err != nil {
		return 0, process.Invalid(fmt.Sprintf("--shuffle %q", t.options.Shuffle), "write a number, or random")
	}
	return seed, nil
}

// names are the ids of the tests, and what each is kept together by.
func (t *testRun) names() (ids, groups []string) {
	for _, test := range t.tests {
		ids, groups = append(ids, test.ID), append(groups, t.scope(test))
	}
	return ids, groups
}

// command is a command line that runs the suite likewise, with other flags.
func (t *testRun) command(flags ...string) string {
	words := []string{"assay", "test"}
	if t.options.Engine != "embedded" {
		words = append(words, "--engine", t.options.Engine)
	}
	if t.options.Runner != "" {
		words = append(words, "--runner", t.options.Runner)
	}
	words = append(words, flags...)
	if len(t.args) > 0 {
		words = append(append(words, "--"), t.args...)
	}
	for i, w := range words {
		words[i] = shellWord(w)
	}
	return strings.Join(words, " ")
}

// shellWord quotes a word for a POSIX shell if need be.
func shellWord(s string) string {
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,+@%", r))
	}
	if s != "" && strings.IndexFunc(s, odd) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
