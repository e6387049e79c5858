package contrast

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
)

// world runs tests on two arms: how often each fails, and what it takes, as far as the candidate differs.
type world struct {
	n              int
	flaky          map[int]float64 // fail on either arm so often
	broken, mended map[int]bool
	slower         map[int]float64 // factor
	all            float64         // factor of all tests
	noise          float64         // of the logarithms of durations
	ran            int             // pairs
}

var options = Options{Alpha: .05, Margin: .1, Rounds: 3, Most: 25}

func (w *world) run(seed uint64, o Options) Report {
	r := rand.New(rand.NewPCG(seed, 5))
	ids := make([]string, w.n)
	for i := range ids {
		ids[i] = fmt.Sprint("t", i)
	}
	c := New(ids, o)
	for next := c.Next(); len(next) > 0; next = c.Next() {
		var control, candidate []suite.Result
		for _, i := range next {
			w.ran++
			control = append(control, w.result(r, i, w.mended[i], 1))
			candidate = append(candidate, w.result(r, i, w.broken[i], max(w.all, 1)*max(w.slower[i], 1)))
		}
		slices.Reverse(candidate)
		c.Add(control, candidate)
	}
	return c.Report()
}

func (w *world) result(r *rand.Rand, i int, fails bool, factor float64) suite.Result {
	out := suite.Result{ID: fmt.Sprint("t", i), Status: suite.Pass, Call: .02 * float64(1+i%50) * factor * math.Exp(w.noise*r.NormFloat64())}
	if fails || r.Float64() < w.flaky[i] {
		out.Status, out.Message = suite.Fail, "no"
	}
	return out
}

func ids(all []Difference) (proven []string) {
	for _, d := range all {
		if d.Proven {
			proven = append(proven, d.ID)
		}
	}
	slices.Sort(proven)
	return proven
}

// TestAlike: arms that are alike are told apart in at most the share alpha of runs, flaky tests and noise or
// not, and without noise hold each time.
func TestAlike(t *testing.T) {
	outcomes := map[assay.Conclusion]int{}
	for seed := range uint64(60) {
		w := &world{n: 100, noise: .2, flaky: map[int]float64{3: .1, 40: .5, 77: .9}}
		outcomes[w.run(seed, options).Verdict.Outcome]++
	}
	if outcomes[assay.Refuted] > 3 || outcomes[assay.Holds] < 36 {
		t.Errorf("of 60 runs of like arms: %v", outcomes)
	}
	if v := (&world{n: 100, noise: .02}).run(1, options).Verdict; v.Outcome != assay.Holds {
		t.Errorf("%+v", v)
	}
}

// TestBroken: tests that fail on the candidate are named, one alone among thousands as well as many, for no
// more than some runs of those tests alone.
func TestBroken(t *testing.T) {
	for _, n := range []int{1, 20, 400, 4000} {
		w := &world{n: n, noise: .1, broken: map[int]bool{n / 2: true}, mended: map[int]bool{n / 4: n > 1}, flaky: map[int]float64{n - 2: .3}}
		r := w.run(7, options)
		if want := []string{fmt.Sprint("t", n/2)}; r.Verdict.Outcome != assay.Refuted || !slices.Equal(ids(r.Worse), want) {
			t.Errorf("of %d: %s, %v, want %v\n%+v", n, r.Verdict.Outcome, ids(r.Worse), want, r.Worse)
		}
		if n > 1 && (len(r.Better) == 0 || r.Better[len(r.Better)-1].ID == "") {
			t.Errorf("of %d, that one was mended is not told: %+v", n, r.Better)
		}
		if w.ran > 3*n+500 {
			t.Errorf("of %d: %d pairs", n, w.ran)
		}
	}
	all := &world{n: 1000, noise: .1, broken: map[int]bool{}}
	for i := range all.n {
		all.broken[i] = true
	}
	if r := all.run(1, options); r.Verdict.Outcome != assay.Refuted || all.ran > 5000 {
		t.Errorf("with all broken: %s after %d pairs", r.Verdict.Outcome, all.ran)
	}
}

// TestSlower: single tests that take half as long again are found among others, and all of them by the middle.
func TestSlower(t *testing.T) {
	found := 0
	for seed := range uint64(10) {
		w := &world{n: 200, noise: .1, slower: map[int]float64{49: 1.5, 149: 1.6}}
		r := w.run(seed, options)
		if proven := ids(r.Slower); slices.Equal(proven, []string{"t149", "t49"}) && r.Verdict.Outcome == assay.Refuted {
			found++
		}
		if w.ran > 600+together*25 {
			t.Errorf("%d pairs", w.ran)
		}
	}
	if found < 9 {
		t.Errorf("both slow tests were found in %d of 10 runs", found)
	}
	v := (&world{n: 200, noise: .1, all: 1.3}).run(3, options).Verdict
	if whole := v.Evidence.Checks[2]; v.Outcome != assay.Refuted || whole.Conclusion != assay.Refuted || whole.Interval[0] > 1.3 || whole.Interval[1] < 1.3 {
		t.Errorf("all slower by 30 %%: %+v", v)
	}
	if v := (&world{n: 200, noise: .1, all: 1.05}).run(3, options).Verdict; v.Outcome == assay.Refuted {
		t.Errorf("all slower by 5 %%: %+v", v)
	}
}

// TestSkippedAndLost: what one arm skips is told, and what one arm lost counts for nothing.
func TestSkippedAndLost(t *testing.T) {
	c := New([]string{"a", "b", "c"}, Options{Alpha: .05, Margin: .1, Rounds: 1, Most: 1})
	c.Add([]suite.Result{{ID: "a", Status: suite.Pass}, {ID: "b", Status: suite.Pass}, {ID: "c", Status: suite.Pass}, {ID: "x", Status: suite.Fail}},
		[]suite.Result{{ID: "a", Status: suite.Skip}, {ID: "b", Status: suite.Lost}, {ID: "x"}})
	r := c.Report()
	if r.Pairs != 1 || len(r.Skipped) != 1 || r.Skipped[0].ID != "a" || len(r.Worse)+len(c.Next()) > 0 {
		t.Errorf("%+v", r)
	}
}

// TestReport: it is told to people and to machines alike, whatever tests are called.
func TestReport(t *testing.T) {
	w := &world{n: 60, noise: .1, broken: map[int]bool{7: true}, slower: map[int]float64{49: 2}}
	r := w.run(2, options)
	data, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(data), `"outcome":"refuted"`) {
		t.Errorf("%v: %s", err, data)
	}
	again, _ := json.Marshal((&world{n: 60, noise: .1, broken: map[int]bool{7: true}, slower: map[int]float64{49: 2}}).run(2, options))
	if string(again) != string(data) {
		t.Error("the same pairs give another report")
	}
	var out strings.Builder
	r.Worse[0].ID = "t7\x1b[31m"
	if err := r.Table(&out); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"ENDS WORSE", "fails in all", "TAKES LONGER", "t49", "refuted: 1 test fails on the candidate more often than on the control: t7; 1 test takes longer by more than 10 %: t49"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("%q is not in\n%s", text, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("a test's name steers the terminal")
	}
}
