package tables

import (
	"encoding/json"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/cluster"
)

// What is learned of differences is bounded, however many differ.
const (
	maxSamples    = 50  // of noise, for each path and kind
	maxNoisy      = 300 // paths and kinds of an experiment that have any
	maxRendered   = 100 // values of one sample
	maxExcuses    = 200 // rules of a candidate that are counted apart
	maxClusters   = 300 // of a candidate; the rest is one
	otherRule     = "other rules"
	clusterOfRest = "other"
)

// What is learned is of these.
type (
	pupil  struct{ experiment, arm string } // a candidate, in all versions
	excuse struct {
		pupil
		since int
		rule  string
	}
	noisy struct {
		experiment, path string
		kind             assay.Kind
	}
)

// lesson is what one batch of trials teaches, on top of what was learned before. Once that is recalled it is
// pure: it is written elsewhere, each row once.
type lesson struct {
	pupils  map[pupil]*learned
	excuses map[excuse]*assay.ExcuseCount // of this batch
	samples map[noisy][]sample            // of this batch, the newest
}

// learned is what is known of a candidate.
type learned struct {
	trials   int64
	clusters map[string]*sighted
	rules    map[int]map[string]bool // by the version since which they are counted
}

// sighted is a cluster as its row has it.
type sighted struct {
	signature                 string
	count                     int64
	first, last               int64
	firstVersion, lastVersion int
	example                   string
	began, seen, returns      int64
	fresh                     bool // seen in this batch
}

// sample is one of noise, with the seq of its trial.
type sample struct {
	assay.NoiseSample
	seq int64
}

func (l *lesson) pupil(p pupil) *learned {
	if l.pupils[p] == nil {
		l.pupils[p] = &learned{clusters: map[string]*sighted{}, rules: map[int]map[string]bool{}}
	}
	return l.pupils[p]
}

// rule returns the name under which a rule is counted.
func (k *learned) rule(since int, rule string) string {
	if k.rules[since] == nil {
		k.rules[since] = map[string]bool{}
	}
	if known := k.rules[since]; !known[rule] && (len(known) >= maxExcuses || len(rule) > maxPath) {
		return otherRule
	}
	k.rules[since][rule] = true
	return rule
}

func (l *lesson) add(t *assay.Trial, seq int64) error {
	if t.Secondary != nil {
		for _, s := range samplesOf(t) {
			at := noisy{t.Experiment, s.Path, s.Kind}
			l.samples[at] = append(l.samples[at], sample{s, seq})
			l.samples[at] = l.samples[at][max(0, len(l.samples[at])-maxSamples):]
		}
	}
	for i := range t.Candidates {
		k := &t.Candidates[i]
		p := pupil{t.Experiment, k.Observation.Arm}
		l.pupil(p).trials++
		l.countExcuses(p, t, k)
		if k.Outcome() == assay.OutcomeMatch {
			continue
		}
		if err := l.pupil(p).see(t, cluster.Of(t, k)); err != nil {
			return err
		}
	}
	return nil
}

// samplesOf folds the differences of a secondary that no rule excuses, one sample for each path and kind.
func samplesOf(t *assay.Trial) []assay.NoiseSample {
	var all []assay.NoiseSample
	for _, d := range t.Secondary.Differences {
		path := assay.FoldPath(d.Path)
		if d.Ignored != "" || len(path) > maxPath {
			continue
		}
		i := slices.IndexFunc(all, func(s assay.NoiseSample) bool { return s.Path == path && s.Kind == d.Kind })
		if i < 0 {
			i = len(all)
			all = append(all, assay.NoiseSample{Path: path, Kind: d.Kind, Trial: t.ID, Time: t.Time})
		}
		if s := &all[i]; len(s.Control) < maxRendered {
			s.Control, s.Secondary = append(s.Control, d.Control), append(s.Secondary, d.Candidate)
		}
	}
	return all
}

// countExcuses counts each rule once a trial.
func (l *lesson) countExcuses(p pupil, t *assay.Trial, k *assay.Comparison) {
	here := excusesOf(k)
	var there []string
	if t.Secondary != nil {
		there = excusesOf(t.Secondary)
	}
	for _, rule := range here {
		x := l.excuse(p, t.Since, rule)
		x.Hits++
		x.CandidateOnly += one(t.Secondary != nil && !slices.Contains(there, rule))
		if t.Time.After(x.Last) {
			x.Last = t.Time
		}
	}
	for _, rule := range there {
		if !slices.Contains(here, rule) {
			l.excuse(p, t.Since, rule).SecondaryOnly++
		}
	}
}

func excusesOf(k *assay.Comparison) (rules []string) {
	for _, d := range k.Differences {
		if d.Ignored != "" && !slices.Contains(rules, d.Ignored) {
			rules = append(rules, d.Ignored)
		}
	}
	return rules
}

func (l *lesson) excuse(p pupil, since int, rule string) *assay.ExcuseCount {
	at := excuse{p, since, l.pupil(p).rule(since, rule)}
	if l.excuses[at] == nil {
		l.excuses[at] = &assay.ExcuseCount{}
	}
	return l.excuses[at]
}

// see adds a sight to the cluster of its signature, which begins with it if there is none. When a candidate
// has as many clusters as are kept apart, all others are one.
func (k *learned) see(t *assay.Trial, signature assay.Signature) error {
	id := cluster.ID(signature)
	if k.clusters[id] == nil && len(k.clusters) >= maxClusters {
		id, signature = clusterOfRest, assay.Signature{Places: []assay.Place{{Path: cluster.Other}}}
	}
	at := t.Time.UnixMicro()
	s := k.clusters[id]
	if s == nil {
		text, err := json.Marshal(signature)
		if err != nil {
			return err
		}
		s = &sighted{signature: string(text), first: at, last: at, firstVersion: t.Version, lastVersion: t.Version, began: k.trials - 1, seen: k.trials}
		k.clusters[id] = s
	}
	before := assay.Cluster{Count: s.count, Span: s.seen - s.began, Quiet: k.trials - 1 - s.seen}
	if s.count > 0 && cluster.Gone(&before) {
		s.returns++
	}
	s.count++
	s.first, s.last = min(s.first, at), max(s.last, at)
	s.firstVersion, s.lastVersion = min(s.firstVersion, t.Version), max(s.lastVersion, t.Version)
	s.example, s.seen, s.fresh = t.ID, k.trials, true
	return nil
}
