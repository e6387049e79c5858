// Package whatif compares kept trials again under other comparators and rules. In come trials with their
// bodies; out goes which mismatches appear and which disappear. Pure.
package whatif

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/assaylab/assay"
)

// maxExamples is how many trials are named for each path.
const maxExamples = 3

// Result is what other comparators and rules would have made of the trials. Before is under those in force
// now, of the same bodies, so that nothing but the change makes the difference.
type Result struct {
	Compared   int         `json:"compared"`       // trials
	Bare       int         `json:"without_bodies"` // not compared: their bodies were not kept
	Withheld   int         `json:"withheld"`       // not compared: a body could not be kept as it was
	Candidates []Candidate `json:"candidates"`
}

// Candidate counts the trials of one candidate.
type Candidate struct {
	Name      string `json:"name"`
	Before    int    `json:"before"` // that mismatch
	After     int    `json:"after"`
	Appear    int    `json:"appear"`    // that would mismatch, and do not
	Disappear int    `json:"disappear"` // that do, and would not
	Paths     []Path `json:"paths"`     // at which a trial's differences change, most changes first
}

// Path counts the trials of a candidate that mismatch at a path.
type Path struct {
	Path      string     `json:"path"` // array indexes folded to [*]
	Kind      assay.Kind `json:"kind"`
	Before    int        `json:"before"`
	After     int        `json:"after"`
	Appear    int        `json:"appear"`
	Disappear int        `json:"disappear"`
	Examples  []string   `json:"examples"` // trials that change there
}

// Replay compares trials under two comparators.
type Replay struct {
	before, after assay.Comparator
	result        Result
}

// New begins with the comparator in force, and the one to try.
func New(before, after assay.Comparator) *Replay { return &Replay{before: before, after: after} }

// withheld begins what `trial` keeps instead of a body that it could not redact.
var withheld = []byte("[withheld: ")

// Add compares one trial again.
func (r *Replay) Add(t *assay.Trial) {
	switch {
	case !t.Bodies:
		r.result.Bare++
		return
	case lacksBody(t):
		r.result.Withheld++
		return
	}
	r.result.Compared++
	before, after := assay.ComparatorFor(r.before, &t.Invocation), assay.ComparatorFor(r.after, &t.Invocation)
	for i := range t.Candidates {
		control, other := whole(t.Control, &t.Candidates[i])
		r.candidate(t.Candidates[i].Observation.Arm).add(t.ID, before.Compare(&control, &other), after.Compare(&control, &other))
	}
}

func lacksBody(t *assay.Trial) bool {
	return bytes.HasPrefix(t.Control.Body, withheld) || slices.ContainsFunc(t.Candidates, func(c assay.Comparison) bool {
		return bytes.HasPrefix(c.Observation.Body, withheld)
	})
}

// whole makes the sizes of bodies agree with what was kept of them: redaction and decoding changed them.
// Bodies that had not been seen whole stay so.
func whole(control assay.Observation, c *assay.Comparison) (_, other assay.Observation) {
	other = c.Observation
	if slices.ContainsFunc(c.Differences, func(d assay.Difference) bool { return d.Kind == assay.KindTruncated }) {
		control.BodySize = max(control.BodySize, int64(len(control.Body))+1)
		return control, other
	}
	control.BodySize, other.BodySize = int64(len(control.Body)), int64(len(other.Body))
	return control, other
}

func (r *Replay) candidate(name string) *Candidate {
	for i := range r.result.Candidates {
		if r.result.Candidates[i].Name == name {
			return &r.result.Candidates[i]
		}
	}
	r.result.Candidates = append(r.result.Candidates, Candidate{Name: name, Paths: []Path{}})
	return &r.result.Candidates[len(r.result.Candidates)-1]
}

// place is where differences are counted.
type place struct {
	path string
	kind assay.Kind
}

// places lists where differences count, each place once.
func places(differences []assay.Difference) (all []place) {
	for _, d := range differences {
		p := place{assay.FoldPath(d.Path), d.Kind}
		if d.Ignored == "" && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

func (c *Candidate) add(trial string, before, after []assay.Difference) {
	old, now := places(before), places(after)
	was, is := len(old) > 0, len(now) > 0
	c.Before += one(was)
	c.After += one(is)
	c.Appear += one(is && !was)
	c.Disappear += one(was && !is)
	for _, p := range now {
		c.at(p).add(trial, slices.Contains(old, p), true)
	}
	for _, p := range old {
		if !slices.Contains(now, p) {
			c.at(p).add(trial, true, false)
		}
	}
}

// maxPaths bounds the places that are counted apart; the rest is one.
const maxPaths = 500

func (c *Candidate) at(p place) *Path {
	i := slices.IndexFunc(c.Paths, func(q Path) bool { return q.Path == p.path && q.Kind == p.kind })
	switch {
	case i >= 0:
		return &c.Paths[i]
	case len(c.Paths) >= maxPaths && p != (place{path: "other"}):
		return c.at(place{path: "other"})
	}
	c.Paths = append(c.Paths, Path{Path: p.path, Kind: p.kind, Examples: []string{}})
	return &c.Paths[len(c.Paths)-1]
}

func (p *Path) add(trial string, was, is bool) {
	p.Before += one(was)
	p.After += one(is)
	p.Appear += one(is && !was)
	p.Disappear += one(was && !is)
	if was != is && len(p.Examples) < maxExamples {
		p.Examples = append(p.Examples, trial)
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Result returns what was found so far. Of paths it lists those at which something changes.
func (r *Replay) Result() Result {
	result := r.result
	result.Candidates = []Candidate{}
	for _, c := range r.result.Candidates {
		c.Paths = slices.DeleteFunc(slices.Clone(c.Paths), func(p Path) bool { return p.Appear+p.Disappear == 0 })
		slices.SortStableFunc(c.Paths, func(a, b Path) int {
			return cmp.Or(cmp.Compare(b.Appear+b.Disappear, a.Appear+a.Disappear), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
		})
		result.Candidates = append(result.Candidates, c)
	}
	return result
}
