package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// readable is a store that also keeps readings.
type readable interface {
	assay.Store
	assay.Readings
}

// RunReadings checks everything that assay.Readings promises. Each call of open returns an empty store,
// which open closes at the end of the test.
func RunReadings[S readable](t *testing.T, open func(t *testing.T) S) {
	for _, c := range []struct {
		name string
		test func(*testing.T, readable)
	}{
		{"the newest samples of noise are kept", noiseIsSampled},
		{"noise is bounded", noiseIsBounded},
		{"excuses are counted in pairs", excusesAreCounted},
		{"mismatches are clustered", mismatchesCluster},
		{"clusters are bounded", clustersAreBounded},
		{"a cluster that comes back is counted", clustersReturn},
		{"the newest mark stands", newestMark},
		{"a trial kept twice is learned from once", learnedOnce},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) { c.test(t, open(t)) })
	}
}

// trialOf is trial n of candidate "one", which differs in what is given.
func trialOf(n int, candidate []assay.Difference, secondary *assay.Comparison) assay.Trial {
	t := assay.Trial{
		ID: fmt.Sprintf("t-%06d", n), Experiment: Experiment, Version: 1, Since: 1, Time: start.Add(time.Duration(n) * time.Second),
		Invocation: assay.Invocation{Request: &assay.Request{Method: "GET", Path: "/orders/17"}},
		Control:    observation("control", assay.RoleControl), Secondary: secondary,
		Candidates: []assay.Comparison{{Observation: observation("one", assay.RoleCandidate), Differences: candidate}},
	}
	return t
}

func differing(path, control, other string) assay.Difference {
	return assay.Difference{Path: path, Kind: assay.KindValue, Control: control, Candidate: other}
}

func second(differences ...assay.Difference) *assay.Comparison {
	return &assay.Comparison{Observation: observation("control", assay.RoleSecondary), Differences: differences}
}

func got[V any](t *testing.T, v V, err error) V {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func noiseIsSampled(t *testing.T, s readable) {
	excused := differing("body:$.ignored", "1", "2")
	excused.Ignored = "a rule"
	for n := range 120 {
		keep(t, s, trialOf(n, nil, second(differing("body:$.tags[0]", "a", "b"), differing("body:$.tags[1]", "b", fmt.Sprint(n)), excused)))
	}
	samples, err := s.Noise(t.Context(), Experiment)
	got(t, samples, err)
	if len(samples) < 10 || len(samples) > 100 {
		t.Fatalf("%d samples", len(samples))
	}
	last := samples[len(samples)-1]
	if last.Path != "body:$.tags[*]" || last.Kind != assay.KindValue || last.Trial != "t-000119" || !last.Time.Equal(start.Add(119*time.Second)) ||
		!slices.Equal(last.Control, []string{"a", "b"}) || !slices.Equal(last.Secondary, []string{"b", "119"}) {
		t.Errorf("the last sample is %+v", last)
	}
	for _, n := range samples {
		if n.Path == "body:$.ignored" {
			t.Error("what a rule excuses is no noise any more")
		}
	}
	none, err := s.Noise(t.Context(), "another")
	if len(got(t, none, err)) != 0 {
		t.Errorf("noise of another experiment: %+v", none)
	}
}

func noiseIsBounded(t *testing.T, s readable) {
	var many []assay.Difference
	for n := range 1000 {
		many = append(many, differing(fmt.Sprintf("body:$.k%d", n), "a", "b"))
	}
	keep(t, s, trialOf(0, nil, second(many...)))
	samples, err := s.Noise(t.Context(), Experiment)
	if n := len(got(t, samples, err)); n == 0 || n >= 1000 {
		t.Errorf("%d samples of 1000 paths", n)
	}
}

func excusesAreCounted(t *testing.T, s readable) {
	excused := differing("body:$.id", "1", "2")
	excused.Ignored = "rule x"
	differences := []assay.Difference{excused, excused}
	keep(t, s,
		trialOf(0, differences, nil), trialOf(1, differences, second()), trialOf(2, differences, second(excused)),
		trialOf(3, nil, second(excused)), trialOf(4, nil, second()), trialOf(5, differences, second()))
	counts, err := s.Excuses(t.Context(), Experiment, 1)
	want := assay.ExcuseCount{Arm: "one", Rule: "rule x", Hits: 4, CandidateOnly: 2, SecondaryOnly: 1, Last: start.Add(5 * time.Second)}
	if got := got(t, counts, err); len(got) != 1 || got[0] != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	later, err := s.Excuses(t.Context(), Experiment, 2)
	if len(got(t, later, err)) != 0 {
		t.Errorf("other evidence: %+v", later)
	}
}

func mismatchesCluster(t *testing.T, s readable) {
	total := []assay.Difference{differing("body:$.lines[3].total", "20", "21")}
	name := []assay.Difference{differing("body:$.name", `"a"`, `"b"`)}
	trials := []assay.Trial{trialOf(0, nil, nil), trialOf(1, total, nil), trialOf(2, name, nil), trialOf(3, total, nil), trialOf(4, nil, nil)}
	trials[3].Version = 4
	trials[3].Candidates[0].Differences[0].Path = "body:$.lines[0].total" // the same place, folded
	keep(t, s, trials...)
	clusters, err := s.Clusters(t.Context(), Experiment)
	if got(t, clusters, err); len(clusters) != 2 {
		t.Fatalf("%+v", clusters)
	}
	c := clusters[0]
	if c.Count != 2 || !c.First.Equal(start.Add(time.Second)) || !c.Last.Equal(start.Add(3*time.Second)) || c.FirstVersion != 1 || c.LastVersion != 4 ||
		c.Example != "t-000003" || c.Quiet != 1 || c.Span != 3 || c.Arm != "one" || c.Experiment != Experiment || c.ID == "" {
		t.Errorf("the first cluster is %+v", c)
	}
	if p := c.Signature.Places; len(p) != 1 || p[0] != (assay.Place{Path: "body:$.lines[*].total", Kind: assay.KindValue, Control: "integer", Candidate: "integer"}) ||
		c.Signature.Route != "GET /orders/{id}" || c.Signature.Statuses != [2]int{200, 200} {
		t.Errorf("its signature is %+v", c.Signature)
	}
	if clusters[1].Count != 1 || clusters[1].Quiet != 2 {
		t.Errorf("the other is %+v", clusters[1])
	}
}

func clustersAreBounded(t *testing.T, s readable) {
	const trials = 500
	for n := range trials {
		keep(t, s, trialOf(n, []assay.Difference{differing(fmt.Sprintf("body:$.k%d", n), "1", "2")}, nil))
	}
	clusters, err := s.Clusters(t.Context(), Experiment)
	var sum int64
	for _, c := range got(t, clusters, err) {
		sum += c.Count
	}
	if len(clusters) >= trials || sum != trials {
		t.Errorf("%d clusters of %d trials", len(clusters), sum)
	}
}

func clustersReturn(t *testing.T, s readable) {
	differences := []assay.Difference{differing("body:$.total", "20", "21")}
	n := 0
	for _, step := range []struct {
		trials int
		differ bool
	}{{50, true}, {300, false}, {1, true}} {
		for range step.trials {
			trial := trialOf(n, nil, nil)
			if step.differ {
				trial.Candidates[0].Differences = differences
			}
			keep(t, s, trial)
			n++
		}
	}
	clusters, err := s.Clusters(t.Context(), Experiment)
	if got(t, clusters, err); len(clusters) != 1 || clusters[0].Returns != 1 || clusters[0].Count != 51 || clusters[0].Span != 351 || clusters[0].Quiet != 0 {
		t.Errorf("%+v", clusters)
	}
}

func newestMark(t *testing.T, s readable) {
	first := assay.Mark{Experiment: Experiment, Arm: "one", ID: "x", State: "accepted", By: "ann", Time: start}
	newest := first
	newest.State, newest.By, newest.Time = "fixed", "bob", start.Add(time.Hour)
	proposal := assay.Mark{Experiment: Experiment, ID: "x", State: assay.StateRejected, By: "ann", Time: start}
	for _, m := range []assay.Mark{first, newest, proposal} {
		if err := s.Mark(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	marks, err := s.Marks(t.Context(), Experiment)
	if !slices.Equal(got(t, marks, err), []assay.Mark{proposal, newest}) {
		t.Errorf("marks are %+v", marks)
	}
}

func learnedOnce(t *testing.T, s readable) {
	excused := differing("body:$.id", "1", "2")
	excused.Ignored = "rule x"
	trial := trialOf(0, []assay.Difference{excused, differing("body:$.total", "20", "21")}, second(differing("body:$.at", "1", "2")))
	keep(t, s, trial, trial)
	keep(t, s, trial)
	clusters, err := s.Clusters(t.Context(), Experiment)
	if got(t, clusters, err); len(clusters) != 1 || clusters[0].Count != 1 || clusters[0].Span != 1 {
		t.Errorf("clusters %+v", clusters)
	}
	excuses, err := s.Excuses(t.Context(), Experiment, 1)
	if got(t, excuses, err); len(excuses) != 1 || excuses[0].Hits != 1 {
		t.Errorf("excuses %+v", excuses)
	}
	samples, err := s.Noise(t.Context(), Experiment)
	if len(got(t, samples, err)) != 1 {
		t.Errorf("samples %+v", samples)
	}
}
