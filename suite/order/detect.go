package order

import "slices"

// Outcome is how a test ended in a sequence.
type Outcome int

// The outcomes. Unknown is that of a test which was not run.
const (
	Unknown Outcome = iota
	Good
	Bad
)

// Sequence is tests that one process runs, in this order, and nothing before them.
type Sequence []int

// Runner runs sequences, several at once, and tells how each test of each of them ended.
type Runner func([]Sequence) ([][]Outcome, error)

// Kind says what is the matter with a test.
type Kind string

// The kinds. Broken tests fail in each order, and flaky ones now and then in one.
const (
	Victim  Kind = "victim"
	Brittle Kind = "brittle"
	Flaky   Kind = "flaky"
	Broken  Kind = "broken"
)

// Finding is a test that fails in some order.
type Finding struct {
	Test int
	Kind Kind
	// Others are the least set of tests, in order, that make a victim fail or a brittle test pass.
	Others []int
}

// Looks are the orders in which a suite is run to see which tests depend on theirs: as listed, from the
// end, and as many shuffled ones as are wished.
func Looks(ids, groups []string, seed uint64, shuffles int) []Sequence {
	listed := make(Sequence, len(ids))
	for i := range listed {
		listed[i] = i
	}
	back := slices.Clone(listed)
	slices.Reverse(back)
	looks := []Sequence{listed, back}
	for i := range shuffles {
		looks = append(looks, Shuffle(ids, groups, seed+uint64(i)))
	}
	return looks
}

// Detect finds the tests that depend on the order in which looks have them run, and on which others they do.
func Detect(looks []Sequence, run Runner) ([]Finding, error) {
	outcomes, err := run(looks)
	if err != nil {
		return nil, err
	}
	tests := suspects(looks, outcomes)
	alone, err := run(singles(tests, 2))
	if err != nil {
		return nil, err
	}
	var findings []Finding
	var searches []*search
	for i, t := range tests {
		finding, s := classify(t, looks, outcomes, alone[2*i][0], alone[2*i+1][0])
		if s != nil {
			searches = append(searches, s)
			continue
		}
		findings = append(findings, finding)
	}
	found, err := pursue(searches, run)
	findings = append(findings, found...)
	slices.SortFunc(findings, func(a, b Finding) int { return a.Test - b.Test })
	return findings, err
}

// suspects are the tests that failed in some look.
func suspects(looks []Sequence, outcomes [][]Outcome) (tests []int) {
	for l, look := range looks {
		for i, t := range look {
			if outcomes[l][i] == Bad {
				tests = append(tests, t)
			}
		}
	}
	slices.Sort(tests)
	return slices.Compact(tests)
}

// singles are tests by themselves, each so many times.
func singles(tests []int, times int) (all []Sequence) {
	for _, t := range tests {
		for range times {
			all = append(all, Sequence{t})
		}
	}
	return all
}

// classify says what a suspect is, or returns the search for the tests that it depends on.
func classify(test int, looks []Sequence, outcomes [][]Outcome, first, second Outcome) (Finding, *search) {
	if first != second || first == Unknown {
		return Finding{Test: test, Kind: Flaky}, nil
	}
	other := Good + Bad - first
	before, differs := shortest(test, looks, outcomes, other)
	switch {
	case !differs:
		return Finding{Test: test, Kind: Broken}, nil // it failed in a look, and so it does alone
	case len(before) == 0:
		return Finding{Test: test, Kind: Flaky}, nil
	}
	return Finding{}, &search{test: test, want: other, before: before, parts: 2}
}

// shortest is what ran before a test where it ended so, in the look where that is least.
func shortest(test int, looks []Sequence, outcomes [][]Outcome, want Outcome) (before Sequence, found bool) {
	for l, look := range looks {
		at := slices.Index(look, test)
		if at < 0 || outcomes[l][at] != want || found && len(before) <= at {
			continue
		}
		before, found = look[:at], true
	}
	return before, found
}
