package noise

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
)

// minPairs is how many pairs must show a rule before it is proposed.
const minPairs = 3

// Proposal is a rule that the control's own noise suggests. It has no owner and no end yet.
type Proposal struct {
	Name string `json:"id"` // the rule's ID
	assay.Rule
	Pairs    int         `json:"pairs"`    // trials that show it; none contradicts it
	Examples [][2]string `json:"examples"` // what control and secondary had, in up to three of them
}

// order is that in which classes are tried: what says most of a value comes first.
var order = []assay.Class{
	assay.ClassUUID, assay.ClassTimestamp, assay.ClassHTTPDate, assay.ClassETag, assay.ClassRequestID,
	assay.ClassEpoch, assay.ClassCounter, assay.ClassJitter, assay.ClassToken,
}

// Propose lists the rules that the samples suggest, but for those in force already, in the order of
// their paths. Every sample at a path must fit: a path at which the control also differs from itself in
// another way gets no rule.
func Propose(samples []assay.NoiseSample, inForce []assay.Rule) []Proposal {
	paths, names := byPath(samples)
	arrays := unordered(paths, names)
	all := arrays
	for _, path := range names {
		below := func(p Proposal) bool { return strings.HasPrefix(path, p.Path+"[*]") }
		if slices.ContainsFunc(arrays, below) || len(paths[path]) < minPairs {
			continue
		}
		if p, ok := single(path, paths[path]); ok {
			all = append(all, p)
		}
	}
	all = slices.DeleteFunc(all, func(p Proposal) bool {
		return slices.ContainsFunc(inForce, func(r assay.Rule) bool { return r.ID() == p.ID() })
	})
	slices.SortFunc(all, func(a, b Proposal) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// byPath sorts samples by their paths, each in the order of time. A path with differences that are not
// of values alone is left with what cannot fit.
func byPath(samples []assay.NoiseSample) (paths map[string][]assay.NoiseSample, names []string) {
	paths = map[string][]assay.NoiseSample{}
	for _, s := range samples {
		if paths[s.Path] == nil {
			names = append(names, s.Path)
		}
		paths[s.Path] = append(paths[s.Path], s)
	}
	slices.Sort(names)
	for _, list := range paths {
		slices.SortStableFunc(list, func(a, b assay.NoiseSample) int { return a.Time.Compare(b.Time) })
	}
	return paths, names
}

// single finds the class that every value at a path has.
func single(path string, samples []assay.NoiseSample) (Proposal, bool) {
	for _, class := range order {
		distances, ok := distances(class, path, samples)
		if !ok {
			continue
		}
		if within, ok := plausible(class, samples, distances); ok {
			return propose(assay.Rule{Path: path, Class: class, Within: within}, len(samples), samples), true
		}
		if class != assay.ClassCounter {
			break // a time that is not of the moment is no opaque word either
		}
	}
	return Proposal{}, false
}

func propose(r assay.Rule, pairs int, samples []assay.NoiseSample) Proposal {
	return Proposal{r.ID(), r, pairs, examples(samples)}
}

// distances is how far apart the values of each pair are; false if one is not of the class.
func distances(class assay.Class, path string, samples []assay.NoiseSample) (all []float64, ok bool) {
	for _, s := range samples {
		if s.Kind != assay.KindValue || len(s.Control) == 0 || len(s.Control) != len(s.Secondary) {
			return nil, false
		}
		for i := range s.Control {
			a, okA := kinds[class](path, text(s.Control[i]))
			b, okB := kinds[class](path, text(s.Secondary[i]))
			if !okA || !okB {
				return nil, false
			}
			all = append(all, b-a)
		}
	}
	return all, true
}

// Bounds of what is proposed.
const (
	hour          = 3600 // seconds: how far apart two calls of one trial may be for their times to be of the moment
	leastTime     = 60   // seconds that a rule for times allows at least; a loaded machine takes a while
	largestJitter = 0.05 // of the larger number
	margin        = 10   // times as far apart as was seen may times be
	jitterMargin  = 2    // likewise for numbers
)

// plausible tells whether the distances look like the class, and how far apart values may be.
func plausible(class assay.Class, samples []assay.NoiseSample, distances []float64) (within float64, ok bool) {
	largest := 0.0
	for _, d := range distances {
		largest = max(largest, math.Abs(d))
	}
	switch class {
	case assay.ClassTimestamp, assay.ClassHTTPDate, assay.ClassEpoch:
		return max(leastTime, roundUp(margin*largest)), largest <= hour
	case assay.ClassCounter:
		return 0, monotone(samples, distances)
	case assay.ClassJitter:
		return roundUp(jitterMargin * largest), nearly(samples)
	}
	return 0, true
}

// monotone tells whether a number grows from each call to the next: within the pairs, and from pair to pair.
func monotone(samples []assay.NoiseSample, distances []float64) bool {
	if slices.Min(distances) <= 0 {
		return false
	}
	last := math.Inf(-1)
	for _, s := range samples {
		v, _ := counter("", text(s.Control[0]))
		if v < last {
			return false
		}
		last = v
	}
	return true
}

// nearly tells whether all numbers of the pairs are close to one another for their size.
func nearly(samples []assay.NoiseSample) bool {
	for _, s := range samples {
		for i := range s.Control {
			a, _ := number("", text(s.Control[i]))
			b, _ := number("", text(s.Secondary[i]))
			if math.Abs(a-b) > largestJitter*max(math.Abs(a), math.Abs(b)) {
				return false
			}
		}
	}
	return true
}

// roundUp is the next number with one digit that is not zero.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 0
	}
	exponent := math.Floor(math.Log10(v))
	digit := math.Ceil(v/math.Pow(10, exponent) - 1e-9)
	rounded, _ := strconv.ParseFloat(fmt.Sprintf("%ge%g", digit, exponent), 64) // the number as it is written
	return rounded
}

// unordered finds the arrays of which only the order differs: at every path below one, both sides have the
// same values at other indexes. Of arrays within arrays the innermost is tried first.
func unordered(paths map[string][]assay.NoiseSample, names []string) (all []Proposal) {
	tried := map[string]bool{}
	for _, name := range names {
		for end := strings.LastIndex(name, "[*]"); end > 0; end = strings.LastIndex(name[:end], "[*]") {
			array := name[:end]
			if tried[array] {
				continue
			}
			tried[array] = true
			if p, ok := permuted(array, paths, names); ok {
				all = append(all, p)
				break
			}
		}
	}
	return all
}

func permuted(array string, paths map[string][]assay.NoiseSample, names []string) (Proposal, bool) {
	trials := map[string]bool{}
	var shown []assay.NoiseSample
	for _, name := range names {
		if name != array && !strings.HasPrefix(name, array+"[*]") {
			continue
		}
		for _, s := range paths[name] {
			if !samePile(s) {
				return Proposal{}, false
			}
			trials[s.Trial] = true
		}
		shown = append(shown, paths[name]...)
	}
	return propose(assay.Rule{Path: array, Class: assay.ClassUnordered}, len(trials), shown), len(trials) >= minPairs
}

// samePile tells whether both sides have the same values in another order.
func samePile(s assay.NoiseSample) bool {
	return s.Kind == assay.KindValue && len(s.Control) > 1 && slices.Equal(slices.Sorted(slices.Values(s.Control)), slices.Sorted(slices.Values(s.Secondary)))
}

func examples(samples []assay.NoiseSample) (all [][2]string) {
	for _, s := range samples[:min(len(samples), 3)] {
		all = append(all, [2]string{strings.Join(s.Control, ", "), strings.Join(s.Secondary, ", ")})
	}
	return all
}
