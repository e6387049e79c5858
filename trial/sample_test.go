package trial

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/assaylab/assay"
)

// sampledOf counts how many of n requests become trials.
func sampledOf(t *testing.T, s assay.Sample, seed uint64, n int, request func(int) *assay.Request) []int {
	f := New(Options{Store: &memory{}, Seed: seed})
	defer f.Close(t.Context())
	p := plan(answers(200, "a"))
	p.Experiment.Sample = s
	l := lane(t, f, p)
	var chosen []int
	for i := range n {
		if ticket := l.Choose(request(i)); ticket != nil {
			ticket.Drop("test")
			chosen = append(chosen, i)
		}
	}
	return chosen
}

func anyRequest(int) *assay.Request { return &assay.Request{Method: "GET"} }

func byUser(i int) *assay.Request {
	return &assay.Request{Method: "GET", Header: assay.Header{"X-User": {fmt.Sprint("user-", i%5000)}}}
}

func TestSampleRateIsExact(t *testing.T) {
	const n = 200_000
	for _, rate := range []float64{0, 0.00001, 0.001, 0.01, 0.25, 0.9999, 1} {
		got := float64(len(sampledOf(t, assay.Sample{Rate: rate}, 7, n, anyRequest)))
		mean, sd := n*rate, math.Sqrt(n*rate*(1-rate))
		if math.Abs(got-mean) > 5*sd {
			t.Errorf("rate %v: %v of %d sampled, want %v ± %v", rate, got, n, mean, 5*sd)
		}
	}
}

func TestSampleSeedMatters(t *testing.T) {
	s := assay.Sample{Rate: 0.1}
	a, b, c := sampledOf(t, s, 1, 1000, anyRequest), sampledOf(t, s, 1, 1000, anyRequest), sampledOf(t, s, 2, 1000, anyRequest)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("the same seed chooses otherwise")
	}
	if fmt.Sprint(a) == fmt.Sprint(c) {
		t.Error("another seed chooses the same")
	}
}

func TestSampleByHeaderKeepsClientsTogether(t *testing.T) {
	users := func(rate float64) map[int]int {
		seen := map[int]int{}
		for _, i := range sampledOf(t, assay.Sample{Rate: rate, By: "header:X-User"}, 1, 20_000, byUser) {
			seen[i%5000]++
		}
		return seen
	}
	few, many := users(0.1), users(0.3)
	for user, n := range few {
		if n != 4 {
			t.Fatalf("user %d: %d of 4 requests sampled", user, n)
		}
		if many[user] == 0 {
			t.Fatalf("user %d was lost when the rate rose", user)
		}
	}
	if n := len(few); n < 400 || n > 600 {
		t.Errorf("%d of 5000 users sampled at 10 %%", n)
	}
}

func TestSampleKey(t *testing.T) {
	r := &assay.Request{Query: "id=7&bad=%zz", Header: assay.Header{"Cookie": {"a=1; sid=9"}, "X-User": {"u"}}}
	for _, by := range []string{"query:id", "cookie:sid", "header:x-user"} {
		if u, ok := Key("e", by, r); !ok || u < 0 || u >= 1 {
			t.Errorf("%s: %v, %t", by, u, ok)
		}
	}
	for _, by := range []string{"", "query:none", "cookie:none", "header:none", "nonsense"} {
		if _, ok := Key("e", by, r); ok {
			t.Errorf("%q found a value", by)
		}
	}
	one, _ := Key("e", "query:id", r)
	other, _ := Key("f", "query:id", r)
	if one == other {
		t.Error("two experiments choose the same clients")
	}
}

// TestSampleRateOfAHundredThousandth looks at rates from the finest step on, by chance and by hash, within bounds
// that a binomial distribution leaves in about one of a million runs. What is chosen is not periodic.
func TestSampleRateOfAHundredThousandth(t *testing.T) {
	f := New(Options{Store: &memory{}, Seed: 11})
	defer f.Close(t.Context())
	for rate, n := range map[float64]int{0.00001: 1_000_000, 0.001: 200_000, 0.1: 50_000} {
		for _, by := range []string{"", "header:X-User"} {
			p := plan(answers(200, "a"))
			p.Experiment.Sample = assay.Sample{Rate: rate, By: by}
			l := lane(t, f, p)
			r := &assay.Request{Method: "GET", Header: assay.Header{"X-User": {""}}}
			chosen, last, gaps := 0, 0, map[int]int{}
			for i := range n {
				r.Header["X-User"][0] = "user-" + strconv.Itoa(i)
				if l.sampled(&p.Experiment, r) {
					chosen++
					gaps[i-last]++
					last = i
				}
			}
			mean, sd := float64(n)*rate, math.Sqrt(float64(n)*rate*(1-rate))
			if math.Abs(float64(chosen)-mean) > 5*sd+1 {
				t.Errorf("rate %v by %q: %d of %d, want %v ± %.0f", rate, by, chosen, n, mean, 5*sd)
			}
			for gap, times := range gaps {
				if times > chosen/5 && chosen > 25 {
					t.Errorf("rate %v by %q: every %dth, %d times of %d", rate, by, gap, times, chosen)
				}
			}
		}
	}
}
