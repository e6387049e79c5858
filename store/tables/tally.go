package tables

import (
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stats"
)

// What totals are of.
type (
	evidence struct {
		experiment string
		since      int
	}
	arm struct {
		evidence
		role assay.Role
		name string
	}
	place struct {
		path string
		kind assay.Kind
	}
	armPlace struct {
		arm
		place
	}
)

// span is how many trials there were, and when.
type span struct {
	trials      int64
	first, last time.Time
}

// armTotals is what is counted of one arm. Faults, latencies and sums of costs are what they come to with those
// kept; costs are added up in the order of the trials, so that batches do not show in their last digits. All other
// numbers are of new trials alone. Latency, ColdLatency, Paths and Blocks are empty.
type armTotals struct {
	assay.ArmCounts
	latency, coldLatency *stats.Sketch
	before               struct{ trials, mismatches int64 } // those kept
}

// mark is the outcome that trial seq had under a subject.
type mark struct {
	subject
	outcome assay.Outcome
	time    int64
	seq     int64
	since   int
}

// subject is what a trial can be searched by; arm and path are "" for any.
type subject struct {
	experiment, arm, path string
}

// known is what is kept of the arms of new trials that these go on from.
type known struct {
	arms   map[arm]*armTotals
	paths  map[arm]map[string]bool // of candidates, counted apart
	blocks map[arm]blocks          // of candidates
}

// blocks are the pairs of one candidate by measure.
type blocks map[assay.Measure]*stats.Blocks

// tally counts trials. It is pure: what it adds up is written elsewhere.
type tally struct {
	known   known
	pairs   map[arm]bool // whose blocks went on
	minutes minutes
	spans   map[evidence]*span
	arms    map[arm]*armTotals
	seen    []arm // the keys of arms, in order
	paths   map[armPlace]*assay.PathCount
	marks   []mark

	milestones []milestone
}

func newTally(known known) *tally {
	return &tally{
		known: known, pairs: map[arm]bool{}, minutes: minutes{}, spans: map[evidence]*span{},
		arms: map[arm]*armTotals{}, paths: map[armPlace]*assay.PathCount{},
	}
}

func (t *tally) add(trial *assay.Trial, seq int64) {
	e := evidence{trial.Experiment, trial.Since}
	t.span(e).add(trial.Time)
	if trial.Rare {
		t.rare(e, trial, seq)
		return
	}
	t.trend(trial)
	t.arm(arm{e, assay.RoleControl, trial.Control.Arm}).observe(&trial.Control)
	if s := trial.Secondary; s != nil {
		t.arm(arm{e, assay.RoleSecondary, s.Observation.Arm}).observe(&s.Observation)
	}
	marks := map[subject]assay.Outcome{{experiment: e.experiment}: trial.Outcome()}
	for i := range trial.Candidates {
		c := &trial.Candidates[i]
		key := candidate(trial, c)
		t.arm(key).observe(&c.Observation)
		t.arm(key).compare(c, trial.Secondary)
		t.pass(key, trial.Time)
		if trial.Secondary != nil {
			t.pair(key, &c.Observation, &trial.Secondary.Observation)
		}
		marks[subject{e.experiment, key.name, ""}] = c.Outcome()
		for p, unexcused := range t.locate(key, c, trial.Secondary) {
			for _, name := range []string{key.name, ""} {
				s := subject{e.experiment, name, p.path}
				marks[s] = max(marks[s], outcomeAt(unexcused)) // a mismatch is the greater
			}
		}
	}
	for s, o := range marks {
		t.marks = append(t.marks, mark{s, o, trial.Time.UnixMicro(), seq, trial.Since})
	}
}

// rare counts a trial apart: it is found again, and no verdict is made of it.
func (t *tally) rare(e evidence, trial *assay.Trial, seq int64) {
	marks := map[subject]assay.Outcome{{experiment: e.experiment}: trial.Outcome()}
	for i := range trial.Candidates {
		c := &trial.Candidates[i]
		a := t.arm(arm{e, assay.RoleRare, c.Observation.Arm})
		a.observe(&c.Observation)
		a.compare(c, nil)
		marks[subject{e.experiment, c.Observation.Arm, ""}] = c.Outcome()
	}
	for s, o := range marks {
		t.marks = append(t.marks, mark{s, o, trial.Time.UnixMicro(), seq, trial.Since})
	}
}

// outcomeAt is what a place has come to: a trial that mismatches elsewhere alone does not mismatch there.
func outcomeAt(unexcused bool) assay.Outcome {
	if unexcused {
		return assay.OutcomeMismatch
	}
	return assay.OutcomeMatch
}

func candidate(t *assay.Trial, c *assay.Comparison) arm {
	return arm{evidence{t.Experiment, t.Since}, assay.RoleCandidate, c.Observation.Arm}
}

func (t *tally) span(e evidence) *span {
	if t.spans[e] == nil {
		t.spans[e] = new(span)
	}
	return t.spans[e]
}

func (s *span) add(at time.Time) {
	if s.trials == 0 || at.Before(s.first) {
		s.first = at
	}
	if s.trials == 0 || at.After(s.last) {
		s.last = at
	}
	s.trials++
}

func (t *tally) arm(key arm) *armTotals {
	if t.arms[key] == nil {
		t.arms[key] = newArm()
		if before := t.known.arms[key]; before != nil {
			t.arms[key] = before
		}
		t.seen = append(t.seen, key)
	}
	return t.arms[key]
}

func newArm() *armTotals {
	return &armTotals{ArmCounts: assay.ArmCounts{Faults: map[assay.FaultKind]int64{}}, latency: stats.NewSketch(), coldLatency: stats.NewSketch()}
}

func (a *armTotals) observe(o *assay.Observation) {
	a.Observations++
	if o.Cold {
		a.Cold++
	}
	if o.Fault != nil {
		a.Faults[o.Fault.Kind]++
	}
	if o.Timed() {
		stratum := a.latency
		if o.Cold {
			stratum = a.coldLatency
		}
		stratum.Add(float64(o.Duration) / float64(time.Millisecond))
	}
	a.MaxMemoryMB = max(a.MaxMemoryMB, o.MaxMemoryMB)
	if o.CostUSD > 0 {
		a.Priced++
		a.CostUSD += o.CostUSD
		a.CostSquares += o.CostUSD * o.CostUSD
	}
}

func (a *armTotals) compare(c, secondary *assay.Comparison) {
	mismatch := c.Outcome() == assay.OutcomeMismatch
	a.Trials++
	a.Mismatches += one(mismatch)
	a.Matches += one(!mismatch)
	a.Ignored += one(!mismatch && len(c.Differences) > 0)
	a.ColdTrials += one(c.Observation.Cold)
	a.ColdMismatches += one(c.Observation.Cold && mismatch)
	if secondary == nil {
		return
	}
	noise := secondary.Outcome() == assay.OutcomeMismatch
	a.Paired++
	a.CandidateOnly += one(mismatch && !noise)
	a.SecondaryOnly += one(!mismatch && noise)
	a.Both += one(mismatch && noise)
}

// pair folds the calls of a candidate and the secondary in one trial into the blocks of all measures.
func (t *tally) pair(key arm, candidate, secondary *assay.Observation) {
	a := t.arm(key)
	a.FaultOnly += one(candidate.Fault != nil && secondary.Fault == nil)
	a.SecondaryFaultOnly += one(candidate.Fault == nil && secondary.Fault != nil)
	if candidate.Cold || secondary.Cold {
		return
	}
	a.WarmPairs++
	t.pairs[key] = true
	if t.known.blocks[key] == nil {
		t.known.blocks[key] = blocks{}
	}
	for _, m := range assay.Measures {
		t.known.blocks[key].of(m).Add(stats.Statistic(m.Quantile()), m.Of(candidate), m.Of(secondary))
	}
}

func (b blocks) of(m assay.Measure) *stats.Blocks {
	if b[m] == nil {
		b[m] = new(stats.Blocks)
	}
	return b[m]
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// locate counts where a candidate and the secondary, if there is one, differ from the control, and
// returns where the candidate does, and whether without excuse. A place counts once in a trial, however
// many indexes it stands for.
func (t *tally) locate(key arm, c, secondary *assay.Comparison) map[place]bool {
	places := t.places(key, c)
	for p, unexcused := range places {
		t.path(key, p).Mismatches += one(unexcused)
		t.path(key, p).Ignored += one(!unexcused)
	}
	if secondary == nil {
		return places
	}
	noise := t.places(key, secondary)
	for p, unexcused := range places {
		t.path(key, p).CandidateOnly += one(unexcused && !noise[p])
	}
	for p, unexcused := range noise {
		if unexcused {
			t.path(key, p).Noise++
			t.path(key, p).SecondaryOnly += one(!places[p])
		}
	}
	return places
}

// places lists where a comparison found differences, and whether one of them there is not excused.
func (t *tally) places(key arm, c *assay.Comparison) map[place]bool {
	if len(c.Differences) == 0 {
		return nil
	}
	places := map[place]bool{}
	for i := range c.Differences {
		d := &c.Differences[i]
		p := place{t.admit(key, assay.FoldPath(d.Path)), d.Kind}
		places[p] = places[p] || d.Ignored == ""
	}
	return places
}

// admit returns the path under which differences of an arm are counted.
func (t *tally) admit(key arm, path string) string {
	known := t.known.paths[key]
	if known == nil {
		known = map[string]bool{}
		t.known.paths[key] = known
	}
	if !known[path] && (len(known) >= maxPaths || len(path) > maxPath) {
		return otherPath
	}
	known[path] = true
	return path
}

func (t *tally) path(key arm, p place) *assay.PathCount {
	k := armPlace{key, p}
	if t.paths[k] == nil {
		t.paths[k] = &assay.PathCount{Path: p.path, Kind: p.kind}
	}
	return t.paths[k]
}
