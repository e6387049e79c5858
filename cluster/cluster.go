// Package cluster groups mismatches that are likely to have one cause. In come a trial and how a candidate
// compares; out go the signature that the group has in common and its name, and, from what was counted of
// a group, whether it is open, accepted or fixed. Pure.
package cluster

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/noise"
)

// maxPlaces is how many places a signature names. Mismatches at more have their first ones in common.
const maxPlaces = 8

// Other is the path of a place that stands for all that are not named.
const Other = "other"

// Of returns the signature of a mismatch: where it differs without excuse and how, what sort of value each
// side has there, and on which route with which status codes.
func Of(t *assay.Trial, c *assay.Comparison) assay.Signature {
	return assay.Signature{
		Route:    Route(t.Invocation.Request),
		Statuses: [2]int{t.Control.Status, c.Observation.Status},
		Places:   Places(c.Differences),
	}
}

// Places lists where differences without excuse are, each place once, in order.
func Places(differences []assay.Difference) []assay.Place {
	var places []assay.Place
	for i := range differences {
		if d := &differences[i]; d.Ignored == "" {
			places = append(places, placeOf(d))
		}
	}
	slices.SortFunc(places, func(a, b assay.Place) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Control, b.Control), cmp.Compare(a.Candidate, b.Candidate))
	})
	places = slices.Compact(places)
	if len(places) > maxPlaces {
		places = append(places[:maxPlaces], assay.Place{Path: Other})
	}
	return places
}

// placeOf names what sort of values differ, where a difference is of values; of faults it is their kind.
func placeOf(d *assay.Difference) assay.Place {
	p := assay.Place{Path: assay.FoldPath(d.Path), Kind: d.Kind}
	switch d.Kind {
	case assay.KindValue, assay.KindType, assay.KindMissing, assay.KindExtra:
		p.Control, p.Candidate = noise.Sort(d.Control), noise.Sort(d.Candidate)
	case assay.KindFault:
		p.Control, p.Candidate = d.Control, d.Candidate
	}
	return p
}

// ID names a signature, in twelve hexadecimal digits.
func ID(s assay.Signature) string {
	text, _ := json.Marshal(s) // strings and numbers: always
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// identifier is a segment of a path that names one thing among many: a number, a UUID, a long hexadecimal
// word.
var identifier = regexp.MustCompile(`^([0-9]+|(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?i)[0-9a-f]{12,})$`)

// Route is a request's method and path with {id} for the segments that name one thing among many.
func Route(r *assay.Request) string {
	if r == nil {
		return "invoke"
	}
	segments := strings.Split(r.Path, "/")
	for i, s := range segments {
		if identifier.MatchString(s) {
			segments[i] = "{id}"
		}
	}
	return r.Method + " " + strings.Join(segments, "/")
}

// What it takes for a cluster that is not seen any more to count as fixed.
const (
	leastQuiet  = 100  // trials without it
	quietChance = 0.01 // that so many would go by without it, had it gone on as before
)

// Gone tells whether a cluster has not been seen for so many trials that it would have been, at the rate it
// had between its first sight and its last.
func Gone(c *assay.Cluster) bool {
	if c.Quiet < leastQuiet {
		return false
	}
	rate := float64(c.Count) / float64(max(c.Span, c.Count, 1))
	return math.Pow(1-rate, float64(c.Quiet)) <= quietChance
}

// Judge fills in the state of clusters, from the counts, the rules in force and what people said last.
// Accepted stays accepted. Fixed lasts until the cluster is seen again.
func Judge(clusters []assay.Cluster, rules []assay.Rule, marks []assay.Mark) {
	for i := range clusters {
		c := &clusters[i]
		switch {
		case !Gone(c):
			c.State = assay.ClusterOpen
		case slices.ContainsFunc(c.Signature.Places, func(p assay.Place) bool { return ruled(p.Path, rules) }):
			c.State = assay.ClusterExcused
		default:
			c.State = assay.ClusterFixed
		}
		for _, m := range marks {
			if m.Arm == c.Arm && m.ID == c.ID {
				heed(c, m)
			}
		}
	}
}

// ruled tells whether a rule is about a path.
func ruled(path string, rules []assay.Rule) bool {
	return slices.ContainsFunc(rules, func(r assay.Rule) bool {
		return path == r.Path || r.Class == assay.ClassUnordered && strings.HasPrefix(path, r.Path+"[*]")
	})
}

// heed lets a cluster be what somebody said it is, unless it was seen after it was called fixed.
func heed(c *assay.Cluster, m assay.Mark) {
	said := assay.ClusterState(m.State)
	if said == assay.ClusterFixed && c.Last.After(m.Time) {
		c.State, c.Returns = assay.ClusterOpen, c.Returns+1
		return
	}
	if said == assay.ClusterOpen {
		return // unless nobody has seen it since
	}
	c.State, c.By, c.Changed = said, m.By, m.Time
}
