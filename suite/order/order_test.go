package order

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func ids(n int) (ids, groups []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint("test_", i))
		groups = append(groups, "")
	}
	return ids, groups
}

// TestShuffle: the seed decides, groups stay together, and tests that come and go change nothing else.
func TestShuffle(t *testing.T) {
	names, groups := ids(100)
	for i := range 10 {
		groups[10*i], groups[10*i+1] = fmt.Sprint("g", i), fmt.Sprint("g", i)
	}
	one := Shuffle(names, groups, 1)
	if !slices.Equal(one, Shuffle(names, groups, 1)) || slices.Equal(one, Shuffle(names, groups, 2)) {
		t.Error("the seed does not decide")
	}
	moved := 0
	for at, i := range one {
		if i%10 == 0 && (at+1 >= len(one) || one[at+1] != i+1) && (at == 0 || one[at-1] != i+1) {
			t.Errorf("group %s is apart", groups[i])
		}
		if at != i {
			moved++
		}
	}
	if moved < 80 {
		t.Errorf("%d of 100 tests moved", moved)
	}
	fewer := Shuffle(names[:50], groups[:50], 1)
	if !slices.Equal(fewer, slices.DeleteFunc(one, func(i int) bool { return i >= 50 })) {
		t.Error("tests that are gone change the order of the others")
	}
}

// TestShuffleIsFair: over seeds, each test comes first about as often as any other.
func TestShuffleIsFair(t *testing.T) {
	names, groups := ids(10)
	first := make([]int, 10)
	for seed := range uint64(10_000) {
		first[Shuffle(names, groups, seed)[0]]++
	}
	for i, n := range first {
		if n < 850 || n > 1150 { // five deviations of a fair one
			t.Errorf("test %d was first in %d of 10000", i, n)
		}
	}
}

func TestDeal(t *testing.T) {
	for _, c := range []struct{ n, parts, want int }{{10, 3, 3}, {2, 5, 2}, {0, 4, 1}, {7, 1, 1}, {7, 0, 1}} {
		order := make([]int, c.n)
		for i := range order {
			order[i] = i
		}
		parts := Deal(order, c.parts)
		if len(parts) != c.want || !slices.Equal(slices.Concat(parts...), order) {
			t.Errorf("%d in %d parts: %v", c.n, c.parts, parts)
		}
	}
}

// world says how a test ends after those that ran before it in its process.
type world func(test int, before []int) Outcome

func (w world) run(ran *int) Runner {
	return func(all []Sequence) (out [][]Outcome, err error) {
		for _, s := range all {
			*ran += len(s)
			var o []Outcome
			for i, t := range s {
				o = append(o, w(t, s[:i]))
			}
			out = append(out, o)
		}
		return out, nil
	}
}

func bad(b bool) Outcome {
	if b {
		return Bad
	}
	return Good
}

// TestDetect: pairs are found wherever they stand, and what is only broken or flaky is told apart.
func TestDetect(t *testing.T) {
	const n = 400
	names, groups := ids(n)
	chance := rand.New(rand.NewPCG(1, 1))
	w := world(func(test int, before []int) Outcome {
		has := func(t int) bool { return slices.Contains(before, t) }
		switch test {
		case 300, 17, 18, 19, 20, 21, 22, 23, 24, 25: // victims of 77, unless 78 cleaned up after it
			return bad(has(77) && slices.Index(before, 78) < slices.Index(before, 77))
		case 5: // of two together
			return bad(has(200) && has(201))
		case 9:
			return bad(!has(350))
		case 50:
			return Bad
		case 60:
			return bad(chance.IntN(2) == 0)
		}
		return Good
	})
	ran := 0
	findings, err := Detect(Looks(names, groups, 1, 3), w.run(&ran))
	if err != nil {
		t.Fatal(err)
	}
	got := map[int]Finding{}
	for _, f := range findings {
		slices.Sort(f.Others)
		got[f.Test] = f
	}
	want := map[int]Finding{5: {5, Victim, []int{200, 201}}, 9: {9, Brittle, []int{350}}, 50: {50, Broken, nil}, 60: {60, Flaky, nil}, 300: {300, Victim, []int{77}}}
	for v := 17; v <= 25; v++ {
		want[v] = Finding{v, Victim, []int{77}}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	if ran > 40*n {
		t.Errorf("%d tests were run for %d victims among %d", ran, len(want), n)
	}
	t.Logf("%d tests were run to find %d of %d", ran, len(want), n)
}

// TestDetectAnyPair: whichever pair it is among however many tests, it is found, by running the suite no
// more often than three looks, one confirmation, and twice for the halves.
func TestDetectAnyPair(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 300 {
		n := 2 + r.IntN(60)
		names, groups := ids(n)
		p, v, brittle := r.IntN(n), r.IntN(n), r.IntN(2) == 0
		if p == v {
			continue
		}
		w := world(func(test int, before []int) Outcome {
			return bad(test == v && slices.Contains(before, p) != brittle)
		})
		ran := 0
		findings, err := Detect(Looks(names, groups, 3, 1), w.run(&ran))
		kind := map[bool]Kind{true: Brittle, false: Victim}[brittle]
		if err != nil || !reflect.DeepEqual(findings, []Finding{{v, kind, []int{p}}}) {
			t.Fatalf("of %d tests, %d after %d: %+v, %v", n, v, p, findings, err)
		}
		if ran > 6*n+30 {
			t.Errorf("%d tests were run, of %d", ran, n)
		}
	}
}

// TestDetectRunnerFails: what cannot be run is an error, at each step.
func TestDetectRunnerFails(t *testing.T) {
	names, groups := ids(20)
	w := world(func(test int, before []int) Outcome { return bad(test == 3 && slices.Contains(before, 11)) })
	gone := errors.New("gone")
	for fails := range 4 {
		calls, ran := 0, 0
		_, err := Detect(Looks(names, groups, 1, 1), func(all []Sequence) ([][]Outcome, error) {
			if calls++; calls > fails {
				return nil, gone
			}
			return w.run(&ran)(all)
		})
		if !errors.Is(err, gone) {
			t.Errorf("call %d: %v", fails, err)
		}
	}
}
