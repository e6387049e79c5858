package judge

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// TestLanguage runs the cases of testdata: given observations, expect a verdict, of which each expectation
// gives a part, or "none" for nothing. Cases begin with "case" and a name. The lines of a case, in which ARM is "control", "secondary" or a candidate:
//
//	hypothesis mismatch 0.1% faults 1% p99 110% cold.p50 150% cost 100% memory 110% guard.errors 1% delta.latency 5% alpha 0.05
//	secondary 20%                                     share of trials that call the control again
//	until 1000                                        trials
//	sampled 1000                                      of the ledger; so are offered, unsafe 30, dropped queue_full 100
//	trials ARM: 950 match, 50 mismatch
//	pairs ARM: 12 candidate, 3 secondary, 1 both, 184 neither
//	path ARM: body:$.a 50 mismatch, 12 candidate, 3 secondary
//	calls ARM: 990 warm, 10 cold                      observations, whatever became of them
//	faults ARM: 12 timeout, 1 crash
//	faulted ARM: 12 candidate, 3 secondary            of the pairs: which side alone faulted
//	cold ARM: 7 match, 3 mismatch                     of the trials, those in which ARM was cold
//	warm ARM: 200                                     pairs of warm calls, if not those in blocks
//	blocks ARM: p50 20x104% 5x97%                     25 differences of blocks, 20 of a ratio of 104 %
//	coldlatency ARM: 500x10                           as latency
//	latency ARM: 500x10 20x40                         500 answers took 10 ms, 20 took 40 ms
//	cost ARM: 500x2e-7 20x4e-7                        in USD
//	expect ARM: refuted
//	reason ARM: a part of the reason                  change likewise
//	check ARM: holds latency p99 <= 110%
//	needs ARM: 338                                    trials in all; 0 if it does not say
//	effect ARM: equivalent latency p50                likewise assumed, notseen, strata, paths
func TestLanguage(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		for _, c := range readCases(t, file) {
			t.Run(c.name, c.run)
		}
	}
}

type testCase struct {
	name, where  string
	experiment   assay.Experiment
	counts       assay.Counts
	expectations []expectation
}

type expectation struct{ where, what, arm, text string }

func readCases(t *testing.T, file string) []*testCase {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []*testCase
	scanner := bufio.NewScanner(f)
	for n := 1; scanner.Scan(); n++ {
		line, _, _ := strings.Cut(scanner.Text(), "#")
		where := fmt.Sprintf("%s:%d", file, n)
		switch word, rest, _ := strings.Cut(strings.TrimSpace(line), " "); {
		case word == "":
		case word == "case":
			cases = append(cases, &testCase{name: rest, where: where})
		case len(cases) == 0:
			t.Fatalf("%s: %q before the first case", where, line)
		default:
			if err := cases[len(cases)-1].line(where, word, rest); err != nil {
				t.Fatalf("%s: %v", where, err)
			}
		}
	}
	return cases
}

func (c *testCase) line(where, word, rest string) error {
	fields := strings.Fields(rest)
	switch word {
	case "hypothesis":
		return c.hypothesis(fields)
	case "secondary":
		return parse(rest, &c.experiment.Secondary)
	case "until":
		n, err := strconv.ParseInt(rest, 10, 64)
		c.experiment.Until.Trials = n
		return err
	case "sampled", "offered", "unsafe", "dropped":
		return c.ledger(word, fields)
	}
	arm, rest, ok := strings.Cut(rest, ": ")
	if !ok {
		return fmt.Errorf("no arm and colon in %q", rest)
	}
	if slices.Contains([]string{"expect", "reason", "change", "check", "needs", "effect", "assumed", "notseen", "strata", "paths"}, word) {
		c.expectations = append(c.expectations, expectation{where, word, arm, rest})
		return nil
	}
	return c.observe(c.arm(arm), word, rest)
}

func (c *testCase) hypothesis(fields []string) error {
	h := &c.experiment.Hypothesis
	for pair := range slices.Chunk(fields, 2) {
		var value float64
		if err := parse(pair[1], &value); err != nil {
			return err
		}
		switch name := pair[0]; name {
		case "mismatch":
			h.Mismatch = value
		case "alpha":
			h.Alpha = value
		case "cost":
			h.Cost = &value
		case "memory":
			h.Memory = &value
		case "faults":
			h.Faults = &value
		default:
			claim(h, name, value)
		}
	}
	return nil
}

// claim reads "p99", "cold.p50", "guard.errors" or "delta.cost".
func claim(h *assay.Hypothesis, name string, value float64) {
	of, name, dotted := strings.Cut(name, ".")
	claims := map[string]*map[string]float64{"cold": &h.Cold, "guard": &h.Guard, "delta": &h.Delta}[of]
	if !dotted {
		claims, name = &h.Latency, of
	}
	if *claims == nil {
		*claims = map[string]float64{}
	}
	(*claims)[name] = value
}

func (c *testCase) ledger(word string, fields []string) error {
	n, err := strconv.ParseInt(fields[len(fields)-1], 10, 64)
	switch word {
	case "sampled":
		c.counts.Sampled = n
	case "offered":
		c.counts.Offered = n
	case "unsafe":
		c.counts.NotSampled = map[string]int64{"unsafe": n}
	case "dropped":
		c.counts.Dropped = map[string]int64{fields[0]: n}
	}
	return err
}

// arm returns the counts of that arm, in its role.
func (c *testCase) arm(name string) *assay.ArmCounts {
	role := assay.RoleCandidate
	if name == string(assay.RoleControl) || name == string(assay.RoleSecondary) {
		role = assay.Role(name)
	}
	for i := range c.counts.Arms {
		if c.counts.Arms[i].Name == name {
			return &c.counts.Arms[i]
		}
	}
	if role == assay.RoleCandidate {
		c.experiment.Candidates = append(c.experiment.Candidates, assay.Arm{Name: name})
	}
	c.counts.Arms = append(c.counts.Arms, assay.ArmCounts{Name: name, Role: role})
	return &c.counts.Arms[len(c.counts.Arms)-1]
}

func (c *testCase) observe(a *assay.ArmCounts, word, rest string) error {
	switch word {
	case "latency":
		return histogram(rest, func(n int64, ms float64) {
			a.Latency.Buckets = append(a.Latency.Buckets, assay.Bucket{Value: ms, Count: n})
		})
	case "coldlatency":
		return histogram(rest, func(n int64, ms float64) {
			a.ColdLatency.Buckets = append(a.ColdLatency.Buckets, assay.Bucket{Value: ms, Count: n})
		})
	case "blocks":
		measure, rest, _ := strings.Cut(rest, " ")
		return blocks(a, assay.Measure(measure), rest)
	case "warm":
		n, err := strconv.ParseInt(rest, 10, 64)
		a.WarmPairs = n
		return err
	case "cost":
		return histogram(rest, func(n int64, usd float64) {
			a.Priced += n
			a.CostUSD += float64(n) * usd
			a.CostSquares += float64(n) * usd * usd
		})
	case "path":
		path, rest, _ := strings.Cut(rest, " ")
		n, err := tallies(rest)
		kind := assay.KindValue
		if path == "fault" {
			kind = assay.KindFault
		}
		a.Paths = append(a.Paths, assay.PathCount{Path: path, Kind: kind, Mismatches: n["mismatch"],
			CandidateOnly: n["candidate"], SecondaryOnly: n["secondary"]})
		return err
	}
	n, err := tallies(rest)
	switch word {
	case "trials":
		a.Matches, a.Mismatches = n["match"], n["mismatch"]
		a.Trials = a.Matches + a.Mismatches
		c.counts.Trials = a.Trials
	case "pairs":
		a.CandidateOnly, a.SecondaryOnly, a.Both = n["candidate"], n["secondary"], n["both"]
		a.Paired = a.CandidateOnly + a.SecondaryOnly + a.Both + n["neither"]
	case "faulted":
		a.FaultOnly, a.SecondaryFaultOnly = n["candidate"], n["secondary"]
	case "cold":
		a.ColdMismatches = n["mismatch"]
		a.ColdTrials = n["match"] + n["mismatch"]
	case "calls":
		a.Cold, a.Observations = n["cold"], n["warm"]+n["cold"]
	case "faults":
		a.Faults = map[assay.FaultKind]int64{}
		path := assay.PathCount{Path: "fault", Kind: assay.KindFault}
		for kind, count := range n {
			a.Faults[assay.FaultKind(kind)] = count
			path.Mismatches += count
		}
		a.Paths = append(a.Paths, path)
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	return err
}

// blocks reads "20x104% 5x97%".
func blocks(a *assay.ArmCounts, m assay.Measure, text string) error {
	if a.Blocks == nil {
		a.Blocks = map[assay.Measure]assay.Blocks{}
	}
	var b assay.Blocks
	err := histogram(text, func(n int64, ratio float64) {
		b.Differences = append(b.Differences, slices.Repeat([]float64{math.Log(ratio)}, int(n))...)
	})
	b.Pairs = int64(len(b.Differences) * stats.Statistic(m.Quantile()).Size())
	a.WarmPairs = max(a.WarmPairs, b.Pairs)
	a.Blocks[m] = b
	return err
}

// tallies reads "950 match, 50 mismatch".
func tallies(text string) (map[string]int64, error) {
	counts := map[string]int64{}
	for part := range strings.SplitSeq(text, ", ") {
		n, what, _ := strings.Cut(strings.TrimSpace(part), " ")
		count, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			return nil, err
		}
		counts[what] = count
	}
	return counts, nil
}

// histogram reads "500x10 20x40".
func histogram(text string, add func(n int64, value float64)) error {
	for _, bar := range strings.Fields(text) {
		n, value, _ := strings.Cut(bar, "x")
		count, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			return err
		}
		var v float64
		if err := parse(value, &v); err != nil {
			return err
		}
		add(count, v)
	}
	return nil
}

// parse reads a number or a percentage.
func parse(text string, to *float64) error {
	digits, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(digits, 64)
	if percent {
		v /= 100
	}
	*to = v
	return err
}

func (c *testCase) run(t *testing.T) {
	if len(c.expectations) == 0 {
		t.Fatalf("%s: expects nothing", c.where)
	}
	verdicts := Judge(c.experiment, c.counts)
	for _, e := range c.expectations {
		v, ok := verdicts[e.arm]
		if !ok {
			t.Fatalf("%s: no verdict on %q", e.where, e.arm)
		}
		if got := e.of(v); !strings.Contains(got, e.text) && (e.text != "none" || got != "") {
			t.Errorf("%s: %s of %s is\n\t%s\nand should have\n\t%s", e.where, e.what, e.arm, got, e.text)
		}
	}
}

// of is what the verdict says where the expectation looks.
func (e expectation) of(v assay.Verdict) string {
	switch e.what {
	case "expect":
		return string(v.Outcome)
	case "reason":
		return v.Reason
	case "change":
		return v.Change
	}
	return e.list(v)
}

func (e expectation) list(v assay.Verdict) string {
	var all []string
	switch e.what {
	case "needs":
		if v.Needs == nil {
			return "0"
		}
		return strconv.FormatInt(v.Needs.Trials, 10)
	case "assumed":
		all = v.Assumed
	case "notseen":
		all = v.NotSeen
	case "strata":
		for _, s := range v.Strata {
			all = append(all, fmt.Sprintf("%s %d of %d", s.Name, s.Mismatches, s.Trials))
		}
	case "paths":
		for _, p := range v.Evidence.Paths {
			all = append(all, p.Path)
		}
	case "check":
		for _, check := range v.Evidence.Checks {
			all = append(all, fmt.Sprintf("%s %s", check.Conclusion, check.Clause))
		}
	case "effect":
		for _, check := range v.Evidence.Checks {
			all = append(all, fmt.Sprintf("%s %s", check.Effect, check.Clause))
		}
	}
	return strings.Join(all, "; ")
}
