package storetest

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// Experiment is what Trials are of.
const Experiment = "rounding"

var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// Trials draws n trials of two candidates, "one" and "two", with all that trials can have: faults,
// cold starts, a secondary now and then, differences, excused ones, bodies of about a kilobyte. The
// same seed gives the same trials.
func Trials(seed uint64, n int) []assay.Trial {
	r := rand.New(rand.NewPCG(seed, 4))
	trials := make([]assay.Trial, n)
	for i := range trials {
		trials[i] = draw(r, start.Add(time.Duration(i)*time.Second))
	}
	return trials
}

// Plain draws trials of one candidate that matches, with bodies of 1 kB: the usual load.
func Plain(seed uint64, n int) []assay.Trial {
	trials := Trials(seed, n)
	for i := range trials {
		t := &trials[i]
		t.Secondary, t.Candidates = nil, t.Candidates[:1]
		c := &t.Candidates[0]
		c.Differences = nil
		for _, o := range []*assay.Observation{&t.Control, &c.Observation} {
			o.Fault, o.Body = nil, bytes.Repeat([]byte{'a' + byte(i%26)}, 1000)
		}
		c.Observation.Body[0] = 'A' // other bytes that mean the same, so that both are kept
		t.Invocation.Request.Body = bytes.Repeat([]byte{'r'}, 1000)
	}
	return trials
}

func draw(r *rand.Rand, at time.Time) assay.Trial {
	id := fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
	body := bytes.Repeat([]byte("abcdefg "), 125)
	t := assay.Trial{
		ID: id, Experiment: Experiment, Version: 1, Since: 1, Time: at, Bodies: true,
		Invocation: assay.Invocation{
			ID: id, Received: at, Payload: []byte(`{"version":"2.0"}`),
			Request: &assay.Request{Method: "GET", Host: "localhost", Path: "/round", Query: "number=20.5", Header: assay.Header{"Accept": {"*/*"}}, Body: body[:r.IntN(len(body))]},
		},
		Control: drawObservation(r, at, "control", assay.RoleControl, body),
	}
	if r.IntN(3) == 0 {
		t.Secondary = &assay.Comparison{Observation: drawObservation(r, at, "control", assay.RoleSecondary, body), Differences: drawDifferences(r)}
	}
	for _, name := range []string{"one", "two"} {
		t.Candidates = append(t.Candidates, assay.Comparison{Observation: drawObservation(r, at, name, assay.RoleCandidate, body), Differences: drawDifferences(r)})
	}
	return t
}

func observation(arm string, role assay.Role) assay.Observation {
	return assay.Observation{Arm: arm, Role: role, Started: start, Duration: time.Millisecond, Status: 200}
}

func drawObservation(r *rand.Rand, at time.Time, arm string, role assay.Role, body []byte) assay.Observation {
	o := observation(arm, role)
	o.Started, o.Duration = at, time.Duration(math.Exp(14+r.NormFloat64()))
	o.Header = assay.Header{"Content-Type": {"application/json"}, "Set-Cookie": {"a=1", "b=2"}}
	o.Body, o.BodySize = body, int64(len(body))
	o.Log = []byte("REPORT RequestId: 1")
	o.Cold, o.MaxMemoryMB, o.MemoryMB = r.IntN(20) == 0, 30+r.IntN(20), 128
	if r.IntN(4) > 0 {
		o.CostUSD = 1e-7 * (1 + r.Float64())
	}
	if r.IntN(10) == 0 {
		kinds := []assay.FaultKind{assay.FaultTimeout, assay.FaultCrash, assay.FaultFunction}
		o.Fault = &assay.Fault{Kind: kinds[r.IntN(len(kinds))], Message: "it failed"}
	}
	return o
}

func drawDifferences(r *rand.Rand) (all []assay.Difference) {
	for range max(0, r.IntN(8)-4) {
		d := assay.Difference{Path: "status", Kind: assay.KindValue, Control: "200", Candidate: "500"}
		if r.IntN(2) == 0 {
			d.Path = fmt.Sprintf("body:$.items[%d].price", r.IntN(3))
		}
		if r.IntN(3) == 0 {
			d.Kind = assay.KindType
		}
		if r.IntN(2) == 0 {
			d.Ignored = "a rule"
		}
		all = append(all, d)
	}
	return all
}

// strip does what listing does.
func strip(t *assay.Trial) {
	t.Invocation.Payload = nil
	if t.Invocation.Request != nil {
		request := *t.Invocation.Request
		request.Body = nil
		t.Invocation.Request = &request
	}
	t.Control.Body, t.Control.Log = nil, nil
	if t.Secondary != nil {
		secondary := *t.Secondary
		secondary.Observation.Body, secondary.Observation.Log = nil, nil
		t.Secondary = &secondary
	}
	t.Candidates = slices.Clone(t.Candidates)
	for i := range t.Candidates {
		t.Candidates[i].Observation.Body, t.Candidates[i].Observation.Log = nil, nil
	}
}

// selects says in the plainest way whether a query is for a trial.
func selects(q assay.Query, t *assay.Trial) bool {
	if q.Experiment != "" && q.Experiment != t.Experiment || t.Since < q.Since {
		return false
	}
	var found, mismatch bool
	for i := range t.Candidates {
		c := &t.Candidates[i]
		if q.Arm != "" && q.Arm != c.Observation.Arm {
			continue
		}
		differs, excused := at(c, q.Path, "")
		found = found || differs || excused || q.Path == ""
		mismatch = mismatch || differs
	}
	return found && (q.Outcome == "" || mismatch == (q.Outcome == assay.OutcomeMismatch))
}

// folded folds the paths that drawDifferences makes.
func folded(path string) string {
	return strings.NewReplacer("[0]", "[*]", "[1]", "[*]", "[2]", "[*]").Replace(path)
}

// recount counts trials of one experiment by one pass for each number, however slow.
func recount(trials []assay.Trial) assay.Counts {
	c := assay.Counts{Trials: int64(len(trials)), First: trials[0].Time, Last: trials[len(trials)-1].Time}
	control := assay.ArmCounts{Name: "control", Role: assay.RoleControl}
	secondary := assay.ArmCounts{Name: "control", Role: assay.RoleSecondary}
	for i := range trials {
		recountObservation(&control, &trials[i].Control)
		if s := trials[i].Secondary; s != nil {
			recountObservation(&secondary, &s.Observation)
		}
	}
	c.Arms = []assay.ArmCounts{control, secondary}
	for i := range trials[0].Candidates {
		c.Arms = append(c.Arms, recountCandidate(trials, i))
	}
	return c
}

func recountObservation(a *assay.ArmCounts, o *assay.Observation) {
	a.Observations++
	if o.Fault != nil {
		if a.Faults == nil {
			a.Faults = map[assay.FaultKind]int64{}
		}
		a.Faults[o.Fault.Kind]++
	}
	if o.Cold {
		a.Cold++
	}
	if o.CostUSD > 0 {
		a.Priced++
	}
	a.CostUSD += o.CostUSD
	a.CostSquares += o.CostUSD * o.CostUSD
	a.MaxMemoryMB = max(a.MaxMemoryMB, o.MaxMemoryMB)
}

func recountCandidate(trials []assay.Trial, i int) assay.ArmCounts {
	a := assay.ArmCounts{Name: trials[0].Candidates[i].Observation.Arm, Role: assay.RoleCandidate}
	for n := range trials {
		c := &trials[n].Candidates[i]
		recountObservation(&a, &c.Observation)
		a.Trials++
		switch {
		case c.Outcome() == assay.OutcomeMismatch:
			a.Mismatches++
		case len(c.Differences) > 0:
			a.Matches++
			a.Ignored++
		default:
			a.Matches++
		}
		if c.Observation.Cold {
			a.ColdTrials++
			a.ColdMismatches += map[assay.Outcome]int64{assay.OutcomeMismatch: 1}[c.Outcome()]
		}
		if s := trials[n].Secondary; s != nil {
			a.Paired++
			recountFaults(&a, &c.Observation, &s.Observation)
			switch [2]assay.Outcome{c.Outcome(), s.Outcome()} {
			case [2]assay.Outcome{assay.OutcomeMismatch, assay.OutcomeMatch}:
				a.CandidateOnly++
			case [2]assay.Outcome{assay.OutcomeMatch, assay.OutcomeMismatch}:
				a.SecondaryOnly++
			case [2]assay.Outcome{assay.OutcomeMismatch, assay.OutcomeMismatch}:
				a.Both++
			}
		}
	}
	for _, path := range []string{"status", "body:$.items[*].price"} {
		for _, kind := range []assay.Kind{assay.KindValue, assay.KindType} {
			a.Paths = append(a.Paths, recountPath(trials, i, path, kind))
		}
	}
	return a
}

func recountFaults(a *assay.ArmCounts, candidate, secondary *assay.Observation) {
	if !candidate.Cold && !secondary.Cold {
		a.WarmPairs++
	}
	if candidate.Fault != nil && secondary.Fault == nil {
		a.FaultOnly++
	}
	if candidate.Fault == nil && secondary.Fault != nil {
		a.SecondaryFaultOnly++
	}
}

func recountPath(trials []assay.Trial, i int, path string, kind assay.Kind) assay.PathCount {
	p := assay.PathCount{Path: path, Kind: kind}
	for n := range trials {
		differs, excused := at(&trials[n].Candidates[i], path, kind)
		if differs {
			p.Mismatches++
		} else if excused {
			p.Ignored++
		}
		if trials[n].Secondary == nil {
			continue
		}
		noisy, _ := at(trials[n].Secondary, path, kind)
		if noisy {
			p.Noise++
		}
		if differs && !noisy {
			p.CandidateOnly++
		}
		if noisy && !differs {
			p.SecondaryOnly++
		}
	}
	return p
}

// at tells whether a comparison has a difference of a kind at a path that no rule excuses, and one that
// a rule does; "" is any path, or any kind.
func at(c *assay.Comparison, path string, kind assay.Kind) (differs, excused bool) {
	for _, d := range c.Differences {
		if (path == "" || folded(d.Path) == path) && (kind == "" || d.Kind == kind) {
			differs = differs || d.Ignored == ""
			excused = excused || d.Ignored != ""
		}
	}
	return differs, excused
}

func keep(t *testing.T, store assay.Store, trials ...assay.Trial) {
	t.Helper()
	if err := store.Keep(t.Context(), assay.Batch{Trials: trials}); err != nil {
		t.Fatal(err)
	}
}

func counts(t *testing.T, store assay.Store, experiment string, since int) assay.Counts {
	t.Helper()
	c, err := store.Counts(t.Context(), experiment, since)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func candidateOne(t *testing.T, store assay.Store) assay.ArmCounts {
	t.Helper()
	c := counts(t, store, Experiment, 1)
	return c.Arm(assay.RoleCandidate, "one")
}

func query(t *testing.T, store assay.Store, q assay.Query) assay.Page {
	t.Helper()
	page, err := store.Trials(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func ids(trials []assay.Trial) []string {
	out := make([]string, len(trials))
	for i := range trials {
		out[i] = trials[i].ID
	}
	slices.Sort(out)
	return out
}

func sortPaths(p []assay.PathCount) {
	slices.SortFunc(p, func(a, b assay.PathCount) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
	})
}

func near(got, want, relative float64) bool { return math.Abs(got-want) <= relative*math.Abs(want) }
